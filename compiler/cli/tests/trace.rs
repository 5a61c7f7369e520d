//! Traces of real runs become timelines and sentences; those that cannot are refused.

use crate::common::{bfc, codes, files, json, json_with_exit, stdout};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The words of a file's header, of the head of a ring, and of an event.
const HEADER: usize = 64;
const EVENT: usize = 8;

/// Traces of a run of 4 ranks, whose messages are the vectors of a classifier.
fn traced(path: &impl Fn(&str) -> String) -> String {
    let directory = path("traces");
    let run = ["run", "examples/digits.bf", "--size", "4", "--steps", "6", "--trace", &directory];
    bfc(&run).assert().code(0);
    directory
}

fn merged(directory: &str, path: &impl Fn(&str) -> String) -> Value {
    let output = path("trace.json");
    bfc(&["trace", "merge", directory, "-o", &output]).assert().code(0);
    serde_json::from_slice(&fs::read(output).expect("a timeline")).expect("JSON")
}

fn events<'a>(timeline: &'a Value, phase: &'a str) -> impl Iterator<Item = &'a Value> {
    let all = timeline["traceEvents"].as_array().expect("events");
    all.iter().filter(move |event| event["ph"] == phase)
}

fn number(event: &Value, key: &str) -> f64 {
    event[key].as_f64().unwrap_or_else(|| panic!("no {key} in {event}"))
}

/// A time, which stands in microseconds.
fn nanoseconds(event: &Value, key: &str) -> u64 {
    let time = number(event, key);
    assert!(time >= 0.0, "{event}");
    (time * 1e3).round() as u64
}

/// Changes words of a file.
fn change(file: &str, change: impl FnOnce(&mut Vec<u64>)) {
    let bytes = fs::read(file).expect("a file");
    let mut words: Vec<u64> =
        bytes.as_chunks().0.iter().map(|word: &[u8; 8]| u64::from_le_bytes(*word)).collect();
    change(&mut words);
    let bytes: Vec<u8> = words.into_iter().flat_map(u64::to_le_bytes).collect();
    fs::write(file, bytes).expect("written");
}

#[test]
fn a_run_of_four_ranks_becomes_a_timeline() {
    let (_directory, path) = files(&[]);
    let directory = traced(&path);
    let timeline = merged(&directory, &path);

    let names: BTreeSet<&str> = events(&timeline, "M")
        .filter(|event| event["name"] == "process_name")
        .filter_map(|event| event["args"]["name"].as_str())
        .collect();
    assert_eq!(names, BTreeSet::from(["rank 0", "rank 1", "rank 2", "rank 3"]));

    // Slices of a track lie in each other or beside each other.
    let mut tracks: BTreeMap<u64, Vec<(u64, u64)>> = BTreeMap::new();
    for slice in events(&timeline, "X") {
        let [start, duration] = ["ts", "dur"].map(|key| nanoseconds(slice, key));
        tracks.entry(number(slice, "tid") as u64).or_default().push((start, start + duration));
    }
    for slices in tracks.values_mut() {
        slices.sort_by_key(|&(start, end)| (start, std::cmp::Reverse(end)));
        let mut open: Vec<u64> = vec![];
        for &(start, end) in &*slices {
            while open.last().is_some_and(|last| *last <= start) {
                open.pop();
            }
            assert!(open.last().is_none_or(|last| end <= *last), "{start} to {end} in {open:?}");
            open.push(end);
        }
    }
    for rank in 0..4 {
        let of_rank = |event: &&Value| event["pid"] == rank + 1;
        let count =
            |name: &str| events(&timeline, "X").filter(of_rank).filter(|event| event["name"] == name).count();
        (0..6).for_each(|step| assert_eq!(count(&format!("step {step}")), 1));
        assert!(count("trainer: a gradient") >= 6);
    }

    // Each arrow has two ends, on tracks of different ranks, and goes forward.
    let starts: BTreeMap<u64, &Value> =
        events(&timeline, "s").map(|event| (number(event, "id") as u64, event)).collect();
    let ends: Vec<&Value> = events(&timeline, "f").collect();
    // Two mixes a step, with one partner each.
    assert!(ends.len() >= 4 * 6 * 2, "{} arrows", ends.len());
    assert_eq!(starts.len(), ends.len());
    for end in ends {
        let start = starts[&(number(end, "id") as u64)];
        assert_eq!(start["args"], end["args"]);
        assert_ne!(start["pid"], end["pid"]);
        assert!(number(end, "ts") >= number(start, "ts") - 1000.0, "{start} and {end}");
        assert_eq!(end["bp"], "e");
    }
}

