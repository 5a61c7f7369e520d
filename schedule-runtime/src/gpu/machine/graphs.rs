//! Steps as CUDA graphs. A block falls into sections: launches that are the same whenever their key is, and those between them.
//!
//! What a section's launches depend on is either in its key (the block, the phases of its topologies, the inputs, which
//! registers have changed places) or keeps an instruction out of it: the step number, numbers of the host, vectors that the
//! host writes. All of it is the same on all ranks, as NCCL requires of what is captured.

use super::{Answer, GpuMachine};
use crate::compression::Coding;
use crate::gpu::graph::Known;
use crate::gpu::{GpuError, Link};
use crate::layout::Layout;
use bfc_schedule::Codec;
use bfc_schedule::program::{Instruction, Operation, Program, Register, Shape};
use std::ops::Range;

/// Instructions of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Section {
    instructions: Range<usize>,
    /// Whether equal keys queue equal launches.
    repeats: bool,
}

impl<L: Link> GpuMachine<L> {
    /// Lets the machine capture launches that repeat in CUDA graphs, each of which is then queued by one call: those between two
    /// questions to the trainer, or numbers that the host waits for. Launches that depend on the step number or on numbers of
    /// the host are queued one by one, as are exchanges that are in flight during a question, or from one step to the next. The
    /// bits are the same. To be called on all ranks or on none, before the first step. Without effect on links that
    /// are not NCCL's.
    #[must_use]
    pub fn with_graphs(mut self) -> Self {
        let blocks = self.program.steps.iter();
        self.sections = blocks.map(|block| sections(block, &self.program, &self.layout)).collect();
        self
    }

    /// How often a graph was launched.
    pub fn graphs_launched(&self) -> u64 {
        self.graphs_launched
    }

    /// Runs a block of a step.
    pub(super) fn run_step(&mut self, index: usize, answer: &mut Answer<'_>) -> Result<(), GpuError> {
        let block = self.program.steps[index].clone();
        let Some(sections) = self.sections.get(index).cloned() else { return self.run(&block, answer) };
        for Section { instructions, repeats } in sections {
            let start = instructions.start;
            let instructions = &block[instructions];
            // Memory of a flight is not that of a graph, which has all that is spare.
            match repeats && self.flights.is_empty() {
                true => self.repeat(self.key(index, start, instructions), instructions, answer)?,
                false => self.run(instructions, answer)?,
            }
        }
        Ok(())
    }

    /// All that the launches of a section depend on.
    fn key(&self, block: usize, start: usize, instructions: &[Instruction]) -> Vec<u64> {
        let operators = instructions.iter().filter_map(|instruction| Some(instruction.exchange()?.0));
        let topologies = operators.filter_map(|operator| operator.topology());
        let phases = topologies.map(|topology| self.plan(topology).0 as u64);
        let places = self.registers.places.iter().map(|&place| place as u64);
        let inputs = self.inputs.iter().map(|input| input.to_bits());
        [block as u64, start as u64].into_iter().chain(phases).chain(places).chain(inputs).collect()
    }

    /// Runs a section the first time, captures it the second time, and then launches the graph.
    fn repeat(
        &mut self,
        key: Vec<u64>,
        instructions: &[Instruction],
        answer: &mut Answer<'_>,
    ) -> Result<(), GpuError> {
        let Some(graphs) = self.exchanger.link.graphs() else { return self.run(instructions, answer) };
        match graphs.find(key) {
            Known::New => return self.run(instructions, answer),
            Known::Seen => {
                graphs.begin(&self.stream)?;
                let before = self.exchanger.bytes_sent;
                // Where this fails, the link's abort ends the capture.
                self.run(instructions, answer)?;
                let bytes_sent = self.exchanger.bytes_sent - before;
                self.exchanger.link.graphs().map_or(Ok(()), |graphs| graphs.end(bytes_sent))?;
            }
            Known::Captured { bytes_sent } => {
                self.exchanger.bytes_sent += bytes_sent;
                self.swap(instructions);
            }
        }
        let Some(graphs) = self.exchanger.link.graphs() else { return Ok(()) };
        graphs.launch(&self.stream)?;
        self.graphs_launched += 1;
        // Who waits for the link waits for the graph's messages.
        let end = self.stream.gpu().event()?;
        end.record(&self.stream)?;
        self.exchanger.link.stream().wait_event(&end)
    }

