//! Translation validation: a draft is a schedule only if each of these invariants holds.
//!
//! **Sizes.** There is at least one rank, and the local size divides the size. Every topology has a phase, and every
//! matrix has the schedule's size. A weight takes at most [`MOST_WEIGHT_BITS`] bits, and all of them, where they are
//! used, not much more than the file, so that reading is bounded.
//!
//! **Names.** Topologies, the algorithm and inputs have names that a source may give: letters, digits and `_`. No name holds
//! a character that cannot be seen. What else is wrong with a draft is not looked at before that, since errors quote names.
//!
//! **Rounds.** For every phase, exactly over the rationals:
//! 1. The plan has the form of the matrix: both symbolic on the same group, or both tables, the table consistent.
//! 2. A rank acts at most once per round, in ascending order, so it sends and receives at most one message each; peers
//!    are in range and not the rank itself; no round is idle.
//! 3. `a` sends to `b` in a round if and only if `b` receives from `a` in it. Rounds are therefore one global order that
//!    all ranks keep, and no wait can be part of a cycle.
//! 4. Every rank receives exactly once from each of its in-neighbours in W, with that weight, from nobody else, and
//!    keeps W's self weight: the linear map that the rounds compute is W.
//!
//! **Average.** All ranks do the same relative to themselves, so a block is known by its distance from the rank's own.
//! 1. Ranges lie within 0..size, and hops in 1..size.
//! 2. Reducing moves a block's partial sum: every block but the own one is sent exactly once and not added to when it
//!    has been sent. As the n contributions to a block only ever move, and nothing stays elsewhere, all of them are in
//!    the own block at the end, each once.
//! 3. Gathering copies: what is sent has arrived in an earlier round, and each block arrives exactly once.
//!
//! **Program.**
//! 1. Registers, inputs and topologies are in range; `average` is present where used; names and state registers are
//!    distinct; there is one step block for each truth assignment of at most [`MOST_CONDITIONS`] conditions.
//! 2. Expressions find their operands and leave one value; a vector never becomes a scalar; gradients, the trainer's
//!    optimizer and the model are vectors; conditions read no register, hence are the same on all ranks.
//! 3. Nothing is read before it is written: all is undefined at first, states are defined when a block ends, and
//!    nothing else survives from block to block.
//! 4. Nothing is written while it is read: a target of an exchange is not another transfer's source or target, a gradient
//!    is not its point, an adapted point is not its direction.
//! 5. Initial parameters are read in the initial block only. The model block neither exchanges nor asks the trainer,
//!    and leaves the states alone.
//! 6. Codecs have numbers in range, and a code is only written, read and sent, within one block. With registers per edge,
//!    the first topology has one phase, in which every rank sends to those that it receives from.
//! 7. What is in flight is left alone, whichever blocks follow each other: until an exchange that has begun is over,
//!    nothing that it sends is written, nothing that it receives is read or written, and it does not begin again. All ranks
//!    run one program, so they begin their exchanges in one order.
//!
//! The work is O(n log n) in the draft's own length, whatever sizes it claims.

mod average;
mod edges;
mod error;
mod flights;
mod names;
mod program;
mod rounds;

pub use error::{BlockFault, BlockName, EdgeFault, Party, Position, Share, Site, Stage, VerifyError};

use crate::matrix::Row;
use crate::{Average, Draft, Phase, Program, Rank, RankPlan};

/// The most violations that one run reports.
pub const MOST_ERRORS: usize = 64;
/// The most conditions of a program.
pub const MOST_CONDITIONS: usize = 6;
/// The most bits of a weight's numerator and denominator together.
pub const MOST_WEIGHT_BITS: u64 = 1 << 14;

/// Checks every invariant.
///
/// # Errors
/// All violations found, up to [`MOST_ERRORS`].
pub fn verify(draft: &Draft) -> Result<(), Vec<VerifyError>> {
    let mut report = Report::default();
    names::check(draft.topologies.iter().map(|topology| &*topology.name), &draft.program, &mut report);
    if !report.errors.is_empty() {
        return report.finish();
    }
    sizes(draft.size, draft.local_size, &mut report);
    for topology in &draft.topologies {
        if topology.phases.is_empty() {
            report.push(VerifyError::NoPhase { topology: topology.name.clone() });
        }
        for (number, phase) in topology.phases.iter().enumerate() {
            rounds::phase(
                Site { topology: topology.name.clone(), phase: number },
                phase,
                draft.size,
                &mut report,
            );
        }
    }
    shared(&draft.program, draft.topologies.len(), draft.average.as_ref(), draft.size, &mut report);
    edges::check(&draft.program, draft.topologies.first().map(|first| &first.phases[..]), &mut report);
    report.finish()
}

/// Checks what one rank can see: sizes, program, average, and its own rows and actions.
pub(crate) fn verify_part(part: &Part<'_>) -> Result<(), Vec<VerifyError>> {
    let mut report = Report::default();
    names::check(part.topologies.iter().map(|(name, _)| &**name), part.program, &mut report);
    if !report.errors.is_empty() {
        return report.finish();
    }
    sizes(part.size, part.local_size, &mut report);
    for (name, phases) in part.topologies {
        if phases.is_empty() {
            report.push(VerifyError::NoPhase { topology: name.clone() });
        }
        for (number, phase) in phases.iter().enumerate() {
            let site = Site { topology: name.clone(), phase: number };
            match phase {
                PhasePart::Symbolic(phase) => rounds::phase(site, phase, part.size, &mut report),
                PhasePart::Table { rounds, row, plan } => {
                    rounds::part(&site, (part.rank, part.size, *rounds), row, plan, &mut report);
                }
            }
        }
    }
    shared(part.program, part.topologies.len(), part.average, part.size, &mut report);
    let first = part.topologies.first().map(|(_, phases)| &phases[..]);
    edges::check_part(part.program, part.rank, first, &mut report);
    report.finish()
}

/// What one rank reads of a schedule.
pub(crate) struct Part<'a> {
    pub size: u32,
    pub local_size: u32,
    pub rank: Rank,
    pub topologies: &'a [(String, Vec<PhasePart>)],
    pub program: &'a Program,
    pub average: Option<&'a Average>,
}

/// What one rank reads of a phase.
pub(crate) enum PhasePart {
    /// A symbolic phase, complete.
    Symbolic(Phase),
    /// The rank's row and actions.
    Table { rounds: u32, row: Row, plan: RankPlan },
}

fn sizes(size: u32, local_size: u32, report: &mut Report) {
    if size == 0 || local_size == 0 || !size.is_multiple_of(local_size) {
        report.push(VerifyError::Size { size, local_size });
    }
}

fn shared(program: &Program, topologies: usize, average: Option<&Average>, size: u32, report: &mut Report) {
    if let Some(average) = average {
        average::check(average, size, report);
    }
    program::check(program, topologies, average.is_some(), report);
    flights::check(program, report);
}

/// The violations so far.
#[derive(Default)]
struct Report {
    errors: Vec<VerifyError>,
}

impl Report {
    fn push(&mut self, error: VerifyError) {
        if !self.is_full() {
            self.errors.push(error);
        }
    }

    fn is_full(&self) -> bool {
        self.errors.len() >= MOST_ERRORS
    }

    fn finish(self) -> Result<(), Vec<VerifyError>> {
        if self.errors.is_empty() { Ok(()) } else { Err(self.errors) }
    }
}
