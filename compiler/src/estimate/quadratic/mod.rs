//! From an algorithm on its topologies to how it converges on quadratics: rank i has the loss ½ h_i x² − b_i x with a
//! curvature h_i in [μ, L].
//!
//! The step is an affine map of the states. Where the mixing matrices share their eigenvectors (moves of one group, a
//! static symmetric matrix) and ranks share their curvature, it falls into one small map for each mode, and their
//! radius is the rate. Elsewhere it is that of the whole map, as a matrix where that is small. Where ranks differ the map is
//! applied until it stands still, which gives the bias. All are estimates: they advise, and never prove.

mod agreement;
mod course;
mod space;
mod step;
#[cfg(test)]
mod tests;
mod whole;

use crate::model::algorithm::{Algorithm, ValueKind};
use crate::prove::facts::Facts;
use crate::prove::linear;
use crate::prove::timeline::Timeline;
use crate::spectrum::dense::Rows;
use crate::spectrum::group_spectrum::Characters;
pub(crate) use agreement::never_descends;
use bfc_algebra::{Mat, c64};
use bfc_schedule::Rational;
use course::Course;
use serde::Serialize;
use space::{Mode, Points};
use std::panic::resume_unwind;
use std::thread;
use step::Affine;
use whole::Whole;

/// Entries of the maps of all modes over a period.
const MODES_BUDGET: usize = 1 << 15;

/// Different eigenvalues of a symmetric matrix.
const MODES: usize = 512;

/// Rows of a map of all ranks whose eigenvalues are taken for many step sizes.
const WHOLE_SEARCH: usize = 64;

/// The radius below which a step size converges; above it, the radius may be 1 up to rounding.
const CONVERGES: f64 = 1.0 - 1e-9;

/// The step size, in units of 1/L, from which the search for the largest starts.
const USUAL: f64 = 1e-3;

/// By what factors the step sizes lie apart that are tried until one converges, and then until one does not.
const COARSER: f64 = 4.0;
const FINER: f64 = 1.25;

/// How close to 1 an eigenvalue of the consensus mode is one of a conserved quantity.
const CONSERVED: f64 = 1e-9;

/// How an algorithm converges on quadratics with curvatures in [μ, L], all numbers estimated.
#[derive(Clone, Debug, Serialize)]
pub struct Quadratic {
    /// μ and L.
    pub curvature: [f64; 2],
    /// The step size for which `rate` and `bias` hold, and whose it is: an input's name, or `optimizer`, the trainer's
    /// own, taken to be gradient descent.
    pub step: Option<(String, f64)>,
    /// The largest step size up to which all step sizes converge, where all ranks have one curvature of [μ, L].
    pub largest_step: Option<f64>,
    /// By what factor the error falls in a step at last, for the worst curvature; 1 or more does not converge.
    pub rate: Option<f64>,
    /// How far models end from the optimum of the mean loss, relative to how far the optima of the ranks lie from it
    /// (root mean squares); curvatures spread evenly over [μ, L], the optimum of rank i is i. 0 is exact.
    pub bias: Option<f64>,
    /// Whether the bias is 0 to within the accuracy of the computation.
    pub exact: Option<bool>,
    /// Why numbers are missing.
    pub note: Option<String>,
}

/// The convergence of `algorithm`; `None` where it asks for no gradients.
pub(crate) fn quadratic(
    algorithm: &Algorithm,
    topologies: &[Facts],
    curvature: [f64; 2],
) -> Option<Quadratic> {
    convergence(algorithm, topologies, curvature, true)
}

/// [`quadratic`] without the largest step size, for which many are tried.
pub(crate) fn rate(algorithm: &Algorithm, topologies: &[Facts], curvature: [f64; 2]) -> Option<Quadratic> {
    convergence(algorithm, topologies, curvature, false)
}

fn convergence(
    algorithm: &Algorithm,
    topologies: &[Facts],
    curvature: [f64; 2],
    with_largest_step: bool,
) -> Option<Quadratic> {
    let asks = |kind: &ValueKind| matches!(kind, ValueKind::Gradient(_) | ValueKind::Adapt(..));
    if !algorithm.values.iter().any(|value| asks(&value.kind)) {
        return None;
    }
    let knob = Knob::new(algorithm);
    let step = knob.as_ref().map(|knob| knob.default(algorithm, curvature[1]));
    let mut result = Quadratic {
        curvature,
        step: knob.as_ref().zip(step).map(|(knob, step)| (knob.name(algorithm), step)),
        largest_step: None,
        rate: None,
        bias: None,
        exact: None,
        note: None,
    };
    let problem = Problem { algorithm, topologies, knob, curvature };
    if let Err(reason) = problem.solve(step, with_largest_step, &mut result) {
        result.note = Some(reason);
    }
    Some(result)
}

