//! `bfc export`: what is written is read again as the same matrix, and bad requests are refused.

use crate::common::{codes, files, json, stdout};
use bfc_compiler::{Entry, NoFiles, Request, library, topologies};
use bfc_graphs::{Meaning, Options, Output, export, read, source};
use bfc_schedule::matrix::Row;
use bfc_schedule::{MixingMatrix, Rank, Rational, SparseMatrix};
use proptest::prelude::*;

/// The formats that are read, too.
const READ: [Output; 4] = [Output::Edges, Output::Matrix, Output::Graphml, Output::NodeLink];

fn request(entry: Entry, size: u32) -> Request {
    Request::new(entry, size)
}

/// All entries, row by row.
fn entries(matrix: &MixingMatrix) -> Vec<Vec<Rational>> {
    let row = |rank: u32| {
        let (row, mut entries) = (matrix.row(Rank(rank)), vec![Rational::zero(); matrix.size() as usize]);
        entries[rank as usize] = row.self_weight;
        row.in_weights.into_iter().for_each(|(from, weight)| entries[from.index()] = weight);
        entries
    };
    (0..matrix.size()).map(row).collect()
}

/// The matrix that a file is imported as.
fn imported(text: &str, kind: Output) -> Vec<Vec<Rational>> {
    let (word, _) = Output::ALL.iter().find(|(_, known)| *known == kind).expect("a word");
    let options = Options { meaning: Some(Meaning::Weights), ..Options::default() };
    let graph = read("g", text.as_bytes().to_vec(), &options)
        .unwrap_or_else(|error| panic!("{word}: {error}\n{text}"));
    let size = graph.graph.labels.len() as u32;
    let written =
        source(&graph, "g", &options, None).unwrap_or_else(|error| panic!("{word}: {error}\n{text}"));
    let entry = Entry::Source { name: "g.bf".into(), text: written.text };
    let found =
        topologies(&request(entry, size), &NoFiles).unwrap_or_else(|error| panic!("{word}: {error}\n{text}"));
    entries(&found[0].phases[0])
}

#[test]
fn what_is_exported_is_imported_as_the_same_matrix() {
    let mut tried = 0;
    for name in library::names().into_iter().filter(|name| name.starts_with("topology::")) {
        for size in [2, 3, 6, 8] {
            let Ok(found) = topologies(&request(Entry::Library(name.into()), size), &NoFiles) else {
                continue;
            };
            for matrix in found[0].phases.iter().take(2) {
                let expected = entries(matrix);
                for kind in READ {
                    let text = export(matrix, "g", &[], kind).expect("a small matrix");
                    assert_eq!(imported(&text, kind), expected, "{name} of {size}: {text}");
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 400, "{tried}");
}

/// Numbers with short and long digits, with and without an end to them.
fn weight() -> impl Strategy<Value = Rational> {
    let denominator = prop_oneof![
        1i64..13,
        1i64..10_000,
        1i64..1_000_000_000_000,
        (0u32..50).prop_map(|twos| 1i64 << twos)
    ];
    (-1000i64..1000, denominator).prop_map(|(numerator, denominator)| Rational::new(numerator, denominator))
}

/// What a rank keeps of its own: what its row leaves, or not quite that, or nothing, or any number.
fn own() -> impl Strategy<Value = Result<Rational, Rational>> {
    let miss = |digits: u32| Rational::new(1, 10i64.pow(digits));
    prop_oneof![
        Just(Err(Rational::zero())),
        (2u32..15).prop_map(move |digits| Err(miss(digits))),
        Just(Ok(Rational::zero())),
        weight().prop_map(Ok),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn exact_weights_come_back(
        rows in (2usize..5).prop_flat_map(|size| {
            let row = (prop::collection::vec(prop::option::of(weight()), size), own());
            prop::collection::vec(row, size)
        }),
    ) {
        let rows = rows.into_iter().zip(0..).map(|((entries, own), rank)| {
            let entries = entries.into_iter().zip(0..).filter(|(_, from)| *from != rank);
            let in_weights: Vec<(Rank, Rational)> =
                entries.filter_map(|(weight, from)| Some((Rank(from), weight?))).collect();
            let others: Rational = in_weights.iter().map(|(_, weight)| weight.clone()).sum();
            let self_weight = own.unwrap_or_else(|miss| &(&Rational::one() - &others) + &miss);
            Row { self_weight, in_weights }
        });
        let matrix = MixingMatrix::Sparse(SparseMatrix::from_rows(rows).expect("sorted rows"));
        for kind in READ {
            let text = export(&matrix, "g", &[], kind).expect("a small matrix");
            prop_assert_eq!(imported(&text, kind), entries(&matrix), "{}", text);
        }
    }
}

#[test]
fn names_of_ranks_are_exported_and_imported() {
    let harbour = "topology harbour {\n    requires size == 3\n    names [\"North <Quay>\", \"Port, old\", \"Mill\"]\n    \
                   0 -- 1\n    1 -> 2\n    weights uniform\n}\n";
    let (_directory, path) = files(&[("harbour.bf", harbour.as_bytes())]);
    for kind in ["edges", "matrix", "graphml", "node-link"] {
        let (graph, source) = (path(&format!("graph_{kind}")), path(&format!("{kind}.bf")));
        json(&["export", &path("harbour.bf"), "--size", "3", "--kind", kind, "-o", &graph]);
        let document = json(&["import", &graph, "-o", &source]);
        assert_eq!(document["nodes"], serde_json::json!(["North <Quay>", "Port, old", "Mill"]), "{kind}");
        assert_eq!(
            stdout(&["export", &source, "--size", "3"]),
            stdout(&["export", &path("harbour.bf"), "--size", "3"])
        );
    }
    let dot = stdout(&["export", &path("harbour.bf"), "--size", "3", "--kind", "dot"]);
    assert!(dot.contains("digraph \"harbour\"") && dot.contains("0 [label=\"North <Quay>\"]"), "{dot}");
}

#[test]
fn the_format_is_that_of_the_ending() {
    let (_directory, path) = files(&[]);
    for (ending, begins) in
        [("csv", "sender,receiver"), ("dot", "graph"), ("graphml", "<?xml"), ("json", "{\"directed\"")]
    {
        let file = path(&format!("ring.{ending}"));
        stdout(&["export", "topology::ring", "--size", "5", "-o", &file]);
        let text = std::fs::read_to_string(&file).expect("a file");
        assert!(text.starts_with(begins), "{text}");
    }
}

#[test]
fn bad_exports_are_refused() {
    let export = |flags: &[&str]| codes(&[&["export"], flags].concat(), 1);
    assert_eq!(export(&["topology::one_peer_exp2", "--size", "8"]), ["bfc::export::which_phase"]);
    assert_eq!(
        export(&["topology::one_peer_exp2", "--size", "8", "--phase", "3"]),
        ["bfc::export::which_phase"]
    );
    assert_eq!(export(&["topology::ring", "--size", "6000", "--kind", "matrix"]), ["bfc::export::too_large"]);
}

/// Names that several ranks have would make one node of them.
#[test]
fn ranks_of_one_name_stay_apart() {
    let text = "topology t { requires size == 3\nnames [\"a\", \"a\", \"b\"]\n0 -- 1\n1 -- 2\nweights metropolis }\n";
    let (_directory, path) = files(&[("t.bf", text.as_bytes())]);
    for kind in ["edges", "matrix", "node-link"] {
        let written = stdout(&["export", &path("t.bf"), "--size", "3", "--kind", kind]);
        assert!(!written.contains("\"a\"") && !written.contains("a,"), "{written}");
    }
}
