//! Topologies from papers, as `dsl/tests/programs` writes them: their evaluation against published and independent values.

use bfc_compiler::Analysis;
use bfc_compiler::{Entry, NoFiles, Request, analyze};

/// What a program file takes from elsewhere.
fn imports(file: &str) -> &'static str {
    match file {
        "tori" => "use topology::ring\nuse topology::path\n",
        "hierarchical" => "use topology::complete\nuse topology::one_peer_exp2\n",
        "one_peer" => "use topology::complete\ntopology idle { }\n",
        _ => "",
    }
}

/// The analysis of `topology` of one of the program files.
fn analysis(file: &str, topology: &str, size: u32, local_size: u32) -> Analysis {
    let path = format!("{}/../dsl/tests/programs/{file}.bf", env!("CARGO_MANIFEST_DIR"));
    let source = std::fs::read_to_string(path).unwrap();
    let text = format!("{}{source}\nschedule {{ topology {topology} }}\n", imports(file));
    let entry = Entry::Source { name: format!("{file}.bf"), text };
    let request = Request { local_size, ..Request::new(entry, size) };
    analyze(&request, &NoFiles).unwrap_or_else(|error| panic!("{topology} at {size}: {error}"))
}

fn near(found: Option<f64>, expected: f64) -> bool {
    found.is_some_and(|found| (found - expected).abs() < 1e-6)
}

#[test]
fn base_graphs_average_exactly_in_the_published_number_of_rounds() {
    // Takezawa et al., NeurIPS 2023; lengths as in the published code.
    let one = [(3, 3), (5, 5), (6, 4), (7, 5), (8, 3), (9, 7), (11, 7), (12, 5), (17, 9), (20, 7), (33, 11)];
    let two = [(5, 3), (7, 4), (9, 2), (10, 4), (14, 5), (22, 6), (25, 6), (33, 6)];
    for (k, lengths) in [(1, &one[..]), (2, &two[..])] {
        for &(size, length) in lengths {
            let analysis = analysis("base", &format!("base({k})"), size, 1);
            assert_eq!((analysis.period, analysis.exact_average), (length, Some(true)), "k {k}, size {size}");
            assert!(analysis.max_in_degree <= k && analysis.symmetric, "k {k}, size {size}");
        }
    }
    assert_eq!(analysis("base", "simple_base_graph", 6, 1).exact_average, Some(true));
    assert_eq!(analysis("base", "hyper_hypercube(2)", 12, 1).exact_average, Some(true));
}

#[test]
fn expanders_have_their_spectra() {
    let cases = [
        ("margulis", 16, 0.603553),
        ("margulis", 100, 0.736690),
        ("chung_inverse", 11, 0.854380),
        ("chung_inverse", 31, 0.924574),
        ("paley", 13, 0.328968),
        ("paley", 29, 0.212839),
        ("petersen", 10, 0.5),
        ("kautz(3)", 8, 1.0 / 3.0),
    ];
    for (topology, size, rho) in cases {
        let analysis = analysis("expanders", topology, size, 1);
        assert!(analysis.doubly_stochastic, "{topology} at {size}");
        assert!(
            near(analysis.sigma2, rho) || near(analysis.rho, rho),
            "{topology} at {size}: {:?}",
            analysis.rho
        );
    }
    let de_bruijn = analysis("expanders", "de_bruijn", 16, 1);
    assert_eq!(de_bruijn.exact_after, Some(4));
    assert!(near(de_bruijn.sigma2, 1.0));
}

#[test]
fn one_peer_schedules_contract_as_published() {
    let cases = [
        ("one_peer", "one_peer_exp2", 33, 1, 0.03111),
        ("one_peer", "one_peer_exp2", 12, 1, 0.20913),
        ("one_peer", "p_peer_exp(2)", 8, 1, 1.0 / 9.0),
        ("one_peer", "p_peer_exp(2)", 16, 1, 0.157851),
        ("one_peer", "bipartite_exp", 8, 1, std::f64::consts::FRAC_1_SQRT_2),
        ("one_peer", "bipartite_exp", 16, 1, 0.653281),
        ("one_peer", "ring_matching", 8, 1, std::f64::consts::FRAC_1_SQRT_2),
        ("inner_outer", "inner_outer_expo2", 16, 4, 0.636574),
    ];
    for (file, topology, size, local_size, contraction) in cases {
        let analysis = analysis(file, topology, size, local_size);
        let found = analysis.period_contraction.unwrap();
        assert!((found - contraction).abs() < 5e-6, "{topology} at {size}: {found}");
    }
    assert_eq!(analysis("ceca", "ceca", 5, 1).period, 3);
}

#[test]
fn tori_by_hand_are_tori() {
    let by_hand = analysis("tori", "torus_by_hand([4, 4])", 16, 1);
    assert!(near(by_hand.rho, 0.6) && by_hand.max_in_degree == 4);
    let flat = analysis("tori", "torus_by_hand([2, 2, 3])", 12, 1);
    assert_eq!(flat.max_in_degree, 4);
    let by_product = analysis("tori", "torus([4, 4])", 16, 1);
    assert_eq!((by_product.rho, by_product.max_in_degree), (by_hand.rho, 4));
    assert!(near(analysis("tori", "grid([3, 3])", 9, 1).rho, 0.767423));
}

#[test]
fn combined_topologies_average_as_their_parts_do() {
    let hierarchical = analysis("hierarchical", "hierarchical", 32, 8);
    assert_eq!((hierarchical.period, hierarchical.exact_average), (2, Some(true)));
    let local = analysis("one_peer", "local(5)", 7, 1);
    assert_eq!((local.period, local.exact_average), (5, Some(true)));
    let push = analysis("push_pull_trees", "tree_push(2)", 7, 1);
    assert!(push.column_stochastic && !push.row_stochastic);
}
