//! Compressed consensus: whether gossip of compressed differences (CHOCO; Koloskova, Stich and Jaggi, 2019) contracts.
//!
//! # The recursion
//!
//! Every rank i holds x_i and an estimate h_i of it that its neighbours know. With a codec Q, v = x + p and a constant γ,
//!
//! ```text
//! u = h + Q(v − h)        h' = u        x' = x + r + γ (W − I) u
//! ```
//!
//! where p and r are anything that depends on none of x and h, such as gradients held constant. That the difference is
//! compressed after x has moved, as BEER does, is the same recursion half a step later.
//!
//! # The bound
//!
//! Norms are over all ranks and elements. Assumed are
//!
//! - ‖Q(v) − v‖² ≤ (1 − δ) ‖v‖² for the vector v of each rank, on average over what Q draws where it does; s = √(1 − δ),
//! - W 1 = 1 and 1ᵀ W = 1ᵀ, the same W in every step,
//! - ‖W − J‖₂ ≤ 1 − ρ with ρ > 0, and ‖I − W‖₂ ≤ β. Of a symmetric W, ρ is the spectral gap, and β = 1 − λ_min; of any other,
//!   ρ = 1 − σ₂, and β = 1 + σ₂ bounds the norm, since I − W = (I − J) − (W − J) and both vanish on 1,
//! - 0 < γ ≤ 1.
//!
//! Let a = ‖(I − J) x‖, the disagreement, and e = ‖x − u‖, what estimates are off by after a message; p = r = 0 for now.
//! From x' = x + γ (W − I) x + γ (W − I)(u − x) and (I − J)(I + γ (W − I)) = (1 − γ)(I − J) + γ (W − J),
//!
//! ```text
//! a' ≤ (1 − γρ) a + γβ e.
//! ```
//!
//! From x' − u = (I + γ (I − W))(x − u) + γ (W − I)(I − J) x, and since the next message leaves at most s of it,
//!
//! ```text
//! e' ≤ s ‖x' − u‖ ≤ sγβ a + s (1 + γβ) e.
//! ```
//!
//! So (a, e) stays below powers of M = [[1 − γρ, γβ], [sγβ, s (1 + γβ)]]. Its entries are not negative, so its radius is
//! below 1 exactly if its diagonal is, and det(I − M) = γ (ρ (1 − s) − γ s β (ρ + β)) is above 0:
//!
//! ```text
//! s (ρ + γβ (ρ + β)) < ρ, which implies the former.
//! ```
//!
//! Where Q draws, a and e are roots of mean squares; the triangle inequality holds for these (Minkowski), and what Q draws is
//! assumed to be independent of the vector that it is applied to. Any p and r add multiples of their norms to a' and e', so what
//! they cause stays within a multiple of the largest of them, and goes as they go.
//!
//! Scaling the second component by √s makes M symmetric and affine in γ: its radius is convex in γ, and so is the largest of
//! several. That is where [`best`] looks. It decides nothing: [`Bounds::contracts`] does, on fractions alone.

mod form;

pub(crate) use form::{Gossip, gossip};

use super::Verdict;
use super::codec;
use super::facts::Facts;
use super::quantity::number_of;
use crate::model::algorithm::{Algorithm, ValueId, ValueKind, reachable};
use crate::model::claim::Number;
use bfc_schedule::digits::six_digits;
use bfc_schedule::{Codec, Rational};

/// A contraction below this is one of vectors of any length, and no step size is of use.
const LEAST_CONTRACTION: f64 = 1e-9;

/// Why a gossip is not one of those that the bound is about.
const FEEDBACK: &str = "another state moves what is gossiped and depends on it";

/// What the bound is made of: numbers on the safe side of the true ones.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    /// At most δ.
    contraction: Rational,
    /// At most ρ, above 0.
    gap: Rational,
    /// At least β.
    norm: Rational,
}

/// How much a codec contracts the error of a vector at least, whatever the vector and its length.
///
/// # Errors
/// Where the length decides, or the codec does not contract every vector.
pub(crate) fn contraction(codec: Codec) -> Result<Rational, String> {
    let contraction = codec::contraction(codec)?;
    match contraction.low.to_f64() < LEAST_CONTRACTION {
        true => Err(format!("{}, {}", codec::decider(codec), contraction.shown)),
        false => Ok(contraction.low),
    }
}

