//! From a periodic sequence of small matrices over polynomials in mixing matrices to whether the radius of its product
//! on the disagreement is below 1.
//!
//! Averages with nonnegative weights are decided by who hears from whom. Phases of one group are diagonal in the
//! characters, one symmetric matrix in its eigenvectors: there an s × s matrix is left for each eigenvalue. So it is for one
//! matrix that permutes and scales characters. Phases that repeat every m ranks leave an s m × s m matrix for each
//! character. The rest is a dense operator on s n numbers. Only enclosures and exact arithmetic decide.

mod ball;
mod circulant;
mod dense;
mod gaussian;
mod interval;
mod rational;
mod recursion;

use super::Verdict;
use super::facts::Facts;
use super::linear::Polynomial;
use super::operators::at_phase;
use super::stable::Space;
use crate::spectrum::group_spectrum::{Characters, common_group};
use crate::spectrum::interchangeable::Eigenvalues;
use crate::spectrum::permuted;
use crate::spectrum::support;
use crate::spectrum::support::{Orientation, Reach, Support};
use crate::spectrum::{Enclosure, Method};
use ball::{Ball, BallNumber, Finding};
use bfc_algebra::c64;
use bfc_schedule::{Group, MixingMatrix, Rational};
use gaussian::{ExactMatrix, Gaussian};
use num_rational::BigRational;
use num_traits::Zero;
use rational::{exact_eigenvalue, exact_eigenvalue_near};
pub(super) use recursion::Recursion;
use std::collections::BTreeSet;

/// Multiplications of small matrices over all characters.
const BUDGET: u64 = 1 << 28;

/// Rows of an operator that is formed as one dense matrix.
pub(super) const FORMED: u32 = 640;

/// Bits of an entry of an exact product.
const BITS: u64 = 1 << 14;

/// Bits in the multiplications of an exact characteristic polynomial.
const EXACT_BUDGET: u64 = 1 << 27;

/// The states of one strongly connected part of an algorithm, over the joint period of conditions and phases.
pub(super) struct Block {
    /// What has to shrink of each of its s states.
    pub(super) spaces: Vec<Space>,
    /// The different steps: s × s polynomials by rows.
    pub(super) variants: Vec<Vec<Polynomial>>,
    /// The steps of the joint period: which variant, and after how many steps that communicate.
    pub(super) steps: Vec<(usize, u64)>,
}

/// Whether 1 is a simple eigenvalue of the period product and all others lie inside the unit circle; rows or columns
/// of all phases sum to 1.
pub(super) fn contracting(facts: &Facts) -> Verdict {
    let steps = (0..facts.phases.len() as u64).map(|step| (0, step)).collect();
    let block = Block { spaces: vec![Space::Disagreement], variants: vec![vec![Polynomial::new(0)]], steps };
    numeric(&block, &[facts])
}

/// Whether the radius of the block is below 1 on what has to shrink. Agreement of what counts by its disagreement is kept.
pub(super) fn decide(block: &Block, topologies: &[&Facts]) -> Verdict {
    if block.topologies().iter().any(|k| *k >= topologies.len()) {
        return Verdict::undecided(format!("an average over more than {FORMED} ranks is not enclosed"));
    }
    by_support(block, topologies).unwrap_or_else(|| numeric(block, topologies))
}

fn numeric(block: &Block, topologies: &[&Facts]) -> Verdict {
    let used = block.topologies();
    let phases: Vec<MixingMatrix> = used.iter().flat_map(|&k| topologies[k].phases.iter().cloned()).collect();
    if phases.is_empty() {
        return local(block);
    }
    if let Some(weight) = phases.iter().find_map(huge) {
        return Verdict::undecided(format!("a weight has {weight} bits, too many to compute with"));
    }
    if !block.is_disagreement() {
        return match block.multiplies_sums(topologies) {
            Some(sums) if !sums.is_contraction() => {
                Verdict::refuted(format!("what ranks hold in sum does not shrink{}", block.over()))
            }
            _ => dense::decide(block, topologies),
        };
    }
    // A small block is decided for all eigenvalues at once, however many there are; a larger one is rather at each.
    let small = block.size() <= 2 && block.steps.len() == 1;
    let everywhere = || match used[..] {
        [topology] if by_interval(block, topologies[topology]) => {
            Some(Verdict::proved(format!("the radius is below 1{} at every eigenvalue", block.over())))
        }
        _ => None,
    };
    if let Some(proved) = small.then(everywhere).flatten() {
        return proved;
    }
    match at_each(block, topologies, &used, &phases) {
        open @ Verdict::NotDecided { .. } if !small => everywhere().unwrap_or(open),
        verdict => verdict,
    }
}

