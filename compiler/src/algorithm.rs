//! What evaluation makes of an algorithm: a typed data-flow graph in which the same expression is one value.

use crate::claim::{Number, Stated};
use bfc_dsl::tree::Span;
use bfc_schedule::Rational;
use bfc_schedule::program::{Input, Operation, Shape};

/// An algorithm with its compile-time parameters fixed.
#[derive(Clone, Debug)]
pub struct Algorithm {
    /// Its name.
    pub name: String,
    /// Names of the topologies that it mixes over; `["W"]` unless `over` says otherwise.
    pub topologies: Vec<String>,
    /// Its run-time inputs (`scalar` parameters).
    pub inputs: Vec<Input>,
    /// All values; operands precede their users.
    pub values: Vec<Value>,
    /// Its states in the order of the source.
    pub states: Vec<State>,
    /// The conditions of the step, as scalar values over the step number, constants and inputs.
    pub conditions: Vec<ValueId>,
    /// For each truth assignment of the conditions (bit c of the index is condition c) the next value of each state,
    /// of the state's shape; a state that keeps its value has itself.
    pub steps: Vec<Vec<ValueId>>,
    /// What the user evaluates: a value over states that neither communicates nor asks the trainer.
    pub model: ValueId,
    /// Numbers of its topologies that it computes with. Until they are settled, number k stands among the values as the
    /// input that follows the last one by k places; then as a constant.
    pub numbers: Vec<TopologyNumber>,
    /// Its `requires`; topology indices refer to [`topologies`](Self::topologies).
    pub requires: Vec<Stated>,
}

/// A state: what it holds and how it starts.
#[derive(Clone, Debug)]
pub struct State {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub shape: Shape,
    /// Its initial value, of the same shape; states declared earlier appear in it as their own initial values.
    pub initial: ValueId,
}

/// A number of a topology in a step, such as `rho(W)`.
#[derive(Clone, Debug)]
pub struct TopologyNumber {
    /// Which number.
    pub number: Number,
    /// Of which topology, by index.
    pub topology: usize,
    /// Where it stands.
    pub span: Span,
}

/// Index of a value in [`Algorithm::values`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueId(pub u32);

/// A value of the data-flow graph and its shape. A vector whose operands are all scalars holds one number everywhere.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Value {
    /// How it comes about.
    pub kind: ValueKind,
    /// What it is.
    pub shape: Shape,
}

/// How a value comes about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ValueKind {
    /// The trainer's initial model.
    Parameters,
    /// A state before the step, by index.
    State(usize),
    /// An element-wise operation (never `Operation::Register`) on operands, in order.
    Apply(Operation, Vec<ValueId>),
    /// W v with the topology of this index.
    Mix(usize, ValueId),
    /// The average of v over all ranks.
    Average(ValueId),
    /// The gradient at v on the step's minibatch.
    Gradient(ValueId),
    /// One step of the trainer's optimizer from v, along a direction where one is given.
    Adapt(ValueId, Option<ValueId>),
}

impl Algorithm {
    /// The value of an id.
    pub fn value(&self, id: ValueId) -> &Value {
        &self.values[id.0 as usize]
    }

    /// The constant that a value is, if it is one.
    pub fn constant(&self, id: ValueId) -> Option<&Rational> {
        match &self.value(id).kind {
            ValueKind::Apply(Operation::Constant(constant), _) => Some(constant),
            _ => None,
        }
    }
}
