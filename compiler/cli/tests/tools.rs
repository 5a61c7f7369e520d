//! `bfc fmt`, `bfc test` and `bfc new`.

use crate::common;
use crate::common::{bfc, codes, files, json, stdout};
use serde_json::Value;

const UGLY: &[u8] = b"topology t{for i in ranks{i->(i+1)mod size}} // c\n";
const PRETTY: &str = "topology t { for i in ranks { i -> (i + 1) mod size } } // c\n";

fn read(path: &str) -> String {
    std::fs::read_to_string(path).expect("a text file")
}

#[test]
fn the_library_and_the_examples_are_laid_out() {
    bfc(&["fmt", "--check", "stdlib", "examples"]).assert().code(0);
}

#[test]
fn fmt_formats_files_and_directories() {
    let (directory, path) = files(&[("a.bf", UGLY), ("b.bf", PRETTY.as_bytes()), ("c.txt", UGLY)]);
    let whole = directory.path().to_str().expect("a plain path");
    assert_eq!(codes(&["fmt", "--check", whole], 1), ["bfc::cli::not_formatted"]);
    assert_eq!(read(&path("a.bf")).as_bytes(), UGLY, "--check writes nothing");
    let document = json(&["fmt", whole]);
    let changed: Vec<&Value> =
        document["files"].as_array().expect("files").iter().map(|file| &file["changed"]).collect();
    assert_eq!(changed, [true, false]);
    assert_eq!((read(&path("a.bf")).as_str(), read(&path("c.txt")).as_bytes()), (PRETTY, UGLY));
    bfc(&["fmt", "--check", whole]).assert().code(0);
    assert_eq!(codes(&["fmt", &path("no.bf")], 2), ["bfc::cli::missing_file"]);
}

#[test]
fn fmt_is_a_filter() {
    let told = bfc(&["fmt", "-"]).write_stdin(UGLY).assert().code(0).get_output().stdout.clone();
    assert_eq!(String::from_utf8_lossy(&told), PRETTY);
    bfc(&["fmt", "--check", "-"]).write_stdin(UGLY).assert().code(1);
    bfc(&["fmt", "--check", "-"]).write_stdin(PRETTY).assert().code(0).stdout("");
}

#[test]
fn fmt_refuses_what_is_no_program_and_leaves_it() {
    let (_directory, path) = files(&[("bad.bf", b"topology t { i }\n"), ("a.bf", UGLY)]);
    assert_eq!(codes(&["fmt", &path("bad.bf"), &path("a.bf")], 1), ["bfc::parse::unexpected"]);
    assert_eq!(read(&path("bad.bf")), "topology t { i }\n");
    assert_eq!(read(&path("a.bf")), PRETTY, "the others are formatted");
}

#[cfg(unix)]
#[test]
fn fmt_keeps_links_and_permissions() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let (directory, path) = files(&[("a.bf", UGLY)]);
    std::fs::set_permissions(path("a.bf"), std::fs::Permissions::from_mode(0o640)).expect("set");
    symlink(path("a.bf"), directory.path().join("link.bf")).expect("linked");
    bfc(&["fmt", &path("link.bf")]).assert().code(0);
    assert!(std::fs::symlink_metadata(path("link.bf")).expect("there").is_symlink());
    assert_eq!(std::fs::metadata(path("a.bf")).expect("there").permissions().mode() & 0o777, 0o640);
    assert_eq!(read(&path("a.bf")), PRETTY);
}

#[test]
fn the_examples_of_the_library_are_true() {
    let document = json(&["test", "topology", "algorithm"]);
    assert!(document["examples"].as_array().is_some_and(|all| all.len() > 40), "{document:#}");
    assert_eq!(document["failed"], 0);
}

const DOCUMENTED: &str = "\
/// A ring.
///
/// ```bf size=5
/// use my::t
/// schedule { topology t }
/// ```
///
/// ```console
/// $ bfc analyze my.bf --size 4
///  size   4
///  rho   0.33…
/// $ bfc check no.bf # exits 2
/// $ bfc compile my.bf --size 4 -p 'hop=1' -o sched.bin
/// $ bfc verify sched.bin
/// ```
///
/// ```bf
/// topology t { for i in ranks { i -> i + 1 } }   // error: rank_out_of_range
/// ```
///
///     x = W x
///
/// ```text
/// not run
/// ```
topology t(hop: int = 1) { for i in ranks { i -- (i + hop) mod size } }
";

