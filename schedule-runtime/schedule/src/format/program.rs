//! The section `program`.

use super::FormatError;
use super::bytes::{Reader, Write};
use super::weights::{WeightReader, WeightWriter};
use crate::Program;
use crate::compression::{Codec, Float, LowRank};
use crate::program::{
    Block, Expression, Flight, Input, Instruction, Operation, Operator, Register, Shape, Transfer,
};

/// The number of the first of [`Operation::PLAIN`].
const FIRST_PLAIN: u8 = 4;

/// The kind of an input; others are for values that differ by rank.
const SAME_ON_ALL_RANKS: u8 = 0;

pub(super) fn write(program: &Program, weights: &mut WeightWriter) -> Vec<u8> {
    let mut section = vec![];
    section.string(&program.name);
    section.count(program.inputs.len());
    for input in &program.inputs {
        section.string(&input.name);
        section.u32(weights.id(&input.default));
        section.u8(SAME_ON_ALL_RANKS);
    }
    section.count(program.registers.len());
    program.registers.iter().for_each(|shape| write_shape(&mut section, *shape));
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
                write_exchange(section, *operator, transfers);
            }
            Instruction::Gradient { at, into } => operands(section, 3, &[*at, *into]),
            Instruction::Adapt { at, direction, into } => {
                operands(section, 4, &[*at, *into]);
                section.u8(direction.is_some().into());
                direction.iter().for_each(|register| section.u16(register.0));
            }
            Instruction::Swap(a, b) => operands(section, 5, &[*a, *b]),
            Instruction::Prox { at, rho, into } => operands(section, 6, &[*at, *rho, *into]),
            Instruction::Dot { a, b, into } => operands(section, 7, &[*a, *b, *into]),
            Instruction::Degree { topology, into } => {
                operands(section, 8, &[*into]);
                section.u32(*topology);
            }
            Instruction::Gather { from, into } => operands(section, 9, &[*from, *into]),
            Instruction::Encode { from, into } => operands(section, 10, &[*from, *into]),
            Instruction::Decode { from, into } => operands(section, 11, &[*from, *into]),
            Instruction::Start { into } => operands(section, 12, &[*into]),
            Instruction::Project { from, factor, into } => operands(section, 13, &[*from, *factor, *into]),
            Instruction::Difference { mine, theirs, into } => operands(section, 14, &[*mine, *theirs, *into]),
            Instruction::Correct { at, factor, difference, into } => {
                operands(section, 15, &[*at, *factor, *difference, *into]);
            }
            Instruction::Begin { flight, operator, transfers } => {
                section.u8(16);
                section.u16(flight.0);
                write_exchange(section, *operator, transfers);
            }
            Instruction::Finish { flight } => {
                section.u8(17);
                section.u16(flight.0);
            }
        }
    }
}

fn write_exchange(section: &mut Vec<u8>, operator: Operator, transfers: &[Transfer]) {
    write_operator(section, operator);
    section.count(transfers.len());
    transfers.iter().flat_map(|each| [each.from, each.into]).for_each(|register| section.u16(register.0));
}

fn write_operator(section: &mut Vec<u8>, operator: Operator) {
    let (number, topology) = match operator {
        Operator::Mix(topology) => (0, topology),
        Operator::Others(topology) => (1, topology),
        Operator::Own(topology) => (2, topology),
        Operator::Incoming(topology) => (3, topology),
        Operator::Back => (4, 0),
        Operator::Average => (5, 0),
    };
    section.u8(number);
    section.u32(topology);
}

fn write_shape(section: &mut Vec<u8>, shape: Shape) {
    match shape {
        Shape::Vector => section.u8(0),
        Shape::Scalar => section.u8(1),
        Shape::EdgeVector => section.u8(2),
        Shape::EdgeScalar => section.u8(3),
        Shape::Code(codec) => {
            section.u8(4);
            write_codec(section, codec);
        }
        Shape::EdgeFactor(low_rank) => {
            section.u8(5);
            write_low_rank(section, low_rank);
        }
    }
}

fn write_codec(section: &mut Vec<u8>, codec: Codec) {
    match codec {
        Codec::Cast(float) => {
            section.u8(0);
            section
                .u8(Float::ALL.iter().position(|other| *other == float).expect("every format has a number")
                    as u8);
        }
        Codec::Quantize { bits, seed } => {
            section.u8(1);
            section.u8(bits);
            section.u8(seed.is_some().into());
            seed.iter().for_each(|seed| section.u64(*seed));
        }
        Codec::TopK(count) => {
            section.u8(2);
            section.u64(count);
        }
        Codec::TopFraction { numerator, denominator } => {
            section.u8(3);
            section.u64(numerator);
            section.u64(denominator);
        }
        Codec::RandomK { count, seed } => {
            section.u8(4);
            section.u64(count);
            section.u64(seed);
        }
        Codec::Sign => section.u8(5),
        Codec::LowRank(low_rank) => {
            section.u8(6);
            write_low_rank(section, low_rank);
        }
    }
}

fn write_low_rank(section: &mut Vec<u8>, LowRank { rank, rows }: LowRank) {
    section.u32(rank);
    section.u8(rows.is_some().into());
    rows.iter().for_each(|rows| section.u32(*rows));
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
                let number = Operation::PLAIN
                    .iter()
                    .position(|other| other == plain)
                    .expect("every operation has a number");
                section.u8(FIRST_PLAIN + number as u8);
            }
        }
    }
}

