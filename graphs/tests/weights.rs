//! Weights as files have them: rounded, left by a solver, without a diagonal; and what is written of them.

use crate::common::import;
use bfc_graphs::{Normalise, Options, Source, source};

fn written(content: &str, options: &Options) -> Source {
    let imported =
        import("w.csv", content.as_bytes(), "--kind matrix").unwrap_or_else(|error| panic!("{error}"));
    source(&imported, "w", options, None).unwrap_or_else(|error| panic!("{error}"))
}

fn normalise(how: Normalise) -> Options {
    Options { normalise: Some(how), ..Options::default() }
}

const ROUNDED: &str = "0.33333334,0.33333334,0.33333334\n0.33333334,0.33333334,0.33333334\n\
                       0.33333334,0.33333334,0.33333334\n";

#[test]
fn rows_that_were_rounded_sum_to_one_again() {
    let plain = written(ROUNDED, &Options::default());
    assert!(!plain.text.contains("self") && plain.text.contains("[0, 1, 0.33333334]"), "{}", plain.text);
    assert!(
        plain.notes[0].contains("rows miss 1 by up to 2.0e-8") && plain.warnings.is_empty(),
        "{:?}",
        plain.notes
    );
    let rows = written(ROUNDED, &normalise(Normalise::Rows));
    assert!(rows.text.contains("[0, 1, 1/3]"), "{}", rows.text);
    // Few digits say little: a row that misses 1 by more than they explain keeps what it has.
    let missed = written("0.5,0.25\n0.5,0.5\n", &Options::default());
    assert!(missed.text.contains("[0, 0.5]") && missed.text.contains("self i weight w"), "{}", missed.text);
    let own = written("0.5,0.25\n0.5,0.5\n", &normalise(Normalise::Own));
    assert!(!own.text.contains("self"), "{}", own.text);
}

#[test]
fn a_diagonal_of_zeros_is_not_replaced() {
    let zeros = "0,0.25,0.25\n0.25,0,0.25\n0.25,0.25,0\n";
    let kept = written(zeros, &Options::default());
    assert!(kept.text.contains("[0, 0], [1, 0], [2, 0]\n    ] { self i weight w }"), "{}", kept.text);
    assert!(kept.warnings[0].contains("--normalise own"), "{:?}", kept.warnings);
    let own = written(zeros, &normalise(Normalise::Own));
    assert!(!own.text.contains("self") && own.warnings.is_empty(), "{}", own.text);
    let rows = written("0,0.3,0.3\n0.3,0,0.3\n0.3,0.3,0\n", &normalise(Normalise::Rows));
    assert!(rows.text.contains("[0, 1, 0.5]"), "{}", rows.text);
}

#[test]
fn zeros_of_a_solver_are_reported_with_their_cost() {
    let solved = "0.5,0.25,1e-10,0.2499999999\n0.25,0.5,0.25,0\n1e-10,0.25,0.4999999999,0.25\n0.2499999999,0,0.25,0.5000000001\n";
    let kept = written(solved, &Options::default());
    let warning = &kept.warnings[0];
    assert!(
        warning.contains("2 weights are at most 1e-10") && warning.contains("3 rounds instead of 2"),
        "{warning}"
    );
    assert!(warning.contains("`--drop 1e-10`"), "{warning}");
    let dropped = written(solved, &Options { drop: Some(1e-9), ..Options::default() });
    assert!(!dropped.text.contains("1e-10") && dropped.warnings.is_empty(), "{}", dropped.text);
    assert!(dropped.notes.iter().any(|note| note.contains("2 rounds instead of 3")), "{:?}", dropped.notes);
}

#[test]
fn many_edges_go_to_a_file_of_their_own() {
    let ring: String = (0..20_000).map(|i| format!("n{i},n{}\n", (i + 1) % 20_000)).collect();
    let imported = import("ring.csv", ring.as_bytes(), "").expect("a ring");
    let beside = source(&imported, "ring", &Options::default(), Some("ring.edges")).expect("a source");
    let edges = bfc_dsl::edges::parse(&beside.edges.expect("a file of edges")).expect("edges");
    assert_eq!((edges.ranks, edges.edges.len(), edges.names[3].as_str()), (20_000, 20_000, "n3"));
    assert!(
        beside.text.contains("edges from \"ring.edges\" sha256 \"") && beside.text.len() < 400,
        "{}",
        beside.text
    );
    let alone = source(&imported, "ring", &Options::default(), None).expect("a source");
    assert!(alone.edges.is_none() && alone.text.contains("[0, 1], [0, 19999]"));
}
