//! Two slow, plain executions of an algorithm on all ranks at once, in `f64` and with dense matrices: of its data-flow
//! graph, and of the program that it is lowered to. Both do the same operations in the same order.

use bfc_compiler::model::algorithm::{Algorithm, ValueId, ValueKind};
use bfc_schedule::Program;
use bfc_schedule::program::{Instruction, Operation, Operator, Register, Shape, scalar};

/// One number per element; scalars have one element.
pub type Data = Vec<f64>;
/// One entry for each rank.
pub type Ranks = Vec<Data>;
/// `matrix[i][j]` is what rank i takes of rank j.
pub type Matrix = Vec<Vec<f64>>;

/// What ranks communicate over and train on.
pub struct World<'a> {
    /// For each topology its phases.
    pub topologies: Vec<Vec<Matrix>>,
    /// The initial model, equal on all ranks.
    pub parameters: Ranks,
    /// The gradient of a rank's loss.
    pub gradient: &'a dyn Fn(usize, &[f64]) -> Data,
    /// The run-time inputs.
    pub inputs: Vec<f64>,
    /// The step size of the trainer's own optimizer, plain gradient descent.
    pub optimizer: f64,
}

/// What there is after a step.
#[derive(Debug, PartialEq)]
pub struct Snapshot {
    pub states: Vec<Ranks>,
    pub model: Ranks,
}

impl World<'_> {
    fn size(&self) -> usize {
        self.parameters.len()
    }

    fn dimension(&self) -> usize {
        self.parameters[0].len()
    }

    fn mix(&self, operator: Operator, clocks: &[usize], value: &Ranks) -> Ranks {
        let size = self.size();
        let weight = |rank: usize, from: usize| {
            let Some(topology) = operator.topology() else { return 1.0 / size as f64 };
            let weight = self.phase(topology as usize, clocks)[rank][from];
            match operator {
                Operator::Mix(_) => weight,
                Operator::Own(_) => {
                    if from == rank {
                        weight
                    } else {
                        0.0
                    }
                }
                Operator::Others(_) => {
                    if from == rank {
                        0.0
                    } else {
                        weight
                    }
                }
                Operator::Incoming(_) => {
                    if from == rank || weight == 0.0 {
                        0.0
                    } else {
                        1.0
                    }
                }
                Operator::Back | Operator::Average => unreachable!("{operator:?}"),
            }
        };
        let row = |rank: usize| (0..size).map(|from| weight(rank, from)).collect::<Vec<_>>();
        (0..size)
            .map(|rank| {
                let row = row(rank);
                let element = |k: usize| (0..size).map(|j| row[j] * value[j][k]).sum();
                (0..value[0].len()).map(element).collect()
            })
            .collect()
    }

    fn phase(&self, topology: usize, clocks: &[usize]) -> &Matrix {
        let phases = &self.topologies[topology];
        &phases[clocks[topology] % phases.len()]
    }

    fn degree(&self, topology: usize, clocks: &[usize]) -> Ranks {
        let phase = self.phase(topology, clocks);
        let others = |rank: usize| (0..self.size()).filter(move |from| *from != rank);
        let degree = |rank: usize| others(rank).filter(|from| phase[rank][*from] != 0.0).count();
        (0..self.size()).map(|rank| vec![degree(rank) as f64]).collect()
    }

    fn dot(&self, a: &Ranks, b: &Ranks) -> Ranks {
        let dot = |rank: usize| a[rank].iter().zip(&b[rank]).map(|(a, b)| a * b).sum();
        (0..self.size()).map(|rank| vec![dot(rank)]).collect()
    }

    /// Anything that depends on both.
    fn prox(&self, point: &Ranks, rho: &Ranks) -> Ranks {
        let gradient = self.ask(point);
        let element = |rank: usize, k: usize| point[rank][k] - rho[rank][0] * gradient[rank][k];
        (0..self.size()).map(|rank| (0..self.dimension()).map(|k| element(rank, k)).collect()).collect()
    }

    fn ask(&self, point: &Ranks) -> Ranks {
        (0..self.size()).map(|rank| (self.gradient)(rank, &point[rank])).collect()
    }

    fn adapt(&self, point: &Ranks, direction: Option<&Ranks>) -> Ranks {
        let own = direction.is_none().then(|| self.ask(point));
        let direction = direction.or(own.as_ref()).unwrap();
        let descend = |(x, g): (&f64, &f64)| x - self.optimizer * g;
        (0..self.size()).map(|i| point[i].iter().zip(&direction[i]).map(descend).collect()).collect()
    }

    fn spread(&self, value: Ranks, shape: Shape) -> Ranks {
        let length = if shape == Shape::Scalar { 1 } else { self.dimension() };
        value.into_iter().map(|data| (0..length).map(|k| data[k % data.len()]).collect()).collect()
    }

    fn leaf(&self, operation: &Operation, step: u64) -> Option<Ranks> {
        let number = match operation {
            Operation::Input(index) => self.inputs[*index as usize],
            Operation::Step => step as f64,
            Operation::Constant(value) => value.to_f64(),
            _ => return None,
        };
        Some(vec![vec![number]; self.size()])
    }

    fn apply(&self, operation: &Operation, operands: &[Ranks]) -> Ranks {
        (0..self.size())
            .map(|rank| {
                let length = operands.iter().map(|operand| operand[rank].len()).max().unwrap();
                let argument =
                    |k: usize, which: usize| operands[which][rank][k % operands[which][rank].len()];
                let element = |k: usize| match operands.len() {
                    1 => scalar::unary(operation, argument(k, 0)),
                    _ => scalar::binary(operation, argument(k, 0), argument(k, 1)),
                };
                (0..length).map(element).collect()
            })
            .collect()
    }
}

