//! Advice, analysis over a range and comparison on the command line.

use crate::common::{bfc, codes, files, json, stdout};
use serde_json::Value;

fn number(document: &Value, path: &str) -> f64 {
    document.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("{path} of {document:#}"))
}

#[test]
fn the_winner_is_a_source_that_keeps_its_promise() {
    let (_directory, path) = files(&[]);
    let place = ["--cluster", "v100", "--model-bytes", "102 MB"];
    let advised = json(&[&["advise", "--size", "16", "-o", &path("best.bf")], &place[..]].concat());
    let compiled =
        json(&[&["compile", &path("best.bf"), "--size", "16", "-o", &path("best.bin")], &place[..]].concat());
    assert_eq!(
        number(&advised, "/ranking/0/step_seconds"),
        number(&compiled, "/cost/prediction/step_seconds")
    );
    let local = ["--size", "16", "--local-size", "8"];
    let analyzed = json(&[&["analyze", &path("best.bf")], &local[..]].concat());
    assert_eq!(number(&advised, "/ranking/0/steps"), number(&analyzed, "/rounds_to_1e-3"));
    let ranking = advised["ranking"].as_array().expect("a ranking");
    assert!(ranking.len() > 10, "{advised:#}");
    assert!(ranking.windows(2).all(|pair| number(&pair[0], "/seconds") <= number(&pair[1], "/seconds")));
    assert!(ranking.iter().any(|one| one["topology"].as_str().is_some_and(|name| name.contains(" across"))));
    let front = |one: &&Value| one["pareto"] == true;
    let mut front: Vec<&Value> = ranking.iter().filter(front).collect();
    assert_eq!(front[0], &ranking[0], "the fastest is not dominated");
    front.sort_by(|a, b| number(a, "/steps").total_cmp(&number(b, "/steps")));
    assert!(
        front.windows(2).all(|pair| number(pair[0], "/step_seconds") >= number(pair[1], "/step_seconds"))
    );
}

#[test]
fn heterogeneous_data_want_an_algorithm_without_bias() {
    let advise = |algorithm, error| {
        ["advise", "--size", "2", "--cluster", "ethernet", "--algorithm", algorithm, "--error", error]
    };
    assert_eq!(codes(&advise("dgd", "1e-6"), 1), ["bfc::predict::nothing_reaches"]);
    let exact = json(&advise("gradient_tracking", "1e-6"));
    assert!(exact["ranking"][0]["why"].as_str().is_some_and(|why| why.contains("exact")), "{exact:#}");
    assert_eq!(codes(&["advise", "--size", "4", "--cluster", "v100", "--algorithm", "magic"], 2).len(), 1);
    assert_eq!(codes(&advise("dgd(lx = 1/20)", "1e-2"), 1), ["bfc::resolve::unknown_argument"]);
}

/// Arguments of an algorithm are those of a schedule with it, in its name and in what is written.
#[test]
fn an_algorithm_takes_arguments() {
    let (_directory, path) = files(&[]);
    let near = ["--cluster", "ethernet", "--error", "0.1", "--heterogeneity", "0.1"];
    let advise =
        |algorithm| json(&[&["advise", "--size", "4", "--algorithm", algorithm], &near[..]].concat());
    let usual = advise("dgd");
    for algorithm in ["dgd(lr = 1/10)", "algorithm::dgd(lr = 1/10)"] {
        let same = advise(algorithm);
        assert_eq!((&same["ranking"], &same["algorithm"]), (&usual["ranking"], &"dgd(lr = 1/10)".into()));
    }
    let best = path("best.bf");
    let slower = ["advise", "--size", "4", "--algorithm", "dgd(lr = 1/20)", "-o", &best];
    let slower = json(&[&slower, &near[..]].concat());
    assert!(number(&slower, "/ranking/0/steps") > number(&usual, "/ranking/0/steps"));
    assert!(std::fs::read_to_string(&best).expect("a source").contains("dgd(lr = 1/20)"));
    bfc(&["check", &best, "--size", "4"]).assert().code(0);
}

#[test]
fn one_rank_has_nobody_to_communicate_with() {
    let text = stdout(&["advise", "--size", "1", "--cluster", "v100"]);
    assert!(text.contains("nobody to communicate with") && !text.contains("is the fastest"), "{text}");
}

