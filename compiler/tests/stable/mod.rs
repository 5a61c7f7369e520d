//! What `stable` proves and what not, through the language: agreement counts as 0 only where every step keeps it.

mod instance;
mod search;
mod truth;

use bfc_compiler::certificate::recheck;
use bfc_compiler::{Compiled, Entry, NoFiles, Request, compile};
use bfc_schedule::Schedule;

/// Ranks that hear from all others through a hub; columns sum to 1, rows do not.
const PUSH: &str = "topology star { for i in 1..size { 0 -- i }
weights sender_uniform }
schedule { topology star
algorithm a }
";

/// The same with doubly stochastic weights.
const METROPOLIS: &str = "topology star { for i in 1..size { 0 -- i }
weights metropolis }
schedule { topology star
algorithm a }
";

/// All ranks alike.
const RING: &str = "topology ring { for i in ranks { i -- (i + 1) mod size } }
schedule { topology ring
algorithm a }
";

fn compiled(text: &str, size: u32, allow: &[&str]) -> Result<Compiled, Vec<String>> {
    let entry = Entry::Source { name: "stable.bf".into(), text: text.into() };
    let allow = allow.iter().map(|code| code.to_string()).collect();
    let request = Request { allow, ..Request::new(entry, size) };
    compile(&request, &NoFiles).map_err(|refused| refused.codes())
}

/// The verdict on `stable` of an algorithm with these lines; a proof is found again from the file.
fn verdict(topology: &str, states: &str, step: &str) -> String {
    let text = format!(
        "{topology}algorithm a(lr: scalar = 0.1) {{\nrequires stable\n{states}\nstep {{\n{step}\n}}\n}}\n"
    );
    match compiled(&text, 5, &[]) {
        Ok(compiled) => {
            let check = compiled.report.checks.iter().find(|check| check.claim.text == "stable");
            let schedule = Schedule::decode(&compiled.schedule.encode()).unwrap();
            assert!(recheck(&schedule).unwrap().iter().all(|recheck| recheck.confirmed), "{text}");
            check.unwrap().verdict.word()
        }
        Err(codes) => match codes.as_slice() {
            [code] if code == "bfc::prove::requirement_refuted" => "refuted".into(),
            [code] if code == "bfc::prove::requirement_not_decided" => "open".into(),
            _ => panic!("{text}: {codes:?}"),
        },
    }
}

/// The codes of a refusal.
fn codes(topology: &str, step: &str) -> Vec<String> {
    let text =
        format!("{topology}algorithm a(lr: scalar = 0.1) {{\nstate x = params\nstep {{\n{step}\n}}\n}}\n");
    compiled(&text, 5, &[]).map(|_| ()).unwrap_err()
}

fn of_x(topology: &str, step: &str) -> String {
    verdict(topology, "state x = params", step)
}

#[test]
fn what_does_not_keep_agreement_is_judged_as_a_whole() {
    for step in [
        "x <- incoming(average(x))",
        "x <- degree * average(x)",
        "x <- mix(average(x))",
        "x <- 2 * mix(average(x))",
        "x <- incoming(average(x)) - lr * grad(x)",
    ] {
        assert_eq!(of_x(PUSH, step), "refuted", "{step}");
    }
    // Weights that keep agreement, and a delay that does not: each share comes from another time.
    assert_eq!(of_x(METROPOLIS, "x <- 1.5 * mix(average(x), delay = 1) - 0.1 * grad(x)"), "refuted");
    // What shrinks as a whole is stable, whether or not agreement is kept.
    assert_eq!(of_x(PUSH, "x <- 0.9 * mix(average(x)) - lr * grad(x)"), "proved");
    assert_eq!(of_x(PUSH, "x <- 0.5 * degree * average(x)"), "proved");
    assert_eq!(of_x(PUSH, "x <- 0.7 * degree * average(x)"), "refuted");
    assert_eq!(of_x(PUSH, "x <- 0.9 * mix(x) - lr * grad(x)"), "proved");
    assert_eq!(of_x(METROPOLIS, "x <- 0.9 * mix(x, delay = 2)"), "proved");
}

