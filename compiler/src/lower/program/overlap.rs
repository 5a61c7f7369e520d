//! Exchanges that hide behind questions to the trainer.
//!
//! An exchange whose result nobody looks at before the trainer has answered begins before the question and finishes after
//! it, in the next step where this one has no question left. Where that holds of a part of what travels, the exchange is
//! split: two messages cost their latency twice, but the vectors of one of them cost no time.

use bfc_schedule::Program;
use bfc_schedule::program::{Block, Flight, Instruction, Operator, Register, Shape, Transfer};

/// Begins exchanges early and finishes them late.
pub(super) fn overlap(program: &mut Program) {
    let places = program.steps.iter().enumerate();
    let places = places.flat_map(|(block, instructions)| (0..instructions.len()).map(move |at| (block, at)));
    let divided: Vec<Divided> = places.filter_map(|(block, at)| Divided::new(program, block, at)).collect();
    let begin = |each: &Divided| each.begin(&program.steps[each.block], &divided);
    let mut flights: Vec<(usize, &Divided)> = divided.iter().map(|each| (begin(each), each)).collect();
    flights.sort_by_key(|(begin, divided)| (divided.block, *begin));
    let placed = |(block, instructions)| placed(block, instructions, &flights, &divided);
    program.steps = program.steps.iter().enumerate().map(placed).collect();
}

/// An exchange of which a part goes on beside other instructions.
struct Divided {
    block: usize,
    at: usize,
    operator: Operator,
    hidden: Vec<Transfer>,
    /// What others wait for at once.
    shown: Vec<Transfer>,
    /// Before which instructions, of which blocks, the hidden part is to be over.
    finishes: Vec<(usize, usize)>,
}

impl Divided {
    /// `None` where nothing hides, or what hides is not worth a message of its own.
    fn new(program: &Program, block: usize, at: usize) -> Option<Self> {
        let Instruction::Exchange { operator, transfers } = &program.steps[block][at] else { return None };
        if matches!(operator, Operator::Own(_)) {
            return None;
        }
        let hides = |transfer: &Transfer| {
            let finishes = finishes(program, block, at, std::slice::from_ref(transfer));
            finishes.iter().any(|&end| asks(program, (block, at), end))
        };
        let (hidden, shown): (Vec<Transfer>, Vec<Transfer>) = transfers.iter().copied().partition(hides);
        let is_scalar = |transfer: &Transfer| {
            matches!(program.registers[transfer.from.0 as usize], Shape::Scalar | Shape::EdgeScalar)
        };
        if hidden.is_empty() || (!shown.is_empty() && hidden.iter().all(is_scalar)) {
            return None;
        }
        let finishes = finishes(program, block, at, &hidden);
        Some(Self { block, at, operator: *operator, hidden, shown, finishes })
    }

    /// Before which instruction it begins: after the last exchange that others wait for before the next question, since
    /// exchanges go one after the other.
    fn begin(&self, block: &Block, all: &[Self]) -> usize {
        let ahead = |index: usize| self.at + index;
        let question = block[self.at..].iter().position(Instruction::asks).map_or(block.len(), ahead);
        let blocks = |at: &usize| {
            let divided = all.iter().find(|other| (other.block, other.at) == (self.block, *at));
            matches!(block[*at], Instruction::Exchange { .. })
                && divided.is_none_or(|divided| !divided.shown.is_empty())
        };
        (self.at..question).rev().find(blocks).map_or(self.at, |at| at + 1)
    }
}

/// Whether the trainer is asked between an exchange and where it has to be over.
fn asks(program: &Program, (block, at): (usize, usize), (other, end): (usize, usize)) -> bool {
    let asks = |instructions: &[Instruction]| instructions.iter().any(Instruction::asks);
    match other == block && end > at {
        true => asks(&program.steps[block][at..end]),
        false => asks(&program.steps[block][at..]) || asks(&program.steps[other][..end]),
    }
}

/// Where these transfers have to be over: in the same block, or in whichever block comes next.
fn finishes(program: &Program, block: usize, at: usize, transfers: &[Transfer]) -> Vec<(usize, usize)> {
    let travels: Vec<Register> = transfers.iter().map(|transfer| transfer.from).collect();
    let arrives: Vec<Register> = transfers.iter().map(|transfer| transfer.into).collect();
    let touches = |instruction: &Instruction| {
        let writes = instruction.writes();
        let held = |register: &Register| arrives.contains(register);
        instruction.reads().iter().any(held)
            || writes.iter().any(|register| held(register) || travels.contains(register))
    };
    let instructions = &program.steps[block];
    if let Some(end) = instructions[at + 1..].iter().position(touches) {
        return vec![(block, at + 1 + end)];
    }
    // Nothing but states survives a step.
    let is_state = |register: &Register| program.states.iter().any(|(_, state)| state == register);
    if !arrives.iter().all(is_state) {
        return vec![(block, instructions.len())];
    }
    let first = |block: &Block| block.iter().position(touches).unwrap_or(block.len());
    program.steps.iter().map(first).enumerate().collect()
}

/// The block with its flights in it, and without exchanges of which nothing is left.
fn placed(block: usize, instructions: &Block, flights: &[(usize, &Divided)], all: &[Divided]) -> Block {
    let flights = || (0..).map(Flight).zip(flights);
    let mut placed = vec![];
    for at in 0..=instructions.len() {
        let over = flights().filter(|(_, (_, divided))| divided.finishes.contains(&(block, at)));
        placed.extend(over.map(|(flight, _)| Instruction::Finish { flight }));
        let begun = flights().filter(|(_, (begin, divided))| (divided.block, *begin) == (block, at));
        placed.extend(begun.map(|(flight, (_, divided))| Instruction::Begin {
            flight,
            operator: divided.operator,
            transfers: divided.hidden.clone(),
        }));
        let Some(instruction) = instructions.get(at) else { break };
        match all.iter().find(|divided| (divided.block, divided.at) == (block, at)) {
            None => placed.push(instruction.clone()),
            Some(Divided { shown, .. }) if shown.is_empty() => {}
            Some(Divided { operator, shown, .. }) => {
                placed.push(Instruction::Exchange { operator: *operator, transfers: shown.clone() });
            }
        }
    }
    placed
}
