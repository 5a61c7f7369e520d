//! Ranks are started, told who they are, and end together.

use crate::common::{bfc, codes, files, json, json_with_exit};
use assert_cmd::Command;
use bfc_runtime::conformance::schedules::{global_averaging, ring, schedule};
use bfc_runtime::{Flat, World};
use bfc_schedule::Rank;
use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{self, Child, Stdio};
use std::time::{Duration, Instant};

fn launch(options: &[&str], script: &str) -> Command {
    bfc(&[&["launch"][..], options, &["--", "sh", "-c", script]].concat())
}

/// What a launch that ends with `exit` prints.
fn printed(options: &[&str], script: &str, exit: i32) -> [String; 2] {
    let output = launch(options, script).assert().code(exit).get_output().clone();
    [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).expect("text"))
}

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

/// Waits until `ready`.
fn until(ready: impl Fn() -> bool) {
    let start = Instant::now();
    while !ready() {
        assert!(start.elapsed() < Duration::from_secs(30), "it does not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn is_running(pid: &str) -> bool {
    let state = fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
    state.is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().trim().starts_with('Z'))
}

#[test]
fn each_rank_learns_who_it_is() {
    let script = "echo $BFC_RANK of $BFC_SIZE, $BFC_LOCAL_RANK of $BFC_LOCAL_SIZE";
    let [out, _] = printed(&["-n", "3"], script, 0);
    assert_eq!(sorted(&out), ["0 of 3, 0 of 3", "1 of 3, 1 of 3", "2 of 3, 2 of 3"]);
    let second = ["-n", "2", "--nodes", "3", "--node-rank", "1", "--rendezvous", "node0:29500"];
    let output =
        launch(&second, &format!("{script}, $BFC_RENDEZVOUS")).env("BFC_SECRET", "5f".repeat(32)).assert();
    let out = String::from_utf8(output.code(0).get_output().stdout.clone()).expect("text");
    assert_eq!(sorted(&out), ["2 of 6, 0 of 2, node0:29500", "3 of 6, 1 of 2, node0:29500"]);
}

#[test]
fn the_rendezvous_is_private_and_goes() {
    let script =
        "stat -c '%a %n' $BFC_RENDEZVOUS; touch $BFC_RENDEZVOUS/left-$BFC_RANK; echo $BFC_SECRET | wc -c";
    let [out, _] = printed(&["-n", "2"], script, 0);
    let lines = sorted(&out);
    assert_eq!(lines[..2], ["65", "65"]);
    let directory = lines[2].strip_prefix("700 ").expect("mode 700");
    assert_eq!(lines[2], lines[3]);
    assert!(!Path::new(directory).exists());
}

#[test]
fn lines_are_tagged_and_whole() {
    let script = "for i in 1 2 3; do echo line $i; done; printf 'no end'; echo oh >&2";
    let [out, err] = printed(&["-n", "2", "--tag-output"], script, 0);
    let lines = sorted(&out);
    assert_eq!(lines[..4], ["[0] line 1", "[0] line 2", "[0] line 3", "[0] no end"]);
    assert_eq!(lines[4..], ["[1] line 1", "[1] line 2", "[1] line 3", "[1] no end"]);
    assert_eq!(sorted(&err), ["[0] oh", "[1] oh"]);
}

#[test]
fn the_first_failure_is_the_launchs() {
    let [_, err] = printed(&["-n", "3"], "if [ $BFC_RANK = 1 ]; then exit 7; fi; sleep 100", 7);
    assert!(err.contains("rank 1 exited with 7"), "{err}");
    let [_, err] = printed(&["-n", "3"], "if [ $BFC_RANK = 2 ]; then kill -KILL $$; fi; sleep 100", 137);
    assert!(err.contains("rank 2 was killed by SIGKILL"), "{err}");
    let failing = ["launch", "-n", "2", "--format", "json", "--", "sh", "-c", "echo out; exit 3"];
    let output = bfc(&failing).assert().code(3).get_output().clone();
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one document");
    assert_eq!(document["diagnostics"][0]["code"], "bfc::launch::rank_failed");
    let well = ["launch", "-n", "2", "--format", "json", "--", "echo", "out"];
    let output = bfc(&well).assert().code(0).get_output().clone();
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one document");
    assert_eq!(document, serde_json::json!({ "local_size": 2, "exit": 0 }));
}

/// A rank was killed while the launcher stood still, and another had exited before.
#[test]
fn a_rank_that_was_killed_is_the_cause() {
    let (_directory, path) = files(&[]);
    let script = format!(
        "if [ $BFC_RANK = 1 ]; then until [ -e {0} ]; do sleep 0.01; done; kill -KILL $$; fi
         kill -STOP $PPID; setsid sh -c \"sleep 0.1; touch {0}; sleep 0.3; kill -CONT $PPID\" & exit 3",
        path("stopped")
    );
    let [_, err] = printed(&["-n", "2"], &script, 137);
    assert!(err.contains("rank 1 was killed by SIGKILL"), "{err}");
}

/// Also what a rank has started, and a rank that does not end when it is asked to.
#[test]
fn no_process_is_left() {
    let (_directory, path) = files(&[]);
    let script = format!(
        "trap '' TERM; sleep 100 & echo $! > {0}-$BFC_RANK
         if [ $BFC_RANK = 0 ]; then until [ -s {0}-1 ]; do sleep 0.01; done; exit 1; fi
         sleep 100; sleep 100",
        path("child")
    );
    let start = Instant::now();
    printed(&["-n", "2", "--grace", "0.2s"], &script, 1);
    assert!(start.elapsed() < Duration::from_secs(60));
    for rank in 0..2 {
        let child = fs::read_to_string(format!("{}-{rank}", path("child"))).expect("a number");
        until(|| !is_running(&child));
    }
}

/// A launch whose ranks meet in `temporary`.
fn start(temporary: &str, script: &str) -> Child {
    let mut command = process::Command::new(env!("CARGO_BIN_EXE_bfc"));
    command.args(["launch", "-n", "2", "--grace", "30s", "--", "sh", "-c", script]);
    command.env("TMPDIR", temporary).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.process_group(0).spawn().expect("bfc starts")
}

fn send(signal: &str, to: u32) {
    let sent = process::Command::new("kill").args([signal, &to.to_string()]).status().expect("kill starts");
    assert!(sent.success());
}

fn numbers(path: &str) -> Vec<String> {
    (0..2)
        .filter_map(|rank| fs::read_to_string(format!("{path}-{rank}")).ok())
        .filter(|text| text.ends_with('\n'))
        .collect()
}

#[test]
fn signals_are_passed_on() {
    for (signal, exit) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let (_directory, path) = files(&[]);
        let child = start(&path(""), &format!("echo $$ > {0}-$BFC_RANK; exec sleep 100", path("pid")));
        until(|| numbers(&path("pid")).len() == 2);
        send(&format!("-{signal}"), child.id());
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(exit), "{signal}");
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let (_directory, path) = files(&[]);
    let child = start(
        &path(""),
        &format!("trap 'exit 0' TERM; echo $$ > {0}-$BFC_RANK; while :; do sleep 0.1; done", path("pid")),
    );
    until(|| numbers(&path("pid")).len() == 2);
    send("-TERM", child.id());
    assert_eq!(child.wait_with_output().expect("it ends").status.code(), Some(0), "who ends well has");
}

