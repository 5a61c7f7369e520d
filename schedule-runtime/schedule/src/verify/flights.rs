//! What is in flight is left alone: nothing that travels is written, nothing that arrives is touched.

use super::{BlockName, Position, Report, VerifyError};
use crate::program::{Block, Flight, Instruction, Program, Register};
use std::collections::{BTreeMap, BTreeSet};

/// Flights that may go on at some place.
type Open = BTreeSet<Flight>;

pub(super) fn check(program: &Program, report: &mut Report) {
    let blocks: Vec<(BlockName, &Block)> = [(BlockName::Initial, &program.initial)]
        .into_iter()
        .chain(program.steps.iter().enumerate().map(|(number, block)| (BlockName::Step(number), block)))
        .collect();
    let Some(flights) = begun(&blocks, report) else { return };
    let known = |flight: &Flight| flights.contains_key(flight);
    let after = |block: &Block, open: &Open| block.iter().fold(open.clone(), |open, next| step(next, open));
    let initial = after(&program.initial, &Open::new());
    // Any step may follow any other: what one leaves in flight, all may find.
    let mut open = initial;
    loop {
        let left = program.steps.iter().flat_map(|block| after(block, &open));
        let wider: Open = open.iter().copied().chain(left).collect();
        if wider == open {
            break;
        }
        open = wider;
    }
    for (name, block) in blocks {
        let mut open = if name == BlockName::Initial { Open::new() } else { open.clone() };
        for (number, instruction) in block.iter().enumerate() {
            let at = Position { block: name, instruction: number };
            match instruction {
                Instruction::Finish { flight } if !known(flight) => {
                    report.push(VerifyError::UnknownFlight { at, flight: *flight });
                }
                Instruction::Begin { flight, .. } if open.contains(flight) => {
                    report.push(VerifyError::BegunTwice { at, flight: *flight });
                }
                _ => touched(instruction, at, open.iter().map(|flight| (*flight, flights[flight])), report),
            }
            open = step(instruction, open);
        }
    }
}

/// The instructions that begin flights; their numbers follow the order of the program.
fn begun<'a>(
    blocks: &[(BlockName, &'a Block)],
    report: &mut Report,
) -> Option<BTreeMap<Flight, &'a Instruction>> {
    let mut flights = BTreeMap::new();
    for (block, instructions) in blocks {
        for (number, instruction) in instructions.iter().enumerate() {
            let Instruction::Begin { flight, .. } = instruction else { continue };
            if usize::from(flight.0) != flights.len() {
                let at = Position { block: *block, instruction: number };
                let expected = Flight(flights.len() as u16);
                report.push(VerifyError::FlightNumber { at, flight: *flight, expected });
                return None;
            }
            flights.insert(*flight, instruction);
        }
    }
    Some(flights)
}

fn step(instruction: &Instruction, mut open: Open) -> Open {
    match instruction {
        Instruction::Begin { flight, .. } => drop(open.insert(*flight)),
        Instruction::Finish { flight } => drop(open.remove(flight)),
        _ => {}
    }
    open
}

fn touched<'a>(
    instruction: &Instruction,
    at: Position,
    open: impl Iterator<Item = (Flight, &'a Instruction)>,
    report: &mut Report,
) {
    let (reads, writes) = (instruction.reads(), instruction.writes());
    for (flight, begin) in open {
        let arrives = begin.writes();
        let read = reads.iter().find(|register| arrives.contains(register));
        let travels: Vec<Register> = begin.reads().into_iter().chain(arrives).collect();
        let written = writes.iter().find(|register| travels.contains(register));
        for (register, what) in [(read, "reads"), (written, "writes")] {
            if let Some(&register) = register {
                report.push(VerifyError::InFlight { at, what, register, flight });
            }
        }
    }
}