#[test]
fn rounds_within_a_step_are_powers() {
    assert_eq!(of_x(METROPOLIS, "x <- mix(x, times = 3) - lr * grad(x)"), "proved");
    assert_eq!(of_x(METROPOLIS, "x <- 1.3 * mix(x, times = 3) - 0.3 * average(x)"), "proved");
    assert_eq!(of_x(METROPOLIS, "x <- 5 * mix(x, lazy(W, 1/2), times = 3) - 4 * average(x)"), "refuted");
    let turns = "topology turns {
phase { 0 -- 1
2 -- 3 }
phase { 1 -- 2
3 -- 4 }
ensure contracting }
schedule { topology turns
algorithm a }
";
    for times in [1, 2, 3, 4] {
        assert_eq!(of_x(turns, &format!("x <- mix(x, times = {times}) - lr * grad(x)")), "proved");
    }
    assert_eq!(of_x(turns, "x <- 1.2 * mix(x, times = 2) - 0.2 * average(x)"), "proved");
    assert_eq!(of_x(turns, "x <- 3 * mix(x, times = 2) - 2 * average(x)"), "refuted");
    let mixed = codes(turns, "x <- mix(x, times = 2) - lr * grad(mix(x))");
    assert_eq!(mixed, ["bfc::evaluate::different_times"]);
}

#[test]
fn agreement_is_lost_across_parts() {
    let two = "topology ring { for i in ranks { i -- (i + 1) mod size } }
topology push { for i in 1..size { 0 -- i }
weights sender_uniform }
schedule { topology R = ring, C = push
algorithm a }
";
    let text = |x: &str, y: &str| {
        format!(
            "{two}algorithm a(lr: scalar = 0.1) over R, C {{\nrequires stable\nstate x = params\nstate y = 0\n\
             step {{\nx <- {x}\ny <- {y}\n}}\nmodel y\n}}\n"
        )
    };
    let codes = |x: &str, y: &str| compiled(&text(x, y), 5, &[]).map(|_| ()).unwrap_err();
    let refuted = ["bfc::prove::requirement_refuted"];
    assert_eq!(codes("1.1 * mix(x, R) - lr * grad(x)", "mix(x, C) + 0.5 * y"), refuted);
    // What x agrees on drives y for ever, and not to agreement; what x disagrees on does so for a while.
    assert_eq!(codes("mix(x, R) - lr * grad(x)", "mix(x, R) + 0.5 * mix(y, C)"), refuted);
    assert!(
        compiled(&text("mix(x, R) - lr * grad(x)", "mix(x - mix(x, R), C) + 0.5 * mix(y, C)"), 5, &[])
            .is_ok()
    );
}

#[test]
fn common_values_count_where_they_become_different() {
    let states = "state y = 1\nstate x = params";
    assert_eq!(verdict(PUSH, states, "y <- 2 * y\nx <- mix(y) - y"), "refuted");
    assert_eq!(verdict(METROPOLIS, states, "y <- 2 * y\nx <- mix(y) - y"), "proved");
    assert_eq!(verdict(PUSH, states, "y <- 0.5 * y\nx <- mix(y) - y"), "proved");
    // A common state that keeps its value is a constant.
    assert_eq!(verdict(PUSH, states, "x <- 0.5 * mix(x) + mix(y)"), "proved");
    // A product with a gradient is not linear in the states, whichever factor is common.
    assert_eq!(of_x(RING, "x <- grad(x) * average(x)"), "open");
    assert_eq!(verdict(RING, states, "y <- 2 * y\nx <- y * grad(x)"), "open");
}

#[test]
fn what_keeps_its_value_shrinks_only_where_it_is_common() {
    for step in ["x <- x", "x <- 1 * x", "x <- x - lr * grad(x)"] {
        assert_eq!(of_x(RING, step), "refuted", "{step}");
    }
    for (initial, expected) in
        [("params", "refuted"), ("grad(params)", "refuted"), ("average(params)", "proved"), ("2", "proved")]
    {
        let states = format!("state x = params\nstate y = {initial}");
        for step in ["x <- mix(x) + y", "x <- mix(x) + y\ny <- 1 * y"] {
            assert_eq!(verdict(RING, &states, step), expected, "{initial}: {step}");
        }
    }
    // Parameters themselves are a constant of each rank, in the file too.
    assert_eq!(of_x(RING, "x <- mix(x) - lr * (grad(x) + x - params) + lr * x"), "proved");
}