/// As `nohup` starts it.
#[test]
fn an_ignored_signal_stays_ignored() {
    let script = "trap '' HUP; exec \"$0\" launch -n 1 -- sh -c 'kill -HUP $PPID; sleep 0.3; echo on'";
    let output = process::Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_bfc")])
        .output()
        .expect("sh starts");
    assert_eq!((output.status.code(), &output.stdout[..]), (Some(0), &b"on\n"[..]));
}

#[test]
fn ranks_end_when_the_launcher_is_killed() {
    let (_directory, path) = files(&[]);
    let mut child = start(&path(""), &format!("echo $$ > {0}-$BFC_RANK; exec sleep 100", path("pid")));
    until(|| numbers(&path("pid")).len() == 2);
    let ranks = numbers(&path("pid"));
    send("-KILL", child.id());
    child.wait().expect("it ends");
    ranks.iter().for_each(|rank| until(|| !is_running(rank)));
}

/// A launch of this binary as ranks that average their numbers, with what comes before `--`.
fn averaging(options: &[&str]) -> Command {
    let binary = std::env::current_exe().expect("this binary");
    let rank = ["--exact", "launch::averages", "--ignored", "--nocapture", "--quiet"];
    let mut command =
        bfc(&[&["launch"][..], options, &["--", binary.to_str().expect("a path")], &rank].concat());
    command.env("BFC_TEST_LAUNCHED", "1");
    command
}

#[test]
#[ignore = "a rank of the tests below"]
fn averages() {
    if std::env::var_os("BFC_TEST_LAUNCHED").is_none() {
        return;
    }
    let world = World::from_environment().expect("variables of a launcher");
    let transport = world.join(Duration::from_secs(60)).expect("a group");
    let schedule = schedule(global_averaging(), world.size(), vec![vec![ring(world.size())]]);
    let initial = vec![f64::from(world.rank().0); 100_000];
    let mut machine = Flat::new(schedule.rank(world.rank()), transport, &initial).expect("a machine");
    for step in 0..20 {
        if std::env::var_os("BFC_TEST_DIES").is_some() && (world.rank(), step) == (Rank(1), 10) {
            process::Command::new("kill")
                .args(["-KILL", &process::id().to_string()])
                .status()
                .expect("kill starts");
        }
        machine.step(&mut |_| ()).unwrap_or_else(|error| panic!("{error}"));
    }
    let mean = f64::from(world.size() - 1) / 2.0;
    assert!(machine.model().expect("a model").iter().all(|value| (value - mean).abs() < 1e-9));
    println!("rank {} has {mean}", world.rank());
}

