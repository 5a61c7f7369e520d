//! Nothing that is there is destroyed by an output: every command writes by one function.
#![cfg(unix)]

use crate::common::{bfc, codes, files, json};
use std::fs;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::path::Path;
use std::process::Command;

const RING: &str = "topology t { for i in ranks { i -- (i + 1) mod size } }\n";
const UGLY: &str = "topology t{for i in ranks{i->(i+1)mod size}}\n";

/// Every command that takes `-o`, without its value.
fn writers<'a>(source: &'a str, table: &'a str) -> [Vec<&'a str>; 7] {
    [
        vec!["compile", source, "--size", "4", "-o"],
        vec!["export", source, "--size", "4", "-o"],
        vec!["import", table, "-o"],
        vec!["advise", "--size", "4", "--cluster", "v100", "-o"],
        vec!["probe", "-o"],
        vec!["draw", "matrix", source, "--size", "4", "-o"],
        vec!["report", source, "--size", "4", "-o"],
    ]
}

fn sources() -> (tempfile::TempDir, impl Fn(&str) -> String) {
    files(&[("s.bf", RING.as_bytes()), ("g.csv", b"0,1\n1,2\n2,3\n"), ("ugly.bf", UGLY.as_bytes())])
}

fn entries(directory: &Path) -> usize {
    fs::read_dir(directory).expect("listed").count()
}

#[test]
fn directories_are_created_and_links_stay() {
    let (directory, path) = sources();
    fs::create_dir(path("elsewhere")).expect("made");
    for (number, arguments) in writers(&path("s.bf"), &path("g.csv")).into_iter().enumerate() {
        let (new, link, target) = (
            path(&format!("no/{number}/out")),
            path(&format!("link{number}")),
            path(&format!("elsewhere/{number}")),
        );
        symlink(&target, &link).expect("linked");
        for output in [&new, &link] {
            bfc(&[&arguments[..], &[output]].concat()).assert().code(0);
        }
        assert!(fs::symlink_metadata(&link).expect("there").is_symlink(), "{arguments:?}");
        assert!(fs::read(&target).expect("written").len() > 20, "{arguments:?}");
        assert!(fs::read(&new).expect("written").len() > 20, "{arguments:?}");
        assert_eq!(entries(Path::new(&path(&format!("no/{number}")))), 1, "no temporary file stays");
    }
    assert_eq!(entries(&directory.path().join("elsewhere")), 7);
}

#[test]
fn pipes_are_written_to() {
    let (_directory, path) = sources();
    let pipe = path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("runs").success());
    for arguments in writers(&path("s.bf"), &path("g.csv")) {
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::read(pipe).expect("read")
        });
        bfc(&[&arguments[..], &[&pipe]].concat()).assert().code(0);
        assert!(reader.join().expect("read").len() > 20, "{arguments:?}");
        assert!(fs::metadata(&pipe).expect("there").file_type().is_fifo(), "{arguments:?}");
    }
    // A source that is a pipe is formatted to standard output.
    let writer = std::thread::spawn({
        let pipe = pipe.clone();
        move || fs::write(pipe, UGLY).expect("written")
    });
    let told = bfc(&["fmt", &pipe]).assert().code(0).get_output().stdout.clone();
    writer.join().expect("written");
    assert_eq!(String::from_utf8_lossy(&told), "topology t { for i in ranks { i -> (i + 1) mod size } }\n");
    assert!(fs::metadata(&pipe).expect("there").file_type().is_fifo());
}

/// A device like `/dev/null`, made for this test where that is allowed; where it is not, none can be destroyed.
#[test]
fn devices_stay() {
    let (_directory, path) = sources();
    let device = path("null");
    let made = Command::new("mknod").args([&device, "c", "1", "3"]).status().expect("runs").success();
    if !made {
        assert!(!Path::new(&device).exists());
        return;
    }
    let is_writable = fs::OpenOptions::new().write(true).open(&device).is_ok();
    for arguments in writers(&path("s.bf"), &path("g.csv")) {
        bfc(&[&arguments[..], &[&device]].concat()).assert().code(if is_writable { 0 } else { 2 });
        assert!(fs::metadata(&device).expect("there").file_type().is_char_device(), "{arguments:?}");
    }
}