/// Whether full gradients bring every rank to the optimum of the mean loss, though each has an optimum of its own; false
/// where that is not known.
pub(crate) fn is_exact(algorithm: &Algorithm, topologies: &[Facts], curvature: [f64; 2]) -> bool {
    let knob = Knob::new(algorithm);
    let step = knob.as_ref().map(|knob| knob.default(algorithm, curvature[1]));
    let problem = Problem { algorithm, topologies, knob, curvature };
    let (curvatures, optima) = problem.spread(topologies.first().map_or(1, Facts::size) as usize);
    let models = problem.limit(step, &curvatures, &optima);
    models.is_ok_and(|models| models.is_some_and(|models| is_zero(bias(&models, &curvatures, &optima))))
}

/// Whether a bias is 0 to within the accuracy of the computation.
fn is_zero(bias: f64) -> bool {
    bias < 1e-7
}

/// The step size: an input, or that of the trainer's optimizer.
enum Knob {
    Input(usize),
    Optimizer,
}

impl Knob {
    fn new(algorithm: &Algorithm) -> Option<Self> {
        let inputs = &algorithm.inputs;
        let named = inputs.iter().position(|input| input.name == "lr").map(Self::Input);
        let adapts = algorithm.values.iter().any(|value| matches!(value.kind, ValueKind::Adapt(..)));
        named.or(adapts.then_some(Self::Optimizer)).or((inputs.len() == 1).then_some(Self::Input(0)))
    }

    fn name(&self, algorithm: &Algorithm) -> String {
        match self {
            Self::Input(index) => algorithm.inputs[*index].name.clone(),
            Self::Optimizer => "optimizer".into(),
        }
    }

    fn default(&self, algorithm: &Algorithm, largest: f64) -> f64 {
        match self {
            Self::Input(index) => algorithm.inputs[*index].default.to_f64(),
            Self::Optimizer => descent(largest),
        }
    }
}

/// The step size of the trainer's own optimizer unless it is searched for, a tenth of 1/L.
fn descent(largest_curvature: f64) -> f64 {
    0.1 / largest_curvature
}

/// Which step sizes converge: those up to one, none of all that were tried from one on, or all that were tried.
enum Search {
    Up(f64),
    Never(f64),
    Always,
}

struct Problem<'a> {
    algorithm: &'a Algorithm,
    topologies: &'a [Facts<'a>],
    knob: Option<Knob>,
    curvature: [f64; 2],
}

/// Of every mode whether it is the consensus, and of every topology the eigenvalues of its phases.
type Modes = Vec<(bool, Vec<Vec<c64>>)>;