/// A state that is averaged agrees after a step, whether or not the period could start there.
#[test]
fn what_agrees_only_after_a_step_of_the_period_counts() {
    let topology = "topology own { self 0 weight 1/4
for i in 1..size { self i weight 1/3 } }
schedule { topology own
algorithm a }
";
    let states = "state x = params\nstate y = 2";
    let step = "x <- average(x)\ny <- mix(y) - x / 2 - 3 / 4 * y";
    assert_eq!(verdict(topology, states, step), "refuted");
    let late = format!("if t < 2 {{\nx <- mix(x)\ny <- average(x)\n}} else {{\n{step}\n}}");
    assert_eq!(verdict(topology, states, &late), "refuted");
}

/// Without neighbours, what comes in is 0, and no weights make a difference of it.
#[test]
fn nothing_comes_of_zero() {
    let stable = |neighbours: &str| {
        let text = format!(
            "topology none {{ for i in ranks {{ }} }}
topology push {{ for i in 1..size {{ 0 -- i }}
weights sender_uniform }}
schedule {{ topology A = none, B = push
algorithm a }}
algorithm a over A, B {{
requires stable
state x = grad(params)
state y = average(params)
step {{
if every(2) {{ y <- y + mix(x, B) }} else {{ x <- {neighbours} }}
}}
}}
"
        );
        compiled(&text, 5, &[]).map(|_| ()).map_err(|codes| codes.join(" "))
    };
    assert_eq!(stable("incoming(x, A)"), Ok(()));
    assert_eq!(stable("2 * incoming(mix(x, B), A)"), Ok(()));
    assert_eq!(stable("incoming(x, B)"), Err("bfc::prove::requirement_refuted".into()));
    assert_eq!(stable("incoming(x, A) + average(x)"), Err("bfc::prove::requirement_refuted".into()));
}

#[test]
fn equal_numbers_of_neighbours_keep_agreement() {
    assert_eq!(of_x(RING, "x <- (x + incoming(x)) / (degree + 1)"), "proved");
    assert_eq!(of_x(RING, "x <- incoming(average(x)) - lr * grad(x)"), "proved");
    assert_eq!(of_x(RING, "x <- degree * mix(x)"), "refuted");
    // Each rank divides by its own degree, or weighs its neighbours alike: agreement is kept all the same.
    assert_eq!(of_x(PUSH, "x <- (x + incoming(x)) / (degree + 1)"), "proved");
    assert_eq!(of_x(PUSH, "x <- x + 0.1 * (incoming(x) - degree * x)"), "proved");
    assert_eq!(of_x(PUSH, "x <- x + 0.5 * (incoming(x) - degree * x)"), "refuted");
    assert_eq!(of_x(PUSH, "x <- x + 0.1 * (incoming(x) - x)"), "refuted");
}

#[test]
fn agreement_that_grows_is_warned_of_though_it_is_stable() {
    let warnings = |states: &str, step: &str| {
        let text = format!("{RING}algorithm a {{\nrequires stable\n{states}\nstep {{\n{step}\n}}\n}}\n");
        let compiled = compiled(&text, 5, &[]).unwrap_or_else(|codes| panic!("{text}: {codes:?}"));
        let stable = compiled.report.checks.iter().find(|check| check.claim.text == "stable").unwrap();
        (compiled.report.warnings.join("\n"), stable.verdict.evidence().to_string())
    };
    let (warning, evidence) = warnings("state x = params", "x <- 2 * average(x)");
    assert!(warning.contains("`x` grows by a factor of about 2.000000 in each step"), "{warning}");
    assert!(evidence.contains("where ranks agree, the radius is 2.000000"), "{evidence}");
    let (warning, evidence) = warnings("state x = params", "x <- 0.5 * mix(x)");
    assert_eq!(warning, "");
    assert!(evidence.contains("where ranks agree, the radius is 0.500000"), "{evidence}");
    // Steps count until all repeats: the three phases have the same row sums, and an average uses none.
    let turns = "topology turns {
phase { 0 -- 1 }
phase { 1 -- 2 }
phase { 2 -- 3
3 -- 4 }
}
schedule { topology turns
algorithm a }
";
    for operator in ["mix(average(x))", "average(x)"] {
        let step = format!("if every(2) {{ x <- 0.5 * {operator} }} else {{ x <- x }}");
        let text =
            format!("{turns}algorithm a {{\nrequires stable\nstate x = params\nstep {{\n{step}\n}}\n}}\n");
        let compiled = compiled(&text, 5, &[]).unwrap_or_else(|codes| panic!("{text}: {codes:?}"));
        let stable = compiled.report.checks.iter().find(|check| check.claim.text == "stable").unwrap();
        let evidence = stable.verdict.evidence();
        assert!(evidence.contains("where ranks agree, the radius is 0.500000 over 2 steps"), "{evidence}");
    }
    // Twice the last value less the one before: a line through the first two, which are equal or are not.
    let line = "x <- average(2 * x - past)\npast <- average(x)";
    assert_eq!(warnings("state x = params\nstate past = params", line).0, "");
    let (warning, _) = warnings("state x = params\nstate past = 2 * params", line);
    assert!(warning.contains("grow without bound"), "{warning}");
}

