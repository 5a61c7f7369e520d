//! The symbolic rule and enumeration give the same matrices, and the library stays symbolic where it can.

use bfc_compiler::evaluate::Limits;
use bfc_compiler::evaluate::{Evaluator, on_deep_stack};
use bfc_compiler::model::topology::Topology;
use bfc_compiler::resolve::{Program, Source};
use bfc_compiler::{Entry, NoFiles, Request, compile};
use bfc_dsl::tree::{FileId, Item};
use bfc_schedule::matrix::Row;
use bfc_schedule::{MixingMatrix, Rank};
use proptest::prelude::*;

/// The first topology of a source, with the symbolic rule or without.
fn evaluate(text: &str, size: u32, symbolic: bool) -> Result<Topology, String> {
    let file =
        bfc_dsl::parse(FileId(0), text).into_result().unwrap_or_else(|errors| panic!("{text}: {errors:?}"));
    let program = Program::single(Source { name: "t.bf".into(), text: text.into() }, file);
    let work = || {
        let Some((id, Item::Topology(item))) = program.numbered_items().next() else { panic!("{text}") };
        let mut evaluator = Evaluator::new(&program, size, 1, Limits::default());
        evaluator.symbolic = symbolic;
        let value = evaluator.instance(id, &[], &[], item.name.span).map_err(|error| error.to_string())?;
        let evaluated = evaluator.realize(&value, size);
        evaluated
            .map(|topology| (*topology).clone())
            .map_err(|errors| errors.iter().map(ToString::to_string).collect())
    };
    on_deep_stack(work).unwrap()
}

fn rows(topology: &Topology) -> Vec<Vec<Row>> {
    let of = |matrix: &MixingMatrix| (0..topology.size).map(|rank| matrix.row(Rank(rank))).collect();
    topology.phases.iter().map(of).collect()
}

/// An end of an edge, in terms of the rank `i`: moves, and what looks like one.
fn end() -> impl Strategy<Value = String> {
    let c = -9i64..20;
    let (s, d, k) = (1i64..7, 1i64..7, -3i64..9);
    prop_oneof![
        4 => c.clone().prop_map(|c| format!("(i + {c}) mod size")),
        2 => (0i64..20).prop_map(|c| format!("i xor {c}")),
        2 => (0i64..20).prop_map(|c| format!("{c} xor i xor 1")),
        4 => (s.clone(), d.clone(), k.clone())
            .prop_map(|(s, d, k)| format!("i + ((i div {s} mod {d} + {k}) mod {d} - i div {s} mod {d}) * {s}")),
        4 => (1i64..8, k.clone())
            .prop_map(|(s, k)| format!("i div {s} * {s} + (i mod {s} + {k}) mod {s}")),
        4 => (1i64..8, k.clone())
            .prop_map(|(s, k)| format!("(i div {s} + {k}) mod (size div {s}) * {s} + i mod {s}")),
        1 => (d.clone(), c.clone()).prop_map(|(d, c)| format!("({d} * i + {c}) mod size")),
        1 => c.clone().prop_map(|c| format!("({c} - i) mod size")),
        1 => c.prop_map(|c| format!("(i + {c}) mod size mod (size - 1)")),
        1 => Just("i".to_string()),
        1 => Just("size - 1 - i".to_string()),
        1 => Just("(i + h) mod size".to_string()),
        1 => (s, d).prop_map(|(s, d)| format!("i mod (size div {d}) div {s}")),
    ]
}

fn statement() -> impl Strategy<Value = String> {
    let weight = prop_oneof![3 => Just(""), 1 => Just(" weight 1/8"), 1 => Just(" weight h / 16")];
    let arrow = prop_oneof![Just("->"), Just("--")];
    let condition = prop_oneof![5 => Just(""), 1 => Just(", if h > 1"), 1 => Just(", if i mod 2 == 0")];
    (end(), arrow, end(), weight, condition, any::<bool>()).prop_map(
        |(from, arrow, to, weight, condition, inner)| {
            let (a, b) = if inner { ("i in ranks", "h in [1, 2]") } else { ("h in 1..3", "i in ranks") };
            format!("for {a}, {b}{condition} {{ {from} {arrow} {to}{weight} }}")
        },
    )
}