#[test]
fn examples_of_a_file_are_run() {
    let (directory, path) = files(&[("my.bf", DOCUMENTED.as_bytes())]);
    let document = json(&["test", &path("my.bf")]);
    let lines: Vec<&Value> =
        document["examples"].as_array().expect("examples").iter().map(|one| &one["line"]).collect();
    assert_eq!(lines, [4, 9, 18]);
    assert_eq!(
        std::fs::read_dir(directory.path()).expect("listed").count(),
        1,
        "nothing is written beside it"
    );
    assert!(stdout(&["test", &path("my.bf")]).contains("all 3 examples are true"));
}

#[test]
fn examples_that_are_not_true_fail_at_their_place() {
    let (_directory, path) = files(&[(
        "bad.bf",
        b"/// ```bf
/// topology a { 0 -> 1
/// ```
///
/// ```bf
/// topology a { 0 -- 1 }   // error: rank_out_of_range
/// ```
///
/// ```console
/// $ bfc check no.bf
/// ```
///
/// ```console
/// $ bfc analyze topology::ring --size 4
/// rho 7
/// ```
///
/// ```console
/// $ rm -rf x
/// ```
///
/// ```bf ranks=4
/// ```
///
/// ```console
/// $ bfc test bad.bf
/// ```
///
/// ```bf
/// topology a { 0 -- 1 }
topology t { 0 -- 1 }
",
    )]);
    let arguments = ["test", &path("bad.bf")];
    assert_eq!(
        codes(&arguments, 1),
        ["refused", "not_refused", "exit", "output", "malformed", "malformed", "exit", "malformed"]
            .map(|name| format!("bfc::example::{name}"))
    );
    let document = common::json_with_exit(&arguments, 1);
    let place = |index: usize| document["diagnostics"][index]["labels"][0]["line"].as_u64();
    assert_eq!([place(0), place(2), place(3), place(4)], [2, 10, 15, 19].map(Some), "{document:#}");
}

#[test]
fn what_has_no_examples_is_fine_and_what_is_not_there_is_not() {
    let (_directory, path) = files(&[("plain.bf", UGLY)]);
    assert!(stdout(&["test", &path("plain.bf")]).contains("no examples"));
    assert_eq!(codes(&["test", "topology::rings"], 2), ["bfc::cli::unknown_library_name"]);
    assert_eq!(codes(&["test", "no.bf"], 2), ["bfc::cli::missing_file"]);
    let (_directory, path) = files(&[("unknown.bf", b"topology t { rings }\nschedule { topology u }")]);
    assert_eq!(
        codes(&["test", &path("unknown.bf")], 1),
        ["bfc::parse::unexpected", "bfc::resolve::unknown_name"]
    );
    let (_directory, path) = files(&[("unknown.bf", b"schedule { topology u }")]);
    assert_eq!(codes(&["test", &path("unknown.bf")], 1), ["bfc::resolve::unknown_name"]);
}

#[test]
fn what_new_writes_checks_is_formatted_and_tested() {
    let directory = tempfile::tempdir().expect("a directory");
    let run = |arguments: &[&str]| bfc(arguments).current_dir(directory.path()).assert();
    for (name, flags) in
        [("my_schedule", &[][..]), ("my_ring", &["--topology"]), ("my_step", &["--algorithm"])]
    {
        let file = format!("{name}.bf");
        run(&[&["new", name], flags].concat()).code(0);
        run(&["check", &file, "--size", "7"]).code(0);
        run(&["fmt", "--check", &file]).code(0);
        let tested = run(&["test", &file]).code(0).get_output().stdout.clone();
        assert!(String::from_utf8_lossy(&tested).contains("true"), "{name} has an example");
        run(&[&["new", name], flags].concat()).code(2);
    }
    let told = run(&["new", "mine.bf"]).code(2).get_output().stderr.clone();
    assert!(String::from_utf8_lossy(&told).contains("`bfc new mine`"));
    for name in ["my-ring", "9", "", "size", "let", "../x", "ring"] {
        let more = if name == "ring" { &["--algorithm"][..] } else { &[] };
        run(&[&["new", name], more].concat()).code(2);
    }
}
