//! Codecs: short codes for vectors, which lose something. A code has a length that follows from the vector's alone, so
//! that messages keep theirs; `bfc-runtime` writes and reads them.
//!
//! Casts and quantization; the largest entries (Aji and Heafield, 2017); a random subset (Stich et al., 2018); signs
//! scaled by the mean magnitude (Karimireddy et al., 2019); the product of two thin matrices (Vogels et al., 2019).

use num_integer::Integer;
use std::fmt;

/// How a vector is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// Every element as the nearest number of a shorter format; beyond its range, the last number within.
    Cast(Float),
    /// Every element as one of 2^bits − 1 evenly spaced multiples of the largest magnitude: the nearest, or with a seed one
    /// of the two beside it, drawn such that the mean is right.
    Quantize {
        /// 2 to 16.
        bits: u8,
        /// The seed of the draws.
        seed: Option<u64>,
    },
    /// So many elements of the largest magnitude, of equal ones the first; zero elsewhere.
    TopK(u64),
    /// As [`TopK`](Self::TopK), a fraction of all elements, rounded up.
    TopFraction {
        /// At least 1, at most the denominator.
        numerator: u64,
        /// In lowest terms.
        denominator: u64,
    },
    /// So many elements, drawn alike on all ranks and anew in every step; zero elsewhere.
    RandomK {
        /// How many.
        count: u64,
        /// The seed of the draws.
        seed: u64,
    },
    /// The sign of every element times the mean magnitude.
    Sign,
    /// The vector as a matrix, projected on the column space that its largest rows span.
    LowRank(LowRank),
}

/// A tensor as a matrix by rows, the last one filled with zeros, beside thin matrices with this number of columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LowRank {
    /// The columns of the thin matrices, at least 1.
    pub rank: u32,
    /// The rows of the matrix, at least 1; by default those of the tensor's [shape](Codec::of_shape), or the integer below
    /// the square root of the length.
    pub rows: Option<u32>,
}

/// The sizes of such a matrix for vectors of one length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// The rows of the matrix, at least 1.
    pub rows: usize,
    /// Its columns.
    pub columns: usize,
    /// The columns of the thin matrices, at most the smaller side.
    pub rank: usize,
}

impl LowRank {
    /// Whether its numbers lie in their ranges.
    pub fn is_valid(self) -> bool {
        self.rank >= 1 && self.rows != Some(0)
    }

    /// For a tensor whose shape is a matrix of this number of rows.
    pub fn of_shape(self, rows: Option<u32>) -> Self {
        Self { rows: self.rows.or(rows.map(|rows| rows.max(1))), ..self }
    }

    /// The sizes for a vector of this length.
    pub fn sizes(self, length: usize) -> Sizes {
        let rows = self.rows.map_or(length.isqrt(), |rows| rows as usize).clamp(1, length.max(1));
        let columns = length.div_ceil(rows);
        Sizes { rows, columns, rank: (self.rank as usize).min(rows).min(columns) }
    }
}

impl Sizes {
    /// The larger of rows and columns.
    pub fn longer_side(self) -> usize {
        self.rows.max(self.columns)
    }

    /// Elements of a factor per edge: one for its side, then columns with room for the longer side.
    pub fn factor(self) -> usize {
        1 + self.longer_side() * self.rank
    }
}

/// A format of floating-point numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Float {
    Bf16,
    F16,
    F32,
    F64,
}

impl Float {
    /// All formats, from the shortest; a file names them by their places.
    pub const ALL: [Self; 4] = [Self::Bf16, Self::F16, Self::F32, Self::F64];

    /// The format of a name in the language.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|float| float.name() == name)
    }

    /// Bytes of a number.
    pub fn bytes(self) -> usize {
        match self {
            Self::Bf16 | Self::F16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// Its name in the language.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bf16 => "bf16",
            Self::F16 => "f16",
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }
}