#[test]
fn results_go_through_links_too() {
    let (_directory, path) = sources();
    fs::create_dir(path("out")).expect("made");
    symlink("../kept.json", Path::new(&path("out/analysis.json"))).expect("linked");
    let source = path("s.bf");
    bfc(&["analyze", &source, "--size", "4", "--out", &path("out")]).assert().code(0);
    assert!(fs::symlink_metadata(path("out/analysis.json")).expect("there").is_symlink());
    assert!(fs::read_to_string(path("kept.json")).expect("written").contains("rho"));
    bfc(&["analyze", &source, "--size", "4", "--out", &path("a/b")]).assert().code(0);
    assert_eq!(entries(Path::new(&path("a/b"))), 2);
    symlink("ugly.bf", Path::new(&path("link.bf"))).expect("linked");
    bfc(&["fmt", &path("link.bf")]).assert().code(0);
    assert!(fs::symlink_metadata(path("link.bf")).expect("there").is_symlink());
    assert_ne!(fs::read_to_string(path("ugly.bf")).expect("there"), UGLY);
}

#[test]
fn a_schedule_that_nobody_named_is_not_overwritten_in_silence() {
    let (directory, path) = sources();
    let compile = |more: &[&str]| {
        let mut command = bfc(&[&["compile", "s.bf", "--size", "4"], more].concat());
        command.current_dir(directory.path()).assert()
    };
    let said =
        |output: &std::process::Output| String::from_utf8_lossy(&output.stderr).contains("is replaced");
    assert!(!said(compile(&[]).code(0).get_output()), "there was none");
    assert!(said(compile(&[]).code(0).get_output()));
    assert!(!said(compile(&["-o", "sched.bin"]).code(0).get_output()), "it was named");
    let document = compile(&["--format", "json"]).code(0).get_output().stdout.clone();
    let document: serde_json::Value = serde_json::from_slice(&document).expect("JSON");
    assert_eq!((&document["file"], &document["replaced"]), (&"sched.bin".into(), &true.into()));
    fs::write(path("sched.bin"), "notes").expect("written");
    let told = compile(&[]).code(2).get_output().stderr.clone();
    assert!(String::from_utf8_lossy(&told).contains("bfc::cli::file_exists"));
    assert_eq!(fs::read_to_string(path("sched.bin")).expect("kept"), "notes");
    // Nor is another file that was named, such as the source.
    for taken in ["sched.bin", "s.bf"] {
        let held = fs::read(path(taken)).expect("there");
        let told = compile(&["-o", taken]).code(2).get_output().stderr.clone();
        assert!(String::from_utf8_lossy(&told).contains("bfc::cli::file_exists"), "{taken}");
        assert_eq!(fs::read(path(taken)).expect("kept"), held, "{taken}");
    }
    fs::write(path("sched.bin"), "").expect("written");
    compile(&["-o", "sched.bin"]).code(0);
    bfc(&["verify", &path("sched.bin")]).assert().code(0);
}

#[test]
fn new_files_take_no_place() {
    let (directory, path) = sources();
    let new = |name: &str| bfc(&["new", name]).current_dir(directory.path()).assert();
    new("s").code(2);
    assert_eq!(fs::read_to_string(path("s.bf")).expect("kept"), RING);
    assert_eq!(codes(&["import", &path("g.csv"), "-o", &path("s.bf")], 2), ["bfc::cli::file_exists"]);
    assert_eq!(
        codes(&["import", &path("g.csv"), "-o", directory.path().to_str().expect("plain")], 2),
        ["bfc::cli::file_exists"]
    );
    symlink("linked.bf", Path::new(&path("l.bf"))).expect("linked");
    new("l").code(0);
    assert!(path("linked.bf").len() > 3 && Path::new(&path("linked.bf")).is_file());
}

