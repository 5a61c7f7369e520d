//! Claims about topologies and algorithms: what `requires` and `ensure` say once names and constants are evaluated.

use bfc_dsl::tree::Span;
use bfc_schedule::{Codec, Rational};

/// A claim and where it is made.
#[derive(Clone, Debug)]
pub struct Claim {
    /// What is claimed.
    pub statement: Statement,
    /// Its text, for messages.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

impl Claim {
    /// The claim of a property about the only topology, or the algorithm, that nobody wrote down.
    pub fn unwritten(property: Property, span: Span) -> Self {
        let of = if property.topologies() == 0 { vec![] } else { vec![0] };
        Self { statement: Statement::Property(property, of), text: property.word().to_string(), span }
    }
}

/// Something that holds or does not.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    /// A property of topologies, by index.
    Property(Property, Vec<usize>),
    /// A comparison of numbers.
    Compare(Quantity, Comparison, Quantity),
    /// What a codec makes of a vector is right on average.
    Unbiased(Codec),
    /// A plain truth value, already evaluated.
    Truth(bool),
}

impl Statement {
    /// Whether it speaks of a topology.
    pub fn is_about_topologies(&self) -> bool {
        let of_topology = |quantity: &Quantity| matches!(quantity, Quantity::Of(..));
        match self {
            Self::Property(_, of) => !of.is_empty(),
            Self::Compare(left, _, right) => of_topology(left) || of_topology(right),
            Self::Unbiased(_) | Self::Truth(_) => false,
        }
    }
}

/// A number in a comparison.
#[derive(Clone, Debug, PartialEq)]
pub enum Quantity {
    /// A constant.
    Exact(Rational),
    /// A number of a topology, by index.
    Of(Number, usize),
    /// The δ of a codec Q: ‖Q(x) − x‖² ≤ (1 − δ) ‖x‖² for every x, on average where Q draws.
    Contraction(Codec),
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

impl Comparison {
    /// The relation in print.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "≠",
            Self::Less => "<",
            Self::LessEqual => "≤",
            Self::Greater => ">",
            Self::GreaterEqual => "≥",
        }
    }

    /// The relation that holds where this one does not.
    pub fn opposite(self) -> Self {
        match self {
            Self::Equal => Self::NotEqual,
            Self::NotEqual => Self::Equal,
            Self::Less => Self::GreaterEqual,
            Self::LessEqual => Self::Greater,
            Self::Greater => Self::LessEqual,
            Self::GreaterEqual => Self::Less,
        }
    }
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

const PROPERTIES: [(&str, Property); 16] = [
    ("row_stochastic", Property::RowStochastic),
    ("column_stochastic", Property::ColumnStochastic),
    ("doubly_stochastic", Property::DoublyStochastic),
    ("nonnegative", Property::Nonnegative),
    ("symmetric", Property::Symmetric),
    ("undirected", Property::Undirected),
    ("static", Property::Static),
    ("matching", Property::Matching),
    ("permutation", Property::Permutation),
    ("tree", Property::Tree),
    ("connected", Property::Connected),
    ("primitive", Property::Primitive),
    ("contracting", Property::Contracting),
    ("exact_average", Property::ExactAverage),
    ("common_root", Property::CommonRoot),
    ("stable", Property::Stable),
];

const NUMBERS: [(&str, Number); 11] = [
    ("rho", Number::Rho),
    ("spectral_gap", Number::SpectralGap),
    ("sigma2", Number::Sigma2),
    ("lambda_min", Number::LambdaMin),
    ("period_contraction", Number::PeriodContraction),
    ("rate_per_step", Number::RatePerStep),
    ("asymptotic_rate", Number::AsymptoticRate),
    ("self_weight", Number::SelfWeight),
    ("max_in_degree", Number::MaxInDegree),
    ("max_out_degree", Number::MaxOutDegree),
    ("rounds", Number::Rounds),
];

/// The number of codecs.
pub const CONTRACTION: &str = "contraction";
/// The property of codecs.
pub const UNBIASED: &str = "unbiased";

fn find<T: Copy>(table: &[(&str, T)], word: &str) -> Option<T> {
    table.iter().find(|(known, _)| *known == word).map(|(_, value)| *value)
}

/// The words of numbers of a topology.
pub fn numbers() -> impl Iterator<Item = &'static str> {
    NUMBERS.iter().map(|(word, _)| *word)
}

/// All words of claims.
pub fn words() -> impl Iterator<Item = &'static str> {
    let properties = PROPERTIES.iter().map(|(word, _)| *word);
    properties.chain(numbers()).chain([CONTRACTION, UNBIASED])
}

impl Property {
    /// The property of a word of the language.
    pub fn from_word(word: &str) -> Option<Self> {
        find(&PROPERTIES, word)
    }

    /// The word of the language.
    pub fn word(self) -> &'static str {
        PROPERTIES.iter().find(|(_, property)| *property == self).map_or("", |(word, _)| word)
    }

    /// How many topologies it speaks of.
    pub fn topologies(self) -> usize {
        match self {
            Self::Stable => 0,
            Self::CommonRoot => 2,
            _ => 1,
        }
    }
}

impl Number {
    /// The number of a word of the language.
    pub fn from_word(word: &str) -> Option<Self> {
        find(&NUMBERS, word)
    }

    /// The word of the language.
    pub fn word(self) -> &'static str {
        NUMBERS.iter().find(|(_, number)| *number == self).map_or("", |(word, _)| word)
    }
}