impl Bounds {
    /// Those of a codec on a topology; or why there are none.
    fn new(codec: Codec, facts: &Facts) -> Result<Self, String> {
        if facts.phases.len() != 1 {
            return Err(format!(
                "the topology has {} phases, and what neighbours know is of one",
                facts.phases.len()
            ));
        }
        if !facts.doubly_stochastic() {
            return Err("the weights are not doubly stochastic".into());
        }
        let contraction = contraction(codec)?;
        let one = Rational::one();
        let (gap, norm) = match facts.symmetric() {
            Ok(()) => {
                let least = number_of(facts, Number::LambdaMin)?.low;
                (number_of(facts, Number::SpectralGap)?.low, &one - &least)
            }
            Err(_) => {
                let sigma = number_of(facts, Number::Sigma2)?.high;
                (&one - &sigma, &one + &sigma)
            }
        };
        match gap > Rational::zero() && contraction > Rational::zero() && contraction <= one {
            true => Ok(Self { contraction, gap, norm }),
            false => Err("no gap of the mixing matrix is known".into()),
        }
    }

    /// Whether error and disagreement are proved to contract: (1 − δ)(ρ + γβ (ρ + β))² < ρ² and 0 < γ ≤ 1.
    fn contracts(&self, gamma: &Rational) -> bool {
        let Self { contraction, gap, norm } = self;
        let one = Rational::one();
        let product = &(gamma * norm) * &(gap + norm);
        let sum = gap + &product;
        let lost = &one - contraction;
        *gamma > Rational::zero() && *gamma <= one && &lost * &(&sum * &sum) < gap * gap
    }

    /// The least γ for which that is not proved, about, where it is at most 1.
    fn limit(&self) -> f64 {
        let Numbers { gap, norm, kept, lost } = self.numbers();
        let limit = gap * lost / (kept * norm * (gap + norm));
        limit.min(1.0)
    }

    fn numbers(&self) -> Numbers {
        let (contraction, gap, norm) = (self.contraction.to_f64(), self.gap.to_f64(), self.norm.to_f64());
        let kept = (1.0 - contraction).max(0.0).sqrt();
        Numbers { gap, norm, kept, lost: contraction / (1.0 + kept) }
    }

    /// 1 less the radius, and its derivative.
    fn rate(&self, gamma: f64) -> (f64, f64) {
        let Numbers { gap, norm, kept, lost } = self.numbers();
        // 1 − p and 1 − q of the diagonal p, q; the square of half their difference, and the product of the other entries.
        let (p, q) = (gamma * gap, lost - kept * gamma * norm);
        let half = (q - p) / 2.0;
        let root = (half * half + kept * (gamma * norm).powi(2)).sqrt();
        let slope = half * (-kept * norm - gap) / 2.0 + kept * gamma * norm * norm;
        ((p + q) / 2.0 - root, (gap - kept * norm) / 2.0 - if root > 0.0 { slope / root } else { 0.0 })
    }
}

/// The same bounds in `f64`: ρ, β, s and 1 − s.
struct Numbers {
    gap: f64,
    norm: f64,
    kept: f64,
    lost: f64,
}

/// What is known of one compressed gossip.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    /// What is gossiped.
    pub(crate) gossip: Gossip,
    /// `Ok`: it contracts, and the numbers; or why that is not proved.
    pub(crate) contracts: Result<String, String>,
}

/// What is known of every compressed gossip of CHOCO's form.
pub(crate) fn findings(algorithm: &Algorithm, topologies: &[Facts]) -> Vec<Finding> {
    let finding = |gossip: Gossip| Finding { contracts: contracts(&gossip, topologies), gossip };
    gossip(algorithm).into_iter().map(finding).collect()
}

fn contracts(gossip: &Gossip, topologies: &[Facts]) -> Result<String, String> {
    let facts = topologies.get(gossip.topology).ok_or("a topology is missing")?;
    let Gossip { codec, gamma, .. } = gossip;
    if gossip.feedback.is_some() {
        return Err(FEEDBACK.into());
    }
    let bounds = Bounds::new(*codec, facts)?;
    if !bounds.contracts(gamma) {
        let (gamma, limit) = (six_digits(gamma.to_f64()), six_digits(bounds.limit()));
        return Err(format!("a step size of {gamma} is not proved to converge; those below {limit} are"));
    }
    let fixed = if gossip.is_input { ", as long as the trainer does not change the step size" } else { "" };
    let mean = if codec::is_drawn(*codec) { ", in the mean square over what is drawn" } else { "" };
    let percent = six_digits(100.0 * bounds.rate(gamma.to_f64()).0);
    Ok(format!("error and disagreement shrink by about {percent} % a step{mean}{fixed}"))
}

