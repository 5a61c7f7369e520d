//! Schedules to test with, made without the compiler: rounds are coloured greedily.

mod container;

pub use container::*;

use bfc_schedule::compression::{Float, LowRank};
use bfc_schedule::matrix::{Interner, Row};
use bfc_schedule::program::{Flight, Input, Instruction, Operation, Operator, Register, Shape, Transfer};
use bfc_schedule::{
    Action, Average, CayleyMatrix, Codec, Draft, Group, MixingMatrix, Phase, Program, Rank, Rational,
    RoundPlan, RoundTable, SliceRound, SparseMatrix, Topology,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// `x ← W x`, for ever.
pub fn gossip() -> Program {
    let x = Register(0);
    Program {
        name: "gossip".into(),
        inputs: vec![],
        registers: vec![Shape::Vector],
        states: vec![("x".into(), x)],
        initial: vec![Instruction::Parameters { into: x }],
        conditions: vec![],
        steps: vec![vec![mix(0, &[(0, 0)])]],
        model: vec![],
        model_register: x,
    }
}

/// One of everything: a step that mixes and steps along a gradient when t is even, and averages otherwise.
pub fn rich() -> Program {
    use Operation::*;
    let constant = |numerator, denominator| Constant(Rational::new(numerator, denominator));
    let reg = |number| Operation::Register(bfc_schedule::program::Register(number));
    let descend = vec![reg(0), Input(0), reg(2), Multiply, Subtract];
    Program {
        name: "rich".into(),
        inputs: vec![self::Input { name: "lr".into(), default: Rational::new(-1, 10) }],
        registers: vec![Shape::Vector, Shape::Scalar, Shape::Vector, Shape::Vector],
        states: vec![("x".into(), r(0)), ("w".into(), r(1))],
        initial: vec![
            Instruction::Parameters { into: r(0) },
            Instruction::Compute { into: r(1), expression: vec![constant(1, 1)] },
        ],
        conditions: vec![vec![Step, constant(2, 1), Mod, constant(0, 1), Equal]],
        steps: vec![
            vec![
                Instruction::Exchange {
                    operator: Operator::Average,
                    transfers: vec![Transfer { from: r(0), into: r(3) }],
                },
                Instruction::Swap(r(0), r(3)),
                Instruction::Adapt { at: r(0), direction: None, into: r(0) },
                Instruction::Adapt { at: r(0), direction: Some(r(3)), into: r(2) },
            ],
            vec![
                Instruction::Gradient { at: r(0), into: r(2) },
                Instruction::Compute { into: r(2), expression: descend },
                mix(0, &[(2, 0), (1, 1)]),
            ],
        ],
        model: vec![Instruction::Compute {
            into: r(3),
            expression: vec![reg(0), reg(1), SquareRoot, Divide],
        }],
        model_register: r(3),
    }
}

/// One of everything else: codes, registers per edge, parts of a mix, flights, products, degrees and minimizers.
pub fn neighbours() -> Program {
    let reg = |number| Operation::Register(r(number));
    let low_rank = Codec::LowRank(LowRank { rank: 2, rows: Some(3) });
    let codecs = [
        Codec::TopK(3),
        Codec::Cast(Float::Bf16),
        Codec::Quantize { bits: 4, seed: Some(1 << 40) },
        Codec::Quantize { bits: 16, seed: None },
        Codec::TopFraction { numerator: 1, denominator: 100 },
        Codec::RandomK { count: 7, seed: 3 },
        Codec::Sign,
        low_rank,
    ];
    let mut registers =
        vec![Shape::Vector, Shape::EdgeVector, Shape::EdgeScalar, Shape::Vector, Shape::Scalar];
    registers.extend([Shape::EdgeVector, Shape::EdgeScalar]);
    registers.extend(codecs.map(Shape::Code));
    let codes = 7..registers.len() as u16;
    let exchange = |operator, transfers: &[(u16, u16)]| Instruction::Exchange {
        operator,
        transfers: transfers.iter().map(|&(from, into)| Transfer { from: r(from), into: r(into) }).collect(),
    };
    let mut step = vec![
        exchange(Operator::Back, &[(1, 5), (2, 6)]),
        Instruction::Gather { from: r(5), into: r(3) },
        Instruction::Gather { from: r(6), into: r(4) },
        Instruction::Compute {
            into: r(1),
            expression: vec![reg(0), reg(3), Operation::Add, reg(5), Operation::Subtract],
        },
        Instruction::Compute { into: r(2), expression: vec![reg(4), reg(6), Operation::Subtract] },
        Instruction::Degree { topology: 0, into: r(4) },
        Instruction::Prox { at: r(0), rho: r(4), into: r(3) },
        Instruction::Dot { a: r(0), b: r(3), into: r(4) },
        exchange(Operator::Own(0), &[(3, 3), (4, 4)]),
        exchange(Operator::Incoming(0), &[(3, 3)]),
    ];
    for code in codes {
        step.push(Instruction::Encode { from: r(0), into: r(code) });
    }
    step.push(exchange(Operator::Others(0), &[(8, 3)]));
    step.push(exchange(Operator::Mix(0), &[(7, 3), (4, 4)]));
    step.push(Instruction::Decode { from: r(14), into: r(3) });
    let factor = |number: u16| r(15 + number);
    registers.extend([Shape::EdgeFactor(LowRank { rank: 2, rows: None }); 4]);
    step.extend([
        Instruction::Start { into: factor(0) },
        Instruction::Project { from: r(0), factor: factor(0), into: factor(1) },
        exchange(Operator::Back, &[(16, 17)]),
        Instruction::Difference { mine: factor(1), theirs: factor(2), into: factor(3) },
        Instruction::Correct { at: r(0), factor: factor(0), difference: factor(3), into: r(3) },
        Instruction::Begin {
            flight: Flight(0),
            operator: Operator::Incoming(0),
            transfers: vec![Transfer { from: r(0), into: r(3) }],
        },
        Instruction::Finish { flight: Flight(0) },
    ]);
    let zero = vec![Operation::Constant(Rational::zero())];
    Program {
        name: "neighbours".into(),
        inputs: vec![],
        registers,
        states: vec![("x".into(), r(0)), ("m".into(), r(1)), ("k".into(), r(2))],
        initial: vec![
            Instruction::Parameters { into: r(0) },
            Instruction::Compute { into: r(1), expression: zero.clone() },
            Instruction::Compute { into: r(2), expression: zero },
        ],
        conditions: vec![],
        steps: vec![step],
        model: vec![Instruction::Dot { a: r(0), b: r(0), into: r(4) }],
        model_register: r(0),
    }
}

/// The symbolic ring, both ways.
pub fn both_ways(size: u32) -> Phase {
    let third = Rational::new(1, 3);
    let hops: BTreeSet<u32> = [1, size - 1].into_iter().filter(|hop| (1..size).contains(hop)).collect();
    symbolic(
        Group::cyclic(size),
        third.clone(),
        hops.into_iter().map(|hop| (Rank(hop), third.clone())).collect(),
    )
}

pub fn r(number: u16) -> Register {
    Register(number)
}

pub fn mix(topology: u32, transfers: &[(u16, u16)]) -> Instruction {
    let transfer = |&(from, into): &(u16, u16)| Transfer { from: r(from), into: r(into) };
    Instruction::Exchange {
        operator: Operator::Mix(topology),
        transfers: transfers.iter().map(transfer).collect(),
    }
}

pub fn draft(size: u32, phases: Vec<Phase>, program: Program) -> Draft {
    Draft {
        size,
        local_size: 1,
        topologies: vec![Topology { name: "W".into(), phases }],
        program,
        average: Some(average(size)),
        overrides: vec!["stable".into()],
        metadata: serde_json::json!({ "source": "ring.bf", "seed": 0.1 }),
        certificate: serde_json::json!({ "rho": 0.25 }),
    }
}

/// The symbolic directed ring: `x_i ← x_i / 2 + x_{i-1} / 2`.
pub fn ring(size: u32) -> Phase {
    symbolic(Group::cyclic(size), Rational::new(1, 2), vec![(Rank(1), Rational::new(1, 2))])
}

pub fn symbolic(group: Group, self_weight: Rational, rounds: Vec<(Rank, Rational)>) -> Phase {
    let matrix = CayleyMatrix::new(group.clone(), self_weight.clone(), rounds.clone()).unwrap();
    Phase { matrix: MixingMatrix::Cayley(matrix), plan: RoundPlan::Cayley { group, self_weight, rounds } }
}

/// A star as a table: the centre 0 and every leaf keep a half.
pub fn star(size: u32) -> Phase {
    let half = || Rational::new(1, 2);
    let leaves = (1..size).map(|leaf| (Rank(leaf), Rational::new(1, 2 * (size - 1)))).collect();
    let row = |_| Row { self_weight: half(), in_weights: vec![(Rank(0), half())] };
    let centre = Row { self_weight: half(), in_weights: leaves };
    table(std::iter::once(centre).chain((1..size).map(row)).collect())
}

pub fn table(rows: Vec<Row>) -> Phase {
    let size = rows.len();
    let (mut sends, mut receives) = (vec![BTreeMap::new(); size], vec![BTreeMap::new(); size]);
    for (target, row) in rows.iter().enumerate() {
        for (source, weight) in &row.in_weights {
            let free = |round: &u32| {
                !sends[source.index()].contains_key(round) && !receives[target].contains_key(round)
            };
            let round = (0..).find(free).unwrap();
            sends[source.index()].insert(round, Rank(target as u32));
            receives[target].insert(round, (*source, weight.clone()));
        }
    }
    let mut interner = Interner::default();
    let mut plan =
        RoundTable { rounds: 0, weights: vec![], self_weights: vec![], offsets: vec![0], actions: vec![] };
    for (rank, row) in rows.iter().enumerate() {
        plan.self_weights.push(interner.id(&row.self_weight));
        let rounds: BTreeSet<u32> = sends[rank].keys().chain(receives[rank].keys()).copied().collect();
        for round in rounds {
            let receive = receives[rank].get(&round).map(|(source, weight)| (*source, interner.id(weight)));
            plan.actions.push(Action { round, send_to: sends[rank].get(&round).copied(), receive });
            plan.rounds = plan.rounds.max(round + 1);
        }
        plan.offsets.push(plan.actions.len());
    }
    plan.weights = interner.values;
    Phase {
        matrix: MixingMatrix::Sparse(SparseMatrix::from_rows(rows).unwrap()),
        plan: RoundPlan::Table(plan),
    }
}

pub fn average(size: u32) -> Average {
    let skips: Vec<u32> =
        std::iter::successors(Some(size), |skip| (*skip > 1).then(|| skip.div_ceil(2))).collect();
    let round = |hop, first, pair: &[u32]| SliceRound { hop, first, count: pair[0] - pair[1] };
    Average {
        size,
        reduce: skips.windows(2).map(|pair| round(pair[1], pair[1], pair)).collect(),
        gather: skips.windows(2).rev().map(|pair| round(size - pair[1], 0, pair)).collect(),
    }
}

fn weight() -> impl Strategy<Value = Rational> {
    let plain =
        (-3i64..8, 1i64..7).prop_map(|(numerator, denominator)| Rational::new(numerator, denominator));
    let long = any::<f64>().prop_filter_map("finite", Rational::from_f64);
    prop_oneof![9 => plain, 1 => long]
}

fn symbolic_phase(size: u32) -> impl Strategy<Value = Phase> {
    let mut groups = vec![Group::cyclic(size)];
    groups.extend(
        (2..size)
            .filter(|radix| size.is_multiple_of(*radix))
            .filter_map(|radix| Group::new(vec![size / radix, radix])),
    );
    let hops = prop::collection::btree_map(1..size.max(2), weight(), 0..5);
    (prop::sample::select(groups), weight(), hops, any::<bool>()).prop_map(
        move |(group, own, hops, reversed)| {
            let mut hops: Vec<_> = hops
                .into_iter()
                .filter(|(hop, _)| *hop < size)
                .map(|(hop, weight)| (Rank(hop), weight))
                .collect();
            if reversed {
                hops.reverse();
            }
            symbolic(group, own, hops)
        },
    )
}

fn table_phase(size: u32) -> impl Strategy<Value = Phase> {
    let row = (weight(), prop::collection::btree_map(0..size, weight(), 0..5));
    prop::collection::vec(row, size as usize).prop_map(|rows| {
        let row = |(rank, (self_weight, in_weights)): (u32, (Rational, BTreeMap<u32, Rational>))| {
            let others = in_weights.into_iter().filter(|(source, _)| *source != rank);
            Row { self_weight, in_weights: others.map(|(source, weight)| (Rank(source), weight)).collect() }
        };
        table((0..).zip(rows).map(row).collect())
    })
}

/// Every rank divides what it has evenly: columns sum to 1, rows seldom.
fn sender_uniform_phase(size: u32) -> impl Strategy<Value = Phase> {
    let receivers = prop::collection::btree_set(0..size, 0..5);
    prop::collection::vec(receivers, size as usize).prop_map(move |receivers| {
        let sends = |from: u32, to: u32| from != to && receivers[from as usize].contains(&to);
        let weight = |from: u32| Rational::new(1, 1 + (0..size).filter(|to| sends(from, *to)).count() as u32);
        let row = |to: u32| Row {
            self_weight: weight(to),
            in_weights: (0..size)
                .filter(|from| sends(*from, to))
                .map(|from| (Rank(from), weight(from)))
                .collect(),
        };
        table((0..size).map(row).collect())
    })
}

/// Valid drafts of up to 12 ranks.
pub fn drafts() -> impl Strategy<Value = Draft> {
    (1u32..=12).prop_flat_map(|size| {
        let phase = prop_oneof![symbolic_phase(size), table_phase(size)];
        let phases = prop_oneof![
            prop::collection::vec(phase, 1..4),
            prop::collection::vec(sender_uniform_phase(size), 1..4)
        ];
        (phases, 0..3).prop_map(move |(phases, program)| match program {
            0 => draft(size, phases, gossip()),
            1 => draft(size, phases, rich()),
            _ => draft(size, vec![if size % 2 == 0 { both_ways(size) } else { star(size) }], neighbours()),
        })
    })
}
