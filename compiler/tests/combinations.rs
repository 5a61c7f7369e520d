//! Topologies made of topologies: symbolic and enumerated evaluation agree, and both with the algebra of matrices.

use bfc_compiler::evaluate::{Evaluator, Limits, on_deep_stack};
use bfc_compiler::model::topology::Topology;
use bfc_compiler::resolve::{Program, Source};
use bfc_dsl::tree::{FileId, Item};
use bfc_schedule::{MixingMatrix, Rank, Rational};
use proptest::prelude::*;
use std::time::{Duration, Instant};

const BASES: &str = "
topology ring { for i in ranks { i -- (i + 1) mod size } }
topology directed { for i in ranks { i -> (i + 1) mod size weight 2/3 } }
topology chords { for i in ranks, h in [1, 2] { i -> (i + h) mod size } }
topology complete { for i in ranks, h in 1..size { i -> (i + h) mod size } }
topology halves { for i in ranks { i -- (i + size div 2) mod size } }
topology star { for i in 1..size { 0 -- i } }
topology path { for i in 0..size - 1 { i -- i + 1 } }
topology idle { }
topology turns { for t in 0..3 { phase { for i in ranks { i -> (i + 2^t) mod size } } } }
topology pairs { if size mod 2 == 0 { for i in ranks { i -- i xor 1 } } }
";

const NAMES: [&str; 10] =
    ["ring", "directed", "chords", "complete", "halves", "star", "path", "idle", "turns", "pairs"];

fn evaluate(expression: &str, size: u32, symbolic: bool) -> Result<Topology, String> {
    evaluate_within(Limits::default(), expression, size, symbolic)
}

fn evaluate_within(limits: Limits, expression: &str, size: u32, symbolic: bool) -> Result<Topology, String> {
    let text = format!("topology whole = {expression}\n{BASES}");
    let file =
        bfc_dsl::parse(FileId(0), &text).into_result().unwrap_or_else(|errors| panic!("{text}: {errors:?}"));
    let program = Program::single(Source { name: "t.bf".into(), text: text.clone() }, file);
    let work = || {
        let Some((id, Item::Topology(item))) = program.numbered_items().next() else { panic!("{text}") };
        let mut evaluator = Evaluator::new(&program, size, 1, limits);
        evaluator.symbolic = symbolic;
        let value = evaluator.instance(id, &[], &[], item.name.span).map_err(|error| error.to_string())?;
        let evaluated = evaluator.realize(&value, size);
        evaluated.map(|topology| (*topology).clone()).map_err(|errors| errors[0].to_string())
    };
    on_deep_stack(work).unwrap()
}

type Matrix = Vec<Vec<Rational>>;

/// W of every phase.
fn matrices(expression: &str, size: u32) -> Vec<Matrix> {
    let topology = evaluate(expression, size, true).unwrap_or_else(|error| panic!("{expression}: {error}"));
    topology.phases.iter().map(dense).collect()
}

fn dense(matrix: &MixingMatrix) -> Matrix {
    let row = |rank| {
        let row = matrix.row(Rank(rank));
        let mut entries = vec![Rational::zero(); matrix.size() as usize];
        row.in_weights.into_iter().for_each(|(source, weight)| entries[source.index()] = weight);
        entries[rank as usize] = row.self_weight;
        entries
    };
    (0..matrix.size()).map(row).collect()
}

fn build(size: usize, entry: impl Fn(usize, usize) -> Rational) -> Matrix {
    (0..size).map(|i| (0..size).map(|j| entry(i, j)).collect()).collect()
}

/// A topology on `size` ranks, of others at most `depth` deep.
fn expression(size: u32, depth: u32) -> BoxedStrategy<String> {
    let name = prop::sample::select(&NAMES[..]).prop_map(str::to_string);
    if depth == 0 {
        return name.boxed();
    }
    let inner = || expression(size, depth - 1);
    let splits: Vec<u32> = (1..=size).filter(|d| size.is_multiple_of(*d)).collect();
    let product = move |word: &'static str| {
        prop::sample::select(splits.clone()).prop_flat_map(move |a| {
            let b = size / a;
            (expression(a, depth - 1), expression(b, depth - 1))
                .prop_map(move |(x, y)| format!("{word}([({x}) at {a}, ({y}) at {b}])"))
        })
    };
    prop_oneof![
        1 => name,
        3 => product("kronecker"),
        3 => product("cartesian"),
        1 => inner().prop_map(|x| format!("transpose({x})")),
        1 => inner().prop_map(|x| format!("lazy({x}, -1/3)")),
        1 => (inner(), 0..size).prop_map(move |(x, k)| format!("permute({x}, [(i + {k}) mod {size} for i in 0..{size}])")),
        1 => inner().prop_map(move |x| format!("permute({x}, reversed(0..{size}))")),
        1 => (inner(), inner()).prop_map(|(x, y)| format!("union({x}, {y})")),
        1 => (inner(), inner()).prop_map(|(x, y)| format!("concat({x}, {y})")),
        1 => inner().prop_map(|x| format!("symmetrize({x})")),
        1 => inner().prop_map(|x| format!("cycle({x})")),
        1 => inner().prop_map(|x| format!("matchings({x})")),
    ]
    .boxed()
}

