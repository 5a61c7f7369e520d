//! From numbers of topologies, between their bounds, to what comparisons of them decide.

use super::Verdict;
use super::facts::Facts;
use crate::model::claim::{Comparison, Number};
use crate::spectrum::properties;
use crate::spectrum::properties::Degrees;
use crate::spectrum::{Enclosure, Method};
use bfc_schedule::Rational;
use bfc_schedule::digits::six_digits;

/// The coarsest bound within which numbers may pass for equal.
pub(super) const COARSE: f64 = 1e-9;

/// A number between two bounds; `exact` if they are equal in exact arithmetic.
#[derive(Clone, Debug)]
pub(super) struct Interval {
    pub(super) low: Rational,
    pub(super) high: Rational,
    pub(super) shown: String,
}

impl Interval {
    pub(super) fn exact(value: Rational) -> Self {
        Self { shown: value.readable(), low: value.clone(), high: value }
    }
}

/// The bounds of a number of a topology; or why there are none.
pub(super) fn number_of(facts: &Facts, number: Number) -> Result<Interval, String> {
    let degrees = |pick: fn(&Degrees) -> u32| {
        let most = facts.phases.iter().map(|phase| pick(&Degrees::new(phase))).max().unwrap_or(0);
        Ok(Interval::exact(Rational::integer(most)))
    };
    match number {
        Number::SelfWeight => return Ok(Interval::exact(properties::least_self_weight(facts.phases))),
        Number::MaxInDegree => return degrees(|d| d.receives.iter().copied().max().unwrap_or(0)),
        Number::MaxOutDegree => return degrees(|d| d.sends.iter().copied().max().unwrap_or(0)),
        Number::Rounds => return degrees(Degrees::largest),
        _ => {}
    }
    spectral(facts, number).and_then(interval)
}

/// A spectral number of a topology, perhaps an estimate; or why there is none.
pub(super) fn spectral(facts: &Facts, number: Number) -> Result<Enclosure, String> {
    let spectrum = facts.numbers();
    let single = |value: Option<Enclosure>| match (value, facts.phases.len()) {
        (Some(value), _) => Ok(value),
        (None, 1) => Err("the matrix is not symmetric".into()),
        (None, phases) => Err(format!("the number is of a single phase, and there are {phases}")),
    };
    match number {
        Number::Rho => single(spectrum.rho),
        Number::SpectralGap => single(spectrum.rho.map(Enclosure::complement)),
        Number::Sigma2 => single(spectrum.sigma2),
        Number::LambdaMin => single(spectrum.lambda_min),
        Number::PeriodContraction => Ok(spectrum.period_contraction),
        Number::RatePerStep => Ok(facts.per_step(spectrum.period_contraction)),
        _ => Ok(facts.per_step(spectrum.period_radius)),
    }
}

fn interval(enclosure: Enclosure) -> Result<Interval, String> {
    let shown = six_digits(enclosure.value);
    match (Rational::from_f64(enclosure.low), Rational::from_f64(enclosure.high)) {
        (Some(low), Some(high)) if enclosure.method != Method::Estimate => Ok(Interval { low, high, shown }),
        _ => Err(format!("there is only an estimate, {shown}")),
    }
}

/// Two numbers in six digits, or in all where six do not tell them apart.
fn shown(left: &Interval, right: &Interval) -> [String; 2] {
    let alike = six_digits(left.low.to_f64()) == six_digits(right.low.to_f64());
    [left, right].map(|number| match alike && number.low != number.high {
        true => (&(&number.low + &number.high) / &Rational::integer(2)).to_f64().to_string(),
        false => number.shown.clone(),
    })
}

/// What two numbers between bounds decide.
pub(super) fn compare_ranges(left: &Interval, comparison: Comparison, right: &Interval) -> Verdict {
    let [first, second] = shown(left, right);
    let evidence = format!("{first} and {second}");
    let decided = |holds: bool| {
        let relation = if holds { comparison.symbol() } else { comparison.opposite().symbol() };
        let evidence = format!("{first} {relation} {second}");
        if holds { Verdict::proved(evidence) } else { Verdict::refuted(evidence) }
    };
    let points = left.low == left.high && right.low == right.high;
    let (below, above) = (left.high < right.low, left.low > right.high);
    // Neither: the two may be equal. A claim that equality fulfils then holds within the bound.
    let bound = || {
        let width = (left.high.clone() - left.low.clone()) + (right.high.clone() - right.low.clone());
        match width.to_f64() {
            bound if bound <= COARSE => Verdict::Within { bound, evidence: evidence.clone() },
            bound => {
                Verdict::undecided(format!("{evidence} are equal within {bound:.1e}, which is too coarse"))
            }
        }
    };
    let open = || Verdict::undecided(format!("{evidence} are equal within their certified bounds"));
    match comparison {
        Comparison::Equal if points => decided(left.low == right.low),
        Comparison::Equal if below || above => decided(false),
        Comparison::Equal => bound(),
        Comparison::NotEqual if points => decided(left.low != right.low),
        Comparison::NotEqual if below || above => decided(true),
        Comparison::NotEqual => open(),
        Comparison::Less if below => decided(true),
        Comparison::Less if left.low >= right.high => decided(false),
        Comparison::Less => open(),
        Comparison::LessEqual if left.high <= right.low => decided(true),
        Comparison::LessEqual if above => decided(false),
        Comparison::LessEqual => bound(),
        Comparison::Greater if above => decided(true),
        Comparison::Greater if left.high <= right.low => decided(false),
        Comparison::Greater => open(),
        Comparison::GreaterEqual if left.low >= right.high => decided(true),
        Comparison::GreaterEqual if below => decided(false),
        Comparison::GreaterEqual => bound(),
    }
}