/// The graph, executed as it stands.
pub struct GraphRun<'a> {
    algorithm: &'a Algorithm,
    world: &'a World<'a>,
    pub states: Vec<Ranks>,
    clocks: Vec<usize>,
    step: u64,
}

impl<'a> GraphRun<'a> {
    pub fn new(algorithm: &'a Algorithm, world: &'a World<'a>) -> Self {
        let mut run =
            Self { algorithm, world, states: vec![], clocks: vec![0; world.topologies.len()], step: 0 };
        let initial: Vec<_> = algorithm.states.iter().map(|state| state.initial).collect();
        run.states = run.evaluate(&initial).0;
        run
    }

    pub fn step(&mut self) -> Snapshot {
        let mut index = 0;
        for (bit, &condition) in self.algorithm.conditions.iter().enumerate() {
            let truth = self.evaluate(&[condition]).0[0][0][0];
            index |= if truth != 0.0 { 1 << bit } else { 0 };
        }
        let (states, communicated) = self.evaluate(&self.algorithm.steps[index]);
        self.states = states;
        self.step += 1;
        if communicated {
            self.clocks.iter_mut().for_each(|clock| *clock += 1);
        }
        Snapshot { states: self.states.clone(), model: self.evaluate(&[self.algorithm.model]).0.remove(0) }
    }

    fn evaluate(&self, roots: &[ValueId]) -> (Vec<Ranks>, bool) {
        let mut values: Vec<Option<Ranks>> = vec![None; self.algorithm.values.len()];
        let mut communicated = false;
        let found = roots.iter().map(|&root| self.value(root, &mut values, &mut communicated)).collect();
        (found, communicated)
    }

