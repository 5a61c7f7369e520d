//! Schedules built by hand, and what the suites share.
#![allow(dead_code)]

pub mod conformance;

use bfc_schedule::average::{Average, SliceRound};
use bfc_schedule::matrix::Row;
use bfc_schedule::program::{Input, Instruction, Operation, Operator, Program, Register, Shape, Transfer};
use bfc_schedule::*;

pub const X: Register = Register(0);
pub const G: Register = Register(1);

/// A schedule whose topologies have these phases.
pub fn schedule(program: Program, size: u32, topologies: Vec<Vec<Phase>>) -> Schedule {
    Schedule::new(Draft {
        size,
        local_size: 1,
        topologies: topologies.into_iter().map(|phases| Topology { name: "t".into(), phases }).collect(),
        program,
        average: Some(average_rounds(size)),
        overrides: vec![],
        metadata: serde_json::json!({}),
        certificate: serde_json::json!({}),
    })
    .expect("a valid schedule")
}

/// `x <- mix(x)`.
pub fn averaging() -> Program {
    let exchange = mix(0, X, X);
    program("averaging", vec![Shape::Vector], vec![("x", X)], vec![exchange])
}

/// `x <- average(x)`.
pub fn global_averaging() -> Program {
    let exchange =
        Instruction::Exchange { operator: Operator::Average, transfers: vec![Transfer { from: X, into: X }] };
    program("parallel", vec![Shape::Vector], vec![("x", X)], vec![exchange])
}

/// `x <- mix(x) - lr * grad(x)`.
pub fn dgd() -> Program {
    use Operation::*;
    let update = vec![Register(X), Input(0), Register(G), Multiply, Subtract];
    let step = vec![
        Instruction::Gradient { at: X, into: G },
        mix(0, X, X),
        Instruction::Compute { into: X, expression: update },
    ];
    let mut program = program("dgd", vec![Shape::Vector; 2], vec![("x", X)], step);
    program.inputs.push(self::Input { name: "lr".into(), default: Rational::new(1, 10) });
    program
}

/// `u <- mix(u)`, `v <- mix(v)` with a scalar v, model u / v: push-sum.
pub fn push_sum() -> Program {
    let v = Register(2);
    let mix = Instruction::Exchange {
        operator: Operator::Mix(0),
        transfers: vec![Transfer { from: X, into: X }, Transfer { from: v, into: v }],
    };
    let shapes = vec![Shape::Vector, Shape::Vector, Shape::Scalar];
    let mut program = program("push_sum", shapes, vec![("u", X), ("v", v)], vec![mix]);
    let one = vec![Operation::Constant(Rational::one())];
    program.initial.push(Instruction::Compute { into: v, expression: one });
    let ratio = vec![Operation::Register(X), Operation::Register(v), Operation::Divide];
    program.model = vec![Instruction::Compute { into: G, expression: ratio }];
    program.model_register = G;
    program
}

pub fn program(
    name: &str,
    registers: Vec<Shape>,
    states: Vec<(&str, Register)>,
    step: Vec<Instruction>,
) -> Program {
    Program {
        name: name.into(),
        inputs: vec![],
        registers,
        states: states.into_iter().map(|(name, register)| (name.to_string(), register)).collect(),
        initial: vec![Instruction::Parameters { into: X }],
        conditions: vec![],
        steps: vec![step],
        model: vec![],
        model_register: X,
    }
}

pub fn mix(topology: u32, from: Register, into: Register) -> Instruction {
    Instruction::Exchange { operator: Operator::Mix(topology), transfers: vec![Transfer { from, into }] }
}

/// Every rank sends to itself plus each hop; equal weights.
pub fn shifts(size: u32, hops: &[u32]) -> Phase {
    let group = Group::cyclic(size);
    let weight = Rational::new(1, hops.len() as u32 + 1);
    let hops: Vec<_> = hops.iter().map(|&hop| (Rank(hop), weight.clone())).collect();
    let matrix = CayleyMatrix::new(group.clone(), weight.clone(), hops.clone()).expect("hops");
    let plan = RoundPlan::Cayley { group, self_weight: weight, rounds: hops };
    Phase { matrix: MixingMatrix::Cayley(matrix), plan }
}

