//! What people see: verdicts first, numbers of six digits, tables that fit, differences, and lines beside the expected ones.

use crate::common::{bfc, codes, files, json, json_with_exit, stdout};

/// The cells of a line of a table.
fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// The line of a table that begins with a word.
fn line<'t>(text: &'t str, first: &str) -> &'t str {
    text.lines().find(|line| words(line).first() == Some(&first)).unwrap_or_else(|| panic!("{first}: {text}"))
}

#[test]
fn verdicts_come_before_the_numbers() {
    let source = "topology t {\n    0 -- 1\n    2 -- 3\n    ensure connected\n    ensure symmetric\n}\n";
    let (_directory, path) = files(&[("t.bf", source.as_bytes())]);
    let text = stdout(&["analyze", &path("t.bf"), "--size", "4"]);
    let place = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what}: {text}"));
    assert!(place("✗   t ensures   connected") < place("✓   t ensures   symmetric"));
    assert!(place("✓   t ensures   symmetric") < place("max_out_degree"), "{text}");
    assert_eq!(text.matches("✗").count(), 1);
}

#[test]
fn numbers_have_six_digits_in_text_and_all_in_json() {
    for (name, size) in [("ring", "7"), ("star", "9"), ("one_peer_exp2", "8"), ("path", "1000")] {
        let arguments = ["analyze", &format!("topology::{name}"), "--size", size];
        let (text, document) = (stdout(&arguments), json(&arguments));
        for (key, value) in document.as_object().expect("an object") {
            let Some(exact) = value.as_f64().filter(|_| value.is_f64()) else { continue };
            let shown = words(line(&text, key))[1];
            let read: f64 = shown.parse().unwrap_or_else(|_| panic!("{key}: {shown}"));
            let digits = shown.split('e').next().unwrap_or(shown).trim_start_matches(['-', '0', '.']);
            let digits = digits.replace('.', "").len();
            let error = if exact == 0.0 { read.abs() } else { (read / exact - 1.0).abs() };
            assert!(error <= 5.1e-6, "{key} of {name}: {shown} for {exact}");
            assert!(digits <= 6 || (exact.abs() - 1.0).abs() < 1e-5, "{key} of {name}: {shown}");
            assert_eq!(read.abs() == 1.0, exact.abs() == 1.0, "{key} of {name}: {shown} for {exact}");
            assert!(exact != 0.0 || shown == "0", "{key} of {name}: {shown}");
        }
    }
    let compared = stdout(&["compare", "topology::complete", "topology::ring", "--size", "7"]);
    assert_eq!(words(line(&compared, "rho")), ["rho", "0", "0.748993"], "{compared}");
}

#[test]
fn ways_of_all_reduce_are_named() {
    let text = stdout(&["simulate", "topology::ring", "--size", "4", "--cluster", "a100", "--steps", "2"]);
    for way in ["ring all-reduce", "tree all-reduce", "hierarchical all-reduce"] {
        assert!(text.contains(way), "{text}");
    }
}

/// The columns of a line; marks such as the hat of m̂ take none.
fn width(line: &str) -> usize {
    line.chars().filter(|letter| !('\u{300}'..='\u{36f}').contains(letter)).count()
}

/// Where the terminal has a width, lines are no longer, numbers stay whole, and nothing is lost.
#[test]
fn tables_fit_the_terminal() {
    let whole = |text: &str| {
        let mut letters: Vec<char> = text.chars().filter(|letter| letter.is_alphanumeric()).collect();
        letters.sort_unstable();
        letters
    };
    let simulate = ["simulate", "topology::ring", "--size", "4,8", "--cluster", "a100", "--steps", "2"];
    for arguments in [
        &["list"][..],
        &["cluster"],
        &["analyze", "topology::kautz", "--size", "12"],
        &simulate,
        &["advise", "--size", "8", "--cluster", "v100"],
    ] {
        let wide = stdout(arguments);
        for columns in [100, 120] {
            let told = bfc(arguments).env("COLUMNS", columns.to_string()).assert().code(0);
            let text = String::from_utf8_lossy(&told.get_output().stdout).into_owned();
            let longest = text.lines().map(width).max().unwrap_or(0);
            assert!(longest <= columns, "{longest} columns: {text}");
            assert_eq!(whole(&text), whole(&wide), "{arguments:?}");
        }
    }
    let narrow = bfc(&simulate).env("COLUMNS", "70").assert().code(0).get_output().stdout.clone();
    let narrow = String::from_utf8_lossy(&narrow).into_owned();
    let row = |text: &str| line(text, "8").to_string();
    assert_eq!(words(&row(&narrow)), words(&row(&stdout(&simulate))), "rows of numbers are not broken");
    for unusable in ["", "0", "wide"] {
        let told = bfc(&["list"]).env("COLUMNS", unusable).assert().code(0).get_output().stdout.clone();
        assert_eq!(String::from_utf8_lossy(&told), stdout(&["list"]), "{unusable}");
    }
}