#[test]
fn no_algorithm_of_the_library_grows() {
    let mut tried = 0;
    for name in bfc_compiler::library::names().into_iter().filter_map(|name| name.strip_prefix("algorithm::"))
    {
        for topology in ["ring", "one_peer_exp2", "tree_pull"] {
            let text = format!(
                "use topology::{topology}\nuse algorithm::{name}\nschedule {{\n topology {topology}\n algorithm {name}\n}}"
            );
            if let Ok(compiled) = compiled(&text, 5, &[]) {
                let grows = |warning: &&String| warning.contains("grow");
                assert_eq!(compiled.report.warnings.iter().find(grows), None, "{name} over {topology}");
                tried += 1;
            }
        }
    }
    assert!(tried > 50, "{tried}");
}

/// A value that is used twice is judged once: 30 doublings would take 2^30 steps otherwise.
#[test]
fn constants_that_may_cancel_refute_nothing() {
    let states = "state x = params\nstate y = 0";
    let with = |constant: &str| verdict(METROPOLIS, states, &format!("x <- mix(x) + y\ny <- y + {constant}"));
    // Each rank hears 1 from as many as it has neighbours.
    assert_eq!(with("incoming(1) - degree"), "open");
    assert_eq!(with("mix(1)"), "proved");
    assert_eq!(with("grad(x)"), "refuted");
}

#[test]
fn shared_values_are_judged_once() {
    let doubled: String = (1..30).map(|k| format!("let a{k} = a{0} + a{0}\n", k - 1)).collect();
    let by_degree = format!("let a0 = degree + degree\n{doubled}x <- a29 * mix(x) - lr * grad(x)");
    assert_eq!(of_x(METROPOLIS, &by_degree), "refuted");
    let initial = format!("{METROPOLIS}fn double(v) = v + v\n");
    assert_eq!(
        verdict(
            &initial,
            &format!("state x = {}params{}", "double(".repeat(28), ")".repeat(28)),
            "x <- mix(x)"
        ),
        "proved"
    );
    let vectors = format!("let a0 = mix(x) + x\n{doubled}x <- a29 / 2^30");
    assert_eq!(of_x(RING, &vectors), "proved");
}

/// What no dense algebra reaches is decided by its structure.
#[test]
fn library_algorithms_are_decided_on_many_ranks() {
    let evidence = |topology: &str, uses: &str, algorithm: &str, size: u32| {
        let text = format!(
            "{uses}use algorithm::{algorithm}\nschedule {{\n topology {topology}\n algorithm {algorithm}\n}}"
        );
        let compiled =
            compiled(&text, size, &[]).unwrap_or_else(|codes| panic!("{text} at {size}: {codes:?}"));
        let schedule = Schedule::decode(&compiled.schedule.encode()).unwrap();
        assert!(recheck(&schedule).unwrap().iter().all(|recheck| recheck.confirmed), "{text}");
        let stable = compiled.report.checks.into_iter().find(|check| check.claim.text == "stable").unwrap();
        assert_eq!(stable.verdict.word(), "proved", "{text} at {size}");
        stable.verdict.evidence().to_string()
    };
    for size in [200, 320, 321, 1000] {
        evidence("kautz(degree = 3)", "use topology::kautz\n", "exact_diffusion", size);
    }
    for size in [6, 8, 34, 640, 1000] {
        evidence("W = ceca(ports = 1)", "use topology::ceca\n", "ceca_average", size);
        evidence("W = ceca", "use topology::ceca\n", "ceca_average", size);
    }
}

