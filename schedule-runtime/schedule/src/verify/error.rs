//! What verification finds: an invariant that does not hold, with a counterexample.

use crate::program::{Flight, Register};
use crate::{Rank, Rational, visible};
use miette::Diagnostic;
use std::fmt;
use thiserror::Error;

/// A violated invariant with its counterexample.
#[derive(Clone, Debug, PartialEq, Error, Diagnostic)]
#[allow(missing_docs)] // the messages say what the fields are
#[non_exhaustive]
pub enum VerifyError {
    #[error("{what} is called `{}`, expected a name", visible::line(name))]
    #[diagnostic(
        code(bfc::verify::name),
        help(
            "names of topologies, algorithms and inputs are made of letters, digits and `_`; those of states may hold other visible characters"
        )
    )]
    Name { what: &'static str, name: String },

    #[error("a schedule for {size} ranks, {local_size} on each machine")]
    #[diagnostic(
        code(bfc::verify::size),
        help("the size must be at least 1 and a multiple of the local size")
    )]
    Size { size: u32, local_size: u32 },

    #[error("topology `{topology}` has no phase")]
    #[diagnostic(
        code(bfc::verify::no_phase),
        help("a topology without communication has one phase, the identity")
    )]
    NoPhase { topology: String },

    #[error("{at} is for {found} ranks, the schedule for {size}")]
    #[diagnostic(code(bfc::verify::phase_size), help("all phases of a schedule have its size"))]
    PhaseSize { at: Site, found: u32, size: u32 },

    #[error("{at} has rounds whose form is not that of its matrix")]
    #[diagnostic(
        code(bfc::verify::form),
        help("a symbolic matrix takes rounds on the same group, a table of rows a table of actions")
    )]
    Form { at: Site },

    #[error("the round table of {at} is inconsistent: {what}")]
    #[diagnostic(
        code(bfc::verify::table),
        help("offsets ascend from 0 to the number of actions, and indices name weights of the table")
    )]
    Table { at: Site, what: &'static str },

    #[error("a weight of {at} takes {bits} bits, at most {} are allowed", super::MOST_WEIGHT_BITS)]
    #[diagnostic(
        code(bfc::verify::weight_bits),
        help("round the weights, for example to multiples of 1/2^52")
    )]
    WeightBits { at: Site, bits: u64 },

    #[error("the weights take {bytes} bytes where they are used, at most {limit} are allowed")]
    #[diagnostic(
        code(bfc::verify::weight_total),
        help("round the weights, for example to multiples of 1/2^52")
    )]
    WeightTotal { bytes: u64, limit: u64 },

    #[error("rank {rank} names rank {peer} in round {round} of {at}, found size {size}")]
    #[diagnostic(
        code(bfc::verify::peer_range),
        help("ranks are below the size, and a hop is an element of the group")
    )]
    PeerRange { at: Site, rank: Rank, round: u32, peer: Rank, size: u32 },

    #[error("rank {rank} exchanges with itself in round {round} of {at}")]
    #[diagnostic(
        code(bfc::verify::self_message),
        help("a rank's own part is its self weight, not a message")
    )]
    SelfMessage { at: Site, rank: Rank, round: u32 },

    #[error("rank {rank} acts in round {round} of {at} out of order")]
    #[diagnostic(
        code(bfc::verify::round_order),
        help("a rank acts at most once per round, in ascending order of round, below the number of rounds")
    )]
    RoundOrder { at: Site, rank: Rank, round: u32 },

    #[error("nobody sends in round {round} of {at}")]
    #[diagnostic(code(bfc::verify::idle_round), help("every round carries at least one message"))]
    IdleRound { at: Site, round: u32 },

    #[error("rank {rank} sends to rank {peer} in round {round} of {at}, which then receives from {instead}")]
    #[diagnostic(
        code(bfc::verify::unmatched_send),
        help("every send needs a receive in the same round; `rank {rank}` would wait forever")
    )]
    UnmatchedSend { at: Site, rank: Rank, round: u32, peer: Rank, instead: Party },

    #[error("rank {rank} waits for rank {peer} in round {round} of {at}, which then sends to {instead}")]
    #[diagnostic(
        code(bfc::verify::unmatched_receive),
        help("every receive needs a send in the same round; `rank {rank}` would wait forever")
    )]
    UnmatchedReceive { at: Site, rank: Rank, round: u32, peer: Rank, instead: Party },

    #[error("rank {rank} receives from rank {peer} a second time in round {round} of {at}")]
    #[diagnostic(code(bfc::verify::repeated_receive), help("an edge carries one message per phase"))]
    RepeatedReceive { at: Site, rank: Rank, round: u32, peer: Rank },

    #[error("rank {rank} gets {found} of rank {source_rank} in {at}, W says {expected}")]
    #[diagnostic(code(bfc::verify::weight), help("the rounds must compute the mixing matrix exactly"))]
    Weight { at: Site, rank: Rank, source_rank: Rank, found: Share, expected: Share },

    #[error("{at} averages, and the schedule has no rounds for it")]
    #[diagnostic(code(bfc::verify::average_missing), help("add the rounds of `average` for this size"))]
    AverageMissing { at: Position },

    #[error("the rounds of `average` are for {found} ranks, the schedule for {size}")]
    #[diagnostic(code(bfc::verify::average_size), help("the rounds of `average` are made for one size"))]
    AverageSize { found: u32, size: u32 },

    #[error(
        "{stage} round {round} of `average` sends {count} blocks from {first} on to {hop} ranks ahead, found size {size}"
    )]
    #[diagnostic(
        code(bfc::verify::average_range),
        help("a hop is between 1 and size - 1, and blocks are a range within 0..size that is not empty")
    )]
    AverageRange { stage: Stage, round: usize, hop: u32, first: u32, count: u32, size: u32 },

    #[error("in `average`, the block {block} after a rank's own {fault}")]
    #[diagnostic(
        code(bfc::verify::average_block),
        help("every block is summed over all ranks exactly once and reaches every rank exactly once")
    )]
    AverageBlock { block: u64, fault: BlockFault },

    #[error("{at} names register {}, found {registers} registers", register.0)]
    #[diagnostic(code(bfc::verify::register), help("registers are numbered from 0"))]
    Register { at: Position, register: Register, registers: usize },

    #[error("{at} names input {input}, found {inputs} inputs")]
    #[diagnostic(code(bfc::verify::input), help("inputs are numbered from 0"))]
    Input { at: Position, input: u16, inputs: usize },

    #[error("{at} mixes over topology {topology}, found {topologies} topologies")]
    #[diagnostic(code(bfc::verify::topology), help("topologies are numbered from 0"))]
    Topology { at: Position, topology: u32, topologies: usize },

    #[error("{at} has a {found} where a {expected} is needed")]
    #[diagnostic(
        code(bfc::verify::shape),
        help("a scalar spreads over a vector; a vector never becomes a scalar")
    )]
    Shape { at: Position, found: &'static str, expected: &'static str },

    #[error("the expression of {at} leaves {found} values on its stack, expected 1")]
    #[diagnostic(
        code(bfc::verify::stack),
        help("in postfix form every operation finds its operands, and one value remains")
    )]
    Stack { at: Position, found: i64 },

    #[error("{at} reads register {} before it is written", register.0)]
    #[diagnostic(
        code(bfc::verify::undefined),
        help("only states keep their registers between blocks; write the register first")
    )]
    Undefined { at: Position, register: Register },

    #[error("{at} writes register {} while it is read", register.0)]
    #[diagnostic(code(bfc::verify::alias), help("write the result to another register"))]
    Alias { at: Position, register: Register },

    #[error("{at} {what} register {}, which flight {} still uses", register.0, flight.0)]
    #[diagnostic(
        code(bfc::verify::in_flight),
        help(
            "finish the flight before: what it sends may be read meanwhile, what it receives may not be touched"
        )
    )]
    InFlight { at: Position, what: &'static str, register: Register, flight: Flight },

    #[error("{at} begins flight {}, which may still be in flight", flight.0)]
    #[diagnostic(code(bfc::verify::begun_twice), help("finish the flight before it begins again"))]
    BegunTwice { at: Position, flight: Flight },

    #[error("{at} begins flight {}, expected {}", flight.0, expected.0)]
    #[diagnostic(
        code(bfc::verify::flight_number),
        help("flights are numbered from 0 in the order in which the program begins them")
    )]
    FlightNumber { at: Position, flight: Flight, expected: Flight },

    #[error("{at} finishes flight {}, which nothing begins", flight.0)]
    #[diagnostic(code(bfc::verify::unknown_flight), help("finish a flight that the program begins"))]
    UnknownFlight { at: Position, flight: Flight },

    #[error("{at} exchanges nothing")]
    #[diagnostic(code(bfc::verify::no_transfer), help("an exchange has at least one transfer"))]
    NoTransfer { at: Position },

    #[error("{conditions} conditions with {found} step blocks")]
    #[diagnostic(
        code(bfc::verify::blocks),
        help(
            "at most {} conditions, and one block for each of their truth assignments",
            super::MOST_CONDITIONS
        )
    )]
    Blocks { conditions: usize, found: usize },

    #[error("condition {condition} reads register {}", register.0)]
    #[diagnostic(
        code(bfc::verify::condition),
        help("a condition must be the same on all ranks: step number, constants and inputs only")
    )]
    Condition { condition: usize, register: Register },

    #[error("{at} may not {what}")]
    #[diagnostic(
        code(bfc::verify::misplaced),
        help(
            "initial parameters are read in the initial block; the model block only computes and does not change states"
        )
    )]
    Misplaced { at: Position, what: &'static str },

    #[error("state `{state}` has no value after the {block}")]
    #[diagnostic(code(bfc::verify::lost_state), help("every state needs a value when a block ends"))]
    LostState { block: BlockName, state: String },

    #[error("register {} is a code of `{codec}`, which does not exist", register.0)]
    #[diagnostic(
        code(bfc::verify::codec),
        help(
            "counts are at least 1, fractions above 0, at most 1 and in lowest terms, and quantization has 2 to 16 bits"
        )
    )]
    Codec { register: Register, codec: String },

    #[error("state `{state}` is a code")]
    #[diagnostic(
        code(bfc::verify::code_state),
        help("keep the vector: what a code says depends on the step in which it is written")
    )]
    CodeState { state: String },

    #[error("the program has a register per edge, and {fault}")]
    #[diagnostic(
        code(bfc::verify::edges),
        help(
            "such registers need a first topology of one phase in which every rank sends to those that it receives from"
        )
    )]
    Edges { fault: EdgeFault },

    #[error("`{first}` and `{second}` share a name or a register")]
    #[diagnostic(
        code(bfc::verify::duplicate),
        help("names of states and of inputs are distinct, and so are the registers of states")
    )]
    Duplicate { first: String, second: String },
}