/// At each eigenvalue where the phases have theirs in common, else of the dense operator.
fn at_each(block: &Block, topologies: &[&Facts], used: &[usize], phases: &[MixingMatrix]) -> Verdict {
    if let Some(group) = common_group(phases)
        && let Some(characters) = Characters::new(phases)
        && characters.count() as u64 * (block.steps.len() * block.size().pow(3)) as u64 <= BUDGET
    {
        return Spectral { block, topologies, used, phases, group }.by_character(&characters);
    }
    if let ([topology], [phase]) = (used, phases)
        && topologies[*topology].symmetric().is_ok()
        && topologies[*topology].row_stochastic().is_ok()
        && let Some(eigenvalues) = topologies[*topology].eigenvalues()
    {
        return by_eigenvalue(block, phase, eigenvalues);
    }
    let by_structure = by_cycles(block, topologies, used, phases)
        .or_else(|| circulant::decide(block, topologies, used, phases));
    match by_structure {
        None => dense::decide(block, topologies),
        Some(open @ Verdict::NotDecided { .. }) => match dense::decide(block, topologies) {
            Verdict::NotDecided { .. } => open,
            decided => decided,
        },
        Some(decided) => decided,
    }
}

/// One matrix that permutes and scales characters. Entries of the product are polynomials in it, and it is triangular in
/// some basis: the eigenvalues of the product are those of the small product at each of its eigenvalues, normal or not.
/// On disagreement that is each besides the one of agreement, which it keeps.
fn by_cycles(
    block: &Block,
    topologies: &[&Facts],
    used: &[usize],
    phases: &[MixingMatrix],
) -> Option<Verdict> {
    let ([topology], [phase]) = (used, phases) else { return None };
    let work = u64::from(phase.size()) * (block.steps.len() * block.size().pow(3)) as u64;
    if work > BUDGET || topologies[*topology].row_sums().iter().any(Option::is_none) {
        return None;
    }
    let eigenvalues = permuted::eigenvalues(phase)?;
    let exactly = |value: c64, error: f64| {
        let is_zero = error == 0.0 && value == c64::new(0.0, 0.0);
        let product = if is_zero { block.exact(|_, _| Gaussian::zero()) } else { None };
        product.map(|product| (BigRational::zero(), product.is_contraction()))
    };
    Some(at_eigenvalues(block, eigenvalues, exactly))
}

impl Block {
    /// The number of states s.
    fn size(&self) -> usize {
        self.spaces.len()
    }

    /// Whether disagreement is all that has to shrink.
    pub(super) fn is_disagreement(&self) -> bool {
        self.spaces.iter().all(|space| *space == Space::Disagreement)
    }

    /// The product over the joint period on the sums of the states over all ranks, where these follow from each other:
    /// columns of each operator have one sum, and sums have to shrink. Its eigenvalues are among those of the block.
    fn multiplies_sums(&self, topologies: &[&Facts]) -> Option<ExactMatrix> {
        let sums = |k: usize| topologies[k].column_sums();
        let sum = |k: usize, phase: u64| at_phase(sums(k), phase).as_ref();
        let all = self.topologies().iter().all(|&k| sums(k).iter().all(Option::is_some));
        let counted = self.spaces.iter().all(|space| matches!(space, Space::Common | Space::Whole));
        let number = |k: usize, step: usize| {
            let sum = sum(k, self.steps[step].1).map_or_else(BigRational::zero, |sum| sum.to_big());
            Gaussian::real(sum)
        };
        if all && counted { self.exact(number) } else { None }
    }

