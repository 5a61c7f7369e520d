//! Lowering an algorithm: the program does what the data-flow graph says, with few buffers and few messages.

use crate::reference;
use crate::reference::{GraphRun, ProgramRun, World};
use bfc_compiler::lower;
use bfc_compiler::model::algorithm::{Algorithm, State, Value, ValueId, ValueKind};
use bfc_schedule::compression::Float;
use bfc_schedule::program::{Input, Instruction, Operation, Shape};
use bfc_schedule::schedule::{Draft, Phase, Schedule, Topology};
use bfc_schedule::{Average, Codec, MixingMatrix, Program, Rational};
use proptest::prelude::*;

/// A graph under construction.
struct Graph(Algorithm);

impl Graph {
    fn new(states: &[(&str, Shape)]) -> Self {
        let states = states.iter().map(|(name, shape)| State {
            name: name.to_string(),
            shape: *shape,
            initial: ValueId(0),
        });
        let mut graph = Graph(Algorithm {
            name: "graph".to_string(),
            asynchronous: None,
            topologies: vec!["W".to_string(), "R".to_string()],
            inputs: vec![Input { name: "lr".to_string(), default: Rational::new(1, 10) }],
            reals: vec![],
            values: vec![],
            states: states.collect(),
            conditions: vec![],
            steps: vec![],
            model: ValueId(0),
            numbers: vec![],
            rounds: vec![],
            requires: vec![],
        });
        graph.add(ValueKind::Parameters, Shape::Vector);
        graph
    }

    /// Two numbers for one value never exist, as in an evaluated algorithm.
    fn add(&mut self, kind: ValueKind, shape: Shape) -> ValueId {
        let value = Value { kind, shape };
        let known = self.0.values.iter().position(|other| *other == value);
        ValueId(known.unwrap_or_else(|| {
            self.0.values.push(value);
            self.0.values.len() - 1
        }) as u32)
    }

    fn shape(&self, id: ValueId) -> Shape {
        self.0.value(id).shape
    }

    fn state(&mut self, index: usize) -> ValueId {
        self.add(ValueKind::State(index), self.0.states[index].shape)
    }

    fn apply(&mut self, operation: Operation, operands: &[ValueId]) -> ValueId {
        let vector = operands.iter().any(|&id| self.shape(id) == Shape::Vector);
        let shape = if vector { Shape::Vector } else { Shape::Scalar };
        self.add(ValueKind::Apply(operation, operands.to_vec()), shape)
    }

    fn spread(&mut self, id: ValueId, shape: Shape) -> Option<ValueId> {
        match (self.shape(id), shape) {
            (Shape::Vector, Shape::Scalar) => None,
            (Shape::Scalar, Shape::Vector) => {
                let one = ValueKind::Apply(Operation::Constant(Rational::one()), vec![]);
                let one = self.add(one, Shape::Vector);
                Some(self.apply(Operation::Multiply, &[id, one]))
            }
            _ => Some(id),
        }
    }

    /// One more value, chosen by a few numbers.
    fn grow(&mut self, choice: [u8; 4], asks: bool) -> Option<ValueId> {
        let count = self.0.values.len();
        let pick = |number: u8| {
            let id = ValueId((count - 1 - (number as usize % count.min(12))) as u32);
            // Codes are read and sent, and nothing else.
            if matches!(self.shape(id), Shape::Code(_)) { ValueId(0) } else { id }
        };
        let (a, b) = (pick(choice[1]), pick(choice[2]));
        let apply = [
            Operation::Add,
            Operation::Subtract,
            Operation::Multiply,
            Operation::Minimum,
            Operation::Maximum,
            Operation::Absolute,
            Operation::Negate,
        ];
        let vector = self.shape(a) == Shape::Vector;
        let code = Codec::Cast(Float::F64);
        Some(match choice[0] % 24 {
            0..=6 => {
                let operation = apply[choice[0] as usize % 24].clone();
                let operands = [a, b];
                let arity = operation.arity();
                self.apply(operation, &operands[..arity])
            }
            7 => {
                let number = Operation::Constant(Rational::new(choice[3] as i64 - 100, 7));
                let shape = if vector { Shape::Vector } else { Shape::Scalar };
                self.add(ValueKind::Apply(number, vec![]), shape)
            }
            8 => self.add(ValueKind::Apply(Operation::Input(0), vec![]), Shape::Scalar),
            9 => self.add(ValueKind::Apply(Operation::Step, vec![]), Shape::Scalar),
            10 | 11 => self.add(ValueKind::Mix(choice[3] as usize % 2, a), self.shape(a)),
            12 => self.add(ValueKind::Average(a), self.shape(a)),
            13 if asks && vector => self.add(ValueKind::Gradient(a), Shape::Vector),
            14 if asks && vector => {
                let direction = (self.shape(b) == Shape::Vector && choice[3].is_multiple_of(2)).then_some(b);
                self.add(ValueKind::Adapt(a, direction), Shape::Vector)
            }
            15 => self.add(ValueKind::Parameters, Shape::Vector),
            16 => self.add(ValueKind::Degree(choice[3] as usize % 2), Shape::Scalar),
            17 => self.add(ValueKind::Own(choice[3] as usize % 2, a), self.shape(a)),
            18 => self.add(ValueKind::Others(choice[3] as usize % 2, a), self.shape(a)),
            19 => self.add(ValueKind::Incoming(choice[3] as usize % 2, a), self.shape(a)),
            20 if vector && self.shape(b) == Shape::Vector => self.add(ValueKind::Dot(a, b), Shape::Scalar),
            21 if asks && vector && self.shape(b) == Shape::Scalar => {
                self.add(ValueKind::Prox(a, b), Shape::Vector)
            }
            22 | 23 if vector => {
                let code = self.add(ValueKind::Encode(code, a), Shape::Code(code));
                match choice[3] % 3 {
                    0 => self.add(ValueKind::Mix(1, code), Shape::Vector),
                    1 => self.add(ValueKind::Others(0, code), Shape::Vector),
                    _ => self.add(ValueKind::Decode(code), Shape::Vector),
                }
            }
            _ => return None,
        })
    }

