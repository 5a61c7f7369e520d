//! The program that all ranks share: states, local expressions, exchanges, and the points where the trainer is asked.
//!
//! A program is straight-line: an initial block, and for each truth assignment of the step's conditions one block. The
//! trainer is asked at [`Instruction::Gradient`], [`Instruction::Adapt`] and [`Instruction::Prox`]: there the machine
//! stops and goes on when it is given the answer, so that a gradient closure and a `backward(); step()` loop drive the
//! same machine.

pub mod scalar;

use crate::Rational;
use crate::compression::{Codec, LowRank};

/// A buffer; numbers that are not part of a vector are kept in `f64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Register(pub u16);

/// An exchange that goes on beside other instructions. Each [`Instruction::Begin`] has its own number, in the order of the
/// program: the initial block first, then the blocks of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flight(pub u16);

/// What a register holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// A vector with the model's shape.
    Vector,
    /// One number per rank.
    Scalar,
    /// A vector with the model's shape for each neighbour in the first topology, which is static and undirected.
    EdgeVector,
    /// One number for each neighbour in the first topology.
    EdgeScalar,
    /// A vector as its codec writes it.
    Code(Codec),
    /// For each neighbour in the first topology a thin matrix, as high as the model's matrix or as wide, which both ends of
    /// the edge know: what they compare their models along ([`Sizes::factor`](crate::compression::Sizes::factor)).
    EdgeFactor(LowRank),
}

impl Shape {
    /// What an element-wise operation makes of operands of these shapes: scalars spread over vectors, and both over
    /// edges. `None` where one of them is a code or a factor.
    pub fn join(self, other: Self) -> Option<Self> {
        use Shape::*;
        Some(match (self, other) {
            (Code(_) | EdgeFactor(_), _) | (_, Code(_) | EdgeFactor(_)) => return None,
            (Scalar, shape) | (shape, Scalar) => shape,
            (Vector, Vector) => Vector,
            (EdgeScalar, EdgeScalar) => EdgeScalar,
            (Vector | EdgeVector | EdgeScalar, EdgeVector | EdgeScalar)
            | (EdgeVector | EdgeScalar, Vector) => EdgeVector,
        })
    }

    /// Whether a register of this shape has one entry for each neighbour.
    pub fn is_per_edge(self) -> bool {
        matches!(self, Self::EdgeVector | Self::EdgeScalar | Self::EdgeFactor(_))
    }

    /// Bytes of a message that carries it to one neighbour, for a model of `length` elements of `element` bytes.
    pub fn message_bytes(self, length: usize, element: usize) -> usize {
        match self {
            Self::Vector | Self::EdgeVector => length * element,
            Self::Scalar | Self::EdgeScalar => size_of::<f64>(),
            Self::Code(codec) => codec.bytes(length, element),
            Self::EdgeFactor(low_rank) => low_rank.sizes(length).factor() * element,
        }
    }

    /// Its name in words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Vector => "vector",
            Self::Scalar => "scalar",
            Self::EdgeVector => "vector per edge",
            Self::EdgeScalar => "scalar per edge",
            Self::Code(_) => "code",
            Self::EdgeFactor(_) => "factor per edge",
        }
    }
}

/// What every rank runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// The algorithm's name.
    pub name: String,
    /// Run-time inputs, equal on all ranks, which a trainer may change before any step.
    pub inputs: Vec<Input>,
    /// The buffers.
    pub registers: Vec<Shape>,
    /// The states in the order of the source, each with the register that holds it between steps.
    pub states: Vec<(String, Register)>,
    /// Run once before the first step; uses phase 0 of every topology and does not advance it.
    pub initial: Block,
    /// Truth values that select a step's block: functions of the step number, constants and inputs only.
    pub conditions: Vec<Expression>,
    /// `2^conditions` blocks; bit c of the index is the value of condition c. After a block that exchanges, every
    /// topology moves to its next phase.
    pub steps: Vec<Block>,
    /// Computes what the user evaluates and saves from the states; neither exchanges nor asks the trainer.
    pub model: Block,
    /// Where [`model`](Self::model) leaves it.
    pub model_register: Register,
}

/// A run-time input.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Its value until the trainer changes it.
    pub default: Rational,
}

/// Instructions in order.
pub type Block = Vec<Instruction>;

