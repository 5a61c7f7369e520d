//! From topologies and algorithms to what holds of them: properties, spectra, and the verdict on every claim.
//!
//! A verdict rests on exact arithmetic or on enclosures; an estimate never decides.

pub mod claims;
mod codec;
mod compressed;
mod error;
pub(crate) mod facts;
pub(crate) mod linear;
mod operators;
mod outcome;
mod quantity;
mod radius;
mod stable;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod timeline;
pub(crate) mod timing;

pub use claims::{Check, Proof, Role};
pub(crate) use compressed::{Finding as Compressed, Gossip, compresses, contraction, gossip};
pub use error::Error;
pub use outcome::Outcome;

use crate::model::algorithm::Algorithm;
use crate::model::claim::{Claim, Comparison, Number, Property, Quantity, Statement};
use crate::model::topology::Topology;
use crate::rank_names::named;
use crate::spectrum::Method;
use crate::spectrum::exact::Exact;
use crate::spectrum::properties::{self, Finding};
use crate::spectrum::support::{self, Orientation, Reach};
use bfc_schedule::Rational;
use facts::Facts;
use quantity::{COARSE, Interval, compare_ranges, number_of, spectral};
use std::cell::OnceCell;

/// Whether a claim holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It does.
    Proved {
        /// The numbers behind it, where there are any.
        evidence: String,
    },
    /// It does not.
    Refuted {
        /// What speaks against it.
        evidence: String,
    },
    /// A comparison of numbers that agree within their certified bounds, or sums that are 1 up to the rounding of weights.
    Within {
        /// The bound.
        bound: f64,
        /// The numbers behind it.
        evidence: String,
    },
    /// It is open.
    NotDecided {
        /// Why.
        reason: String,
    },
}

impl Verdict {
    /// Gives the ranks that its evidence speaks of their names.
    pub(crate) fn name_ranks(&mut self, names: &[String]) {
        let (Self::Proved { evidence: text }
        | Self::Refuted { evidence: text }
        | Self::Within { evidence: text, .. }
        | Self::NotDecided { reason: text }) = self;
        *text = named(text, names);
    }

    fn proved(evidence: impl Into<String>) -> Self {
        Self::Proved { evidence: evidence.into() }
    }

    fn refuted(evidence: impl Into<String>) -> Self {
        Self::Refuted { evidence: evidence.into() }
    }

    fn undecided(reason: impl Into<String>) -> Self {
        Self::NotDecided { reason: reason.into() }
    }

    fn of_finding(finding: &Finding) -> Self {
        match finding {
            Ok(()) => Self::proved(""),
            Err(evidence) => Self::refuted(evidence),
        }
    }

    fn of_reach(reach: Reach) -> Self {
        match reach {
            Reach::Yes => Self::proved(""),
            Reach::No(evidence) => Self::refuted(evidence),
            Reach::TooLarge => Self::undecided("the product of the phases has too many entries"),
        }
    }

    /// The verdict on two claims together: the weaker one.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (refuted @ Self::Refuted { .. }, _) | (_, refuted @ Self::Refuted { .. }) => refuted,
            (open @ Self::NotDecided { .. }, _) | (_, open @ Self::NotDecided { .. }) => open,
            (Self::Within { bound, evidence }, Self::Within { bound: other, .. }) => {
                Self::Within { bound: bound.max(other), evidence }
            }
            (within @ Self::Within { .. }, _) | (_, within) => within,
        }
    }

    /// Whether a program may rely on the claim.
    pub fn holds(&self) -> bool {
        matches!(self, Self::Proved { .. } | Self::Within { .. })
    }

    /// The verdict without its evidence.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Proved { .. } => Outcome::Proved,
            Self::Refuted { .. } => Outcome::Refuted,
            Self::Within { bound, .. } => Outcome::Within(*bound),
            Self::NotDecided { .. } => Outcome::NotDecided,
        }
    }

    /// `proved`, `refuted`, `holds within 1.0e-14`, `not decided`.
    pub fn word(&self) -> String {
        self.outcome().to_string()
    }

    /// The evidence or the reason; may be empty.
    pub fn evidence(&self) -> &str {
        match self {
            Self::Proved { evidence } | Self::Refuted { evidence } | Self::Within { evidence, .. } => {
                evidence
            }
            Self::NotDecided { reason } => reason,
        }
    }
}

/// Whether a claim holds of an algorithm (where it is about one) on its topologies.
pub fn decide(topologies: &[Topology], algorithm: Option<&Algorithm>, claim: &Claim) -> Verdict {
    Prover::new(topologies, algorithm).decide(claim)
}