    /// The last value of a shape, but for `back` of them.
    fn recent(&mut self, shape: Shape, back: u8) -> ValueId {
        let count = self.0.values.len();
        let id = ValueId((count - 1 - (back as usize % count)) as u32);
        let spread = if matches!(self.shape(id), Shape::Code(_)) { None } else { self.spread(id, shape) };
        match spread {
            Some(id) => id,
            None => self.add(ValueKind::Apply(Operation::Constant(Rational::new(1, 3)), vec![]), shape),
        }
    }
}

fn any_algorithm() -> impl Strategy<Value = Algorithm> {
    let choices = || prop::collection::vec(any::<[u8; 4]>(), 0..30);
    let others = prop::collection::vec(any::<bool>(), 0..4);
    let shapes = others.prop_map(|others| [vec![true], others].concat());
    let picks = prop::collection::vec(any::<u8>(), 20);
    (shapes, choices(), choices(), choices(), picks, 0usize..2).prop_map(
        |(shapes, start, body, look, picks, conditions)| {
            let shape = |vector: &bool| if *vector { Shape::Vector } else { Shape::Scalar };
            let states: Vec<_> = ["a", "b", "c", "d"].into_iter().zip(shapes.iter().map(shape)).collect();
            let mut graph = Graph::new(&states);
            let mut pick = picks.into_iter();
            for choice in start {
                graph.grow(choice, true);
            }
            for (index, (_, shape)) in states.iter().enumerate() {
                graph.0.states[index].initial = graph.recent(*shape, pick.next().unwrap() % 4);
            }
            for index in 0..states.len() {
                graph.state(index);
            }
            for choice in look.into_iter().take(8).filter(|choice| choice[0] % 24 < 10) {
                graph.grow(choice, false);
            }
            for choice in body {
                graph.grow(choice, true);
            }
            for _ in 0..1 << conditions {
                let next = states.iter().map(|(_, shape)| graph.recent(*shape, pick.next().unwrap() % 24));
                let next = next.collect();
                graph.0.steps.push(next);
            }
            if conditions == 1 {
                let step = graph.add(ValueKind::Apply(Operation::Step, vec![]), Shape::Scalar);
                let two = Operation::Constant(Rational::integer(2));
                let two = graph.add(ValueKind::Apply(two, vec![]), Shape::Scalar);
                let odd = graph.apply(Operation::Mod, &[step, two]);
                graph.0.conditions.push(odd);
            }
            let last = graph.state(0);
            let last = graph.apply(Operation::Negate, &[last]);
            let params = graph.add(ValueKind::Parameters, Shape::Vector);
            graph.0.model = if conditions == 0 { last } else { graph.apply(Operation::Add, &[last, params]) };
            graph.0
        },
    )
}

fn same(a: &reference::Snapshot, b: &reference::Snapshot) -> bool {
    let bits = |snapshot: &reference::Snapshot| -> Vec<u64> {
        let numbers = snapshot.states.iter().chain([&snapshot.model]).flatten().flatten();
        // A NaN has no sign that two orders of the same operations would agree on.
        numbers.map(|number| if number.is_nan() { u64::MAX } else { number.to_bits() }).collect()
    };
    bits(a) == bits(b)
}