/// One instruction.
#[derive(Clone, Debug, PartialEq)]
pub enum Instruction {
    /// `into ← the trainer's initial parameters`.
    Parameters {
        /// A vector.
        into: Register,
    },
    /// `into ← expression`, element by element; `into` may be read by the expression.
    Compute {
        /// The result.
        into: Register,
        /// What is computed.
        expression: Expression,
    },
    /// Communicates; all transfers travel as one message per round.
    Exchange {
        /// The linear map.
        operator: Operator,
        /// What is mapped, and where to. A target is not another transfer's source; it may be its own (in place).
        transfers: Vec<Transfer>,
    },
    /// Begins an exchange that goes on while other instructions run, up to its [`Finish`](Self::Finish), in this block or
    /// in a later one. It keeps the phase in which it begins. Until it is over, what travels is read at most, and what
    /// arrives is left alone.
    Begin {
        /// Its number.
        flight: Flight,
        /// The linear map.
        operator: Operator,
        /// As in [`Exchange`](Self::Exchange).
        transfers: Vec<Transfer>,
    },
    /// Waits until an exchange is over; does nothing where it is not in flight.
    Finish {
        /// The exchange.
        flight: Flight,
    },
    /// Asks the trainer: `into ← ∇f(at)` on the step's minibatch.
    Gradient {
        /// The point.
        at: Register,
        /// The gradient; may not be `at`.
        into: Register,
    },
    /// Asks the trainer: `into ←` one step of its own optimizer from `at` along `direction` (the gradient at `at`
    /// where absent).
    Adapt {
        /// The point.
        at: Register,
        /// The direction, where the algorithm gives one.
        direction: Option<Register>,
        /// The new point; may be `at`.
        into: Register,
    },
    /// Exchanges the contents of two registers of the same shape.
    Swap(Register, Register),
    /// Asks the trainer: `into ← argmin_x f(x) + ρ/2 ‖x − at‖²` with the step's minibatch.
    Prox {
        /// The point, a vector.
        at: Register,
        /// ρ, a scalar.
        rho: Register,
        /// The minimizer; may not be `at`.
        into: Register,
    },
    /// `into ← Σ_k a_k b_k`, in `f64`. In each block of 4,096 elements eight sums, each of every eighth product in order,
    /// are added up in order. Then neighbouring sums are added in pairs until one is left; the last of an odd number waits.
    Dot {
        /// A vector.
        a: Register,
        /// A vector; may be the same.
        b: Register,
        /// A scalar.
        into: Register,
    },
    /// `into ←` the number of in-neighbours in the current phase of a topology.
    Degree {
        /// The topology, by index.
        topology: u32,
        /// A scalar.
        into: Register,
    },
    /// `into ← Σ` over the edges, in the order in which the topology's rounds receive.
    Gather {
        /// A vector or a number per edge.
        from: Register,
        /// A vector or a scalar.
        into: Register,
    },
    /// Writes a vector as a code; draws of random codecs depend on the number of steps done.
    Encode {
        /// A vector.
        from: Register,
        /// A code, whose codec is used.
        into: Register,
    },
    /// Reads a code.
    Decode {
        /// A code.
        from: Register,
        /// A vector.
        into: Register,
    },
    /// `into ←` the same drawn factor for each edge.
    Start {
        /// A factor per edge.
        into: Register,
    },
    /// `into ←` for each edge the model's matrix times the orthonormal factor, from its side.
    Project {
        /// The model, a vector.
        from: Register,
        /// A factor per edge.
        factor: Register,
        /// A factor per edge, of the other side.
        into: Register,
    },
    /// `into ←` for each edge what the end of the higher rank holds less what the other holds.
    Difference {
        /// A factor per edge.
        mine: Register,
        /// The neighbours'.
        theirs: Register,
        /// A factor per edge.
        into: Register,
    },
    /// `into ← at` less the differences to the neighbours along the factors, with the weights of the first topology.
    Correct {
        /// A vector.
        at: Register,
        /// A factor per edge.
        factor: Register,
        /// The differences of its projections.
        difference: Register,
        /// A vector; not `at`.
        into: Register,
    },
}

impl Instruction {
    /// The registers that it reads; a flight's are read until it is over.
    pub fn reads(&self) -> Vec<Register> {
        match self {
            Self::Parameters { .. } | Self::Finish { .. } | Self::Degree { .. } | Self::Start { .. } => {
                vec![]
            }
            Self::Compute { expression, .. } => expression.iter().filter_map(Operation::register).collect(),
            Self::Exchange { transfers, .. } | Self::Begin { transfers, .. } => {
                transfers.iter().map(|transfer| transfer.from).collect()
            }
            Self::Adapt { at, direction, .. } => [*at].into_iter().chain(*direction).collect(),
            Self::Prox { at, rho, .. } => vec![*at, *rho],
            Self::Swap(a, b) | Self::Dot { a, b, .. } => vec![*a, *b],
            Self::Gradient { at: from, .. }
            | Self::Gather { from, .. }
            | Self::Encode { from, .. }
            | Self::Decode { from, .. } => vec![*from],
            Self::Project { from, factor, .. } => vec![*from, *factor],
            Self::Difference { mine, theirs, .. } => vec![*mine, *theirs],
            Self::Correct { at, factor, difference, .. } => vec![*at, *factor, *difference],
        }
    }

    /// The registers that it writes; a flight's are written while it goes on.
    pub fn writes(&self) -> Vec<Register> {
        match self {
            Self::Finish { .. } => vec![],
            Self::Exchange { transfers, .. } | Self::Begin { transfers, .. } => {
                transfers.iter().map(|transfer| transfer.into).collect()
            }
            Self::Swap(a, b) => vec![*a, *b],
            Self::Parameters { into }
            | Self::Compute { into, .. }
            | Self::Gradient { into, .. }
            | Self::Adapt { into, .. }
            | Self::Prox { into, .. }
            | Self::Dot { into, .. }
            | Self::Degree { into, .. }
            | Self::Gather { into, .. }
            | Self::Encode { into, .. }
            | Self::Decode { into, .. }
            | Self::Start { into }
            | Self::Project { into, .. }
            | Self::Difference { into, .. }
            | Self::Correct { into, .. } => vec![*into],
        }
    }

