//! The topologies of the library: they compile or say why not at every size, keep their `ensure`s, and their
//! documentation's commands work.

use bfc_compiler::{Diagnostics, Entry, NoFiles, Request, analyze, compile, library};
use bfc_schedule::{Rank, Rational};

fn request(name: &str, size: u32, parameters: &[(&str, &str)]) -> Request {
    let parameters = parameters.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    Request { parameters, ..Request::new(Entry::Library(name.into()), size) }
}

fn topologies() -> impl Iterator<Item = &'static str> {
    library::names().into_iter().filter(|name| name.starts_with("topology::"))
}

#[test]
fn every_topology_keeps_its_word_or_says_why_not_at_every_size() {
    for name in topologies() {
        for size in (1..=20).chain([31, 32, 33, 64]) {
            match compile(&request(name, size, &[]), &NoFiles) {
                Ok(compiled) => {
                    assert!(compiled.report.checks.iter().all(|check| check.holds()), "{name} at {size}");
                    assert!(compiled.report.phases.iter().all(|phase| phase.rounds == phase.lower_bound));
                }
                Err(refused) => {
                    assert!(
                        refused.codes().iter().all(|code| code == "bfc::evaluate::precondition"),
                        "{name}: {refused}"
                    );
                    assert!(size > 1, "{name}");
                }
            }
        }
    }
}

/// W[i][j] of the only phase.
fn entry(name: &str, size: u32, parameters: &[(&str, &str)], i: u32, j: u32) -> Rational {
    let compiled = compile(&request(name, size, parameters), &NoFiles).unwrap();
    let row = compiled.schedule.topologies()[0].phases[0].matrix.row(Rank(i));
    if i == j {
        return row.self_weight;
    }
    let found = row.in_weights.into_iter().find(|(source, _)| source.0 == j);
    found.map_or_else(Rational::zero, |(_, weight)| weight)
}

#[test]
fn weights_are_those_of_the_formulas() {
    let ratio = Rational::new;
    assert_eq!(entry("topology::ring", 16, &[], 3, 4), ratio(1, 3));
    assert_eq!(entry("topology::ring", 2, &[], 0, 1), ratio(1, 2));
    assert_eq!(entry("topology::ring_directed", 16, &[], 0, 15), ratio(1, 2));
    assert_eq!(entry("topology::ring_directed", 16, &[], 15, 0), ratio(0, 1));
    assert_eq!(entry("topology::star", 16, &[], 0, 5), ratio(1, 16));
    assert_eq!(entry("topology::star", 16, &[], 5, 5), ratio(15, 16));
    assert_eq!(entry("topology::complete", 7, &[], 2, 6), ratio(1, 7));
    assert_eq!(entry("topology::grid2d", 9, &[], 0, 1), ratio(1, 4));
    assert_eq!(entry("topology::grid2d", 9, &[], 1, 4), ratio(1, 5));
    assert_eq!(entry("topology::grid2d", 9, &[], 0, 0), ratio(1, 2));
    assert_eq!(entry("topology::torus2d", 8, &[("rows", "2")], 0, 4), ratio(1, 4));
    assert_eq!(entry("topology::torus2d", 9, &[], 0, 6), ratio(1, 5));
    assert_eq!(entry("topology::hypercube", 16, &[], 5, 13), ratio(1, 5));
    assert_eq!(entry("topology::exponential", 16, &[], 8, 0), ratio(1, 5));
    assert_eq!(entry("topology::exponential", 16, &[], 0, 8), ratio(1, 5));
    assert_eq!(entry("topology::exponential", 16, &[], 0, 7), ratio(0, 1));
    // 243 = 3^5 hops 1, 3, 9, 27, 81: integer powers, where floating logarithms lose one.
    assert_eq!(entry("topology::exponential", 243, &[("base", "3")], 81, 0), ratio(1, 6));
    assert_eq!(entry("topology::one_peer_exp2", 16, &[], 1, 0), ratio(1, 2));
}

#[test]
fn random_regular_graphs_are_regular_and_repeatable() {
    for (size, degree) in
        [(2, 1), (3, 2), (9, 8), (9, 6), (9, 4), (10, 3), (12, 11), (16, 5), (30, 2), (40, 8), (41, 20)]
    {
        let degree = degree.to_string();
        for seed in ["1", "2"] {
            // `ensure` checks the degree and that it is connected.
            let parameters = [("degree", &*degree), ("seed", seed)];
            compile(&request("topology::random_regular", size, &parameters), &NoFiles)
                .unwrap_or_else(|error| panic!("{size} {degree}: {error}"));
        }
    }
    let neighbours = |rank| {
        let compiled = compile(&request("topology::random_regular", 10, &[]), &NoFiles).unwrap();
        let row = compiled.schedule.topologies()[0].phases[0].matrix.row(Rank(rank));
        row.in_weights.iter().map(|(source, _)| source.0).collect::<Vec<_>>()
    };
    assert_eq!([neighbours(0), neighbours(9)], GOLDEN, "the draw order is to be kept for ever");
}

const GOLDEN: [[u32; 4]; 2] = [[1, 5, 7, 9], [0, 1, 2, 4]];

/// The `bfc analyze` lines of a topology's documentation, as requests.
fn commands(name: &str) -> Vec<Request> {
    let lines = library::source(name)
        .unwrap()
        .lines()
        .filter_map(|line| line.trim_start_matches("///").trim().strip_prefix("bfc analyze "));
    let parse = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let value = |flag: &str| {
            words.windows(2).filter(|pair| pair[0] == flag).map(|pair| pair[1]).collect::<Vec<_>>()
        };
        let parameters: Vec<_> =
            value("--param").iter().map(|given| given.split_once('=').unwrap()).collect();
        let local_size = value("--local-size").first().map_or(1, |given| given.parse().unwrap());
        Request { local_size, ..request(words[0], value("--size")[0].parse().unwrap(), &parameters) }
    };
    lines.map(parse).collect()
}

#[test]
fn commands_in_the_documentation_work() {
    for name in topologies() {
        let commands = commands(name);
        assert!(!commands.is_empty(), "{name} has no example");
        for command in commands {
            let analysis =
                analyze(&command, &NoFiles).unwrap_or_else(|error: Diagnostics| panic!("{name}: {error}"));
            assert!(analysis.checks.iter().all(|check| check.holds()), "{name}: {:?}", analysis.checks);
        }
    }
}

#[test]
fn an_algorithm_alone_is_checked_and_not_compiled() {
    let request = request("algorithm::dgd", 8, &[]);
    assert!(bfc_compiler::check(&request, &NoFiles).unwrap().checks.is_empty());
    assert_eq!(compile(&request, &NoFiles).unwrap_err().codes(), ["bfc::evaluate::no_topology"]);
    let averaging = analyze(&self::request("algorithm::parallel_sgd", 8, &[]), &NoFiles).unwrap_err();
    assert_eq!(averaging.codes(), ["bfc::request::nothing_to_analyze"]);
}

#[test]
fn a_name_that_the_library_lacks_is_refused() {
    let refused = compile(&request("topology::rings", 8, &[]), &NoFiles).unwrap_err();
    assert_eq!(refused.codes(), ["bfc::request::unknown_library_name"]);
}
