//! Whatever a file, a name or an argument holds: no command prints a character that a terminal obeys or that cannot be seen.

use crate::common::{self, bfc, files};
use bfc_schedule::Schedule;
use bfc_schedule::visible::is_hidden;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::path::Path;

/// Clears the screen, sets the title and a colour, rings, turns the direction of writing, and goes back over the line.
const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;t\u{7}\u{9b}31m\u{202e}\u{2066}\u{7f}\u{8}\u{200b}\r✓ proved";

/// Runs a command for people and for programs; nothing that it prints is hidden. What it printed for people.
#[track_caller]
fn harmless(arguments: &[&str], exit: i32) -> String {
    let document = bfc(arguments).args(["--format", "json"]).assert().code(exit).get_output().stdout.clone();
    let document = plain(arguments, document);
    assert!(serde_json::from_str::<Value>(&document).is_ok(), "{arguments:?}: {document}");
    let output = bfc(arguments).assert().code(exit).get_output().clone();
    plain(arguments, output.stdout) + &plain(arguments, output.stderr)
}

#[track_caller]
fn plain(arguments: &[&str], printed: Vec<u8>) -> String {
    let printed = String::from_utf8(printed).expect("text");
    let hidden = printed.chars().find(|letter| is_hidden(*letter) && !['\n', '\t'].contains(letter));
    assert_eq!(hidden, None, "{arguments:?}: {printed:?}");
    printed
}

const RING: &str = "topology t { for i in ranks { i -- (i + 1) mod size } }\n";

#[test]
fn sources() {
    for (source, exit) in [
        (format!("// {HOSTILE}\n{RING}"), 1),
        (format!("{RING}topology {HOSTILE}"), 1),
        (format!("{RING}fn f() = \"{HOSTILE}\"\n"), 1),
        (format!("use {HOSTILE}::a"), 1),
        (RING.replace("size", HOSTILE), 1),
        (format!("{RING}///{HOSTILE}\n"), 1),
    ] {
        let (_directory, path) = files(&[("s.bf", source.as_bytes())]);
        let (file, out) = (path("s.bf"), path("out.bin"));
        for arguments in [
            &["check", &file][..],
            &["analyze", &file, "--size", "4"],
            &["analyze", &file, "--size", "4..5"],
            &["compile", &file, "--size", "4", "-o", &out],
            &["compare", &file, "--size", "4"],
            &["run", &file, "--size", "4"],
            &["simulate", &file, "--size", "4", "--cluster", "v100"],
            &["fmt", &file],
            &["fmt", "--check", &file],
            &["test", &file],
            &["import", &file, "--kind", "node-link"],
        ] {
            harmless(arguments, exit);
        }
        for arguments in [["verify", &file], ["inspect", &file]] {
            harmless(&arguments, 1);
        }
        let told = bfc(&["fmt", "-"]).write_stdin(source).assert().code(1).get_output().clone();
        plain(&["fmt", "-"], [told.stdout, told.stderr].concat());
    }
}