#[test]
fn ranks_join_and_average() {
    let output = averaging(&["-n", "3"]).assert().code(0).get_output().stdout.clone();
    let out = String::from_utf8(output).expect("text");
    (0..3).for_each(|rank| assert!(out.contains(&format!("rank {rank} has 1")), "{out}"));
    let output = averaging(&["-n", "3", "--tag-output"]).env("BFC_TEST_DIES", "1").assert().code(137);
    let err = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
    assert!(err.contains("rank 1 was killed by SIGKILL"), "{err}");
}

/// The files are what they were when the rank was killed.
#[test]
fn a_rank_that_was_killed_is_found_in_the_traces() {
    let (_directory, path) = files(&[]);
    averaging(&["-n", "3"]).env("BFC_TEST_DIES", "1").env("BFC_TRACE", path("traces")).assert().code(137);
    let found = json(&["why-stuck", &path("traces")]);
    assert_eq!(found["roots"], serde_json::json!([1]), "{found:#}");
    assert_eq!(
        (&found["ranks"][1]["step"], &found["ranks"][1]["doing"]),
        (&9.into(), &"between_steps".into())
    );
    let verdict = found["verdict"][0].as_str().expect("a sentence");
    assert!(
        verdict.starts_with("rank 1 holds up ranks 0 and 2: it has been in its program, between steps,"),
        "{verdict}"
    );
}

#[test]
fn ranks_of_two_launchers_average() {
    let port = TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .expect("a port")
        .port();
    let (_directory, path) = files(&[("secret", "5f".repeat(32).as_bytes())]);
    fs::set_permissions(path("secret"), Permissions::from_mode(0o600)).expect("mine");
    let (address, secret) = (format!("127.0.0.1:{port}"), path("secret"));
    let node = |rank| {
        let options =
            ["-n", "2", "--nodes", "2", "--node-rank", rank, "--rendezvous", &address, "--secret", &secret];
        averaging(&options).assert().code(0);
    };
    std::thread::scope(|scope| {
        scope.spawn(|| node("1"));
        node("0");
    });
}

#[test]
fn a_launch_that_cannot_be_is_refused() {
    let (_directory, path) =
        files(&[("open", "5f".repeat(32).as_bytes()), ("none", b"secret"), ("train", b"")]);
    let two = ["launch", "-n", "2", "--nodes", "2", "--rendezvous", "node0:1", "--node-rank"];
    for (arguments, code) in [
        (&["launch", "-n", "2", "--", "no-such-program"][..], "program"),
        (&["launch", "-n", "2", "--", &path("train")], "program"),
        (&[&two[..], &["2", "--", "true"]].concat(), "node_rank"),
        (&[&two[..], &["1", "--", "true"]].concat(), "no_secret"),
        (&["launch", "-n", "2", "--secret", &path("open"), "--", "true"], "secret"),
        (&["launch", "-n", "2", "--secret", &path("nothing"), "--", "true"], "secret"),
    ] {
        let separator = arguments.iter().position(|argument| *argument == "--").expect("a program");
        let arguments = [&arguments[..separator], &["--format", "json"], &arguments[separator..]].concat();
        let output = bfc(&arguments).assert().code(2).get_output().clone();
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one document");
        assert_eq!(document["diagnostics"][0]["code"], format!("bfc::launch::{code}"), "{arguments:?}");
    }
    let help = |arguments: &[&str]| json_with_exit(arguments, 2)["diagnostics"][0]["message"].to_string();
    assert!(help(&["launch", "-n", "0"]).contains("from 1 to 1024"));
    assert!(help(&["launch", "-n", "1025"]).contains("from 1 to 1024"));
    assert!(help(&["launch", "-n", "2", "--rendezvous", "node0"]).contains("HOST:PORT"));
    assert_eq!(codes(&["launch", "-n", "2"], 2), ["bfc::cli::usage"]);
    assert!(
        json(&["explain"]).as_array().expect("codes").iter().any(|code| code == "bfc::launch::rendezvous")
    );
    let mut full = launch(&["-n", "2"], "true");
    full.env("TMPDIR", path("nowhere")).assert().code(3);
}