fn phase() -> impl Strategy<Value = String> {
    let rule = prop_oneof![
        3 => Just(""),
        1 => Just("weights uniform"),
        1 => Just("weights sender_uniform"),
        1 => Just("weights lazy(max_degree, 1/3)"),
        1 => Just("weights constant(1/9)"),
        1 => Just("weights metropolis"),
    ];
    (prop::collection::vec(statement(), 1..3), rule)
        .prop_map(|(statements, rule)| format!("    phase {{\n{}\n{rule}\n}}\n", statements.join("\n")))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn symbolic_and_enumerated_evaluation_agree(phases in prop::collection::vec(phase(), 1..3), size in 2u32..37) {
        let text = format!("topology t {{\n{}}}\n", phases.concat());
        let (symbolic, enumerated) = (evaluate(&text, size, true), evaluate(&text, size, false));
        prop_assert_eq!(symbolic.map(|topology| rows(&topology)), enumerated.map(|topology| rows(&topology)), "{}", text);
    }
}

/// The group of each phase, where it has one.
fn groups(name: &str, size: u32, parameters: &[(&str, &str)]) -> Vec<Option<Vec<u32>>> {
    let parameters = parameters.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    let request = Request { parameters, ..Request::new(Entry::Library(name.into()), size) };
    let compiled = compile(&request, &NoFiles).unwrap_or_else(|error| panic!("{name} at {size}: {error}"));
    let phases = compiled.schedule.topologies()[0].phases.iter();
    phases
        .map(|phase| match &phase.matrix {
            MixingMatrix::Cayley(matrix) => Some(matrix.group().radices().to_vec()),
            MixingMatrix::Sparse(_) => None,
        })
        .collect()
}

#[test]
fn regular_topologies_keep_their_groups() {
    assert_eq!(groups("topology::ring", 12, &[]), [Some(vec![12])]);
    assert_eq!(groups("topology::torus2d", 12, &[]), [Some(vec![3, 4])]);
    assert_eq!(groups("topology::torus2d", 7, &[]), [Some(vec![7])]);
    assert_eq!(groups("topology::torus2d", 12, &[("rows", "12")]), [Some(vec![12])]);
    assert_eq!(groups("topology::hypercube", 8, &[]), [Some(vec![2, 2, 2])]);
    assert_eq!(groups("topology::one_peer_hypercube", 8, &[]), vec![Some(vec![2, 2, 2]); 3]);
    assert_eq!(groups("topology::one_peer_exp2", 12, &[]), vec![Some(vec![12]); 4]);
    assert_eq!(groups("topology::p_peer_exponential", 12, &[]), vec![Some(vec![12]); 3]);
    assert_eq!(groups("topology::p_peer_hypercuboid", 12, &[]), vec![Some(vec![3, 2, 2]); 3]);
    assert_eq!(groups("topology::hyper_hypercube", 12, &[("k", "2")]), vec![Some(vec![3, 2, 2]); 3]);
    assert_eq!(groups("topology::ceca", 12, &[]), vec![Some(vec![12]); 4]);
    assert_eq!(groups("topology::star", 12, &[]), [None]);
}

#[test]
fn a_million_ranks_are_no_more_work_than_ten() {
    let n = 1 << 20;
    assert_eq!(groups("topology::one_peer_exp2", n, &[]), vec![Some(vec![n]); 20]);
    assert_eq!(groups("topology::exponential", n, &[]), [Some(vec![n])]);
    assert_eq!(groups("topology::p_peer_exponential", n, &[]), vec![Some(vec![n]); 13]);
    assert_eq!(groups("topology::p_peer_hypercuboid", n, &[]), vec![Some(vec![2; 20]); 20]);
    assert_eq!(groups("topology::d_equistatic", n, &[]), [Some(vec![n])]);
    assert_eq!(groups("topology::od_equidyn", n, &[("horizon", "20")]), vec![Some(vec![n]); 20]);
}