#[test]
fn the_library_is_searched() {
    let names = |text: &str| -> Vec<String> {
        let entries = json(&["list", text]);
        let names = entries.as_array().expect("a list").iter();
        names.map(|entry| entry["name"].as_str().expect("a name").to_string()).collect()
    };
    let rings = names("RING");
    assert_eq!(rings[0], "topology::ring", "{rings:?}");
    assert!(names("gradient tracking").contains(&"algorithm::gradient_tracking".to_string()));
    assert!(names("topology::ring").contains(&"topology::ring".to_string()));
    let topologies = names("topology");
    assert!(topologies.iter().all(|name| name.starts_with("topology::")), "a part is listed alone");
    // A word of descriptions alone.
    assert!(names("bias").len() > 1);
    assert!(rings.contains(&"topology::chordal_ring".to_string()));
    assert!(!rings.contains(&"algorithm::beer".to_string()), "`neighbouring` is another word: {rings:?}");
}

#[test]
fn fmt_check_shows_what_would_change() {
    let source = "topology t {\n    0 -- 1\n    1--2\n    2 -- 3\n}\n";
    let (_directory, path) = files(&[("a.bf", source.as_bytes())]);
    let file = path("a.bf");
    let told = bfc(&["fmt", "--check", &file]).assert().code(1).get_output().clone();
    let difference = String::from_utf8_lossy(&told.stdout).into_owned();
    let expected = format!(
        "--- {file}\n+++ {file}, formatted\n@@ -1,5 +1,5 @@\n topology t {{\n     0 -- 1\n-    1--2\n+    1 -- 2\n     2 -- 3\n }}\n"
    );
    assert_eq!(difference, expected);
    let document = json_with_exit(&["fmt", "--check", &file], 1);
    assert_eq!(document["diagnostics"][0]["code"], "bfc::cli::not_formatted");
    assert_eq!(document["files"][0]["difference"], expected.as_str());
    let piped =
        bfc(&["fmt", "--check", "-"]).write_stdin(source).assert().code(1).get_output().stdout.clone();
    assert!(String::from_utf8_lossy(&piped).contains("+    1 -- 2\n"));
}

#[test]
fn an_example_shows_the_nearest_line() {
    let help = |lines: &str| {
        let source = format!(
            "/// ```console\n/// $ bfc analyze topology::ring --size 4\n{lines}/// ```\ntopology t {{ 0 -- 1 }}\n"
        );
        let (_directory, path) = files(&[("a.bf", source.as_bytes())]);
        let document = json_with_exit(&["test", &path("a.bf")], 1);
        assert_eq!(document["diagnostics"][0]["code"], "bfc::example::output", "{document:#}");
        assert_eq!(document["failed"], 1);
        document["diagnostics"][0]["help"].as_str().expect("help").to_string()
    };
    let near = help("///  rho   0.5\n");
    assert!(near.contains("expected: rho 0.5\n") && near.contains("found:    rho 0.333333 "), "{near}");
    let order = help("///  rho   …\n///  size   4\n");
    assert!(order.contains("further up"), "{order}");
}

#[test]
fn advice_is_formatted_and_says_why_in_a_line() {
    let (_directory, path) = files(&[]);
    // The last two end with weights of another rule and with a hierarchy first.
    for goal in [
        &["--size", "6", "--cluster", "v100"][..],
        &[
            "--size",
            "12",
            "--cluster",
            "v100",
            "--algorithm",
            "dgd",
            "--error",
            "0.1",
            "--heterogeneity",
            "0",
        ],
        &["--size", "48", "--cluster", "v100", "--model-bytes", "100 MB"],
    ] {
        let best = path(&format!("best{}.bf", goal.len()));
        let document = json(&[&["advise", "-o", &best], goal].concat());
        bfc(&["fmt", "--check", &best]).assert().code(0);
        assert_eq!(document["source"], std::fs::read_to_string(&best).expect("written"));
        for left_out in document["left_out"].as_array().expect("a list") {
            let reason = left_out["reason"].as_str().expect("words");
            assert!(!reason.contains('\n') && (5..=130).contains(&reason.chars().count()), "{reason}");
        }
    }
}