#[test]
fn nothing_that_may_have_been_edited_is_replaced() {
    let (directory, path) = sources();
    for arguments in writers(&path("s.bf"), &path("g.csv")) {
        let (taken, empty) = (path("ugly.bf"), path("empty"));
        assert_eq!(codes(&[&arguments[..], &[&taken]].concat(), 2), ["bfc::cli::file_exists"]);
        assert_eq!(fs::read_to_string(&taken).expect("kept"), UGLY, "{arguments:?}");
        fs::write(&empty, "").expect("written");
        bfc(&[&arguments[..], &[&empty]].concat()).assert().code(0);
        assert!(fs::read(&empty).expect("written").len() > 20, "{arguments:?}");
        // A schedule, a picture and a page are written anew, and what people edit is not.
        let is_generated = ["compile", "draw", "report"].contains(&arguments[0]);
        bfc(&[&arguments[..], &[&empty]].concat()).assert().code(if is_generated { 0 } else { 2 });
    }
    // They refuse before they compute.
    let absent = ["advise", "--size", "4", "--cluster", "absent", "-o", &path("s.bf")];
    assert_eq!(codes(&absent, 2), ["bfc::cli::file_exists"]);
    assert_eq!(entries(directory.path()), 4);
}

#[test]
fn results_replace_only_those_of_the_same_command() {
    let (_directory, path) = sources();
    let (ring, out) = (path("ring.bf"), path("out"));
    fs::write(
        &ring,
        "use topology::ring\nuse algorithm::dgd\nschedule {\n topology ring\n algorithm dgd\n}\n",
    )
    .expect("written");
    let place = ["--cluster", "v100", "--steps", "3"];
    let commands = [
        (["run.json", "convergence.svg"], vec!["run", &ring, "--size", "2", "--steps", "3"]),
        (["analysis.json", "consensus.svg"], vec!["analyze", &ring, "--size", "4"]),
        (["analysis.json", "convergence.svg"], vec!["analyze", &ring, "--size", "2..4"]),
        (["simulation.json", "efficiency.svg"], [&["simulate", &ring, "--size", "4"], &place[..]].concat()),
    ];
    let written = |arguments: &[&str], exit: i32| {
        let output = bfc(&[arguments, &["--out", &out]].concat()).assert().code(exit).get_output().clone();
        String::from_utf8_lossy(&output.stderr).contains("bfc::cli::file_exists")
    };
    for (_, arguments) in commands.iter().chain(&commands) {
        assert!(!written(arguments, 0), "{arguments:?}");
    }
    for (names, arguments) in &commands {
        for name in names {
            let file = format!("{out}/{name}");
            let result = fs::read(&file).expect("a result");
            for mine in ["notes", "{\n  \"mine\": 1\n}\n", "<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>"]
            {
                fs::write(&file, mine).expect("written");
                assert!(written(arguments, 2), "{name}: {arguments:?}");
                assert_eq!(fs::read_to_string(&file).expect("kept"), mine, "{name}: {arguments:?}");
            }
            fs::write(&file, result).expect("written");
        }
        assert!(!written(arguments, 0), "{arguments:?}");
    }
}

/// Commands of documentation run in a directory of their own, where the files beside the documented one are links.
#[test]
fn examples_write_nothing_elsewhere() {
    let outside = tempfile::tempdir().expect("a directory");
    let target = outside.path().join("x").display().to_string();
    let documented = format!(
        "/// ```console\n/// $ bfc compile my.bf --size 4\n/// $ bfc compile my.bf --size 4 -o sched.bin\n/// $ bfc fmt ugly.bf\n\
         /// formatted ugly.bf\n/// $ bfc compile my.bf --size 4 -o sub/s.bin\n\
         /// $ bfc compile my.bf --size 4 -o ../x # exits 2\n/// $ bfc compile my.bf --size 4 -o {target} # exits 2\n\
         /// $ bfc analyze my.bf --size 4 --out {target} # exits 2\n/// ```\n{RING}"
    );
    let (directory, path) = files(&[("my.bf", documented.as_bytes()), ("ugly.bf", UGLY.as_bytes())]);
    bfc(&["compile", &path("ugly.bf"), "--size", "5", "-o", &path("sched.bin")]).assert().code(0);
    let before = fs::read(path("sched.bin")).expect("a schedule");
    let document = json(&["test", &path("my.bf")]);
    assert_eq!(document["failed"], 0, "{document:#}");
    assert_eq!(fs::read(path("sched.bin")).expect("kept"), before);
    assert_eq!(fs::read_to_string(path("ugly.bf")).expect("kept"), UGLY);
    assert_eq!((entries(directory.path()), entries(outside.path())), (3, 0));
}
