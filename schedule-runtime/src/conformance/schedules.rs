//! Schedules built by hand: each kind of program, and topologies for any number of ranks.

use bfc_schedule::compression::{Float, LowRank};
use bfc_schedule::matrix::{Interner, Row};
use bfc_schedule::program::{
    Flight, Input, Instruction, Operation, Operator, Program, Register, Shape, Transfer,
};
use bfc_schedule::{
    Action, Average, CayleyMatrix, Codec, Draft, Group, MixingMatrix, Phase, Rank, Rational, RoundPlan,
    RoundTable, Schedule, SparseMatrix, Topology,
};

/// The register of the model.
pub const X: Register = Register(0);
/// A second vector: the gradient, where a program asks for one.
pub const G: Register = Register(1);

/// A schedule whose topologies have these phases.
///
/// # Panics
/// Where they make no valid schedule.
pub fn schedule(program: Program, size: u32, topologies: Vec<Vec<Phase>>) -> Schedule {
    Schedule::new(Draft {
        size,
        local_size: 1,
        topologies: topologies.into_iter().map(|phases| Topology { name: "t".into(), phases }).collect(),
        program,
        average: Some(Average::circulant(size)),
        overrides: vec![],
        metadata: "{}".parse().expect("an object"),
        certificate: "{}".parse().expect("an object"),
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

/// `x <- mix(x - lr * grad(x))`.
pub fn atc() -> Program {
    let mut program = dgd();
    program.name = "atc".into();
    program.steps[0].swap(1, 2);
    program
}

/// `x <- mix(adapt(x))`.
pub fn adapting() -> Program {
    let step = vec![Instruction::Adapt { at: X, direction: None, into: X }, mix(0, X, X)];
    program("adapting", vec![Shape::Vector], vec![("x", X)], step)
}

/// `x <- mix(x) - lr * grad(x)`, where x travels while the gradient is computed.
pub fn awc() -> Program {
    use Operation::*;
    let mixed = self::Register(2);
    let update = vec![Operation::Register(mixed), Input(0), Operation::Register(G), Multiply, Subtract];
    let mut program = dgd();
    program.name = "awc".into();
    program.registers.push(Shape::Vector);
    program.steps = vec![vec![
        begin(Flight(0), X, mixed),
        Instruction::Gradient { at: X, into: G },
        Instruction::Finish { flight: Flight(0) },
        Instruction::Compute { into: X, expression: update },
    ]];
    program
}

/// `x <- mix(x)`, where x travels while the trainer is asked for a gradient that goes nowhere.
pub fn travelling() -> Program {
    let mut program = awc();
    program.name = "travelling".into();
    program.steps[0][3] = Instruction::Swap(X, self::Register(2));
    program
}

/// Asks for a gradient and does nothing with it.
pub fn still() -> Program {
    let mut program = dgd();
    program.name = "still".into();
    program.steps[0].truncate(1);
    program
}

/// `x <- y - lr * grad(x)`, `y <- mix(x)` of a step before: what travels is there when the next gradient is.
pub fn late() -> Program {
    use Operation::*;
    let y = self::Register(2);
    let update = vec![Operation::Register(y), Input(0), Operation::Register(G), Multiply, Subtract];
    let mut program = dgd();
    program.name = "late".into();
    program.registers.push(Shape::Vector);
    program.states.push(("y".into(), y));
    program.initial.push(Instruction::Compute { into: y, expression: vec![Operation::Register(X)] });
    program.steps = vec![vec![
        Instruction::Gradient { at: X, into: G },
        Instruction::Finish { flight: Flight(0) },
        Instruction::Compute { into: X, expression: update },
        begin(Flight(0), X, y),
    ]];
    program
}

pub(super) fn begin(flight: Flight, from: Register, into: Register) -> Instruction {
    Instruction::Begin { flight, operator: Operator::Mix(0), transfers: vec![Transfer { from, into }] }
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

fn exchange(operator: Operator, transfers: &[(u16, u16)]) -> Instruction {
    let transfer = |&(from, into): &(u16, u16)| Transfer { from: Register(from), into: Register(into) };
    Instruction::Exchange { operator, transfers: transfers.iter().map(transfer).collect() }
}

/// Mixes what three codecs make of x: `x <- (x + mix(q(x)) + mix(r(x)) + others' part of mix(s(x))) / 4`.
pub fn coded() -> Program {
    use Operation::*;
    let codecs = [
        Codec::TopFraction { numerator: 1, denominator: 3 },
        Codec::Quantize { bits: 5, seed: Some(7) },
        Codec::Cast(Float::Bf16),
    ];
    let mut registers = vec![Shape::Vector; 4];
    registers.extend(codecs.map(Shape::Code));
    let mut step: Vec<_> =
        (4..7).map(|code| Instruction::Encode { from: X, into: self::Register(code) }).collect();
    step.push(exchange(Operator::Mix(0), &[(4, 1), (5, 2)]));
    step.push(exchange(Operator::Others(0), &[(6, 3)]));
    let reg = |number| Operation::Register(self::Register(number));
    let sum = vec![reg(0), reg(1), Add, reg(2), Add, reg(3), Add, Constant(Rational::integer(4)), Divide];
    step.push(Instruction::Compute { into: X, expression: sum });
    program("coded", registers, vec![("x", X)], step)
}

/// Relays sums along edges: `m <- x + incoming(m) - back(m)`, `k <- 1 + incoming(k) - back(k)`,
/// `x <- (x + incoming(x)) / (degree + 1)`.
pub fn relayed() -> Program {
    use Operation::*;
    let registers = vec![
        Shape::Vector,
        Shape::EdgeVector,
        Shape::EdgeScalar,
        Shape::EdgeVector,
        Shape::EdgeScalar,
        Shape::Vector,
        Shape::Scalar,
        Shape::Scalar,
    ];
    let r = self::Register;
    let reg = |number| Operation::Register(r(number));
    let one = || Constant(Rational::one());
    let compute = |into, expression| Instruction::Compute { into: r(into), expression };
    let step = vec![
        exchange(Operator::Back, &[(1, 3), (2, 4)]),
        Instruction::Gather { from: r(3), into: r(5) },
        Instruction::Gather { from: r(4), into: r(6) },
        compute(1, vec![reg(0), reg(5), Add, reg(3), Subtract]),
        compute(2, vec![one(), reg(6), Add, reg(4), Subtract]),
        Instruction::Degree { topology: 0, into: r(7) },
        exchange(Operator::Incoming(0), &[(0, 5)]),
        compute(0, vec![reg(0), reg(5), Add, reg(7), one(), Add, Divide]),
    ];
    let mut program = program("relayed", registers, vec![("x", X), ("m", r(1)), ("k", r(2))], step);
    let zero = || vec![Constant(Rational::zero())];
    program.initial.extend([compute(1, zero()), compute(2, zero())]);
    program
}

/// Moves along thin matrices that the ends of an edge know: `x <- mix(x, via = low_rank(…))`.
pub fn compared(low_rank: LowRank) -> Program {
    let factor = Shape::EdgeFactor(low_rank);
    let r = self::Register;
    let registers = vec![Shape::Vector, factor, factor, factor, factor, Shape::Vector];
    let step = vec![
        Instruction::Project { from: X, factor: r(1), into: r(2) },
        exchange(Operator::Back, &[(2, 3)]),
        Instruction::Difference { mine: r(2), theirs: r(3), into: r(4) },
        Instruction::Correct { at: X, factor: r(1), difference: r(4), into: r(5) },
        Instruction::Swap(X, r(5)),
        Instruction::Swap(r(1), r(4)),
    ];
    let mut program = program("compared", registers, vec![("x", X), ("p", r(1))], step);
    program.initial.push(Instruction::Start { into: r(1) });
    program
}

/// A program without inputs, conditions and a computed model, which starts at the trainer's parameters.
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

/// `into <- mix(from)` over a topology.
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

/// Rank 0 divides what it has among all, the others hand back a half: the columns sum to 1, the rows do not.
pub fn hub(size: u32) -> Phase {
    let (half, share) = (Rational::new(1, 2), Rational::new(1, size));
    let centre = Row {
        self_weight: share.clone(),
        in_weights: (1..size).map(|rank| (Rank(rank), half.clone())).collect(),
    };
    let leaf = Row { self_weight: half, in_weights: vec![(Rank(0), share)] };
    table(std::iter::once(centre).chain((1..size).map(|_| leaf.clone())).collect())
}

/// A ring, both ways, with weights 1/3 (1/2 for two ranks).
pub fn ring(size: u32) -> Phase {
    match size {
        1 => table(vec![Row { self_weight: Rational::one(), in_weights: vec![] }]),
        2 => shifts(2, &[1]),
        _ => shifts(size, &[1, size - 1]),
    }
}

/// Neighbours in a row, a third each way; ends keep two thirds. The ends see a symmetric round, the others do not.
pub fn path(size: u32) -> Phase {
    let third = Rational::new(1, 3);
    let row = |rank: u32| {
        let mut in_weights = vec![];
        if rank > 0 {
            in_weights.push((Rank(rank - 1), third.clone()));
        }
        if rank + 1 < size {
            in_weights.push((Rank(rank + 1), third.clone()));
        }
        let self_weight = in_weights.iter().fold(Rational::one(), |rest, (_, weight)| &rest - weight);
        Row { self_weight, in_weights }
    };
    table((0..size).map(row).collect())
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
    let mut weights = Interner::default();
    let self_weights = rows.iter().map(|row| weights.id(&row.self_weight)).collect();
    let (mut offsets, mut actions) = (vec![0], vec![]);
    for rank in (0..size as u32).map(Rank) {
        for round in 0..busy.len() as u32 {
            let send_to = edges.iter().find(|edge| edge.0 == round && edge.1 == rank).map(|edge| edge.2);
            let receive = edges.iter().find(|edge| edge.0 == round && edge.2 == rank);
            let receive = receive.map(|edge| (edge.1, weights.id(&edge.3)));
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
