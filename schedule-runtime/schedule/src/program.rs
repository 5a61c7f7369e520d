//! The program that all ranks share: states, local expressions, exchanges, and the points where the trainer is asked.
//!
//! A program is straight-line: an initial block, and for each truth assignment of the step's conditions one block. The
//! trainer is asked at [`Instruction::Gradient`] and [`Instruction::Adapt`]: there the machine stops and goes on when
//! it is given the answer, so that a gradient closure and a `backward(); step()` loop drive the same machine.

use crate::Rational;

/// A buffer: a vector with the model's shape, or one number (kept in `f64`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Register(pub u16);

/// What a register holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// A vector with the model's shape.
    Vector,
    /// One number per rank.
    Scalar,
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
        /// What is mapped, and where to. A target is no other transfer's source; it may be its own (in place).
        transfers: Vec<Transfer>,
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
}

/// A linear map over ranks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// The current phase of a topology, by index.
    Mix(u32),
    /// The average over all ranks.
    Average,
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
/// top) and push the result. Scalars spread over vectors. Truth values are 1 and 0.
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
    /// `a mod b`, never negative.
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