/// One-peer exponential graph: phase t has the hop 2^t.
pub fn one_peer(size: u32) -> Vec<Phase> {
    if size == 1 {
        return vec![table(vec![Row { self_weight: Rational::one(), in_weights: vec![] }])];
    }
    (0..32 - (size - 1).leading_zeros()).map(|t| shifts(size, &[1 << t])).collect()
}

/// A ring, both ways, with weights 1/3 (1/2 for two ranks).
pub fn ring(size: u32) -> Phase {
    match size {
        1 => table(vec![Row { self_weight: Rational::one(), in_weights: vec![] }]),
        2 => shifts(2, &[1]),
        _ => shifts(size, &[1, size - 1]),
    }
}

/// Any matrix; each edge goes to the first round in which both ends are free.
pub fn table(rows: Vec<Row>) -> Phase {
    let size = rows.len();
    let mut busy: Vec<(Vec<bool>, Vec<bool>)> = vec![];
    let mut edges = vec![];
    for (to, row) in rows.iter().enumerate() {
        for (from, weight) in &row.in_weights {
            let round = busy
                .iter()
                .position(|(sends, receives)| !sends[from.index()] && !receives[to])
                .unwrap_or_else(|| {
                    busy.push((vec![false; size], vec![false; size]));
                    busy.len() - 1
                });
            busy[round].0[from.index()] = true;
            busy[round].1[to] = true;
            edges.push((round as u32, *from, Rank(to as u32), weight.clone()));
        }
    }
    let mut weights = matrix::Interner::default();
    let self_weights = rows.iter().map(|row| weights.id(row.self_weight.clone())).collect();
    let (mut offsets, mut actions) = (vec![0], vec![]);
    for rank in (0..size as u32).map(Rank) {
        for round in 0..busy.len() as u32 {
            let send_to = edges.iter().find(|edge| edge.0 == round && edge.1 == rank).map(|edge| edge.2);
            let receive = edges.iter().find(|edge| edge.0 == round && edge.2 == rank);
            let receive = receive.map(|edge| (edge.1, weights.id(edge.3.clone())));
            if send_to.is_some() || receive.is_some() {
                actions.push(Action { round, send_to, receive });
            }
        }
        offsets.push(actions.len());
    }
    let rounds = busy.len() as u32;
    let plan =
        RoundPlan::Table(RoundTable { rounds, weights: weights.values, self_weights, offsets, actions });
    let matrix = SparseMatrix::from_rows(rows).expect("a matrix");
    Phase { matrix: MixingMatrix::Sparse(matrix), plan }
}

/// Träff's rounds.
pub fn average_rounds(size: u32) -> Average {
    let mut skips = vec![size];
    while *skips.last().expect("one") > 1 {
        skips.push(skips.last().expect("one").div_ceil(2));
    }
    let pairs: Vec<_> = skips.windows(2).map(|pair| (pair[0], pair[1])).collect();
    let reduce = pairs
        .iter()
        .map(|&(above, skip)| SliceRound { hop: skip, first: skip, count: above - skip })
        .collect();
    let gather = pairs
        .iter()
        .rev()
        .map(|&(above, skip)| SliceRound { hop: size - skip, first: 0, count: above - skip })
        .collect();
    Average { size, reduce, gather }
}

/// W applied to one number of each rank, in `f64`.
pub fn apply(matrix: &MixingMatrix, values: &[f64]) -> Vec<f64> {
    (0..values.len())
        .map(|rank| {
            let row = matrix.row(Rank(rank as u32));
            let others =
                row.in_weights.iter().map(|(source, weight)| weight.to_f64() * values[source.index()]);
            row.self_weight.to_f64() * values[rank] + others.sum::<f64>()
        })
        .collect()
}

/// Element `index` of rank's start.
pub fn start(rank: Rank, index: usize) -> f64 {
    let bits = (rank.0 as u64 * 1_000_003 + index as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((bits ^ (bits >> 29)) % 20_001) as f64 / 1000.0 - 10.0
}
