//! A schedule's program back to the data-flow graph that it computes: registers and their reuse vanish.
//!
//! What is proved of the lifted algorithm is proved of the program that ranks run, whatever lowering did.

use crate::model::algorithm::{Algorithm, State, Value, ValueId, ValueKind};
use bfc_schedule::Program;
use bfc_schedule::program::{Block, Expression, Instruction, Operation, Operator, Register, Shape, Transfer};
use std::collections::HashMap;

/// The algorithm of a verified program that mixes over topologies of these names; or what of it is not a data-flow.
pub(super) fn algorithm(program: &Program, topologies: Vec<String>) -> Result<Algorithm, String> {
    let mut lifter = Lifter { shapes: &program.registers, values: vec![], ids: HashMap::new() };
    let none = Registers(vec![None; program.registers.len()]);
    let registers = |lifter: &mut Lifter| {
        let mut registers = none.clone();
        for (state, (_, register)) in program.states.iter().enumerate() {
            let value = lifter.value(ValueKind::State(state), lifter.shapes[index(*register)]);
            registers.write(*register, value);
        }
        registers
    };
    let mut initial = none.clone();
    lifter.block(&program.initial, &mut initial)?;
    let states: Vec<State> = program
        .states
        .iter()
        .map(|(name, register)| {
            let shape = program.registers[index(*register)];
            Ok(State { name: name.clone(), shape, initial: initial.read(*register)? })
        })
        .collect::<Result<_, String>>()?;
    let mut steps: Vec<Vec<ValueId>> = vec![];
    for block in &program.steps {
        let mut registers = registers(&mut lifter);
        lifter.block(block, &mut registers)?;
        let next = program.states.iter().map(|(_, register)| registers.read(*register));
        steps.push(next.collect::<Result<_, _>>()?);
    }
    let mut last = registers(&mut lifter);
    lifter.block(&program.model, &mut last)?;
    let model = last.read(program.model_register)?;
    let conditions = program
        .conditions
        .iter()
        .map(|condition| lifter.expression(condition, &none))
        .collect::<Result<_, _>>()?;
    restore_parameters(&mut lifter.values, &states, &steps);
    Ok(Algorithm {
        name: program.name.clone(),
        asynchronous: None,
        topologies,
        inputs: program.inputs.clone(),
        reals: vec![],
        values: lifter.values,
        states,
        conditions,
        steps,
        model,
        requires: vec![],
        numbers: vec![],
        rounds: vec![],
    })
}

/// Lowering keeps `params` in a state of that name where a step reads them. One that is never changed is they.
fn restore_parameters(values: &mut [Value], states: &[State], steps: &[Vec<ValueId>]) {
    let kind = |values: &[Value], id: ValueId| values[id.0 as usize].kind.clone();
    for (index, state) in states.iter().enumerate().filter(|(_, state)| state.name == "params") {
        let own = ValueKind::State(index);
        let kept = steps.iter().all(|next| kind(values, next[index]) == own);
        if kept && kind(values, state.initial) == ValueKind::Parameters {
            let reads = values.iter_mut().filter(|value| value.kind == own);
            reads.for_each(|value| value.kind = ValueKind::Parameters);
        }
    }
}

fn index(register: Register) -> usize {
    register.0 as usize
}

/// What each register holds.
#[derive(Clone)]
struct Registers(Vec<Option<ValueId>>);

impl Registers {
    fn read(&self, register: Register) -> Result<ValueId, String> {
        self.0[index(register)].ok_or_else(|| format!("register {} is read before it is written", register.0))
    }

    fn write(&mut self, register: Register, value: ValueId) {
        self.0[index(register)] = Some(value);
    }
}

/// Values so far, the same expression one value.
struct Lifter<'a> {
    shapes: &'a [Shape],
    values: Vec<Value>,
    ids: HashMap<Value, ValueId>,
}

