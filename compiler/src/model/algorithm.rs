//! What evaluation makes of an algorithm: a typed data-flow graph in which the same expression is one value.

use super::claim::{Claim, Number};
use bfc_dsl::tree::Span;
use bfc_schedule::program::{Input, Operation, Shape};
use bfc_schedule::{Codec, Rational};

/// An algorithm with its compile-time parameters fixed.
#[derive(Clone, Debug)]
pub struct Algorithm {
    /// Its name.
    pub name: String,
    /// Where it is declared, if its ranks do not wait for each other.
    pub asynchronous: Option<Span>,
    /// Names of the topologies that it mixes over; `["W"]` unless `over` says otherwise.
    pub topologies: Vec<String>,
    /// Its run-time inputs (`scalar` parameters).
    pub inputs: Vec<Input>,
    /// Its `real` parameters and their values.
    pub reals: Vec<(String, Rational)>,
    /// All values; operands precede their users.
    pub values: Vec<Value>,
    /// Its states in the order of the source, then what is on its way in mixes with a delay.
    pub states: Vec<State>,
    /// The conditions of the step, as scalar values over the step number, constants and inputs.
    pub conditions: Vec<ValueId>,
    /// For each truth assignment of the conditions (bit c of the index is condition c) the next value of each state,
    /// of the state's shape; a state that keeps its value has itself.
    pub steps: Vec<Vec<ValueId>>,
    /// What the user evaluates: a value over states that neither communicates nor asks the trainer.
    pub model: ValueId,
    /// Numbers that it computes with and that its topologies settle. Until they are bound, number k stands among the values
    /// as the input that follows the last one by k places; then as a constant.
    pub numbers: Vec<Unbound>,
    /// How often it mixes over its topologies within a step, each number once for each topology. Until they are bound,
    /// round r over topology k of n has the index k + r n.
    pub rounds: Vec<Rounds>,
    /// Its `requires`; topology indices refer to [`topologies`](Self::topologies).
    pub requires: Vec<Claim>,
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

/// A number in a step that is not known before the topologies are.
#[derive(Clone, Debug)]
pub struct Unbound {
    /// Which number.
    pub quantity: UnboundQuantity,
    /// Where it stands.
    pub span: Span,
}

/// What a number in a step is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnboundQuantity {
    /// A number of a topology, by index, such as `rho(W)`.
    Of(Number, usize),
    /// How much a codec contracts at least, `contraction(q)`.
    Contraction(Codec),
    /// The best value that is proved for the parameter of this name.
    Best(String),
}

/// Rounds of gossip within a step.
#[derive(Clone, Debug)]
pub struct Rounds {
    /// Over which topology, by index.
    pub topology: usize,
    /// How many, at least 1.
    pub times: usize,
    /// Where it first mixes so, or speaks of its phase.
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
    /// The minimizer of f(x) + ρ/2 ‖x − z‖² on the step's minibatch, of z and ρ.
    Prox(ValueId, ValueId),
    /// Σ_k u_k v_k of two vectors, a scalar.
    Dot(ValueId, ValueId),
    /// The number of in-neighbours in the topology of this index, a scalar.
    Degree(usize),
    /// The diagonal of W times v.
    Own(usize, ValueId),
    /// W without its diagonal times v: the neighbours' part of a mix.
    Others(usize, ValueId),
    /// The sum of v over the in-neighbours, whatever their weights.
    Incoming(usize, ValueId),
    /// For each edge of the first topology what the neighbour holds for it.
    Back(ValueId),
    /// The sum over the edges of a value per edge.
    Gather(ValueId),
    /// A vector as its codec writes it. What mixes, and what it is mixed into, may have this in place of a vector.
    Encode(Codec, ValueId),
    /// What a code says.
    Decode(ValueId),
    /// The same drawn factor for each edge of the first topology.
    Start,
    /// For each edge the matrix v times the orthonormal factor.
    Project(ValueId, ValueId),
    /// For each edge what the end of the higher rank holds less what the other holds, of its own and what came back.
    Difference(ValueId, ValueId),
    /// v less the differences to the neighbours along factors: of v, factors and differences.
    Correct(ValueId, ValueId, ValueId),
    /// The average of v with that of one neighbour, at once on both; in asynchronous algorithms only.
    Pair(usize, ValueId),
}

impl ValueKind {
    /// The values that it is made of, in order.
    pub fn operands(&self) -> Vec<ValueId> {
        let mut operands = vec![];
        self.clone().each_operand(|id| operands.push(*id));
        operands
    }

    /// Visits the values that it is made of, in order.
    pub fn each_operand(&mut self, mut visit: impl FnMut(&mut ValueId)) {
        match self {
            Self::Parameters | Self::State(_) | Self::Degree(_) | Self::Start => {}
            Self::Apply(_, operands) => operands.iter_mut().for_each(visit),
            Self::Mix(_, v)
            | Self::Average(v)
            | Self::Gradient(v)
            | Self::Own(_, v)
            | Self::Others(_, v)
            | Self::Incoming(_, v)
            | Self::Back(v)
            | Self::Gather(v)
            | Self::Encode(_, v)
            | Self::Decode(v)
            | Self::Pair(_, v) => visit(v),
            Self::Adapt(v, direction) => {
                visit(v);
                direction.iter_mut().for_each(visit);
            }
            Self::Prox(u, v) | Self::Dot(u, v) | Self::Project(u, v) | Self::Difference(u, v) => {
                visit(u);
                visit(v);
            }
            Self::Correct(u, v, w) => [u, v, w].into_iter().for_each(visit),
        }
    }

    /// The topology over which it communicates, or whose degrees it is, by index.
    pub fn topology(&self) -> Option<usize> {
        match self {
            Self::Mix(topology, _)
            | Self::Own(topology, _)
            | Self::Others(topology, _)
            | Self::Incoming(topology, _)
            | Self::Pair(topology, _)
            | Self::Degree(topology) => Some(*topology),
            _ => None,
        }
    }

    /// The same index, to be changed.
    pub fn topology_mut(&mut self) -> Option<&mut usize> {
        match self {
            Self::Mix(topology, _)
            | Self::Own(topology, _)
            | Self::Others(topology, _)
            | Self::Incoming(topology, _)
            | Self::Pair(topology, _)
            | Self::Degree(topology) => Some(topology),
            _ => None,
        }
    }

    /// Whether ranks send messages for it.
    pub fn communicates(&self) -> bool {
        matches!(
            self,
            Self::Mix(..)
                | Self::Others(..)
                | Self::Incoming(..)
                | Self::Back(_)
                | Self::Average(_)
                | Self::Pair(..)
        )
    }

    /// Whether the trainer is asked for it.
    pub fn is_oracle(&self) -> bool {
        matches!(self, Self::Gradient(_) | Self::Adapt(..) | Self::Prox(..))
    }
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

/// For each value whether `roots` depend on it, themselves included. Operands stand before what is made of them.
pub fn reachable(values: &[Value], roots: impl IntoIterator<Item = ValueId>) -> Vec<bool> {
    let mut reached = vec![false; values.len()];
    roots.into_iter().for_each(|root| reached[root.0 as usize] = true);
    for index in (0..values.len()).rev() {
        if reached[index] {
            values[index].kind.operands().iter().for_each(|operand| reached[operand.0 as usize] = true);
        }
    }
    reached
}