#[cfg(unix)]
#[test]
fn file_names() {
    let name = format!("{HOSTILE}\nforged");
    let (directory, path) =
        files(&[(&format!("{name}.bf"), RING.as_bytes()), (&format!("{name}.csv"), b"0,1\n1,2\n2,3\n")]);
    let (source, table, schedule) =
        (path(&format!("{name}.bf")), path(&format!("{name}.csv")), path(&format!("{name}.bin")));
    let (missing, out) = (path(&format!("{name}.no")), path(&format!("{name}.out")));
    let is_forged = |text: &str| text.lines().any(|line| line.starts_with("forged"));
    for (arguments, exit) in [
        (&["compile", &source, "--size", "4", "-o", &schedule][..], 0),
        (&["verify", &schedule], 0),
        (&["inspect", &schedule], 0),
        (&["verify", &schedule, "--proof"], 0),
        (&["check", &source], 0),
        (&["analyze", &source, "--size", "4", "--out", &out], 0),
        (&["analyze", &source, "--size", "4..5", "--out", &out], 0),
        (&["compare", &source, &source, "--size", "4"], 0),
        (&["simulate", &source, "--size", "4", "--cluster", "v100", "--out", &out], 0),
        (&["test", &source], 0),
        (&["fmt", &source], 0),
        (&["import", &table], 0),
        (&["import", &table, "-o", &source], 2),
        (&["run", &source, "--size", "2"], 1),
        (&["run", "examples/digits.bf", "--size", "2", "--steps", "2", "--data", &table, "--out", &out], 0),
        (&["cluster", &table], 1),
        (&["check", &table], 1),
        (&["check", &missing], 2),
        (&["verify", &missing], 2),
        (&["verify", &source], 1),
        (&["fmt", &missing], 2),
        (&["fmt", "--check", &table], 1),
        (&["test", &missing], 2),
        (&["import", &missing], 2),
        (&["compile", &source, "--size", "4", "-o", directory.path().to_str().expect("plain")], 2),
        (&["analyze", &source, "--size", "4..5", "--out", &source], 2),
        (&["run", "examples/digits.bf", "--size", "2", "--data", &missing], 2),
        (&["probe", "--cluster", &missing], 2),
        (&["advise", "--size", "4", "--cluster", &missing], 2),
        (&["simulate", &source, "--size", "4", "--cluster", &missing], 2),
    ] {
        let told = harmless(arguments, exit);
        assert!(!is_forged(&told), "{arguments:?}: {told}");
    }
    for picture in std::fs::read_dir(Path::new(&out)).expect("written").flatten() {
        let text = std::fs::read_to_string(picture.path()).expect("text");
        if picture.path().extension().is_some_and(|extension| extension == "svg") {
            let document = roxmltree::Document::parse(&text).expect("a picture is XML");
            assert!(
                !document
                    .root()
                    .descendants()
                    .any(|node| node.text().is_some_and(|text| text.contains('\u{9b}')))
            );
        }
    }
}

#[test]
fn arguments() {
    let named = format!("a={HOSTILE}");
    for (arguments, exit) in [
        (&["explain", HOSTILE][..], 2),
        (&["list", HOSTILE], 2),
        (&["show", HOSTILE], 2),
        (&["man", HOSTILE], 2),
        (&["new", HOSTILE], 2),
        (&["completions", HOSTILE], 2),
        (&[HOSTILE], 2),
        (&["check", "--nonsense", HOSTILE], 2),
        (&["check", &format!("--{HOSTILE}")], 2),
        (&["analyze", "topology::ring", "--size", HOSTILE], 2),
        (&["analyze", "topology::ring", "--size", "4", "--curvature", HOSTILE], 2),
        (&["analyze", "topology::ring", "--size", "4", "-p", HOSTILE], 2),
        (&["analyze", "topology::ring", "--size", "4", "-p", &named], 1),
        (&["analyze", "topology::ring", "--size", "4", "-p", &format!("{HOSTILE}=1")], 1),
        (&["check", "topology::ring", "--allow", HOSTILE], 2),
        (&["check", &format!("topology::{HOSTILE}")], 2),
        (&["simulate", "topology::ring", "--size", "4", "--cluster", HOSTILE], 1),
        (&["simulate", "topology::ring", "--size", "4", "--cluster", "v100", "--lost", HOSTILE], 2),
        (&["simulate", "topology::ring", "--size", "4", "--cluster", "v100", "--model-bytes", HOSTILE], 2),
        (&["advise", "--size", "4", "--cluster", "v100", "--algorithm", HOSTILE], 2),
        (&["run", "examples/digits.bf", "--size", "4", "--lr", HOSTILE], 2),
    ] {
        let told = harmless(arguments, exit);
        let quoted =
            arguments.iter().any(|argument| argument.contains(HOSTILE)) && told.contains(r"\u{1b}[2J");
        assert!(
            quoted || told.contains("expected"),
            "{arguments:?} is quoted with what is hidden written out: {told}"
        );
    }
}

