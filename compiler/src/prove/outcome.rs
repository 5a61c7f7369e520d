//! A verdict without its evidence: what a certificate records, in words and read back.

use std::fmt;
use std::mem::discriminant;

const PROVED: &str = "proved";
const REFUTED: &str = "refuted";
const WITHIN: &str = "holds within ";
const NOT_DECIDED: &str = "not decided";

/// What a verdict comes to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    /// The claim holds.
    Proved,
    /// It does not.
    Refuted,
    /// It holds up to this bound.
    Within(f64),
    /// It is open.
    NotDecided,
}

impl Outcome {
    /// The outcome in these words, as they are displayed.
    pub fn from_words(words: &str) -> Option<Self> {
        match words {
            PROVED => Some(Self::Proved),
            REFUTED => Some(Self::Refuted),
            NOT_DECIDED => Some(Self::NotDecided),
            _ => words.strip_prefix(WITHIN)?.parse().ok().map(Self::Within),
        }
    }

    /// Whether the outcomes are the same, bounds aside: these depend on the processor's rounding.
    pub fn agrees_with(self, other: Self) -> bool {
        discriminant(&self) == discriminant(&other)
    }
}

/// `proved`, `refuted`, `holds within 1.0e-14`, `not decided`.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Proved => f.write_str(PROVED),
            Self::Refuted => f.write_str(REFUTED),
            Self::Within(bound) => write!(f, "{WITHIN}{bound:.1e}"),
            Self::NotDecided => f.write_str(NOT_DECIDED),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Outcome;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn words_come_back(bound in prop::num::f64::POSITIVE) {
            for outcome in [Outcome::Proved, Outcome::Refuted, Outcome::Within(bound), Outcome::NotDecided] {
                let words = outcome.to_string();
                let read = Outcome::from_words(&words).unwrap();
                prop_assert!(read.agrees_with(outcome));
                prop_assert_eq!(read.to_string(), words);
            }
        }

        #[test]
        fn other_words_are_none(words in "\\PC*") {
            let read = Outcome::from_words(&words);
            prop_assert!(read.is_none() || words.starts_with("holds within ") || read.unwrap().to_string() == words);
        }
    }

    #[test]
    fn outcomes_differ_by_more_than_their_bounds() {
        assert!(Outcome::Within(1e-14).agrees_with(Outcome::Within(2e-14)));
        assert!(!Outcome::Within(1e-14).agrees_with(Outcome::Proved));
        assert!(!Outcome::Refuted.agrees_with(Outcome::NotDecided));
    }
}