#[test]
fn a_long_range_shows_powers_of_two_and_the_last() {
    let text = stdout(&["analyze", "topology::ring", "--size", "3..259"]);
    let is_row = |line: &&str| words(line).len() == 7 && words(line)[0].parse::<u32>().is_ok();
    let rows: Vec<u32> = text.lines().filter(is_row).filter_map(|line| words(line)[0].parse().ok()).collect();
    for size in [3, 4, 8, 16, 32, 64, 128, 256, 259] {
        assert!(rows.contains(&size), "{size}: {rows:?}");
    }
    assert!(rows.is_sorted() && rows.len() < 40, "{rows:?}");
    assert!(text.contains(&format!("{} of 257 sizes", rows.len())), "{text}");
    let short = stdout(&["analyze", "topology::ring", "--size", "3..9"]);
    assert_eq!(short.lines().filter(is_row).count(), 7, "a short range is whole");
}

#[test]
fn headings_of_data_are_mentioned() {
    let (_directory, path) = files(&[
        ("ragged.csv", b"1,2,a\n1,b\n"),
        ("heading.csv", b"a,2,class\n1,2,x\n3,4,y\n"),
        ("edges.csv", b"a,b,0.5\nb,c,half\n"),
    ]);
    for name in ["ragged.csv", "heading.csv"] {
        let arguments = ["run", "examples/digits.bf", "--size", "2", "--data", &path(name)];
        let document = json_with_exit(&arguments, 1);
        let help = document["diagnostics"][0]["help"].as_str().expect("help");
        assert!(help.contains("heading"), "{name}: {help}");
    }
    let document = json_with_exit(&["import", &path("edges.csv")], 1);
    assert!(document["diagnostics"][0]["help"].as_str().is_some_and(|help| help.contains("source,target")));
}

/// A pipe that nobody writes to ends no compilation.
#[cfg(unix)]
#[test]
fn an_imported_pipe_is_refused() {
    let (directory, path) = files(&[("a.bf", b"use pipe::t\nschedule { topology t }\n")]);
    let made = std::process::Command::new("mkfifo").arg(path("pipe.bf")).status().expect("runs");
    assert!(made.success());
    assert_eq!(codes(&["check", &path("a.bf")], 1), ["bfc::resolve::missing_file"]);
    drop(directory);
}

/// On a terminal, which `script` gives it, a command that may take minutes shows how far it is, or for how long it has run.
#[cfg(target_os = "linux")]
#[test]
fn long_commands_show_their_progress() {
    let edges: String = (0..60_000).map(|i| format!("{i} {}\n", (7 * i + 1) % 60_000)).collect();
    let (_directory, path) = files(&[("links.txt", edges.as_bytes())]);
    let (graph, source) = (path("links.txt"), path("large.bf"));
    for (command, shown) in [
        (format!("import {graph} -o {source}"), "importing"),
        ("analyze topology::random_regular --size 512".into(), "analyzing"),
        ("analyze topology::random_regular --size 100..110".into(), "/11 sizes"),
        ("simulate topology::ring --size 64 --cluster a100 --steps 400".into(), "/400 steps"),
        ("run examples/digits.bf --size 4 --steps 30".into(), "/30 steps"),
        ("advise --size 8 --cluster v100".into(), " topologies"),
    ] {
        let line = format!("{} {command}", env!("CARGO_BIN_EXE_bfc"));
        let output = std::process::Command::new("script")
            .args(["-qec", &line, "/dev/null"])
            .current_dir(crate::common::root())
            .env("TERM", "xterm")
            .output()
            .expect("`script`, of every Linux");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains(shown), "{command}: {text}");
        // The same without a terminal.
        if command.starts_with("simulate") {
            let words: Vec<&str> = command.split(' ').collect();
            assert!(bfc(&words).assert().code(0).get_output().stderr.is_empty(), "{command}");
        }
    }
}