impl Problem<'_> {
    fn solve(
        &self,
        step: Option<f64>,
        with_largest_step: bool,
        result: &mut Quadratic,
    ) -> Result<(), String> {
        let ranks = self.topologies.first().map_or(1, Facts::size) as usize;
        let rows = ranks * self.algorithm.states.len();
        let modes = self.modes();
        let radius = |step: Option<f64>| match &modes {
            Some(modes) => self.radius_by_modes(modes, step),
            None => self.radius_of_whole(step),
        };
        result.rate = Some(digits(radius(step)?, 9));
        if with_largest_step && self.knob.is_some() && (modes.is_some() || rows <= WHOLE_SEARCH) {
            match self.largest_step(|step| radius(Some(step)))? {
                Search::Up(largest) => {
                    result.largest_step = Some(digits(largest, 6));
                    let converges = result.rate.is_some_and(|rate| rate < 1.0);
                    result.note = step.filter(|step| *step > largest).map(|_| match converges {
                        false => "this step size is larger than the largest that converges".into(),
                        true => {
                            "this step size converges, though some between the largest and it do not".into()
                        }
                    });
                }
                Search::Never(least) => {
                    result.note = Some(format!("no step size from {least:.0e} on was found to converge"));
                }
                Search::Always => result.note = Some("step sizes of 16 / L and more converge".into()),
            }
        }
        let converges = result.rate.is_some_and(|rate| rate < 1.0);
        if converges {
            let (curvatures, optima) = self.spread(ranks);
            let models = self.limit(step, &curvatures, &optima)?;
            result.bias = models.map(|models| digits(bias(&models, &curvatures, &optima), 6));
            result.exact = result.bias.map(is_zero);
            if result.bias.is_none() && result.note.is_none() {
                result.note = Some("where the models end was not found".to_string());
            }
        }
        Ok(())
    }

    /// The algorithm with another step size.
    fn with_step(&self, step: Option<f64>) -> (Algorithm, f64) {
        let mut algorithm = self.algorithm.clone();
        match (&self.knob, step) {
            (Some(Knob::Input(index)), Some(step)) => {
                algorithm.inputs[*index].default = Rational::from_f64(step).unwrap_or_else(Rational::zero);
                (algorithm, descent(self.curvature[1]))
            }
            (_, step) => (algorithm, step.unwrap_or(0.0)),
        }
    }

    fn timeline(&self, affine: &Affine) -> Result<Timeline, String> {
        let coefficients = linear::coefficients(affine.algorithm, &affine.numbers);
        if let Some(id) = coefficients.iter().find(|id| affine.numbers.repeats(**id).is_none()) {
            return Err(format!("a coefficient {}", affine.numbers.irregularity(*id)));
        }
        Timeline::new(affine.algorithm, &affine.numbers, &coefficients, self.topologies)
    }

    /// The modes that all phases of all topologies share, if they do and are not too many.
    fn modes(&self) -> Option<Modes> {
        if self.topologies.iter().any(|facts| facts.row_stochastic().is_err()) {
            return None;
        }
        let phases: Vec<_> = self.topologies.iter().flat_map(|facts| facts.phases.iter().cloned()).collect();
        let counts: Vec<usize> = self.topologies.iter().map(|facts| facts.phases.len()).collect();
        let split = |values: &[c64]| {
            let mut rest = values;
            let mut take = |count: &usize| {
                let (own, others) = rest.split_at(*count);
                rest = others;
                own.to_vec()
            };
            counts.iter().map(&mut take).collect::<Vec<_>>()
        };
        let one = c64::new(1.0, 0.0);
        let mut modes = vec![(true, split(&vec![one; phases.len()]))];
        if let Some(characters) = Characters::new(&phases) {
            let states = self.algorithm.states.len() + 2;
            if characters.count() * phases.len() * states > MODES_BUDGET {
                return None;
            }
            characters.each(|_, values| {
                modes.push((false, split(values)));
                true
            });
            return Some(modes);
        }
        let [facts] = self.topologies else { return None };
        if facts.phases.len() > 1 || facts.symmetric().is_err() {
            return None;
        }
        let others = facts.eigenvalues()?.others();
        modes.extend(others.map(|(value, _)| (false, vec![vec![c64::new(value, 0.0)]])));
        (modes.len() <= MODES).then_some(modes)
    }

    /// The radius per step, for the worst mode and curvature.
    fn radius_by_modes(&self, modes: &Modes, step: Option<f64>) -> Result<f64, String> {
        let (algorithm, descent) = self.with_step(step);
        let affine = Affine::new(&algorithm, descent);
        let timeline = self.timeline(&affine)?;
        let states = algorithm.states.len();
        let [least, largest] = self.curvature;
        let mut worst = 0.0f64;
        for curvature in [least, (least * largest).sqrt(), largest] {
            let period = Course::new(&affine, &timeline.period, &[curvature])?;
            for (consensus, eigenvalues) in modes {
                let mode = Mode { eigenvalues, consensus: *consensus, states, curvature };
                let map = period.map(&affine, &mode)?;
                let matrix = Mat::from_fn(states, states, |i, j| map[i][j]);
                let values = bfc_algebra::complex_eigenvalues(&matrix).ok_or(NO_EIGENVALUES)?;
                worst = worst.max(radius(&values, *consensus));
            }
        }
        Ok(worst.powf(1.0 / timeline.period.len() as f64))
    }

    /// The same of all ranks at once.
    fn radius_of_whole(&self, step: Option<f64>) -> Result<f64, String> {
        let (algorithm, descent) = self.with_step(step);
        let timeline = self.timeline(&Affine::new(&algorithm, descent))?;
        let phases = self.rows();
        let ranks = self.topologies.first().map_or(1, Facts::size) as usize;
        let radius = |curvature: f64| {
            let affine = Affine::new(&algorithm, descent);
            let (curvatures, linear) = (vec![curvature; ranks], vec![0.0; ranks]);
            let space = Points { phases: &phases, curvatures: &curvatures, linear: &linear };
            Whole::new(&affine, space, &timeline)?.radius()
        };
        let [least, largest] = self.curvature;
        let radii = thread::scope(|scope| {
            let radius = &radius;
            let of = [least, (least * largest).sqrt(), largest].map(|h| scope.spawn(move || radius(h)));
            of.map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
        });
        let worst =
            radii.into_iter().try_fold(0.0f64, |worst, radius| radius.map(|radius| worst.max(radius)))?;
        Ok(worst.powf(1.0 / timeline.period.len() as f64))
    }

    fn rows(&self) -> Vec<Vec<Rows>> {
        self.topologies.iter().map(|facts| facts.phases.iter().map(Rows::new).collect()).collect()
    }

    /// The least and the largest step size that is tried. A step h keeps 1 − μ h of an error at best, which must differ
    /// visibly from 1.
    fn steps(&self) -> [f64; 2] {
        let [least, largest] = self.curvature;
        let top = 16.0 / largest;
        [(10.0 * (1.0 - CONVERGES) / least).min(top), top]
    }

    /// The end of the first interval of step sizes that converge.
    fn largest_step(&self, radius: impl Fn(f64) -> Result<f64, String>) -> Result<Search, String> {
        let [smallest, largest] = self.steps();
        let converges = |step: f64| radius(step).map(|radius| radius < CONVERGES);
        let mut first = None;
        for step in self.trials() {
            if converges(step)? {
                first = Some(step);
                break;
            }
        }
        let Some(mut good) = first else { return Ok(Search::Never(smallest)) };
        let mut bad = good * FINER;
        while converges(bad)? {
            if bad > largest {
                return Ok(Search::Always);
            }
            (good, bad) = (bad, bad * FINER);
        }
        while bad - good > 1e-7 * bad {
            let middle = 0.5 * (good + bad);
            if converges(middle)? { good = middle } else { bad = middle }
        }
        Ok(Search::Up(good))
    }

    /// Step sizes to try until one converges: a usual one, then smaller ones, then larger ones.
    fn trials(&self) -> impl Iterator<Item = f64> {
        let [smallest, largest] = self.steps();
        let usual = (USUAL / self.curvature[1]).clamp(smallest, largest);
        let down = std::iter::successors(Some(usual), |step| Some(step / COARSER));
        let up = std::iter::successors(Some(usual * COARSER), |step| Some(step * COARSER));
        let down = down.take_while(move |step| *step > smallest).chain([smallest]);
        down.chain(up.take_while(move |step| *step < largest)).chain([largest])
    }

    /// Curvatures spread evenly over [μ, L] in an order that neighbours do not share, and optima 0, 1, 2, …
    fn spread(&self, ranks: usize) -> (Vec<f64>, Vec<f64>) {
        let [least, largest] = self.curvature;
        let golden = 0.618_033_988_749_894_9;
        let curvature = |rank: usize| least + (largest - least) * (rank as f64 * golden).fract();
        ((0..ranks).map(curvature).collect(), (0..ranks).map(|rank| rank as f64).collect())
    }

    /// Where the models end; `None` where they still move after many periods.
    fn limit(
        &self,
        step: Option<f64>,
        curvatures: &[f64],
        optima: &[f64],
    ) -> Result<Option<Vec<f64>>, String> {
        let (algorithm, descent) = self.with_step(step);
        let affine = Affine::new(&algorithm, descent);
        let timeline = self.timeline(&affine)?;
        let phases = self.rows();
        let linear: Vec<f64> = curvatures.iter().zip(optima).map(|(h, z)| h * z).collect();
        let space = Points { phases: &phases, curvatures, linear: &linear };
        Whole::new(&affine, space, &timeline)?.limit()
    }
}

/// A number rounded to what a double's estimate is good for.
fn digits(number: f64, count: usize) -> f64 {
    format!("{number:.*e}", count - 1).parse().unwrap_or(number)
}

const NO_EIGENVALUES: &str = "the eigenvalues of the step were not found";

/// The largest modulus, apart from eigenvalues 1 of quantities that are conserved when ranks agree.
fn radius(values: &[c64], conserves: bool) -> f64 {
    let conserved = |value: &&c64| conserves && (*value - c64::new(1.0, 0.0)).norm() < CONSERVED;
    values.iter().filter(|value| !conserved(value)).map(|value| value.norm()).fold(0.0, f64::max)
}

/// The distance of the models from the optimum of the mean loss, relative to that of the ranks' optima.
fn bias(models: &[f64], curvatures: &[f64], optima: &[f64]) -> f64 {
    let weighted: f64 = curvatures.iter().zip(optima).map(|(h, z)| h * z).sum();
    let optimum = weighted / curvatures.iter().sum::<f64>();
    let distance = |points: &[f64]| points.iter().map(|x| (x - optimum).powi(2)).sum::<f64>().sqrt();
    let spread = distance(optima);
    if spread == 0.0 { 0.0 } else { distance(models) / spread }
}