    fn value(&self, id: ValueId, values: &mut Vec<Option<Ranks>>, communicated: &mut bool) -> Ranks {
        if let Some(known) = &values[id.0 as usize] {
            return known.clone();
        }
        let value = self.algorithm.value(id);
        let mut operand = |id: ValueId| self.value(id, values, communicated);
        let found = match &value.kind {
            ValueKind::Parameters => self.world.parameters.clone(),
            ValueKind::State(index) => self.states[*index].clone(),
            ValueKind::Apply(operation, operands) => match self.world.leaf(operation, self.step) {
                Some(leaf) => leaf,
                None => {
                    let operands: Vec<_> = operands.iter().map(|&id| operand(id)).collect();
                    self.world.apply(operation, &operands)
                }
            },
            ValueKind::Mix(topology, v) => {
                let v = operand(*v);
                *communicated = true;
                self.world.mix(Operator::Mix(*topology as u32), &self.clocks, &v)
            }
            ValueKind::Average(v) => {
                let v = operand(*v);
                *communicated = true;
                self.world.mix(Operator::Average, &self.clocks, &v)
            }
            ValueKind::Gradient(v) => self.world.ask(&operand(*v)),
            ValueKind::Adapt(v, direction) => {
                let (v, direction) = (operand(*v), direction.map(&mut operand));
                self.world.adapt(&v, direction.as_ref())
            }
            ValueKind::Prox(v, rho) => {
                let (v, rho) = (operand(*v), operand(*rho));
                self.world.prox(&v, &rho)
            }
            ValueKind::Dot(a, b) => {
                let (a, b) = (operand(*a), operand(*b));
                self.world.dot(&a, &b)
            }
            ValueKind::Degree(topology) => self.world.degree(*topology, &self.clocks),
            ValueKind::Own(topology, v)
            | ValueKind::Others(topology, v)
            | ValueKind::Incoming(topology, v) => {
                let (v, topology) = (operand(*v), *topology as u32);
                *communicated = true;
                let operator = match value.kind {
                    ValueKind::Own(..) => Operator::Own(topology),
                    ValueKind::Others(..) => Operator::Others(topology),
                    _ => Operator::Incoming(topology),
                };
                self.world.mix(operator, &self.clocks, &v)
            }
            // Only codecs that lose nothing are tried here.
            ValueKind::Encode(_, v) | ValueKind::Decode(v) => operand(*v),
            _ => {
                unreachable!("{:?} is not tried here", value.kind)
            }
        };
        let found = self.world.spread(found, value.shape);
        values[id.0 as usize] = Some(found.clone());
        found
    }
}

/// The program, executed instruction by instruction; what it leaves in buffers is spoiled between blocks.
pub struct ProgramRun<'a> {
    program: &'a Program,
    world: &'a World<'a>,
    registers: Vec<Ranks>,
    clocks: Vec<usize>,
    step: u64,
}

impl<'a> ProgramRun<'a> {
    pub fn new(program: &'a Program, world: &'a World<'a>) -> Self {
        let nothing = vec![vec![f64::NAN]; world.size()];
        let registers = program.registers.iter().map(|&shape| world.spread(nothing.clone(), shape)).collect();
        let clocks = vec![0; world.topologies.len()];
        let mut run = Self { program, world, registers, clocks, step: 0 };
        run.block(&program.initial);
        run
    }

    pub fn step(&mut self) -> Snapshot {
        let mut index = 0;
        for (bit, condition) in self.program.conditions.iter().enumerate() {
            let truth = self.expression(condition)[0][0];
            index |= if truth != 0.0 { 1 << bit } else { 0 };
        }
        self.spoil();
        let block = &self.program.steps[index];
        self.block(block);
        self.step += 1;
        if block.iter().any(|instruction| instruction.exchange().is_some()) {
            self.clocks.iter_mut().for_each(|clock| *clock += 1);
        }
        self.spoil();
        let before = self.states();
        self.block(&self.program.model);
        assert_eq!(format!("{:?}", self.states()), format!("{before:?}"), "the model block changed a state");
        let shown = self.program.states.iter().filter(|(name, _)| name != "params");
        Snapshot {
            states: shown.map(|(_, register)| self.registers[register.0 as usize].clone()).collect(),
            model: self.registers[self.program.model_register.0 as usize].clone(),
        }
    }

