//! MATCHA's second problem: how far to mix over matchings that are active by chance.
//!
//! ρ(α) = λ_max(I − 2αL̄ + α²(L̄² + 2L̃) − J) is the largest of the parabolas of all vectors u,
//! 1 − 2α uᵀL̄u + α² (‖L̄u‖² + 2uᵀL̃u). Its least value is found by cutting planes: the eigenvector at one α after another
//! adds its parabola to those whose largest is minimised (Kelley, The cutting-plane method for solving convex programs,
//! 1960). That minimum is a bound for all α.

use super::enclose::Map;
use super::matcha::Matchings;
use super::{Effort, Optimum, TooLarge, floats, fraction};
use bfc_algebra::lanczos::greatest_eigenpair;
use bfc_algebra::reproducible::{center, dot};
use bfc_schedule::Rational;

/// Parabolas that are tried.
const CUTS: usize = 40;

/// The gap at which the method rests.
const GAP: f64 = 1e-13;

/// What is taken from the bound for rounding: that of a parabola is some n times the unit of `f64`.
const ROUNDING: f64 = 1e-10;

/// Matchings under probabilities.
struct Mixture<'m> {
    matchings: &'m Matchings,
    /// p_j, of L̄ = Σ p_j L_j.
    mean: Vec<f64>,
    /// p_j (1 − p_j), of L̃.
    spread: Vec<f64>,
}

/// 1 − 2αa + α²b.
#[derive(Clone, Copy)]
struct Parabola {
    a: f64,
    b: f64,
}

/// The α for which ρ(α), what is expected of ‖WᵀW − J‖₂ for W = I − α Σ B_j L_j, is least, where each B_j is 1 with
/// probability p_j; and how good it is.
pub fn step(
    matchings: &Matchings,
    probabilities: &[Rational],
    effort: Effort,
) -> Result<(Rational, Optimum), TooLarge> {
    if effort.first_order == 0 && matchings.newton() > effort.interior {
        return Err(TooLarge);
    }
    let mean = floats(probabilities);
    let spread = mean.iter().map(|p| p * (1.0 - p)).collect();
    let mixture = Mixture { matchings, mean, spread };
    let (alpha, bound) = mixture.best();
    let weight = fraction(alpha);
    let optimum = mixture.optimum(weight.to_f64(), bound);
    Ok((weight, optimum))
}

impl Mixture<'_> {
    /// The best α, and a bound on ρ.
    fn best(&self) -> (f64, f64) {
        let n = self.matchings.size;
        if !self.matchings.listed().any(|(.., k)| self.mean[k] > 0.0) {
            return (0.0, f64::from(n > 1));
        }
        let (_, greatest) = self.matchings.map(1, |x| self.matchings.flows(&self.mean, x)).extremes();
        // Beyond 2/λ_n(L̄) the parabola of that eigenvector exceeds 1, which α = 0 gives.
        let end = 2.0 / greatest;
        let mut parabolas = vec![];
        let mut best = (0.5 * end, f64::INFINITY);
        let mut bound = 0.0f64;
        let mut alpha = best.0;
        for _ in 0..CUTS {
            let (value, parabola) = self.at(alpha);
            if value < best.1 {
                best = (alpha, value);
            }
            parabolas.extend(parabola);
            let tried = alpha;
            (alpha, bound) = lowest(&parabolas, end);
            if best.1 - bound <= GAP || (alpha - tried).abs() <= 1e-14 * end {
                break;
            }
        }
        (best.0, bound - ROUNDING)
    }

    /// ρ(α), estimated, and the parabola of its eigenvector.
    fn at(&self, alpha: f64) -> (f64, Option<Parabola>) {
        let map = self.map(alpha);
        let (value, vector) = greatest_eigenpair(map.size, self.steps(&map), &map.image, center);
        let norm = dot(&vector, &vector);
        let image = self.matchings.flows(&self.mean, &vector);
        let spread = self.matchings.flows(&self.spread, &vector);
        let a = dot(&vector, &image) / norm;
        let b = (dot(&image, &image) + 2.0 * dot(&vector, &spread)) / norm;
        (value, (a.is_finite() && b.is_finite()).then_some(Parabola { a, b }))
    }

    /// Steps of Lanczos' recurrence, of which an eigenvector takes twice as many.
    fn steps<F>(&self, map: &Map<F>) -> usize {
        let work = Effort::FULL.first_order as usize / (2 * CUTS);
        (work / (map.cost + 12 * map.size)).clamp(64, 2 * map.size.max(32))
    }

    /// x − 2αL̄x + α²(L̄²x + 2L̃x).
    fn map(&self, alpha: f64) -> Map<impl Fn(&[f64]) -> Vec<f64>> {
        self.matchings.map(3, move |x| {
            let once = self.matchings.flows(&self.mean, x);
            let twice = self.matchings.flows(&self.mean, &once);
            let spread = self.matchings.flows(&self.spread, x);
            let second = twice.iter().zip(spread).map(|(twice, spread)| twice + 2.0 * spread);
            let first = x.iter().zip(&once).map(|(x, once)| x - 2.0 * alpha * once);
            first.zip(second).map(|(first, second)| first + alpha * alpha * second).collect()
        })
    }

    fn optimum(&self, alpha: f64, bound: f64) -> Optimum {
        let map = self.map(alpha);
        let (_, estimate) = map.extremes();
        let proved = map.upper_bound(estimate, false);
        let value = proved.unwrap_or(estimate).max(bound);
        let work = (2 * CUTS * self.steps(&map) * map.cost) as u64;
        Optimum { value, bound, is_enclosed: proved.is_some(), is_of_part: false, work }
    }
}

fn largest(parabolas: &[Parabola], alpha: f64) -> f64 {
    let value = |p: &Parabola| 1.0 - 2.0 * alpha * p.a + alpha * alpha * p.b;
    parabolas.iter().map(value).fold(0.0, f64::max)
}

/// Where in 0..=end the largest of parabolas is least, and how small it is: at a vertex, or where two cross. All pass
/// through 1 at α = 0.
fn lowest(parabolas: &[Parabola], end: f64) -> (f64, f64) {
    let vertices = parabolas.iter().map(|p| p.a / p.b);
    let pairs = parabolas.iter().enumerate().flat_map(|(k, p)| parabolas[..k].iter().map(move |q| (p, q)));
    let crossings = pairs.map(|(p, q)| 2.0 * (p.a - q.a) / (p.b - q.b));
    let inside = vertices.chain(crossings).filter(|alpha| (0.0..=end).contains(alpha));
    let values = inside.chain([end]).map(|alpha| (alpha, largest(parabolas, alpha)));
    values.min_by(|x, y| x.1.total_cmp(&y.1)).unwrap_or((end, 1.0))
}