    /// The topologies that it uses, ascending.
    fn topologies(&self) -> Vec<usize> {
        let words = self.variants.iter().flatten().flat_map(|polynomial| polynomial.terms.keys());
        words.flatten().copied().collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The variants with their coefficients rounded.
    fn rounded(&self) -> Rounded<'_> {
        fn terms(polynomial: &Polynomial) -> Terms<'_> {
            polynomial
                .terms
                .iter()
                .map(|(word, coefficient)| (word.as_slice(), coefficient.to_f64()))
                .collect()
        }
        let variants = self.variants.iter().map(|variant| variant.iter().map(terms).collect()).collect();
        Rounded { block: self, variants }
    }

    /// The product over the joint period in exact arithmetic, with a number for each topology at each step; `None`
    /// where that grows too large.
    fn exact(&self, eigenvalue: impl Fn(usize, usize) -> Gaussian) -> Option<ExactMatrix> {
        let mut product = ExactMatrix::identity(self.size());
        for (step, &(variant, _)) in self.steps.iter().enumerate() {
            let entry = |polynomial: &Polynomial| {
                polynomial.terms.iter().fold(Gaussian::zero(), |sum, (word, coefficient)| {
                    let factor = word.iter().fold(Gaussian::one(), |p, &k| &p * &eigenvalue(k, step));
                    &sum + &factor.scaled(&coefficient.to_big())
                })
            };
            let step = ExactMatrix {
                size: self.size(),
                entries: self.variants[variant].iter().map(entry).collect(),
            };
            product = step.times(&product);
            if product.bits() > BITS {
                return None;
            }
        }
        let cost = (self.size() as u64).saturating_pow(4).saturating_mul(product.bits());
        (cost <= EXACT_BUDGET).then_some(product)
    }

    fn over(&self) -> String {
        over(self.steps.len())
    }
}

/// Over how many steps a radius is one, where that is not each.
pub(super) fn over(steps: usize) -> String {
    match steps {
        1 => String::new(),
        steps => format!(" over {steps} steps"),
    }
}

/// The terms of a polynomial, coefficients rounded.
type Terms<'a> = Vec<(&'a [usize], f64)>;

/// A block, ready to be evaluated at many eigenvalues.
struct Rounded<'a> {
    block: &'a Block,
    variants: Vec<Vec<Terms<'a>>>,
}

impl Rounded<'_> {
    /// The product over the joint period, with a number for each topology at each step.
    fn product(&self, eigenvalue: impl Fn(usize, usize) -> BallNumber) -> Ball {
        let size = self.block.size();
        let mut entries = vec![BallNumber::exact(0.0); size * size];
        let mut product: Option<Ball> = None;
        for (step, &(variant, _)) in self.block.steps.iter().enumerate() {
            for (entry, terms) in entries.iter_mut().zip(&self.variants[variant]) {
                *entry = terms.iter().fold(BallNumber::exact(0.0), |sum, (word, coefficient)| {
                    let factor =
                        word.iter().fold(BallNumber::exact(1.0), |p, &k| p.times(eigenvalue(k, step)));
                    sum.plus(factor.scaled(*coefficient))
                });
            }
            let next = Ball::new(size, &entries);
            product = Some(product.map_or_else(|| next.clone(), |product| next.times(&product)));
        }
        product.unwrap_or_else(|| Ball::identity(size))
    }
}