    fn states(&self) -> Vec<Ranks> {
        self.program.states.iter().map(|(_, register)| self.get(*register).clone()).collect()
    }

    fn spoil(&mut self) {
        for (index, register) in self.registers.iter_mut().enumerate() {
            if self.program.states.iter().all(|(_, state)| state.0 as usize != index) {
                register.iter_mut().flatten().for_each(|number| *number = f64::NAN);
            }
        }
    }

    fn get(&self, register: Register) -> &Ranks {
        &self.registers[register.0 as usize]
    }

    fn set(&mut self, register: Register, value: Ranks) {
        let shape = self.program.registers[register.0 as usize];
        self.registers[register.0 as usize] = self.world.spread(value, shape);
    }

    fn block(&mut self, block: &[Instruction]) {
        for instruction in block {
            match instruction {
                Instruction::Parameters { into } => self.set(*into, self.world.parameters.clone()),
                Instruction::Compute { into, expression } => self.set(*into, self.expression(expression)),
                Instruction::Finish { .. } => {}
                Instruction::Exchange { operator, transfers }
                | Instruction::Begin { operator, transfers, .. } => {
                    for (index, transfer) in transfers.iter().enumerate() {
                        let others = transfers.iter().enumerate().filter(|(other, _)| *other != index);
                        let clash = |other: &bfc_schedule::program::Transfer| {
                            other.from == transfer.into || other.into == transfer.into
                        };
                        assert!(!others.map(|(_, other)| other).any(clash), "{transfers:?}");
                    }
                    let mixed = transfers.iter().map(|transfer| {
                        let sent = self.get(transfer.from);
                        (transfer.into, self.world.mix(*operator, &self.clocks, sent))
                    });
                    for (into, value) in mixed.collect::<Vec<_>>() {
                        self.set(into, value);
                    }
                }
                Instruction::Gradient { at, into } => {
                    assert_ne!(at, into);
                    self.set(*into, self.world.ask(self.get(*at)));
                }
                Instruction::Adapt { at, direction, into } => {
                    assert_ne!(*direction, Some(*into));
                    let direction = direction.map(|direction| self.get(direction));
                    self.set(*into, self.world.adapt(self.get(*at), direction));
                }
                Instruction::Swap(a, b) => {
                    let shape = |register: &Register| self.program.registers[register.0 as usize];
                    assert_eq!(shape(a), shape(b));
                    self.registers.swap(a.0 as usize, b.0 as usize);
                }
                Instruction::Prox { at, rho, into } => {
                    assert_ne!(at, into);
                    self.set(*into, self.world.prox(self.get(*at), self.get(*rho)));
                }
                Instruction::Dot { a, b, into } => {
                    self.set(*into, self.world.dot(self.get(*a), self.get(*b)));
                }
                Instruction::Degree { topology, into } => {
                    self.set(*into, self.world.degree(*topology as usize, &self.clocks));
                }
                Instruction::Encode { from, into } | Instruction::Decode { from, into } => {
                    assert_ne!(from, into);
                    self.set(*into, self.get(*from).clone());
                }
                _ => unreachable!("{instruction:?} is not tried here"),
            }
        }
    }

    fn expression(&self, expression: &[Operation]) -> Ranks {
        let mut stack: Vec<Ranks> = vec![];
        for operation in expression {
            let value = match operation {
                Operation::Register(register) => self.get(*register).clone(),
                other => match self.world.leaf(other, self.step) {
                    Some(leaf) => leaf,
                    None => {
                        let operands = stack.split_off(stack.len() - operation.arity());
                        self.world.apply(operation, &operands)
                    }
                },
            };
            stack.push(value);
        }
        assert_eq!(stack.len(), 1, "{expression:?}");
        stack.remove(0)
    }
}