/// The parameter γ of all these gossips for which the bound contracts fastest, to four digits.
///
/// # Errors
/// Why no γ is proved.
pub(crate) fn best(all: &[Gossip], topologies: &[Facts]) -> Result<Rational, String> {
    let bounds = |gossip: &Gossip| {
        let facts = topologies.get(gossip.topology).ok_or("a topology is missing")?;
        match gossip.feedback {
            Some(_) => Err(FEEDBACK.into()),
            None => Bounds::new(gossip.codec, facts),
        }
    };
    let bounds: Vec<Bounds> = all.iter().map(bounds).collect::<Result<_, String>>()?;
    let slowest = |gamma: f64| {
        let rates = bounds.iter().map(|bounds| bounds.rate(gamma));
        rates.min_by(|a, b| a.0.total_cmp(&b.0))
    };
    // The slowest rate is concave: halve where it still rises.
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..200 {
        let middle: f64 = (low + high) / 2.0;
        match slowest(middle) {
            Some((_, slope)) if slope > 0.0 => low = middle,
            _ => high = middle,
        }
    }
    let gamma = Rational::from_f64(high).map(|gamma| four_digits(&gamma)).ok_or("it is not a number")?;
    match bounds.iter().all(|bounds| bounds.contracts(&gamma)) && !all.is_empty() {
        true => Ok(gamma),
        false => Err("none was found".into()),
    }
}

/// Rounded down to four decimal digits.
fn four_digits(number: &Rational) -> Rational {
    let (ten, mut scale, mut scaled) = (Rational::integer(10), Rational::one(), number.clone());
    while scaled < Rational::integer(1000) && !scaled.is_zero() {
        scale = &scale * &ten;
        scaled = &scaled * &ten;
    }
    scaled.floor() / scale
}

/// Whether the algorithm is stable, where all that it compresses is gossip of CHOCO's form; `None` where there is none.
///
/// Besides that, it may hold states that are set afresh in every step, such as gradients: what they add is constant.
pub(super) fn stable(algorithm: &Algorithm, topologies: &[Facts]) -> Option<Verdict> {
    let findings = findings(algorithm, topologies);
    let first = findings.first()?;
    if let Some(state) = form::other_states(algorithm, findings.iter().map(|finding| &finding.gossip)) {
        let (x, state) = (&algorithm.states[first.gossip.state].name, &algorithm.states[state].name);
        return Some(Verdict::undecided(format!(
            "`compress` is not linear, and beside the gossip of `{x}` there is `{state}`, which depends on the step before"
        )));
    }
    let mut evidence = vec![];
    for Finding { gossip, contracts } in &findings {
        let name = &algorithm.states[gossip.state].name;
        match contracts {
            Ok(numbers) => evidence.push(format!("for `{name}`, {numbers}")),
            Err(reason) => return Some(Verdict::undecided(format!("for `{name}`, {reason}"))),
        }
    }
    Some(Verdict::proved(evidence.join("; ")))
}

/// The algorithm with nothing lost where it compresses. A copy of what an estimate mixes to is that: no map of the states
/// shows that the two started so.
pub(super) fn lossless(algorithm: &Algorithm) -> Algorithm {
    let mut lossless = algorithm.clone();
    for (copy, estimate, topology) in form::copies(algorithm) {
        form::replace_copy(&mut lossless, copy, estimate, topology);
    }
    // Operands stand before their users, so a chain of codes ends at a vector.
    let mut instead: Vec<ValueId> = (0..).map(ValueId).take(lossless.values.len()).collect();
    for at in 0..instead.len() {
        lossless.values[at].kind.each_operand(|id| *id = instead[id.0 as usize]);
        if let ValueKind::Encode(_, v) | ValueKind::Decode(v) = &lossless.values[at].kind {
            instead[at] = *v;
        }
    }
    form::renumber(&mut lossless, &instead);
    lossless
}

/// Whether steps compress anything.
pub(crate) fn compresses(algorithm: &Algorithm) -> bool {
    let needed = reachable(&algorithm.values, algorithm.steps.iter().flatten().copied());
    let encodes = |kind: &ValueKind| matches!(kind, ValueKind::Encode(..));
    algorithm.values.iter().zip(needed).any(|(value, needed)| needed && encodes(&value.kind))
}