/// A block of one state with nonnegative coefficients over nonnegative phases whose rows sum to 1: every step is a
/// number times an average. `None` if the block has another form.
fn by_support(block: &Block, topologies: &[&Facts]) -> Option<Verdict> {
    let used = block.topologies();
    let averages =
        |k: &usize| topologies[*k].nonnegative().is_ok() && topologies[*k].row_stochastic().is_ok();
    if block.spaces != [Space::Disagreement] || used.is_empty() || !used.iter().all(averages) {
        return None;
    }
    let sums: Vec<Rational> = block.variants.iter().map(|v| v[0].terms.values().cloned().sum()).collect();
    let positive = block.variants.iter().all(|v| v[0].terms.values().all(|c| !c.is_negative()));
    let mut factor = BigRational::from_integer(1.into());
    for &(variant, _) in &block.steps {
        factor *= sums[variant].to_big();
        if factor.numer().bits() + factor.denom().bits() > BITS {
            return None;
        }
    }
    let one = BigRational::from_integer(1.into());
    if !positive || factor > one {
        return None;
    }
    if factor < one {
        // Norms in the maximum norm are at most the sums.
        return Some(Verdict::proved(format!(
            "each period shrinks disagreement at least to {factor} of what it was"
        )));
    }
    let mut supports = vec![];
    for &(variant, phase) in &block.steps {
        supports.extend(step_supports(&block.variants[variant][0], phase, topologies)?);
    }
    if supports.is_empty() {
        return Some(Verdict::refuted("the state never mixes"));
    }
    let doubly = used.iter().all(|&k| topologies[k].doubly_stochastic());
    let reach = if doubly {
        support::primitive(&supports)
    } else {
        support::single_limit(&supports, Orientation::Rows)
    };
    match reach {
        Reach::TooLarge => None,
        reach => Some(Verdict::of_reach(reach)),
    }
}

/// The supports whose product is that of a polynomial with positive coefficients: a single word, or a matrix plus a
/// multiple of the identity.
fn step_supports(polynomial: &Polynomial, phase: u64, topologies: &[&Facts]) -> Option<Vec<Support>> {
    let of = |k: usize| Support::new(phase_of(topologies[k], phase));
    let words: Vec<&Vec<usize>> = polynomial.terms.keys().collect();
    match words.as_slice() {
        [word] => Some(word.iter().rev().map(|&k| of(k)).collect()),
        [empty, single] if empty.is_empty() && single.len() == 1 => Some(vec![of(single[0]).with_diagonal()]),
        _ => None,
    }
}

/// The matrix that a topology uses after this number of communicating steps.
fn phase_of<'a>(facts: &Facts<'a>, phase: u64) -> &'a MixingMatrix {
    at_phase(facts.phases, phase)
}

/// Bits of a weight whose powers may leave the range of `f64`.
const HUGE: u64 = 256;

/// The bits of a weight of absolute value 2²⁵⁶ or more.
fn huge(matrix: &MixingMatrix) -> Option<u64> {
    let bits = |weight: &Rational| weight.floor().bits();
    let largest = match matrix {
        MixingMatrix::Cayley(cayley) => {
            cayley.hops().iter().map(|(_, weight)| weight).chain([cayley.self_weight()]).map(bits).max()
        }
        MixingMatrix::Sparse(sparse) => sparse.weights().iter().map(bits).max(),
    };
    largest.filter(|bits| *bits >= HUGE)
}

/// A block that does not communicate.
fn local(block: &Block) -> Verdict {
    let ball = block.rounded().product(|_, _| BallNumber::exact(0.0));
    let evidence = format!("the radius is {}{}, without communication", shown(ball.radius()), block.over());
    if let Some(exact) = block.exact(|_, _| Gaussian::zero()) {
        return if exact.is_contraction() { Verdict::proved(evidence) } else { Verdict::refuted(evidence) };
    }
    match ball.decide() {
        Finding::Below => Verdict::proved(evidence),
        Finding::NotBelow => Verdict::refuted(evidence),
        Finding::Open => Verdict::undecided(evidence),
    }
}