/// Why a program cannot keep registers per edge.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum EdgeFault {
    NoTopology,
    Phases(usize),
    OneWay { from: Rank, to: Rank },
}

impl fmt::Display for EdgeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTopology => f.write_str("there is no topology"),
            Self::Phases(phases) => write!(f, "the first topology has {phases} phases"),
            Self::OneWay { from, to } => {
                write!(f, "rank {from} sends to rank {to}, which does not send back")
            }
        }
    }
}

/// A phase of a topology.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The topology's name.
    pub topology: String,
    /// The phase.
    pub phase: usize,
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "phase {} of `{}`", self.phase, self.topology)
    }
}

/// A rank or nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Party(pub Option<Rank>);

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(rank) => write!(f, "rank {rank}"),
            None => f.write_str("nobody"),
        }
    }
}

/// A weight or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share(pub Option<Rational>);

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => f.write_str("nothing"),
            Some(weight) if weight.bits() > 256 => write!(f, "about {}", weight.to_f64()),
            Some(weight) => weight.fmt(f),
        }
    }
}

/// A half of `average`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Stage {
    Reduce,
    Gather,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reduce => "reduce",
            Self::Gather => "gather",
        })
    }
}

/// What is wrong with a block of `average`, in the round of that number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum BlockFault {
    SentTwice(usize),
    OwnSent(usize),
    ReceivedAfterSending(usize),
    NeverSent,
    SentIncomplete(usize),
    ArrivesTwice(usize),
    NeverArrives,
}

