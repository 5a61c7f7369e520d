//! Claims about topologies and algorithms: what `requires` and `ensure` say once names and constants are evaluated.

use bfc_dsl::tree::Span;
use bfc_schedule::Rational;

/// A claim and where it is made.
#[derive(Clone, Debug)]
pub struct Stated {
    /// What is claimed.
    pub claim: Claim,
    /// Its text, for messages.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// Something that holds or does not.
#[derive(Clone, Debug, PartialEq)]
pub enum Claim {
    /// A property of topologies, by index.
    Property(Property, Vec<usize>),
    /// A comparison of numbers.
    Compare(Quantity, Comparison, Quantity),
    /// A plain truth value, already evaluated.
    Truth(bool),
}

/// A number in a comparison.
#[derive(Clone, Debug, PartialEq)]
pub enum Quantity {
    /// A constant.
    Exact(Rational),
    /// A number of a topology, by index.
    Of(Number, usize),
}

/// Comparison operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

/// The properties of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Property {
    RowStochastic,
    ColumnStochastic,
    DoublyStochastic,
    Nonnegative,
    Symmetric,
    Undirected,
    Static,
    Matching,
    Permutation,
    Tree,
    Connected,
    Primitive,
    Contracting,
    ExactAverage,
    CommonRoot,
    /// Of the algorithm on its topologies; takes no topology.
    Stable,
}

/// The numbers of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Number {
    Rho,
    SpectralGap,
    Sigma2,
    LambdaMin,
    PeriodContraction,
    RatePerStep,
    AsymptoticRate,
    /// The least self weight of any rank and phase.
    SelfWeight,
    MaxInDegree,
    MaxOutDegree,
    /// The rounds of the largest phase.
    Rounds,
}