#[test]
fn what_was_merged_is_told() {
    let (_directory, path) = files(&[]);
    let directory = traced(&path);
    let output = path("trace.json");
    let document = json(&["trace", "merge", &directory, "-o", &output]);
    assert_eq!((&document["ranks"], &document["size"]), (&Value::from(4), &Value::from(4)));
    assert_eq!(document["lost_events"], 0);
    assert!(number(&document, "messages") >= 48.0 && number(&document, "events") > 200.0);
    assert_eq!(document["clock_drift_seconds"], 0.0);
    // It replaces its own, and nothing else.
    bfc(&["trace", "merge", &directory, "-o", &output]).assert().code(0);
    fs::write(&output, "{}").expect("written");
    assert_eq!(codes(&["trace", "merge", &directory, "-o", &output], 2), ["bfc::cli::file_exists"]);
    let printed = stdout(&["trace", "merge", &directory, "-o", "-"]);
    assert!(serde_json::from_str::<Value>(&printed).expect("JSON")["traceEvents"].is_array());
}

/// A rank whose clock is ten seconds ahead, and which knows that, is where it was.
#[test]
fn an_offset_of_a_clock_comes_out_right() {
    let (_directory, path) = files(&[]);
    let directory = traced(&path);
    let before = merged(&directory, &path);
    let file = Path::new(&directory).join("rank-2.trace");
    let file = file.to_str().expect("a plain path");
    let ahead = 10_000_000_000u64;
    let shift = |words: &mut Vec<u64>, offset: u64| {
        words[10] = words[10].wrapping_sub(offset);
        let room = words[3] as usize;
        for ring in [HEADER, HEADER + EVENT * (room + 1)] {
            (0..words[ring] as usize).for_each(|event| words[ring + EVENT * (event + 1)] += ahead);
        }
    };
    change(file, |words| shift(words, ahead));
    assert_eq!(merged(&directory, &path), before);
    // Without knowing it, what it receives arrives late, and what it sends before it was sent.
    change(file, |words| words[10] = words[10].wrapping_add(ahead));
    let document = json(&["trace", "merge", &directory, "-o", &path("trace.json")]);
    let drift = number(&document, "clock_drift_seconds");
    assert!((9.0..10.0).contains(&drift), "{drift}");
    assert!(stdout(&["trace", "merge", &directory, "-o", &path("trace.json")]).contains("drifted apart"));
}

#[test]
fn a_clock_that_was_not_compared_is_refused() {
    let (_directory, path) = files(&[]);
    let directory = traced(&path);
    change(&format!("{directory}/rank-3.trace"), |words| words[8] = 0);
    let refused = json_with_exit(&["trace", "merge", &directory, "-o", &path("trace.json")], 1);
    let diagnostic = &refused["diagnostics"][0];
    assert_eq!(diagnostic["code"], "bfc::trace::uncalibrated");
    assert!(diagnostic["message"].as_str().expect("text").contains("rank 3"));
    assert!(!Path::new(&path("trace.json")).exists());
    // Who is stuck can be said all the same.
    assert_eq!(json(&["why-stuck", &directory])["roots"], serde_json::json!([]));
}

#[test]
fn a_run_that_is_over_is_not_stuck() {
    let (_directory, path) = files(&[]);
    let directory = traced(&path);
    fs::remove_file(format!("{directory}/rank-1.trace")).expect("removed");
    let told = stdout(&["why-stuck", &directory]);
    assert!(told.contains("rank 0, step 5: ended well at "), "{told}");
    assert!(told.contains("rank 1: has left no file\n"), "{told}");
    assert!(told.ends_with("\nno rank waits for another\n"), "{told}");
}

#[test]
fn directories_without_traces_are_refused() {
    let (_directory, path) = files(&[("rank-0.trace", b"notes"), ("file", b"")]);
    for command in [&["why-stuck"][..], &["trace", "merge", "-o", "-"]] {
        let codes = |directory: &str, exit| codes(&[command, &[directory]].concat(), exit);
        assert_eq!(codes(&path("nowhere"), 2), ["bfc::trace::unreadable"]);
        assert_eq!(codes(&path("file"), 2), ["bfc::trace::unreadable"]);
        assert_eq!(codes("examples", 2), ["bfc::trace::no_recordings"]);
        assert_eq!(codes(&path(""), 1), ["bfc::trace::foreign"]);
    }
    let run = ["run", "examples/digits.bf", "--size", "2", "--steps", "1", "--trace", &path("file")];
    assert_eq!(codes(&run, 3), ["bfc::trace::unwritable"]);
}