#[test]
fn a_range_names_the_worst_and_the_skipped() {
    let (_directory, path) = files(&[]);
    let arguments = ["analyze", "topology::hypercube", "--size", "2..20"];
    let document = json(&arguments);
    let sizes: Vec<_> = document["sizes"].as_array().expect("sizes").iter().map(|one| &one["size"]).collect();
    assert_eq!(sizes, [2, 4, 8, 16]);
    assert_eq!(document["skipped"].as_array().map(Vec::len), Some(15));
    assert_eq!(document["worst"]["size"], 16);
    let text = stdout(&[&arguments[..], &["--out", &path("results")]].concat());
    assert!(text.contains("worst: 16 ranks") && text.contains("skipped: 3, 5–7, 9–15, 17–20"), "{text}");
    let svg = std::fs::read_to_string(path("results/convergence.svg")).expect("a picture");
    assert!(svg.contains("to 1e-3") && !svg.contains("NaN"));
    let one = json(&["analyze", "topology::hypercube", "--size", "16"]);
    for key in ["rho", "rate_per_step", "rounds_to_1e-3", "rounds_to_1e-6", "exact_after", "bounds"] {
        assert_eq!(document["sizes"][3][key], one[key], "{key}");
    }
    codes(&["analyze", "topology::absent", "--size", "2..20"], 2);
}

#[test]
fn files_are_compared_side_by_side() {
    let names = ["topology::ring", "topology::one_peer_exp2"];
    let document = json(&["compare", names[0], names[1], "--size", "16", "--cluster", "ethernet"]);
    for (column, name) in document["columns"].as_array().expect("columns").iter().zip(names) {
        let alone = json(&["analyze", name, "--size", "16"]);
        assert_eq!(column["rate_per_step"], alone["rate_per_step"], "{name}");
        let seconds = number(column, "/step_seconds") * number(column, "/rounds_to_1e-3");
        assert!((number(column, "/seconds_to_1e-3") / seconds - 1.0).abs() < 1e-12);
    }
    // Steps of an algorithm are not those of averaging.
    let source = b"use topology::ring\nuse algorithm::local_dsgd\nschedule {\n topology ring\n algorithm local_dsgd(H = 8)\n}\n";
    let (_directory, path) = files(&[("local.bf", source)]);
    let local = json(&["compare", &path("local.bf"), "--size", "16", "--cluster", "ethernet"]);
    assert!(local["columns"][0]["seconds_to_1e-3"].is_null() && local["columns"][0]["step_seconds"].is_f64());
    let text = stdout(&["compare", names[0], names[1], "--size", "16"]);
    let line = text.lines().find(|line| line.trim_start().starts_with("exact_after")).expect("a line");
    assert_eq!(line.split_whitespace().collect::<Vec<_>>(), ["exact_after", "–", "4"]);
}

/// What is not analyzed is named with the reason, and nothing that is listed is ahead of it unlisted.
#[test]
fn larger_sizes_are_searched_too() {
    let start = std::time::Instant::now();
    let advised = json(&["advise", "--size", "256", "--cluster", "v100"]);
    assert!(start.elapsed().as_secs() < 100, "{:?}", start.elapsed());
    let ranking = advised["ranking"].as_array().expect("a ranking");
    assert!(ranking.len() > 20, "{advised:#}");
    let reason = |name: &str| {
        let left_out = advised["left_out"].as_array().expect("a list");
        let entry = left_out.iter().find(|one| one["topology"] == name).expect("left out");
        entry["reason"].as_str().expect("a reason").to_string()
    };
    assert!(
        reason("random_matching").starts_with("takes at least 8 steps of "),
        "{}",
        reason("random_matching")
    );
    assert!(reason("petersen").contains("requires size == 10"));
    // Each of 256 ranks has to hear of nearly all others, and doubles what it knows at best.
    let one_peer: Vec<&Value> = ranking.iter().filter(|one| one["rounds"] == 1.0).collect();
    assert!(one_peer.len() > 3 && one_peer.iter().all(|one| number(one, "/steps") >= 8.0), "{one_peer:#?}");
}

/// Biases are known beyond the sizes at which a step is written as a matrix.
#[test]
fn any_algorithm_is_judged_at_any_size() {
    let advise = |algorithm, z| {
        let goal = ["--size", "128", "--cluster", "v100", "--algorithm", algorithm, "--heterogeneity", z];
        json(&[&["advise"], &goal[..]].concat())
    };
    let (tracking, alike) = (advise("gradient_tracking", "1"), advise("gradient_tracking", "0"));
    assert_eq!(tracking["ranking"][0]["proved"], true, "`stable` is required, and proved of the winner");
    let choice = |advice: &Value, name: &str| {
        let ranking = advice["ranking"].as_array().expect("a ranking");
        let found = ranking.iter().find(|one| one["topology"] == name);
        found.unwrap_or_else(|| panic!("{name} in {advice:#}")).clone()
    };
    for name in ["exponential", "complete", "watts_strogatz"] {
        let [own, expected] = [&tracking, &alike].map(|advice| choice(advice, name)["steps"].clone());
        assert_eq!(own, expected, "{name}: without bias, heterogeneity costs nothing");
        assert!(choice(&tracking, name)["why"].as_str().is_some_and(|why| why.ends_with("exact")));
    }
    let descent = &tracking["allreduce"];
    assert_eq!(number(descent, "/seconds"), number(descent, "/steps") * number(descent, "/step_seconds"));
}