/// Whether the block is stable at every eigenvalue that a static symmetric contracting matrix of this topology can
/// have: in (−1, 1), above what the self weights leave, or above the least one.
fn by_interval(block: &Block, facts: &Facts) -> bool {
    let static_symmetric = facts.phases.len() == 1 && facts.symmetric().is_ok();
    let averages = facts.nonnegative().is_ok() && facts.row_stochastic().is_ok();
    if !static_symmetric || !averages || !facts.primitive().holds() {
        return false;
    }
    // Gershgorin: every eigenvalue is at least 2 W[i][i] − 1 for some i.
    let two = Rational::integer(2);
    let gershgorin = two * crate::spectrum::properties::least_self_weight(facts.phases) - Rational::one();
    let holds = |low: &Rational, closed: bool| interval::is_stable_between(block, low, closed) == Some(true);
    let least = || {
        let enclosed =
            |least: &Enclosure| least.method != Method::Estimate && least.low > gershgorin.to_f64();
        facts.numbers().lambda_min.filter(enclosed).and_then(|least| Rational::from_f64(least.low))
    };
    holds(&-&Rational::one(), false)
        || holds(&gershgorin, true)
        || least().is_some_and(|least| holds(&least, true))
}

/// A radius in six decimals, or with an exponent if decimals would show nothing or too much.
pub(super) fn shown(radius: f64) -> String {
    let plain = radius == 0.0 || (1e-5..1e6).contains(&radius);
    if plain { format!("{radius:.6}") } else { format!("{radius:.1e}") }
}

/// The distance to 1 below which no enclosure in 64-bit numbers can decide.
pub(super) const MARGIN: f64 = 1e-6;

/// The verdict on a radius that was computed and not enclosed.
fn undecided(radius: f64, over: &str, at: &str) -> Verdict {
    Verdict::undecided(if !radius.is_finite() {
        format!("entries of the product{over} leave the range of 64-bit numbers{at}")
    } else if (radius - 1.0).abs() < MARGIN {
        format!("the radius is about {radius:.6}{over}{at}, too close to 1")
    } else {
        format!(
            "the radius is about {}{over}{at}, but bounds on rounding errors do not confirm it",
            shown(radius)
        )
    })
}

/// What was found over many eigenvalues.
#[derive(Default)]
struct Tally {
    largest: f64,
    at: String,
    /// A radius that is not decided, as far as it is known, and where.
    open: Option<(f64, String)>,
}

impl Tally {
    fn note(&mut self, radius: f64, at: impl FnOnce() -> String) {
        if radius > self.largest {
            (self.largest, self.at) = (radius, at());
        }
    }

    fn verdict(self, over: &str) -> Verdict {
        match self.open {
            Some((radius, at)) => undecided(radius, over, &format!(", at {at}")),
            None if self.at.is_empty() => Verdict::proved(format!("the radius is 0{over}")),
            None => {
                let radius = shown(self.largest);
                Verdict::proved(format!("the radius is {radius}{over}, at {}", self.at))
            }
        }
    }
}

/// A block over phases of one group.
struct Spectral<'a> {
    block: &'a Block,
    topologies: &'a [&'a Facts<'a>],
    used: &'a [usize],
    phases: &'a [MixingMatrix],
    group: Group,
}

