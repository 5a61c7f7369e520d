//! A schedule's program back to the data-flow graph that it computes: registers and their reuse vanish.
//!
//! What is proved of the lifted algorithm is proved of the program that ranks run, whatever lowering did.

use crate::algorithm::{Algorithm, State, Value, ValueId, ValueKind};
use bfc_schedule::Program;
use bfc_schedule::program::{Block, Expression, Instruction, Operation, Operator, Register, Shape, Transfer};
use std::collections::HashMap;

/// The algorithm of a verified program that mixes over topologies of these names; or what of it is not a data-flow.
pub(super) fn algorithm(program: &Program, topologies: Vec<String>) -> Result<Algorithm, String> {
    let mut lifter = Lifter { shapes: &program.registers, values: vec![], ids: HashMap::new() };
    let registers = |lifter: &mut Lifter| {
        let mut registers = vec![None; program.registers.len()];
        for (state, (_, register)) in program.states.iter().enumerate() {
            let value = lifter.value(ValueKind::State(state), lifter.shapes[index(*register)]);
            registers[index(*register)] = Some(value);
        }
        registers
    };
    let of = |registers: &Registers, register: Register| {
        registers[index(register)]
            .ok_or_else(|| format!("register {} is read before it is written", register.0))
    };
    let mut initial = vec![None; program.registers.len()];
    lifter.block(&program.initial, &mut initial)?;
    let states = program
        .states
        .iter()
        .map(|(name, register)| {
            let shape = program.registers[index(*register)];
            Ok(State { name: name.clone(), shape, initial: of(&initial, *register)? })
        })
        .collect::<Result<_, String>>()?;
    let mut steps = vec![];
    for block in &program.steps {
        let mut registers = registers(&mut lifter);
        lifter.block(block, &mut registers)?;
        let next = program.states.iter().map(|(_, register)| of(&registers, *register));
        steps.push(next.collect::<Result<_, _>>()?);
    }
    let mut last = registers(&mut lifter);
    lifter.block(&program.model, &mut last)?;
    let model = of(&last, program.model_register)?;
    let none = vec![None; program.registers.len()];
    let conditions = program
        .conditions
        .iter()
        .map(|condition| lifter.expression(condition, &none))
        .collect::<Result<_, _>>()?;
    Ok(Algorithm {
        name: program.name.clone(),
        topologies,
        inputs: program.inputs.clone(),
        values: lifter.values,
        states,
        conditions,
        steps,
        model,
        requires: vec![],
        numbers: vec![],
    })
}

fn index(register: Register) -> usize {
    register.0 as usize
}

/// What each register holds.
type Registers = Vec<Option<ValueId>>;

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
        let read = |registers: &Registers, register: &Register| {
            registers[index(*register)]
                .ok_or_else(|| format!("register {} is read before it is written", register.0))
        };
        match instruction {
            Instruction::Parameters { into } => {
                registers[index(*into)] = Some(self.value(ValueKind::Parameters, Shape::Vector));
            }
            Instruction::Compute { into, expression } => {
                let value = self.expression(expression, registers)?;
                registers[index(*into)] = Some(self.spread(value, self.shapes[index(*into)]));
            }
            Instruction::Exchange { operator, transfers } => {
                let exchanged = |lifter: &mut Self, transfer: &Transfer| {
                    let from = read(registers, &transfer.from)?;
                    let kind = match operator {
                        Operator::Mix(topology) => ValueKind::Mix(*topology as usize, from),
                        Operator::Average => ValueKind::Average(from),
                    };
                    Ok((transfer.into, lifter.value(kind, lifter.shapes[index(transfer.into)])))
                };
                let all: Vec<(Register, ValueId)> = transfers
                    .iter()
                    .map(|transfer| exchanged(self, transfer))
                    .collect::<Result<_, String>>()?;
                all.into_iter().for_each(|(into, value)| registers[index(into)] = Some(value));
            }
            Instruction::Gradient { at, into } => {
                let kind = ValueKind::Gradient(read(registers, at)?);
                registers[index(*into)] = Some(self.value(kind, Shape::Vector));
            }
            Instruction::Adapt { at, direction, into } => {
                let direction = direction.as_ref().map(|direction| read(registers, direction)).transpose()?;
                let kind = ValueKind::Adapt(read(registers, at)?, direction);
                registers[index(*into)] = Some(self.value(kind, Shape::Vector));
            }
            Instruction::Swap(a, b) => registers.swap(index(*a), index(*b)),
        }
        Ok(())
    }

    /// The value of a postfix expression.
    fn expression(&mut self, expression: &Expression, registers: &Registers) -> Result<ValueId, String> {
        let mut stack = vec![];
        for operation in expression {
            let value = match operation {
                Operation::Register(register) => registers[index(*register)]
                    .ok_or_else(|| format!("register {} is read before it is written", register.0))?,
                _ => {
                    let at =
                        stack.len().checked_sub(operation.arity()).ok_or("an expression lacks operands")?;
                    let operands: Vec<ValueId> = stack.split_off(at);
                    let vector = |id: &ValueId| self.values[id.0 as usize].shape == Shape::Vector;
                    let shape = if operands.iter().any(vector) { Shape::Vector } else { Shape::Scalar };
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