fn phases() -> Vec<Vec<Vec<f64>>> {
    vec![
        vec![vec![0.5, 0.25, 0.25], vec![0.0, 1.0, 0.0], vec![0.125, 0.5, 0.375]],
        vec![vec![0.75, 0.0, 0.25], vec![0.5, 0.5, 0.0], vec![0.0, 0.25, 0.75]],
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn programs_do_what_the_graph_says(algorithm in any_algorithm()) {
        let gradient = |rank: usize, x: &[f64]| x.iter().map(|x| 0.5 * x - rank as f64).collect();
        let world = World {
            topologies: vec![phases(), phases().into_iter().rev().collect()],
            parameters: vec![vec![1.0, -2.0]; 3],
            gradient: &gradient,
            inputs: vec![0.1],
            optimizer: 0.01,
        };
        let program = lower::program(&algorithm);
        prop_assert!(verified(&program).is_ok(), "{:?}\n{program:#?}", verified(&program));
        let mut graph_run = GraphRun::new(&algorithm, &world);
        let mut program_run = ProgramRun::new(&program, &world);
        for _ in 0..4 {
            let (expected, found) = (graph_run.step(), program_run.step());
            prop_assert!(same(&expected, &found), "{expected:?}\n{found:?}\n{algorithm:#?}\n{program:#?}");
        }
    }
}

/// The program on two topologies, verified as a schedule is.
fn verified(program: &Program) -> Result<Schedule, Vec<bfc_schedule::VerifyError>> {
    let topology = |name: &str| {
        let matrix = MixingMatrix::identity(3);
        let plan = lower::rounds::plan(&matrix);
        Topology { name: name.to_string(), phases: vec![Phase { matrix, plan }] }
    };
    Schedule::new(Draft {
        size: 3,
        local_size: 1,
        topologies: vec![topology("W"), topology("R")],
        program: program.clone(),
        average: Some(Average::circulant(3)),
        overrides: vec![],
        metadata: serde_json::Value::Null,
        certificate: serde_json::Value::Null,
    })
}

fn exchanges(block: &[Instruction]) -> usize {
    block.iter().filter(|instruction| instruction.exchange().is_some()).count()
}

fn subtract_scaled(graph: &mut Graph, a: ValueId, direction: ValueId) -> ValueId {
    let lr = graph.add(ValueKind::Apply(Operation::Input(0), vec![]), Shape::Scalar);
    let scaled = graph.apply(Operation::Multiply, &[lr, direction]);
    graph.apply(Operation::Subtract, &[a, scaled])
}

fn one_step(mut graph: Graph, next: Vec<ValueId>) -> Program {
    graph.0.model = graph.state(0);
    graph.0.steps.push(next);
    lower::program(&graph.0)
}

#[test]
fn a_mix_is_done_in_place() {
    let mut graph = Graph::new(&[("x", Shape::Vector)]);
    let x = graph.state(0);
    let mixed = graph.add(ValueKind::Mix(0, x), Shape::Vector);
    let program = one_step(graph, vec![mixed]);
    assert_eq!(program.registers.len(), 1);
    assert_eq!(program.steps[0].len(), 1);
}

#[test]
fn a_mix_that_needs_no_gradient_starts_before_it() {
    let mut graph = Graph::new(&[("x", Shape::Vector)]);
    let x = graph.state(0);
    let gradient = graph.add(ValueKind::Gradient(x), Shape::Vector);
    let mixed = graph.add(ValueKind::Mix(0, x), Shape::Vector);
    let next = subtract_scaled(&mut graph, mixed, gradient);
    let program = one_step(graph, vec![next]);
    assert_eq!(program.registers.len(), 3);
    use Instruction::*;
    assert!(
        matches!(program.steps[0][..], [Begin { .. }, Gradient { .. }, Finish { .. }, Compute { .. }]),
        "{program:?}"
    );
}

#[test]
fn a_mix_waits_for_a_gradient_to_share_a_message() {
    let mut graph = Graph::new(&[("u", Shape::Vector), ("w", Shape::Scalar)]);
    let (u, w) = (graph.state(0), graph.state(1));
    let mixed_w = graph.add(ValueKind::Mix(0, w), Shape::Scalar);
    let gradient = graph.add(ValueKind::Gradient(u), Shape::Vector);
    let moved = subtract_scaled(&mut graph, u, gradient);
    let mixed_u = graph.add(ValueKind::Mix(0, moved), Shape::Vector);
    let program = one_step(graph, vec![mixed_u, mixed_w]);
    assert_eq!(exchanges(&program.steps[0]), 1);
    assert_eq!(program.registers.len(), 3);
}

#[test]
fn messages_of_two_topologies_wait_for_each_other() {
    let mut graph = Graph::new(&[("x", Shape::Vector), ("y", Shape::Vector)]);
    let (x, y) = (graph.state(0), graph.state(1));
    let first = graph.add(ValueKind::Mix(0, x), Shape::Vector);
    let other = graph.add(ValueKind::Mix(1, y), Shape::Vector);
    let second = graph.add(ValueKind::Mix(0, other), Shape::Vector);
    let program = one_step(graph, vec![first, second]);
    assert_eq!(exchanges(&program.steps[0]), 2);
    assert_eq!(program.registers.len(), 2);
}

#[test]
fn long_expressions_are_cut() {
    let mut graph = Graph::new(&[("x", Shape::Vector)]);
    let mut x = graph.state(0);
    for k in 0..1000 {
        let k = ValueKind::Apply(Operation::Constant(Rational::integer(k)), vec![]);
        let k = graph.add(k, Shape::Scalar);
        x = graph.apply(Operation::Subtract, &[k, x]);
    }
    let program = one_step(graph, vec![x]);
    for instruction in &program.steps[0] {
        let Instruction::Compute { expression, .. } = instruction else { panic!("{instruction:?}") };
        assert!(expression.len() <= 64);
    }
    assert_eq!(program.registers.len(), 1);
}