impl Lifter<'_> {
    fn value(&mut self, kind: ValueKind, shape: Shape) -> ValueId {
        let value = Value { kind, shape };
        if let Some(id) = self.ids.get(&value) {
            return *id;
        }
        let id = ValueId(self.values.len() as u32);
        self.values.push(value.clone());
        self.ids.insert(value, id);
        id
    }

    fn block(&mut self, block: &Block, registers: &mut Registers) -> Result<(), String> {
        block.iter().try_for_each(|instruction| self.instruction(instruction, registers))
    }

    fn instruction(&mut self, instruction: &Instruction, registers: &mut Registers) -> Result<(), String> {
        match instruction {
            Instruction::Parameters { into } => {
                registers.write(*into, self.value(ValueKind::Parameters, Shape::Vector));
            }
            Instruction::Compute { into, expression } => {
                let value = self.expression(expression, registers)?;
                registers.write(*into, self.spread(value, self.shapes[index(*into)]));
            }
            Instruction::Exchange { operator, transfers }
            | Instruction::Begin { operator, transfers, .. } => {
                let exchanged = |lifter: &mut Self, transfer: &Transfer| {
                    let from = registers.read(transfer.from)?;
                    let kind = match operator {
                        Operator::Mix(topology) => ValueKind::Mix(*topology as usize, from),
                        Operator::Others(topology) => ValueKind::Others(*topology as usize, from),
                        Operator::Own(topology) => ValueKind::Own(*topology as usize, from),
                        Operator::Incoming(topology) => ValueKind::Incoming(*topology as usize, from),
                        Operator::Back => ValueKind::Back(from),
                        Operator::Average => ValueKind::Average(from),
                    };
                    Ok((transfer.into, lifter.value(kind, lifter.shapes[index(transfer.into)])))
                };
                let all: Vec<(Register, ValueId)> = transfers
                    .iter()
                    .map(|transfer| exchanged(self, transfer))
                    .collect::<Result<_, String>>()?;
                all.into_iter().for_each(|(into, value)| registers.write(into, value));
            }
            Instruction::Finish { .. } => {}
            Instruction::Swap(a, b) => registers.0.swap(index(*a), index(*b)),
            other => {
                let (kind, into) = self.other(other, registers)?;
                registers.write(into, self.value(kind, self.shapes[index(into)]));
            }
        }
        Ok(())
    }

    /// What an instruction makes of the registers, and where it goes.
    fn other(
        &self,
        instruction: &Instruction,
        registers: &Registers,
    ) -> Result<(ValueKind, Register), String> {
        let of = |register: &Register| registers.read(*register);
        Ok(match instruction {
            Instruction::Gradient { at, into } => (ValueKind::Gradient(of(at)?), *into),
            Instruction::Adapt { at, direction, into } => {
                let direction = direction.as_ref().map(of).transpose()?;
                (ValueKind::Adapt(of(at)?, direction), *into)
            }
            Instruction::Prox { at, rho, into } => (ValueKind::Prox(of(at)?, of(rho)?), *into),
            Instruction::Dot { a, b, into } => (ValueKind::Dot(of(a)?, of(b)?), *into),
            Instruction::Degree { topology, into } => (ValueKind::Degree(*topology as usize), *into),
            Instruction::Gather { from, into } => (ValueKind::Gather(of(from)?), *into),
            Instruction::Encode { from, into } => match self.shapes[index(*into)] {
                Shape::Code(codec) => (ValueKind::Encode(codec, of(from)?), *into),
                _ => return Err("a code goes to what holds none".into()),
            },
            Instruction::Decode { from, into } => (ValueKind::Decode(of(from)?), *into),
            Instruction::Start { into } => (ValueKind::Start, *into),
            Instruction::Project { from, factor, into } => {
                (ValueKind::Project(of(from)?, of(factor)?), *into)
            }
            Instruction::Difference { mine, theirs, into } => {
                (ValueKind::Difference(of(mine)?, of(theirs)?), *into)
            }
            Instruction::Correct { at, factor, difference, into } => {
                (ValueKind::Correct(of(at)?, of(factor)?, of(difference)?), *into)
            }
            Instruction::Parameters { .. }
            | Instruction::Compute { .. }
            | Instruction::Exchange { .. }
            | Instruction::Begin { .. }
            | Instruction::Finish { .. }
            | Instruction::Swap(..) => return Err("an instruction of another kind".into()),
        })
    }

    /// The value of a postfix expression.
    fn expression(&mut self, expression: &Expression, registers: &Registers) -> Result<ValueId, String> {
        let mut stack = vec![];
        for operation in expression {
            let value = match operation {
                Operation::Register(register) => registers.read(*register)?,
                _ => {
                    let at =
                        stack.len().checked_sub(operation.arity()).ok_or("an expression lacks operands")?;
                    let operands: Vec<ValueId> = stack.split_off(at);
                    let join = |shape: Shape, id: &ValueId| {
                        shape.join(self.values[id.0 as usize].shape).unwrap_or(shape)
                    };
                    let shape = operands.iter().fold(Shape::Scalar, join);
                    self.value(ValueKind::Apply(operation.clone(), operands), shape)
                }
            };
            stack.push(value);
        }
        stack.pop().ok_or_else(|| "an expression is empty".into())
    }

    /// A scalar that is written to a vector holds one number everywhere.
    fn spread(&mut self, id: ValueId, shape: Shape) -> ValueId {
        let value = self.values[id.0 as usize].clone();
        if value.shape == shape { id } else { self.value(value.kind, shape) }
    }
}