/// Decides several claims about the same topologies; what one needs is known to the next.
pub struct Prover<'a> {
    topologies: &'a [Topology],
    facts: Vec<Facts<'a>>,
    algorithm: Option<&'a Algorithm>,
    stable: OnceCell<Verdict>,
}

impl<'a> Prover<'a> {
    /// A prover that knows nothing yet.
    pub fn new(topologies: &'a [Topology], algorithm: Option<&'a Algorithm>) -> Self {
        let facts = topologies.iter().map(|topology| Facts::new(&topology.phases)).collect();
        Self { topologies, facts, algorithm, stable: OnceCell::new() }
    }

    /// Claims are about this algorithm from now on; what is known of the topologies stays.
    pub fn turn_to(&mut self, algorithm: &'a Algorithm) {
        self.algorithm = Some(algorithm);
        self.stable = OnceCell::new();
    }

    /// What is known of each topology.
    pub(crate) fn facts(&self) -> &[Facts<'a>] {
        &self.facts
    }

    /// Numbers of the algorithm's step that do not exist, such as a division by 0; the first.
    pub fn undefined(&self) -> Option<String> {
        timeline::undefined(self.algorithm?)
    }

    /// How the algorithm's states grow where all ranks agree, in words, as far as that is known; an estimate.
    pub fn growth(&self) -> Option<String> {
        stable::growth(self.algorithm?, &self.facts)
    }

    /// What is known of every gossip of compressed differences in the algorithm.
    pub(crate) fn compressed(&self) -> Vec<Compressed> {
        self.algorithm.map_or(vec![], |algorithm| compressed::findings(algorithm, &self.facts))
    }

    /// The best step size of these gossips; or why none is proved.
    pub(crate) fn best_gossip(&self, all: &[Gossip]) -> Result<Rational, String> {
        compressed::best(all, &self.facts)
    }

    /// Why an algorithm that compresses would be unstable even if nothing were lost, where it would.
    pub(crate) fn unstable_without_loss(&self) -> Option<String> {
        let algorithm = self.algorithm.filter(|algorithm| compresses(algorithm))?;
        match stable::stable(&compressed::lossless(algorithm), &self.facts) {
            Verdict::Refuted { evidence } => Some(evidence),
            _ => None,
        }
    }

    /// Whether a claim holds.
    pub fn decide(&self, claim: &Claim) -> Verdict {
        match &claim.statement {
            Statement::Truth(true) => Verdict::proved(""),
            Statement::Truth(false) => Verdict::refuted("it is false"),
            Statement::Unbiased(of) => codec::unbiased(*of),
            Statement::Compare(left, comparison, right) => self.compare(left, *comparison, right),
            Statement::Property(Property::Stable, _) => match self.algorithm {
                Some(algorithm) => self.stable.get_or_init(|| stable::stable(algorithm, &self.facts)).clone(),
                None => Verdict::undecided("`stable` is a property of an algorithm"),
            },
            Statement::Property(Property::CommonRoot, indices) => self.common_root(indices),
            Statement::Property(property, indices) => match indices[..] {
                [index] => match self.topology(index) {
                    Ok(facts) => self.name(index, property_of(facts, *property)),
                    Err(reason) => Verdict::undecided(reason),
                },
                _ => Verdict::undecided(format!("`{}` is about one topology", property.word())),
            },
        }
    }