impl Spectral<'_> {
    /// For every step and topology the index in `phases` of its matrix.
    fn indices(&self) -> Vec<usize> {
        let mut indices = vec![0; self.block.steps.len() * self.topologies.len()];
        let mut first = 0;
        for &k in self.used {
            let period = self.topologies[k].phases.len();
            for (step, &(_, phase)) in self.block.steps.iter().enumerate() {
                indices[step * self.topologies.len() + k] = first + (phase % period as u64) as usize;
            }
            first += period;
        }
        indices
    }

    fn by_character(&self, characters: &Characters) -> Verdict {
        let mut tally = Tally::default();
        let mut refuted = None;
        let over = self.block.over();
        let indices = self.indices();
        let width = self.topologies.len();
        let rounded = self.block.rounded();
        characters.each(|character, values| {
            let at = || self.describe(&characters.digits(character), values);
            let ball = rounded.product(|k, step| {
                let index = indices[step * width + k];
                BallNumber { value: values[index], error: characters.error(index) }
            });
            match ball.decide() {
                Finding::Below => tally.note(ball.radius(), at),
                Finding::NotBelow => {
                    refuted = Some(Verdict::refuted(format!(
                        "the radius is {}{over}, at {}",
                        shown(ball.radius()),
                        at()
                    )));
                }
                Finding::Open => match self.exactly(&characters.digits(character)) {
                    Some(true) => tally.note(ball.radius(), at),
                    Some(false) => {
                        refuted = Some(Verdict::refuted(format!(
                            "the radius is not below 1{over}, exactly, at {}",
                            at()
                        )));
                    }
                    None if tally.open.is_none() => tally.open = Some((ball.radius(), at())),
                    None => {}
                },
            }
            refuted.is_none()
        });
        refuted.unwrap_or_else(|| tally.verdict(&over))
    }

    /// Where in the spectrum the phases have these values: at an eigenvalue, or with several at a character.
    fn describe(&self, digits: &[u32], values: &[c64]) -> String {
        match (values, digits, self.group.radices()) {
            ([value], ..) => format!("the eigenvalue {}", shown_complex(*value)),
            (_, [one], [radix]) => format!("character {one} of {radix}"),
            (_, _, radices) => format!("character {digits:?} of {radices:?}"),
        }
    }

    /// The verdict of exact arithmetic at a character of small order.
    fn exactly(&self, digits: &[u32]) -> Option<bool> {
        let values: Vec<Gaussian> = self
            .phases
            .iter()
            .map(|phase| match phase {
                MixingMatrix::Cayley(cayley) => exact_eigenvalue(cayley, digits),
                MixingMatrix::Sparse(_) => None,
            })
            .collect::<Option<_>>()?;
        let (indices, width) = (self.indices(), self.topologies.len());
        let product = self.block.exact(|k, step| values[indices[step * width + k]].clone())?;
        Some(product.is_contraction())
    }
}

/// A block over one symmetric matrix.
fn by_eigenvalue(block: &Block, phase: &MixingMatrix, eigenvalues: &Eigenvalues) -> Verdict {
    let error = 3.0 * eigenvalues.error;
    let values = eigenvalues.others().map(|(value, _)| (c64::new(value, 0.0), error));
    // An eigenvalue may have another one beside it: the exact one can refute, and not prove.
    at_eigenvalues(block, values, |value, _| {
        let rational = exact_eigenvalue_near(phase, value.re)?;
        let product = block.exact(|_, _| Gaussian::real(rational.clone()))?;
        (!product.is_contraction()).then_some((rational, false))
    })
}

/// A block at each eigenvalue of one matrix, which are known up to errors; `exactly` gives one next to a number that is known
/// exactly, and whether the block contracts there.
fn at_eigenvalues(
    block: &Block,
    eigenvalues: impl IntoIterator<Item = (c64, f64)>,
    exactly: impl Fn(c64, f64) -> Option<(BigRational, bool)>,
) -> Verdict {
    let mut tally = Tally::default();
    let over = block.over();
    let rounded = block.rounded();
    for (value, error) in eigenvalues {
        let at = || format!("the eigenvalue {}", shown_complex(value));
        let ball = rounded.product(|_, _| BallNumber { value, error });
        match ball.decide() {
            Finding::Below => tally.note(ball.radius(), at),
            Finding::NotBelow => {
                let radius = shown(ball.radius());
                return Verdict::refuted(format!("the radius is {radius}{over}, at {}", at()));
            }
            Finding::Open => match exactly(value, error) {
                Some((rational, false)) => {
                    let text = "the radius is not below 1";
                    return Verdict::refuted(format!("{text}{over}, exactly, at the eigenvalue {rational}"));
                }
                Some((_, true)) => tally.note(ball.radius(), at),
                None => tally.open = tally.open.or_else(|| Some((ball.radius(), at()))),
            },
        }
    }
    tally.verdict(&over)
}

/// A number in six decimals, with its imaginary part where it has one.
fn shown_complex(value: c64) -> String {
    if value.im.abs() < 1e-12 {
        format!("{:.6}", value.re)
    } else {
        format!("{:.6} {:+.6} i", value.re, value.im)
    }
}