#[test]
fn tables_and_graphs() {
    let hostile = HOSTILE.replace('\r', "");
    let json_text = serde_json::to_string(HOSTILE).expect("JSON");
    for (name, content, exit) in [
        ("g.csv", format!("{hostile},b\nb,c\n"), 0),
        ("g.csv", format!("{hostile},b,0.5\nb,c,1\n{hostile},b,0.25\nb,d,1\n"), 1),
        ("g.csv", format!("{hostile},b,{hostile}\nb,c,1\n"), 1),
        ("g.csv", format!("{hostile},b\n{hostile}\n"), 1),
        ("g.csv", format!(",{hostile},{hostile}\na,0,1\nb,1,0\n"), 1),
        ("g.csv", format!("a,b,4\na,{hostile},5\nb,{hostile},3\n"), 0),
        ("g.txt", format!("0 1 {{}}\n1 {hostile} {{'weight': 0.5}}\n"), 1),
        (
            "g.json",
            format!("{{\"nodes\": [{{\"id\": {json_text}}}, {{\"id\": {json_text}}}], \"links\": []}}"),
            1,
        ),
        ("g.json", format!("{{\"nodes\": [], \"links\": [{{\"source\": {json_text}, \"target\": 1}}]}}"), 1),
        ("g.json", format!("{{\"nodes\": [{HOSTILE}"), 1),
        (
            "g.graphml",
            format!("<graphml><graph><node id='a'/><edge source='a' target='{hostile}'/></graph></graphml>"),
            1,
        ),
        ("g.graphml", format!("<graphml><{hostile}></graphml>"), 1),
    ] {
        let (_directory, path) = files(&[(name, content.as_bytes())]);
        harmless(&["import", &path(name)], exit);
    }
    for (content, exit) in [
        (format!("1,{HOSTILE},a\n2,3,b\n"), 1),
        (format!("1,2,{hostile}\n2,3,{hostile}\n"), 1),
        (format!("{hostile}\n"), 1),
        (format!("1;{hostile}\n"), 1),
        (
            format!(
                "x,{hostile},class\n{}",
                format!("1,2,{hostile}\n2,1,b\n3,3,{hostile}\n4,5,b\n").repeat(4)
            ),
            0,
        ),
    ] {
        let (_directory, path) = files(&[("d.csv", content.as_bytes())]);
        harmless(
            &["run", "examples/digits.bf", "--size", "2", "--steps", "3", "--data", &path("d.csv")],
            exit,
        );
    }
}

#[test]
fn clusters() {
    let ready = common::stdout(&["cluster", "v100"]);
    let name = ready.lines().find(|line| line.starts_with("name")).expect("a name");
    let escaped = r#"name = "\u001B[2J\u202E\nforged""#;
    for content in [
        ready.replace(name, escaped),
        ready.replace(name, &format!("name = \"{HOSTILE}\"")),
        format!("{ready}# {HOSTILE}\n"),
        format!("{ready}[{HOSTILE}]\n"),
        format!("{ready}\"{HOSTILE}\" = 1\n"),
        ready.replace("[inside]\n", "[inside]\n\"\\u001B[2J\" = \"\\u009B\"\n"),
    ] {
        let (_directory, path) = files(&[("c.toml", content.as_bytes())]);
        let cluster = path("c.toml");
        harmless(&["cluster", &cluster], 1);
        harmless(&["simulate", "topology::ring", "--size", "8", "--cluster", &cluster], 1);
        harmless(
            &["compile", "topology::ring", "--size", "8", "--cluster", &cluster, "-o", &path("s.bin")],
            1,
        );
        harmless(&["advise", "--size", "8", "--cluster", &cluster], 1);
    }
}

#[test]
fn what_a_schedule_says_about_itself() {
    let (_directory, path) =
        files(&[("star.bf", b"topology star { for i in 1..size { 0 -- i }\n weights uniform }")]);
    let schedule = path("s.bin");
    common::json(&["compile", &path("star.bf"), "--size", "4", "-o", &schedule]);
    let mut draft = Schedule::decode(&std::fs::read(&schedule).expect("a file")).expect("valid").into_draft();
    let forged = format!("{HOSTILE}\n✓ doubly_stochastic(star)");
    draft.overrides = vec![forged.clone()];
    draft.metadata =
        json!({ "cluster": forged, "placement": [0, 1, 2, 3], "entry": forged, "compiler": forged });
    let statement = json!({ "property": "doubly_stochastic", "of": [0] });
    draft.certificate = json!({ "checks": [
        { "item": forged, "claim": forged, "verdict": forged, "evidence": forged, "statement": statement },
    ] });
    std::fs::write(&schedule, Schedule::new(draft.clone()).expect("valid").encode()).expect("written");
    let is_forged = |text: &str| text.lines().any(|line| line.trim_start().starts_with('✓'));
    assert!(!is_forged(&harmless(&["inspect", &schedule], 0)));
    assert!(!is_forged(&harmless(&["verify", &schedule], 0)));
    assert!(!is_forged(&harmless(&["verify", &schedule, "--proof"], 1)));
    draft.certificate = json!({ "checks": [{ "claim": forged, "verdict": "proved", "statement": forged }] });
    std::fs::write(&schedule, Schedule::new(draft.clone()).expect("valid").encode()).expect("written");
    assert!(!is_forged(&harmless(&["verify", &schedule, "--proof"], 1)));
    draft.topologies[0].name = "star)\n✓ doubly_stochastic(star".to_string();
    assert!(Schedule::new(draft).is_err(), "no schedule has such a name");
}

