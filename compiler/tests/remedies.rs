//! What a refusal says to write instead compiles: each remedy is applied to the source that was refused.

use bfc_compiler::{Diagnostics, Entry, NoFiles, Request, compile, suggest};
use miette::Diagnostic;

fn request(text: &str, parameters: &[(&str, &str)]) -> Request {
    let entry = Entry::Source { name: "refused.bf".into(), text: text.into() };
    let parameters = parameters.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    Request { entry, size: 8, local_size: 1, parameters, allow: vec![] }
}

fn help(diagnostics: &Diagnostics) -> String {
    let first = diagnostics.errors().iter().find_map(Diagnostic::help);
    first.map(|help| help.to_string()).unwrap_or_default()
}

/// The quoted words of a remedy.
fn quoted(remedy: &str) -> Vec<&str> {
    remedy.split('`').skip(1).step_by(2).collect()
}

/// The sources that a help describes, of one whose schedule is its end.
fn remedied(text: &str, help: &str) -> Vec<String> {
    let line = |word: &str| text.lines().rfind(|line| line.trim().starts_with(word)).expect("a line");
    let instead = |word: &str, with: &str| {
        let (before, after) = text.rsplit_once(line(word)).expect("a line");
        format!("{before}{with}{after}")
    };
    let mut sources = vec![];
    for remedy in help.split("; ") {
        let words = quoted(remedy);
        if remedy.starts_with("it passes as") {
            let [first, rules @ .., chosen] = &words[..] else { panic!("{remedy}") };
            let start = first.split(" weights ").next().unwrap();
            let items = rules.iter().map(|rule| format!("{start} {rule}")).chain([first.to_string()]);
            sources.extend(items.map(|item| format!("{item}\n{}", instead("topology", chosen))));
        } else if remedy.starts_with("it passes with `topology") {
            sources.push(instead("topology", words[0]));
        } else if remedy.starts_with("these edges") {
            let ends = |rule: &&str| text.replacen("} }\n", &format!("}}\n{rule}\n}}\n"), 1);
            sources.extend(words.iter().map(ends));
        } else if remedy.starts_with("this topology passes") {
            let name = |path: &str| path.rsplit("::").next().unwrap().to_string();
            let used = |path: &&str| {
                format!("use {path}\n{}", instead("algorithm", &format!("algorithm {}", name(path))))
            };
            sources.extend(words.iter().map(used));
        } else if remedy.starts_with("with `weights") {
            let [rule, algorithms @ ..] = &words[..] else { panic!("{remedy}") };
            let name = |path: &str| path.rsplit("::").next().unwrap().to_string();
            let with_rule = |path: &&str| {
                let chosen = instead("algorithm", &format!("algorithm {}", name(path)));
                format!("use {path}\n{}", chosen.replacen("} }\n", &format!("}}\n{rule}\n}}\n"), 1))
            };
            sources.extend(algorithms.iter().map(with_rule));
        } else if remedy.starts_with("without `--param") {
            sources.push(text.to_string());
        } else {
            panic!("{remedy}");
        }
    }
    sources
}

#[test]
fn remedies_can_be_written_down() {
    let schedule = |uses: &str, topology: &str, algorithm: &str| {
        format!("{uses}\nschedule {{\n    topology {topology}\n    algorithm {algorithm}\n}}\n")
    };
    let own = "use algorithm::d2\ntopology own {\n    for i in ranks { i -- (i + 1) mod size } }\n";
    let damped = "use topology::ring\nalgorithm damped(gain: scalar = 2/5) {\n    requires doubly_stochastic, stable\n    \
                  state x = params\n    step { x <- x - gain * (x - mix(x)) * 2 }\n}\n";
    let none: &[(&str, &str)] = &[];
    for (text, parameters, least) in [
        (schedule("use topology::ring\nuse algorithm::d2", "ring", "d2"), none, 4),
        (schedule("use topology::ring\nuse algorithm::d2", "W = ring", "d2"), none, 4),
        (schedule("use topology::star\nuse algorithm::nids", "transpose(star) // turned", "nids"), none, 0),
        (schedule("use topology::exponential\nuse algorithm::d2", "exponential", "d2"), &[("base", "3")], 1),
        (
            schedule(
                "use topology::hypercube\nuse algorithm::d2",
                "cartesian(hypercube at 4, hypercube at 2)",
                "d2",
            ),
            none,
            2,
        ),
        (schedule("use topology::star\nuse algorithm::dgd", "lazy(star, 3/2)", "dgd"), none, 3),
        (schedule(own, "own", "d2"), none, 4),
        (
            schedule(
                "use algorithm::gradient_tracking\ntopology hub {\n    0 -> 2\n    for i in ranks { i -> (i + 1) mod size } }\n",
                "hub",
                "gradient_tracking",
            ),
            none,
            2,
        ),
        (schedule("use topology::one_peer_exp2\nuse algorithm::d_admm", "one_peer_exp2", "d_admm"), none, 2),
        (
            schedule(
                "use topology::tree_push\nuse algorithm::exact_diffusion",
                "tree_push",
                "exact_diffusion",
            ),
            none,
            1,
        ),
        (schedule(damped, "ring", "damped"), &[("gain", "3/2")], 1),
    ] {
        let refused_request = request(&text, parameters);
        let refused = compile(&refused_request, &NoFiles)
            .map_err(|refused| suggest(&refused_request, &NoFiles, refused));
        let Err(refused) = refused else {
            assert_eq!(least, 0, "{text} is not refused");
            continue;
        };
        let help = help(&refused);
        let sources = remedied(&text, &help);
        assert!(sources.len() >= least, "{text}{help}");
        for source in sources {
            compile(&request(&source, &[]), &NoFiles)
                .unwrap_or_else(|error| panic!("{help}\n{source}{error}"));
        }
    }
}