fn sized() -> impl Strategy<Value = (u32, String)> {
    prop::sample::select(&[2u32, 3, 4, 6, 8, 12][..]).prop_flat_map(|size| (Just(size), expression(size, 2)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn symbolic_and_enumerated_combinations_agree((size, expression) in sized()) {
        let (symbolic, enumerated) = (evaluate(&expression, size, true), evaluate(&expression, size, false));
        let rows = |found: Result<Topology, String>| found.map(|t| t.phases.iter().map(dense).collect::<Vec<_>>());
        let (symbolic, enumerated) = (rows(symbolic), rows(enumerated));
        prop_assert!(symbolic.is_ok(), "{}: {:?}", expression, symbolic);
        prop_assert_eq!(symbolic, enumerated, "{}", expression);
    }

    #[test]
    fn what_keeps_weights_is_the_algebra((size, x) in sized(), y in expression(3, 1), k in 1u32..8) {
        let n = size as usize;
        let base = matrices(&x, size);
        let places: Vec<usize> = (0..n).map(|i| (i + k as usize) % n).rev().collect();
        let shown = format!("{places:?}");
        let third = Rational::new(1, 3);
        for (which, text) in [
            format!("transpose({x})"), format!("lazy({x}, 1/3)"), format!("permute({x}, {shown})"),
        ].iter().enumerate() {
            let expected: Vec<Matrix> = base.iter().map(|w| match which {
                0 => build(n, |i, j| w[j][i].clone()),
                1 => build(n, |i, j| {
                    let moved = &w[i][j] * &Rational::new(2, 3);
                    if i == j { &moved + &third } else { moved }
                }),
                _ => {
                    let mut back = vec![0; n];
                    places.iter().enumerate().for_each(|(i, place)| back[*place] = i);
                    build(n, |i, j| w[back[i]][back[j]].clone())
                }
            }).collect();
            prop_assert_eq!(matrices(text, size), expected, "{}", text);
        }
        let (a, b) = (base, matrices(&y, 3));
        let product = matrices(&format!("kronecker(({x}) at {size}, ({y}) at 3)"), 3 * size);
        for (t, w) in product.iter().enumerate() {
            let (a, b) = (&a[t % a.len()], &b[t % b.len()]);
            prop_assert_eq!(w, &build(3 * n, |i, j| &a[i / 3][j / 3] * &b[i % 3][j % 3]), "{} {}", x, y);
        }
        prop_assert!(product.len().is_multiple_of(a.len()) && product.len().is_multiple_of(b.len()));
    }
}

fn radices(expression: &str, size: u32) -> Vec<Option<Vec<u32>>> {
    let topology = evaluate(expression, size, true).unwrap_or_else(|error| panic!("{expression}: {error}"));
    let group = |matrix: &MixingMatrix| match matrix {
        MixingMatrix::Cayley(matrix) => Some(matrix.group().radices().to_vec()),
        MixingMatrix::Sparse(_) => None,
    };
    topology.phases.iter().map(group).collect()
}

#[test]
fn symmetry_is_kept_at_any_size() {
    let start = Instant::now();
    let cube = "cartesian([ring at 100, ring at 100, ring at 100])";
    assert_eq!(radices(cube, 1_000_000), [Some(vec![100, 100, 100])]);
    assert_eq!(radices("kronecker(turns at 1024, complete at 8)", 8192), vec![Some(vec![1024, 8]); 3]);
    assert_eq!(radices("transpose(lazy(turns, 1/2))", 1 << 20), vec![Some(vec![1 << 20]); 3]);
    assert_eq!(radices("union(directed, transpose(halves))", 1 << 20), [Some(vec![1 << 20])]);
    assert_eq!(radices("cycle(chords)", 1 << 20), vec![Some(vec![1 << 20]); 2]);
    // The complete graph and the idle one belong to every group, and a schedule is written in one.
    let torus = "cartesian([ring at 3, ring at 4])";
    assert_eq!(radices(&format!("concat({torus}, complete, idle, ring at 12)"), 12)[0], Some(vec![3, 4]));
    assert_eq!(radices(&format!("concat(complete, idle, {torus})"), 12), vec![Some(vec![3, 4]); 3]);
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[test]
fn fuel_bounds_all_combinations() {
    let limits = Limits { steps: 1_000_000, ..Limits::default() };
    for (expression, size) in [
        ("kronecker([star at 300, star at 300, star at 11])", 990_000),
        ("cartesian([star at 3000, star at 3000])", 9_000_000),
        ("cycle(cartesian([path at 97, star at 101]))", 9797),
        ("concat([concat([turns for i in 0..300]) for j in 0..300])", 4),
        ("matchings(permute(complete, shuffle(0..2000, 1, 0)))", 2000),
        ("union(permute(complete, shuffle(0..2000, 1, 0)), star)", 2000),
        ("kronecker([turns at 4 for k in 0..9] ++ [path at 4])", 1 << 20),
        ("lazy(lazy(lazy(star, 1/3^20000), 1/3^20000), 1/3^20000)", 4),
        ("kronecker([lazy(complete at 2, 1/3^9000) for k in 0..8])", 256),
        ("lazy(star, sum(eigenvalues(star)))", 1500),
        ("concat(phases(concat([turns for i in 0..3000])))", 4),
    ] {
        let refused = evaluate_within(limits, expression, size, true);
        let text = refused.err().unwrap_or_else(|| panic!("{expression} was not too much"));
        let known = ["more than 1000000 steps", "more than 65536 bits", "has more than 16777216 edges"];
        assert!(known.iter().any(|known| text.contains(known)), "{expression}: {text}");
    }
}