    /// What the host does of a section whose launches are in a graph.
    fn swap(&mut self, instructions: &[Instruction]) {
        for instruction in instructions {
            if let Instruction::Swap(a, b) = instruction {
                self.registers.swap(a.0 as usize, b.0 as usize);
            }
        }
    }
}

/// The sections of a block.
fn sections(block: &[Instruction], program: &Program, layout: &Layout) -> Vec<Section> {
    let mut repeat: Vec<bool> =
        block.iter().map(|instruction| repeats(instruction, program, layout)).collect();
    // A flight begins and ends in the same section; one that does not may divide the section of another.
    while let Some(index) = (0..block.len()).find(|&index| repeat[index] && is_open(block, index, &repeat)) {
        repeat[index] = false;
    }
    let mut sections: Vec<Section> = vec![];
    for (index, repeats) in repeat.into_iter().enumerate() {
        match sections.last_mut() {
            Some(last) if last.repeats == repeats => last.instructions.end = index + 1,
            _ => sections.push(Section { instructions: index..index + 1, repeats }),
        }
    }
    sections
}

/// Whether a flight that begins or ends here does not do both in one section.
fn is_open(block: &[Instruction], index: usize, repeat: &[bool]) -> bool {
    let begins = |at: &usize, of| matches!(&block[*at], Instruction::Begin { flight, .. } if *flight == of);
    let ends = |at: &usize, of| matches!(&block[*at], Instruction::Finish { flight } if *flight == of);
    let both = match &block[index] {
        Instruction::Begin { flight, .. } => {
            (index..block.len()).find(|at| ends(at, *flight)).map(|end| index..=end)
        }
        Instruction::Finish { flight } => {
            (0..index).rfind(|at| begins(at, *flight)).map(|begin| begin..=index)
        }
        _ => return false,
    };
    both.is_none_or(|mut both| both.any(|at| !repeat[at]))
}

/// Whether an instruction queues the same whenever the key of its section is the same, and waits for nothing.
fn repeats(instruction: &Instruction, program: &Program, layout: &Layout) -> bool {
    let shape = |register: Register| program.registers[register.0 as usize];
    let is_number = |register: Register| matches!(shape(register), Shape::Scalar | Shape::EdgeScalar);
    // The codecs of all tensors: shapes and small tensors change some.
    let codes = |register: Register, repeats: fn(Codec) -> bool| {
        let Shape::Code(codec) = shape(register) else { return true };
        let codings = (0..layout.buckets().len()).map(|bucket| Coding::of_bucket(codec, layout, bucket));
        let all = |coding: Coding| {
            coding.parts().iter().all(|part| !part.elements.is_empty() && repeats(part.codec))
        };
        codings.into_iter().all(all)
    };
    match instruction {
        Instruction::Parameters { .. }
        | Instruction::Finish { .. }
        | Instruction::Swap(..)
        | Instruction::Start { .. }
        | Instruction::Project { .. }
        | Instruction::Difference { .. }
        | Instruction::Correct { .. } => true,
        Instruction::Gradient { .. }
        | Instruction::Adapt { .. }
        | Instruction::Prox { .. }
        | Instruction::Dot { .. }
        | Instruction::Degree { .. } => false,
        Instruction::Compute { into, expression } => {
            !is_number(*into)
                && expression.iter().all(|operation| match operation {
                    Operation::Step => false,
                    Operation::Register(register) => !is_number(*register),
                    _ => true,
                })
        }
        Instruction::Gather { from, .. } => !is_number(*from),
        Instruction::Exchange { transfers, .. } | Instruction::Begin { transfers, .. } => {
            transfers.iter().all(|transfer| !is_number(transfer.from) && codes(transfer.from, reads_alike))
        }
        Instruction::Encode { into, .. } => codes(*into, writes_alike),
        Instruction::Decode { from, .. } => codes(*from, reads_alike),
    }
}

/// Whether the host writes nothing for reading a code: indices of some are drawn in each step.
fn reads_alike(codec: Codec) -> bool {
    !matches!(codec, Codec::RandomK { .. })
}

/// Whether the host writes nothing for writing a code, neither indices nor the counts that a search begins with, and nothing is
/// drawn.
fn writes_alike(codec: Codec) -> bool {
    matches!(codec, Codec::Cast(_) | Codec::Sign | Codec::LowRank(_) | Codec::Quantize { seed: None, .. })
}