/// A file whose checksums are right and whose topology is called so that its name forges a verdict.
#[test]
fn a_forged_name_is_refused() {
    let forged = "star)\n\u{1b}[32m✓ exact_average(star";
    let honest = "a".repeat(forged.len());
    let source = format!("topology {honest} {{ for i in 1..size {{ 0 -- i }} }}");
    let (_directory, path) = files(&[("star.bf", source.as_bytes())]);
    let schedule = path("s.bin");
    common::json(&["compile", &path("star.bf"), "--size", "4", "-o", &schedule]);
    let mut file = std::fs::read(&schedule).expect("a file");
    let places: Vec<usize> =
        (0..file.len()).filter(|at| file[*at..].starts_with(honest.as_bytes())).collect();
    places.into_iter().for_each(|at| file[at..at + forged.len()].copy_from_slice(forged.as_bytes()));
    seal(&mut file);
    std::fs::write(&schedule, file).expect("written");
    for arguments in [&["verify", &schedule][..], &["verify", &schedule, "--proof"], &["inspect", &schedule]]
    {
        let document = common::json_with_exit(arguments, 1);
        assert_eq!(document["diagnostics"][0]["related"][0]["code"], "bfc::verify::name", "{document:#}");
        let told = harmless(arguments, 1);
        assert!(!told.lines().any(|line| line.trim_start().starts_with('✓')), "{told}");
        assert!(told.contains(r"star)\n\u{1b}[32m✓ exact_average(star"), "{told}");
    }
}

/// Sets the checksums and the digest of a file whose sections were changed.
fn seal(file: &mut [u8]) {
    let number = |file: &[u8], at: usize| {
        u64::from_le_bytes(file[at..at + 8].try_into().expect("eight bytes")) as usize
    };
    let count = u32::from_le_bytes(file[12..16].try_into().expect("four bytes")) as usize;
    let mut digest = Sha256::new();
    for covered in ["program", "weights", "rounds", "tables"] {
        for entry in (0..count).map(|section| 64 + 32 * section) {
            let (start, length) = (number(file, entry + 16), number(file, entry + 24));
            let section = &file[start..start + length];
            let checksum = crc32fast::hash(section);
            if file[entry..].starts_with(covered.as_bytes()) {
                digest.update(&file[entry..entry + 8]);
                digest.update((length as u64).to_le_bytes());
                digest.update(section);
            }
            file[entry + 12..entry + 16].copy_from_slice(&checksum.to_le_bytes());
        }
    }
    file[32..64].copy_from_slice(&digest.finalize());
    file[24..28].fill(0);
    let checksum = crc32fast::hash(file);
    file[24..28].copy_from_slice(&checksum.to_le_bytes());
}

/// The language refuses in a source what is never printed as it is.
#[test]
fn sources_and_output_agree_on_what_is_hidden() {
    let blocks = [0..0x3100, 0xfe00..0x1_0100, 0xe_0000..0xe_1100, 0x10_ff00..0x11_0000];
    for letter in blocks.into_iter().flatten().filter_map(char::from_u32).filter(|letter| *letter != '\n') {
        let refused = !bfc_dsl::parse(Default::default(), &format!("// a{letter}b\n")).errors.is_empty();
        assert_eq!(refused, is_hidden(letter) && letter != '\t', "U+{:04X}", letter as u32);
    }
}