#[test]
fn all_reduce_has_a_verdict() {
    let arguments = ["advise", "--size", "128", "--cluster", "a100", "--model-bytes", "14GB"];
    let (advised, text) = (json(&arguments), stdout(&arguments));
    assert_eq!(advised["allreduce"]["steps"], 1.0);
    assert_eq!(
        advised["allreduce"]["seconds"], advised["allreduce"]["seconds_of_one"],
        "nothing is computed"
    );
    assert!(number(&advised, "/allreduce/seconds") < number(&advised, "/ranking/0/seconds"));
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[2].starts_with("all-reduce is the fastest: "), "{text}");
    assert!(lines[6].contains("all-reduce (") && lines[7].trim_start().starts_with("1 ●"), "{text}");
    let slow = ["advise", "--size", "16", "--cluster", "v100", "--model-bytes", "102MB"];
    let (advised, text) = (json(&slow), stdout(&slow));
    let first = advised["ranking"][0]["topology"].as_str().expect("a name");
    let own = number(&advised, "/ranking/0/seconds") < number(&advised, "/allreduce/seconds");
    let fastest = if own { first } else { "all-reduce" };
    assert!(text.contains(&format!("\n{fastest} is the fastest: ")), "{text}");
}

#[test]
fn sources_of_ones_own_are_tried() {
    let own = b"\
topology chords {
    for i in ranks {
        i -- (i + 1) mod size
        i -- (i + 5) mod size
    }
    weights metropolis
}
topology needs(k) { for i in ranks { i -> (i + k) mod size } }
topology ring { for i in ranks { i -- (i + 2) mod size } }
algorithm descent {
    state x = params
    step { x <- mix(x) - 0.02 * grad(x) }
    model x
}
algorithm other {
    state x = params
    step { x <- mix(x - 0.01 * grad(x)) }
    model x
}
schedule {
    topology  chords
    algorithm other
}
";
    let (_directory, path) = files(&[("mine.bf", own)]);
    let place = ["--size", "12", "--cluster", "ethernet", "--error", "0.5", "--heterogeneity", "0.1"];
    let (mine, best) = (path("mine.bf"), path("best.bf"));
    let advise = |more: &[&'static str]| [&["advise", &mine[..]][..], &place[..], more].concat();
    assert_eq!(json(&advise(&[]))["algorithm"], "other", "that of the schedule");
    let unscheduled = String::from_utf8_lossy(own).split("schedule").next().expect("a part").to_string();
    let (_directory, path) = files(&[("both.bf", unscheduled.as_bytes())]);
    let both = path("both.bf");
    let both = [&["advise", &both[..]], &place[..]].concat();
    assert_eq!(codes(&both, 1), ["bfc::predict::several_algorithms"]);
    let expression = [&["advise", "exponential(base=3)"], &place[..]].concat();
    assert_eq!(codes(&expression, 1), ["bfc::predict::not_a_source"]);
    let found = json(&[&advise(&["--algorithm", "descent"])[..], &["-o", &best]].concat());
    assert_eq!(found["algorithm"], "descent");
    let left_out = found["left_out"].as_array().expect("a list");
    let names: Vec<&Value> = found["ranking"]
        .as_array()
        .into_iter()
        .flatten()
        .chain(left_out)
        .map(|one| &one["topology"])
        .collect();
    for name in ["chords", "ring", "topology::ring"] {
        assert!(names.contains(&&name.into()), "{name} in {names:?}");
    }
    assert!(!names.contains(&&"needs".into()));
    let compiled = json(&["check", &best, "--size", "12", "--allow", "requirement_not_decided"]);
    assert_eq!(compiled["algorithm"], "descent");
    // An algorithm of the library trains over topologies of one's own too.
    let found = json(&advise(&["--algorithm", "algorithm::gradient_tracking"]));
    assert!(
        found["source"].as_str().is_some_and(|text| text.contains("algorithm algorithm::gradient_tracking")),
        "{found:#}"
    );
    assert_eq!(codes(&advise(&["--algorithm", "magic"]), 1), ["bfc::request::unknown_library_name"]);
}

/// What is written beside another file than the one whose neighbours it uses would not compile.
#[test]
fn a_source_with_neighbours_is_written_beside_them() {
    let (_directory, path) = files(&[
        ("main.bf", b"use helper::pairs\ntopology mine = pairs\n"),
        ("helper.bf", b"topology pairs { for i in ranks { i -- (i + 1) mod size } }\n"),
    ]);
    let (_elsewhere, other) = files(&[]);
    let (main, place) = (path("main.bf"), ["--size", "8", "--cluster", "ethernet"]);
    let advise = |output: &str| [&["advise", &main], &place[..], &["-o", output]].concat().join(" ");
    let run = |line: String| bfc(&line.split(' ').collect::<Vec<_>>()).assert();
    run(advise(&other("best.bf"))).code(2);
    assert!(!std::path::Path::new(&other("best.bf")).exists());
    run(advise(&path("best.bf"))).code(0);
    bfc(&["check", &path("best.bf"), "--size", "8"]).assert().code(0);
}