#[test]
fn compressed_gossip_is_recognised_by_what_it_does() {
    let states = "state x = params
state h = 0
state s = 0";
    let with = |states: &str, lines: &str| verdict(RING, states, &lines.replace("Q(", "compress("));
    let proved = |lines: &str| {
        assert_eq!(
            with(states, &format!("s <- s + mix(d)\nlet d = Q(x - h, top_fraction(3/4))\n{lines}")),
            "proved",
            "{lines}"
        )
    };
    proved("h <- h + d\nx <- x + 0.01 * (s' - h')");
    // Written otherwise, with gradients, or with the message of the step before.
    proved("h <- d + h\nx <- x - 0.01 * (h + d) + s' / 100");
    proved("h <- h + d\nx <- x - lr * grad(x) + 0.01 * (s' - h')");
    proved("h <- h + d\nx <- x + 0.01 * (mix(h) + mix(d)) - 0.01 * h'");
    let later =
        "h <- h + d\ns <- s + mix(d)\nlet d = Q(x' - h, top_fraction(3/4))\nx <- adapt(x) + 0.01 * (s - h)";
    assert_eq!(with(states, later), "proved");
    for open in [
        // Not a difference to the estimate; another estimate; the wrong sign; not W - I.
        "h <- h + d\nx <- x + 0.01 * (s' - h')\nlet d = Q(x, top_fraction(3/4))",
        "h <- h + 0.9 * d\nx <- x + 0.01 * (s' - h')\nlet d = Q(x - h, top_fraction(3/4))",
        "h <- h + d\nx <- x - 0.01 * (s' - h')\nlet d = Q(x - h, top_fraction(3/4))",
        "h <- h + d\nx <- x + 0.01 * (s' - 0.99 * h')\nlet d = Q(x - h, top_fraction(3/4))",
        "h <- h + d\nx <- 1.001 * x + 0.01 * (s' - h')\nlet d = Q(x - h, top_fraction(3/4))",
        "h <- h + d\nx <- x + 0.01 * (s' - h') + 0.01 * mix(x)\nlet d = Q(x - h, top_fraction(3/4))",
        "h <- h + d\nx <- x + 0.01 * (s - h')\nlet d = Q(x - h, top_fraction(3/4))",
        "h <- h + d\nx <- x + 0.01 * (s' - h)\nlet d = Q(x - h, top_fraction(3/4))",
        "h <- h + d + mix(x) - x\nx <- x + 0.01 * (s' - h')\nlet d = Q(x - h, top_fraction(3/4))",
        "h <- h + d\nx <- x + 0.01 * (s' - h') + 0.1 * norm(x) * x\nlet d = Q(x - h, top_fraction(3/4))",
        // Codecs that do not contract, or by an unknown amount.
        "h <- h + d\nx <- x + 0.01 * (s' - h')\nlet d = Q(x - h, top_k(2))",
        "h <- h + d\nx <- x + 0.01 * (s' - h')\nlet d = Q(x - h, quantize(4, 1))",
        "h <- h + d\nx <- x + 0.01 * (s' - h')\nlet d = Q(x - h, f16)",
        // Steps that differ.
        "h <- h + d\nx <- if every(2) { x + 0.01 * (s' - h') } else { x }\nlet d = Q(x - h, top_fraction(3/4))",
        "h <- h + d\nx <- x + 0.01 * (t + 1) * (s' - h')\nlet d = Q(x - h, top_fraction(3/4))",
    ] {
        assert_eq!(with(states, &format!("s <- s + mix(d)\n{open}")), "open", "{open}");
    }
    let lines = "s <- s + mix(d)\nlet d = Q(x - h, top_fraction(3/4))\nh <- h + d\nx <- x + 0.01 * (s' - h')";
    // Copies that start elsewhere than the estimates mix to.
    assert_eq!(with("state x = params\nstate h = params\nstate s = 0", lines), "open");
    assert_eq!(with("state x = params\nstate h = params\nstate s = h", lines), "open");
    assert_eq!(with("state x = params\nstate h = params\nstate s = mix(h)", lines), "proved");
    assert_eq!(
        with("state x = params\nstate h = compress(x, top_fraction(1/2))\nstate s = mix(h)", lines),
        "proved"
    );
    // Another state that moves it, or that it moves.
    let fed = format!("{lines} + 0.1 * m\nm <- 0.9 * m + grad(x)");
    assert_eq!(with(&format!("{states}\nstate m = 0"), &fed), "open");
    let feeds = format!("{lines}\nm <- 0.9 * m + h");
    assert_eq!(with(&format!("{states}\nstate m = 0"), &feeds), "open");
    let gradient = format!("{lines} - lr * g\ng <- grad(x')");
    assert_eq!(with(&format!("{states}\nstate g = 0"), &gradient), "proved");
    // Weights that do not keep the sum, and several phases.
    assert_eq!(verdict(PUSH, states, &lines.replace("Q(", "compress(")), "open");
}
