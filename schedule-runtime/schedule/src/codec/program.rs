//! The section `program`.

use super::FormatError;
use super::bytes::{Reader, Write};
use super::weights::{WeightReader, WeightWriter};
use crate::Program;
use crate::program::{Block, Expression, Input, Instruction, Operation, Operator, Register, Shape, Transfer};

const AVERAGE: u32 = u32::MAX;

/// Operations without operands of their own; the first has the number [`FIRST_PLAIN`].
const PLAIN: [Operation; 24] = [
    Operation::Negate,
    Operation::Not,
    Operation::SquareRoot,
    Operation::Log,
    Operation::Absolute,
    Operation::Floor,
    Operation::Add,
    Operation::Subtract,
    Operation::Multiply,
    Operation::Divide,
    Operation::Power,
    Operation::Minimum,
    Operation::Maximum,
    Operation::Mod,
    Operation::Div,
    Operation::Equal,
    Operation::NotEqual,
    Operation::Less,
    Operation::LessEqual,
    Operation::Greater,
    Operation::GreaterEqual,
    Operation::And,
    Operation::Or,
    Operation::Random,
];
const FIRST_PLAIN: u8 = 4;

pub(super) fn write(program: &Program, weights: &mut WeightWriter) -> Vec<u8> {
    let mut section = vec![];
    section.string(&program.name);
    section.count(program.inputs.len());
    for input in &program.inputs {
        section.string(&input.name);
        section.u32(weights.id(&input.default));
    }
    section.count(program.registers.len());
    section.extend(program.registers.iter().map(|shape| u8::from(*shape == Shape::Scalar)));
    section.count(program.states.len());
    for (state, register) in &program.states {
        section.string(state);
        section.u16(register.0);
    }
    write_block(&mut section, &program.initial, weights);
    section.count(program.conditions.len());
    program.conditions.iter().for_each(|condition| write_expression(&mut section, condition, weights));
    section.count(program.steps.len());
    program.steps.iter().for_each(|block| write_block(&mut section, block, weights));
    write_block(&mut section, &program.model, weights);
    section.u16(program.model_register.0);
    section
}

fn write_block(section: &mut Vec<u8>, block: &Block, weights: &mut WeightWriter) {
    section.count(block.len());
    for instruction in block {
        match instruction {
            Instruction::Parameters { into } => operands(section, 0, &[*into]),
            Instruction::Compute { into, expression } => {
                operands(section, 1, &[*into]);
                write_expression(section, expression, weights);
            }
            Instruction::Exchange { operator, transfers } => {
                section.u8(2);
                section.u32(match operator {
                    Operator::Mix(topology) => *topology,
                    Operator::Average => AVERAGE,
                });
                section.count(transfers.len());
                transfers
                    .iter()
                    .flat_map(|each| [each.from, each.into])
                    .for_each(|register| section.u16(register.0));
            }
            Instruction::Gradient { at, into } => operands(section, 3, &[*at, *into]),
            Instruction::Adapt { at, direction, into } => {
                operands(section, 4, &[*at, *into]);
                section.u8(direction.is_some().into());
                direction.iter().for_each(|register| section.u16(register.0));
            }
            Instruction::Swap(a, b) => operands(section, 5, &[*a, *b]),
        }
    }
}

fn operands(section: &mut Vec<u8>, number: u8, registers: &[Register]) {
    section.u8(number);
    registers.iter().for_each(|register| section.u16(register.0));
}

fn write_expression(section: &mut Vec<u8>, expression: &Expression, weights: &mut WeightWriter) {
    section.count(expression.len());
    for operation in expression {
        match operation {
            Operation::Register(register) => operands(section, 0, &[*register]),
            Operation::Input(input) => {
                section.u8(1);
                section.u16(*input);
            }
            Operation::Step => section.u8(2),
            Operation::Constant(constant) => {
                section.u8(3);
                section.u32(weights.id(constant));
            }
            plain => {
                let number =
                    PLAIN.iter().position(|other| other == plain).expect("every operation has a number");
                section.u8(FIRST_PLAIN + number as u8);
            }
        }
    }
}

pub(super) fn read(section: &[u8], weights: &mut WeightReader<'_>) -> Result<Program, FormatError> {
    let mut reader = Reader::new("program", section);
    let name = reader.string()?;
    let input =
        |reader: &mut Reader<'_>| Ok(Input { name: reader.string()?, default: weights.get(reader.u32()?)? });
    let program = Program {
        name,
        inputs: reader.list(8, input)?,
        registers: reader.list(1, shape)?,
        states: reader.list(6, |reader| Ok((reader.string()?, register(reader)?)))?,
        initial: block(&mut reader, weights)?,
        conditions: reader.list(4, |reader| expression(reader, weights))?,
        steps: reader.list(4, |reader| block(reader, weights))?,
        model: block(&mut reader, weights)?,
        model_register: register(&mut reader)?,
    };
    reader.end()?;
    Ok(program)
}

fn shape(reader: &mut Reader<'_>) -> Result<Shape, FormatError> {
    match reader.u8()? {
        0 => Ok(Shape::Vector),
        1 => Ok(Shape::Scalar),
        _ => Err(reader.malformed("there is no shape of this number")),
    }
}

fn register(reader: &mut Reader<'_>) -> Result<Register, FormatError> {
    reader.u16().map(Register)
}

fn block(reader: &mut Reader<'_>, weights: &mut WeightReader<'_>) -> Result<Block, FormatError> {
    reader.list(3, |reader| instruction(reader, weights))
}

fn instruction(reader: &mut Reader<'_>, weights: &mut WeightReader<'_>) -> Result<Instruction, FormatError> {
    Ok(match reader.u8()? {
        0 => Instruction::Parameters { into: register(reader)? },
        1 => Instruction::Compute { into: register(reader)?, expression: expression(reader, weights)? },
        2 => Instruction::Exchange {
            operator: match reader.u32()? {
                AVERAGE => Operator::Average,
                topology => Operator::Mix(topology),
            },
            transfers: reader
                .list(4, |reader| Ok(Transfer { from: register(reader)?, into: register(reader)? }))?,
        },
        3 => Instruction::Gradient { at: register(reader)?, into: register(reader)? },
        4 => {
            let (at, into) = (register(reader)?, register(reader)?);
            let direction = match reader.u8()? {
                0 => None,
                1 => Some(register(reader)?),
                _ => return Err(reader.malformed("a flag is neither 0 nor 1")),
            };
            Instruction::Adapt { at, direction, into }
        }
        5 => Instruction::Swap(register(reader)?, register(reader)?),
        _ => return Err(reader.malformed("there is no instruction of this number")),
    })
}

fn expression(reader: &mut Reader<'_>, weights: &mut WeightReader<'_>) -> Result<Expression, FormatError> {
    reader.list(1, |reader| {
        Ok(match reader.u8()? {
            0 => Operation::Register(register(reader)?),
            1 => Operation::Input(reader.u16()?),
            2 => Operation::Step,
            3 => Operation::Constant(weights.get(reader.u32()?)?),
            number => PLAIN
                .get(number as usize - FIRST_PLAIN as usize)
                .cloned()
                .ok_or(reader.malformed("there is no operation of this number"))?,
        })
    })
}