pub(super) fn read(section: &[u8], weights: &mut WeightReader<'_>) -> Result<Program, FormatError> {
    let mut reader = Reader::new("program", section);
    let name = reader.string()?;
    let input = |reader: &mut Reader<'_>| {
        let input = Input { name: reader.string()?, default: weights.get(reader.u32()?)? };
        match reader.u8()? {
            SAME_ON_ALL_RANKS => Ok(input),
            _ => Err(reader.malformed("no kind of input has this number")),
        }
    };
    let program = Program {
        name,
        inputs: reader.list(9, input)?,
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
        2 => Ok(Shape::EdgeVector),
        3 => Ok(Shape::EdgeScalar),
        4 => codec(reader).map(Shape::Code),
        5 => low_rank(reader).map(Shape::EdgeFactor),
        _ => Err(reader.malformed("no shape has this number")),
    }
}

fn codec(reader: &mut Reader<'_>) -> Result<Codec, FormatError> {
    Ok(match reader.u8()? {
        0 => {
            let number = reader.u8()? as usize;
            let float = Float::ALL.get(number).copied();
            Codec::Cast(float.ok_or(reader.malformed("no format has this number"))?)
        }
        1 => Codec::Quantize { bits: reader.u8()?, seed: optional(reader, Reader::u64)? },
        2 => Codec::TopK(reader.u64()?),
        3 => Codec::TopFraction { numerator: reader.u64()?, denominator: reader.u64()? },
        4 => Codec::RandomK { count: reader.u64()?, seed: reader.u64()? },
        5 => Codec::Sign,
        6 => Codec::LowRank(low_rank(reader)?),
        _ => return Err(reader.malformed("no codec has this number")),
    })
}

fn low_rank(reader: &mut Reader<'_>) -> Result<LowRank, FormatError> {
    Ok(LowRank { rank: reader.u32()?, rows: optional(reader, Reader::u32)? })
}

fn optional<'a, T>(
    reader: &mut Reader<'a>,
    value: impl FnOnce(&mut Reader<'a>) -> Result<T, FormatError>,
) -> Result<Option<T>, FormatError> {
    match reader.u8()? {
        0 => Ok(None),
        1 => value(reader).map(Some),
        _ => Err(reader.malformed("a flag is neither 0 nor 1")),
    }
}

fn operator(reader: &mut Reader<'_>) -> Result<Operator, FormatError> {
    let (number, topology) = (reader.u8()?, reader.u32()?);
    Ok(match (number, topology) {
        (0, _) => Operator::Mix(topology),
        (1, _) => Operator::Others(topology),
        (2, _) => Operator::Own(topology),
        (3, _) => Operator::Incoming(topology),
        (4, 0) => Operator::Back,
        (5, 0) => Operator::Average,
        _ => return Err(reader.malformed("no operator has this number")),
    })
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
        2 => Instruction::Exchange { operator: operator(reader)?, transfers: transfers(reader)? },
        3 => Instruction::Gradient { at: register(reader)?, into: register(reader)? },
        4 => {
            let (at, into) = (register(reader)?, register(reader)?);
            Instruction::Adapt { at, direction: optional(reader, register)?, into }
        }
        5 => Instruction::Swap(register(reader)?, register(reader)?),
        6 => Instruction::Prox { at: register(reader)?, rho: register(reader)?, into: register(reader)? },
        7 => Instruction::Dot { a: register(reader)?, b: register(reader)?, into: register(reader)? },
        8 => Instruction::Degree { into: register(reader)?, topology: reader.u32()? },
        9 => Instruction::Gather { from: register(reader)?, into: register(reader)? },
        10 => Instruction::Encode { from: register(reader)?, into: register(reader)? },
        11 => Instruction::Decode { from: register(reader)?, into: register(reader)? },
        12 => Instruction::Start { into: register(reader)? },
        13 => Instruction::Project {
            from: register(reader)?,
            factor: register(reader)?,
            into: register(reader)?,
        },
        14 => Instruction::Difference {
            mine: register(reader)?,
            theirs: register(reader)?,
            into: register(reader)?,
        },
        15 => Instruction::Correct {
            at: register(reader)?,
            factor: register(reader)?,
            difference: register(reader)?,
            into: register(reader)?,
        },
        16 => Instruction::Begin {
            flight: Flight(reader.u16()?),
            operator: operator(reader)?,
            transfers: transfers(reader)?,
        },
        17 => Instruction::Finish { flight: Flight(reader.u16()?) },
        _ => return Err(reader.malformed("no instruction has this number")),
    })
}

fn transfers(reader: &mut Reader<'_>) -> Result<Vec<Transfer>, FormatError> {
    reader.list(4, |reader| Ok(Transfer { from: register(reader)?, into: register(reader)? }))
}

fn expression(reader: &mut Reader<'_>, weights: &mut WeightReader<'_>) -> Result<Expression, FormatError> {
    reader.list(1, |reader| {
        Ok(match reader.u8()? {
            0 => Operation::Register(register(reader)?),
            1 => Operation::Input(reader.u16()?),
            2 => Operation::Step,
            3 => Operation::Constant(weights.get(reader.u32()?)?),
            number => Operation::PLAIN
                .get(number as usize - FIRST_PLAIN as usize)
                .cloned()
                .ok_or(reader.malformed("no operation has this number"))?,
        })
    })
}