    /// What is known of a topology, by index.
    fn topology(&self, index: usize) -> Result<&Facts<'a>, String> {
        self.facts.get(index).ok_or_else(|| "there is no such topology".to_string())
    }

    /// Where there are several topologies, the evidence names the guilty one.
    fn name(&self, index: usize, verdict: Verdict) -> Verdict {
        let name = &self.topologies[index].name;
        match verdict {
            Verdict::Refuted { evidence } if self.topologies.len() > 1 => {
                Verdict::refuted(format!("of `{name}`, {evidence}"))
            }
            Verdict::NotDecided { reason } if self.topologies.len() > 1 => {
                Verdict::undecided(format!("of `{name}`, {reason}"))
            }
            Verdict::Within { bound, evidence } if self.topologies.len() > 1 => {
                Verdict::Within { bound, evidence: format!("of `{name}`, {evidence}") }
            }
            other => other,
        }
    }

    /// A number of a topology, by index: exact, enclosed or an estimate.
    ///
    /// # Errors
    /// Why the topology has none.
    pub fn number(&self, number: Number, topology: usize) -> Result<f64, String> {
        let facts = self.topology(topology)?;
        match number_of(facts, number) {
            Ok(range) if range.low == range.high => Ok(range.low.to_f64()),
            _ => spectral(facts, number).map(|enclosure| enclosure.value),
        }
    }

    fn common_root(&self, indices: &[usize]) -> Verdict {
        let topologies: Result<Vec<&Facts>, String> = indices.iter().map(|k| self.topology(*k)).collect();
        let Ok([pull, push]) = topologies.as_deref() else {
            return Verdict::undecided("`common_root` is about two topologies");
        };
        let pull = support::roots(pull.phases, Orientation::Rows);
        let push = support::roots(push.phases, Orientation::Columns);
        match pull.iter().find(|root| push.binary_search(root).is_ok()) {
            Some(root) => Verdict::proved(format!("rank {root}")),
            None => Verdict::refuted(format!(
                "{} in the first, {} in the second",
                roots_text("reached by all from", &pull),
                roots_text("reaching all to", &push)
            )),
        }
    }

    fn compare(&self, left: &Quantity, comparison: Comparison, right: &Quantity) -> Verdict {
        let decider = [left, right].into_iter().find_map(|quantity| match quantity {
            Quantity::Contraction(of) => Some(codec::decider(*of)),
            _ => None,
        });
        match (self.range(left), self.range(right)) {
            (Ok(left), Ok(right)) => match (compare_ranges(&left, comparison, &right), decider) {
                (Verdict::NotDecided { .. }, Some(decider)) => {
                    Verdict::undecided(format!("{decider}: {} and {}", left.shown, right.shown))
                }
                (verdict, _) => verdict,
            },
            (Err(reason), _) | (_, Err(reason)) => Verdict::undecided(reason),
        }
    }

    /// The bounds of a quantity.
    fn range(&self, quantity: &Quantity) -> Result<Interval, String> {
        match quantity {
            Quantity::Exact(value) => Ok(Interval::exact(value.clone())),
            Quantity::Contraction(of) => codec::contraction(*of),
            Quantity::Of(number, index) => number_of(self.topology(*index)?, *number),
        }
    }
}

fn roots_text(relation: &str, roots: &[u32]) -> String {
    match roots {
        [] => format!("no rank is {relation} every other"),
        _ => format!("only {} qualify", support::ranks(roots.iter().copied())),
    }
}

fn property_of(facts: &Facts, property: Property) -> Verdict {
    let phases = facts.phases;
    match property {
        Property::RowStochastic => sums(facts, Orientation::Rows),
        Property::ColumnStochastic => sums(facts, Orientation::Columns),
        Property::DoublyStochastic => sums(facts, Orientation::Rows).and(sums(facts, Orientation::Columns)),
        Property::Nonnegative => Verdict::of_finding(facts.nonnegative()),
        Property::Symmetric => Verdict::of_finding(facts.symmetric()),
        Property::Undirected => Verdict::of_finding(&properties::undirected(phases)),
        Property::Static if phases.len() == 1 => Verdict::proved(""),
        Property::Static => Verdict::refuted(format!("it has {} phases", phases.len())),
        Property::Matching => Verdict::of_finding(&properties::matching(phases)),
        Property::Permutation => Verdict::of_finding(&properties::permutation(phases)),
        Property::Tree => Verdict::of_finding(&properties::tree(phases, facts.connected().clone())),
        Property::Connected => Verdict::of_finding(facts.connected()),
        Property::Primitive => facts.primitive().clone(),
        Property::Contracting => facts.contracting().clone(),
        Property::ExactAverage => match facts.exact_average() {
            Exact::Yes => Verdict::proved(""),
            Exact::TooLarge => Verdict::undecided("the product of the phases has too many entries"),
            Exact::No => Verdict::refuted(not_average(facts)),
        },
        Property::CommonRoot | Property::Stable => Verdict::undecided("it is not a property of one topology"),
    }
}

/// Whether all sums are 1, or off by no more than the rounding of numbers in a file.
fn sums(facts: &Facts, orientation: Orientation) -> Verdict {
    let finding = match orientation {
        Orientation::Rows => facts.row_stochastic(),
        Orientation::Columns => facts.column_stochastic(),
    };
    let Err(evidence) = finding else { return Verdict::proved("") };
    match properties::off_by(facts.phases, orientation) {
        Some(bound) if bound <= COARSE => Verdict::Within { bound, evidence: evidence.clone() },
        _ => Verdict::refuted(evidence),
    }
}

fn not_average(facts: &Facts) -> String {
    if let Some(evidence) = facts.not_connected() {
        return evidence;
    }
    let contraction = facts.numbers().period_contraction;
    match contraction.method {
        Method::Estimate => "the product of the phases is not J".into(),
        _ => format!("after a period the disagreement can still be {:.3e} of what it was", contraction.value),
    }
}