impl Codec {
    /// The codec that is shown like this.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, arguments): (&str, Vec<&str>) = match text.split_once('(') {
            Some((name, rest)) => (name, rest.strip_suffix(')')?.split(", ").collect()),
            None => (text, vec![]),
        };
        let number = |at: usize| arguments.get(at)?.parse::<u64>().ok();
        let small = |at: usize| number(at).and_then(|number| u32::try_from(number).ok());
        let codec = match (name, arguments.len()) {
            ("cast", 1) => Self::Cast(Float::from_name(arguments[0])?),
            ("quantize", 1) => Self::Quantize { bits: u8::try_from(number(0)?).ok()?, seed: None },
            ("quantize", 2) => {
                Self::Quantize { bits: u8::try_from(number(0)?).ok()?, seed: Some(number(1)?) }
            }
            ("top_k", 1) => Self::TopK(number(0)?),
            ("top_fraction", 1) => {
                let (numerator, denominator) = arguments[0].split_once('/').unwrap_or((arguments[0], "1"));
                Self::TopFraction {
                    numerator: numerator.parse().ok()?,
                    denominator: denominator.parse().ok()?,
                }
            }
            ("random_k", 2) => Self::RandomK { count: number(0)?, seed: number(1)? },
            ("sign", 0) => Self::Sign,
            ("low_rank", 1) => Self::LowRank(LowRank { rank: small(0)?, rows: None }),
            ("low_rank", 2) => Self::LowRank(LowRank { rank: small(0)?, rows: Some(small(1)?) }),
            _ => return None,
        };
        codec.is_valid().then_some(codec)
    }

    /// Whether its numbers lie in their ranges, and its fraction is in lowest terms.
    pub fn is_valid(self) -> bool {
        match self {
            Self::Cast(_) | Self::Sign => true,
            Self::Quantize { bits, .. } => (2..=16).contains(&bits),
            Self::TopK(count) | Self::RandomK { count, .. } => count >= 1,
            Self::TopFraction { numerator, denominator } => {
                (1..=denominator).contains(&numerator) && numerator.gcd(&denominator) == 1
            }
            Self::LowRank(low_rank) => low_rank.is_valid(),
        }
    }

    /// How many elements of a vector of this length are kept; all of them by codecs that choose none.
    pub fn kept(self, length: usize) -> usize {
        let limited = |count: u64| count.min(length as u64) as usize;
        match self {
            Self::TopK(count) | Self::RandomK { count, .. } => limited(count),
            Self::TopFraction { numerator, denominator } => {
                let product = length as u128 * numerator as u128;
                product.div_ceil(denominator as u128) as usize
            }
            _ => length,
        }
    }

    /// For a tensor whose shape is a matrix of this number of rows, where the codec looks at matrices.
    pub fn of_shape(self, rows: Option<u32>) -> Self {
        match self {
            Self::LowRank(low_rank) => Self::LowRank(low_rank.of_shape(rows)),
            other => other,
        }
    }

    /// The length in bytes of the code of a vector of `length` elements of `element` bytes.
    pub fn bytes(self, length: usize, element: usize) -> usize {
        match self {
            Self::Cast(float) => length * float.bytes().min(element),
            Self::Quantize { bits, .. } => element + packed(length, bits),
            Self::TopK(_) | Self::TopFraction { .. } => self.kept(length) * (element + index_bytes(length)),
            Self::RandomK { .. } => self.kept(length) * element,
            Self::Sign => element + packed(length, 1),
            Self::LowRank(low_rank) => {
                let Sizes { rows, columns, rank } = low_rank.sizes(length);
                (rows + columns) * rank * element
            }
        }
    }
}

/// Bytes of this number of groups of bits.
fn packed(length: usize, bits: u8) -> usize {
    (length as u128 * bits as u128).div_ceil(8) as usize
}

/// Bytes of the index of an element in a vector of this length.
pub fn index_bytes(length: usize) -> usize {
    if u32::try_from(length).is_ok() { 4 } else { 8 }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cast(float) => write!(f, "cast({})", float.name()),
            Self::Quantize { bits, seed: None } => write!(f, "quantize({bits})"),
            Self::Quantize { bits, seed: Some(seed) } => write!(f, "quantize({bits}, {seed})"),
            Self::TopK(count) => write!(f, "top_k({count})"),
            Self::TopFraction { numerator, denominator: 1 } => write!(f, "top_fraction({numerator})"),
            Self::TopFraction { numerator, denominator } => {
                write!(f, "top_fraction({numerator}/{denominator})")
            }
            Self::RandomK { count, seed } => write!(f, "random_k({count}, {seed})"),
            Self::Sign => write!(f, "sign"),
            Self::LowRank(LowRank { rank, rows: None }) => write!(f, "low_rank({rank})"),
            Self::LowRank(LowRank { rank, rows: Some(rows) }) => write!(f, "low_rank({rank}, {rows})"),
        }
    }
}