impl fmt::Display for BlockFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SentTwice(round) => write!(f, "is sent a second time in reduce round {round}"),
            Self::OwnSent(round) => write!(f, "is the own one, and sent in reduce round {round}"),
            Self::ReceivedAfterSending(round) => {
                write!(f, "is added to in reduce round {round}, where it has been sent already")
            }
            Self::NeverSent => write!(f, "never reaches the rank that sums it"),
            Self::SentIncomplete(round) => write!(f, "is sent in gather round {round} before it has arrived"),
            Self::ArrivesTwice(round) => write!(f, "arrives a second time in gather round {round}"),
            Self::NeverArrives => write!(f, "never arrives"),
        }
    }
}

/// An instruction of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Its block.
    pub block: BlockName,
    /// Its number in the block, from 0.
    pub instruction: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.block {
            BlockName::Condition => write!(f, "condition {}", self.instruction),
            block => write!(f, "instruction {} of the {block}", self.instruction),
        }
    }
}

/// A block of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockName {
    /// Before the first step.
    Initial,
    /// The conditions; their number stands for the instruction.
    Condition,
    /// The step for the truth assignment of this number.
    Step(usize),
    /// What computes the model.
    Model,
}

impl fmt::Display for BlockName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Initial => f.write_str("initial block"),
            Self::Condition => f.write_str("conditions"),
            Self::Step(number) => write!(f, "step block {number}"),
            Self::Model => f.write_str("model block"),
        }
    }
}
