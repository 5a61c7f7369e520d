//! Why a call of a communicator has no result.

use super::{NumberType, Operation};
use crate::error::RuntimeError;
use bfc_schedule::Rank;
use miette::Diagnostic;
use thiserror::Error;

/// A call that failed. After one that an exchange caused, all further calls fail; after any other, all ranks have an
/// error, nothing has moved, and the next call goes on.
#[derive(Debug, Error, Diagnostic)]
#[non_exhaustive]
pub enum CommunicateError {
    /// A peer failed, or did not come.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Exchange(#[from] RuntimeError),
    /// Ranks make different calls.
    #[error("call {call}: rank {rank} calls {mine}, rank {peer} calls {theirs}")]
    #[diagnostic(
        code(bfc::communicate::disagreement),
        help("all ranks make the same calls in the same order, with equal lengths, types and roots")
    )]
    Disagreement {
        /// This rank.
        rank: Rank,
        /// The number of calls before this one.
        call: u64,
        /// The first rank that calls something else.
        peer: Rank,
        /// What this rank calls.
        mine: String,
        /// What the peer calls.
        theirs: String,
    },
    /// Another rank's arguments are wrong.
    #[error("call {call}: rank {peer} refuses its arguments of `{operation}`, so rank {rank} does not go on")]
    #[diagnostic(code(bfc::communicate::refused), help("the error of rank {peer} says what is wrong"))]
    Refused {
        /// This rank.
        rank: Rank,
        /// The number of calls before this one.
        call: u64,
        /// The first rank that refuses.
        peer: Rank,
        /// What is called.
        operation: Operation,
    },
    /// A rank sends to one that does not receive from it, or the other way round.
    #[error("call {call}: {}", one_sided(what, *from, *to, *is_sent))]
    #[diagnostic(
        code(bfc::communicate::one_sided_edge),
        help(
            "name {to} as a destination on {what} {from} and {from} as a source on {what} {to}, or neither"
        )
    )]
    OneSidedEdge {
        /// The number of calls before this one.
        call: u64,
        /// What the numbers are of: `rank` or `machine`.
        what: &'static str,
        /// The sender.
        from: Rank,
        /// The receiver.
        to: Rank,
        /// Whether it is the sender that names the edge.
        is_sent: bool,
    },
    /// There is no such rank or machine.
    #[error("{role} {found} is out of range: there are {size}")]
    #[diagnostic(
        code(bfc::communicate::out_of_range),
        help("numbers go from 0 to {}", size.saturating_sub(1))
    )]
    OutOfRange {
        /// What is out of range.
        role: &'static str,
        /// Its number.
        found: u32,
        /// How many there are.
        size: u32,
    },
    /// A rank names itself as a neighbour.
    #[error("rank {rank} names itself as a {role}")]
    #[diagnostic(code(bfc::communicate::self_edge), help("what a rank keeps of its own is the self weight"))]
    SelfEdge {
        /// The rank; of machines, the machine.
        rank: Rank,
        /// As what.
        role: &'static str,
    },
    /// A neighbour is named twice.
    #[error("rank {neighbour} is a {role} twice")]
    #[diagnostic(
        code(bfc::communicate::duplicate_edge),
        help("name each {role} once, with the sum of the weights")
    )]
    DuplicateEdge {
        /// The neighbour.
        neighbour: Rank,
        /// As what.
        role: &'static str,
    },
    /// A weight is infinite or NaN.
    #[error("the weight of {of} is {weight}")]
    #[diagnostic(code(bfc::communicate::weight_not_finite), help("weights are finite numbers"))]
    WeightNotFinite {
        /// Whose weight.
        of: String,
        /// The weight.
        weight: f64,
    },
    /// Weights and means are not defined for integers.
    #[error("{what} of {number} is not defined: it is seldom a whole number")]
    #[diagnostic(
        code(bfc::communicate::integers),
        help("convert to f64 or f32 first, or take the sum, the minimum or the maximum")
    )]
    Integers {
        /// What is computed.
        what: &'static str,
        /// The type of numbers.
        number: NumberType,
    },
    /// A vector is not a whole number of rows or blocks.
    #[error("{length} elements are not a multiple of {divisor}, {what}")]
    #[diagnostic(code(bfc::communicate::uneven), help("pad the vector to a multiple of {divisor}"))]
    Uneven {
        /// The length of the vector.
        length: usize,
        /// What has to divide it.
        divisor: usize,
        /// What that is.
        what: &'static str,
    },
    /// Source and target differ in length.
    #[error("the source has {source_length} elements, the target {target_length}")]
    #[diagnostic(
        code(bfc::communicate::different_lengths),
        help("allocate a target of {source_length} elements")
    )]
    DifferentLengths {
        /// The length of the source.
        source_length: usize,
        /// The length of the target.
        target_length: usize,
    },
    /// A schedule has no such topology.
    #[error("topology {topology} is out of range: the schedule has {topologies}")]
    #[diagnostic(
        code(bfc::communicate::no_topology),
        help("topologies are numbered from 0, in the order of `bfc inspect`")
    )]
    NoTopology {
        /// The index asked for.
        topology: usize,
        /// The number of topologies.
        topologies: usize,
    },
    /// Neighbours of a schedule for others.
    #[error("the schedule is for number {rank} of {size}, this is number {found_rank} of {found_size}")]
    #[diagnostic(
        code(bfc::communicate::different_group),
        help("compile for {found_size} ranks or machines, and give each its own part")
    )]
    DifferentGroup {
        /// The rank or machine that the schedule is for.
        rank: Rank,
        /// The size that it is for.
        size: u32,
        /// This rank or machine.
        found_rank: Rank,
        /// The number of ranks or machines.
        found_size: u32,
    },
    /// A machine has no ranks.
    #[error("call {call}: no rank is on machine {machine} of {machines}")]
    #[diagnostic(
        code(bfc::communicate::empty_machine),
        help("number machines from 0 without gaps, and pass the number of those that there are")
    )]
    EmptyMachine {
        /// The number of calls before this one.
        call: u64,
        /// The first machine without ranks.
        machine: u32,
        /// The number of machines.
        machines: u32,
    },
    /// Ranks of one machine have different neighbours.
    #[error("call {call}: ranks {first} and {second} of machine {machine} name different neighbours")]
    #[diagnostic(
        code(bfc::communicate::divided_machine),
        help("pass the same machines as sources and destinations on all ranks of machine {machine}")
    )]
    DividedMachine {
        /// The number of calls before this one.
        call: u64,
        /// The machine.
        machine: u32,
        /// Its first rank.
        first: Rank,
        /// The first of its ranks that differs.
        second: Rank,
    },
}

fn one_sided(what: &str, from: Rank, to: Rank, is_sent: bool) -> String {
    match is_sent {
        true => format!("{what} {from} sends to {what} {to}, which does not receive from it"),
        false => format!("{what} {to} receives from {what} {from}, which does not send to it"),
    }
}