    /// Whether the trainer is asked.
    pub fn asks(&self) -> bool {
        matches!(self, Self::Gradient { .. } | Self::Adapt { .. } | Self::Prox { .. })
    }

    /// The exchange that it does or begins.
    pub fn exchange(&self) -> Option<(Operator, &[Transfer])> {
        match self {
            Self::Exchange { operator, transfers } | Self::Begin { operator, transfers, .. } => {
                Some((*operator, transfers))
            }
            _ => None,
        }
    }
}

/// A linear map over ranks. A code may be mapped in place of a vector: it is what travels, and receivers read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// The current phase W of a topology, by index.
    Mix(u32),
    /// The neighbours' part of W: W without its diagonal.
    Others(u32),
    /// The diagonal of W: what a rank keeps of its own. No message is sent.
    Own(u32),
    /// The sum over the in-neighbours of the current phase, whatever their weights.
    Incoming(u32),
    /// What each neighbour in the first topology holds for the edge to this rank.
    Back,
    /// The average over all ranks.
    Average,
}

impl Operator {
    /// The topology whose current phase it uses.
    pub fn topology(self) -> Option<u32> {
        match self {
            Self::Mix(topology) | Self::Others(topology) | Self::Own(topology) | Self::Incoming(topology) => {
                Some(topology)
            }
            Self::Back => Some(0),
            Self::Average => None,
        }
    }
}

/// One operand of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// What is sent.
    pub from: Register,
    /// Where the result goes.
    pub into: Register,
}

/// An element-wise expression in postfix form: operands are pushed, operations pop their operands (the right one is on
/// top) and push the result, as [`scalar`] says. Scalars spread over vectors, and both over edges ([`Shape::join`]).
/// Truth values are 1 and 0.
pub type Expression = Vec<Operation>;

/// One element of an [`Expression`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Operation {
    /// The contents of a register.
    Register(Register),
    /// A run-time input, by index.
    Input(u16),
    /// The number of steps done.
    Step,
    /// A constant.
    Constant(Rational),
    Negate,
    Not,
    SquareRoot,
    Log,
    Absolute,
    Floor,
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
    Minimum,
    Maximum,
    /// What is left of `a` above a multiple of `b`, never negative, whatever the signs.
    Mod,
    /// `⌊a / b⌋`.
    Div,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    And,
    Or,
    /// `random(seed, key)` in [0, 1), SplitMix64.
    Random,
}

impl Operation {
    /// The register whose contents it is.
    pub fn register(&self) -> Option<Register> {
        match self {
            Self::Register(register) => Some(*register),
            _ => None,
        }
    }

    /// How many operands it pops.
    pub fn arity(&self) -> usize {
        use Operation::*;
        match self {
            Register(_) | Input(_) | Step | Constant(_) => 0,
            Negate | Not | SquareRoot | Log | Absolute | Floor => 1,
            _ => 2,
        }
    }
}

impl Operation {
    /// The operations without an operand of their own: what they work on, they take from the stack.
    pub const PLAIN: [Self; 24] = [
        Self::Negate,
        Self::Not,
        Self::SquareRoot,
        Self::Log,
        Self::Absolute,
        Self::Floor,
        Self::Add,
        Self::Subtract,
        Self::Multiply,
        Self::Divide,
        Self::Power,
        Self::Minimum,
        Self::Maximum,
        Self::Mod,
        Self::Div,
        Self::Equal,
        Self::NotEqual,
        Self::Less,
        Self::LessEqual,
        Self::Greater,
        Self::GreaterEqual,
        Self::And,
        Self::Or,
        Self::Random,
    ];
}

impl Program {
    /// Which registers hold points, models and what they are made in place of: they are stored as the model's tensors are. All
    /// others are stored in what they are computed in, since the sums of trackers and corrections must not drift.
    pub fn points(&self) -> Vec<bool> {
        let mut points = vec![false; self.registers.len()];
        let mut mark = |register: &Register| points[register.0 as usize] = true;
        mark(&self.model_register);
        let blocks = || [&self.initial, &self.model].into_iter().chain(&self.steps).flatten();
        for instruction in blocks() {
            match instruction {
                Instruction::Parameters { into } => mark(into),
                Instruction::Gradient { at, .. } => mark(at),
                Instruction::Adapt { at, into, .. } | Instruction::Prox { at, into, .. } => {
                    [at, into].into_iter().for_each(&mut mark);
                }
                _ => {}
            }
        }
        // What swaps contents swaps buffers.
        loop {
            let before = points.clone();
            for instruction in blocks() {
                if let Instruction::Swap(a, b) = instruction {
                    let either = points[a.0 as usize] || points[b.0 as usize];
                    (points[a.0 as usize], points[b.0 as usize]) = (either, either);
                }
            }
            if points == before {
                return points;
            }
        }
    }
}
