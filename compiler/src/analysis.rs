//! From the facts of a topology to the report of `bfc analyze`.

pub use crate::estimate::chance::Expected;
pub use crate::estimate::eigenvalues::Eigenvalues;
pub use crate::estimate::noise::MEMORY as NOISE_MEMORY;
pub use crate::estimate::quadratic::Quadratic;
pub use crate::estimate::stationary::Stationary;
pub use crate::spectrum::{Enclosure, Method};

use crate::diagnostic::Diagnostic;
use crate::estimate::chance;
use crate::estimate::curve::curve;
use crate::estimate::eigenvalues::eigenvalues;
use crate::estimate::noise;
use crate::estimate::quadratic;
use crate::estimate::stationary;
use crate::evaluate::target::Evaluated;
use crate::model::topology::{Optimised, Topology};
use crate::optimise::{self, Optimum, Signs};
use crate::prove::claims::checks;
use crate::prove::facts::Facts;
use crate::prove::{Check, Prover, Verdict};
use crate::spectrum::Source;
use crate::spectrum::exact::{Exact, ExactAfter};
use crate::spectrum::properties::Degrees;
use serde::Serialize;
use std::collections::BTreeMap;

/// The curvatures [μ, L] for which algorithms are analyzed unless others are given.
pub const CURVATURE: [f64; 2] = [0.1, 1.0];

/// What an analysis assumes.
#[derive(Clone, Copy, Debug)]
pub struct Assumptions {
    /// Algorithms are analyzed on quadratics with curvatures in [μ, L], 0 < μ ≤ L.
    pub curvature: [f64; 2],
    /// The part of noise that is left a step later, at least 0 and below 1, for the effective number of neighbours.
    pub noise_memory: f64,
}

impl Default for Assumptions {
    fn default() -> Self {
        Self { curvature: CURVATURE, noise_memory: NOISE_MEMORY }
    }
}

/// How much an analysis computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Numbers.
    Numbers,
    /// Also the curve of the consensus error, the weights of a limit and what random phases do in the mean.
    Curves,
    /// Also the eigenvalues.
    Pictures,
}

/// Everything about the first topology of a request, with the verdicts on all claims, and how the algorithm converges on
/// quadratics.
///
/// # Errors
/// `allow` names what there is not.
pub fn analyze(
    evaluated: &Evaluated,
    prover: &Prover,
    Assumptions { curvature, noise_memory }: Assumptions,
    detail: Detail,
    allow: &[String],
) -> Result<Analysis, Vec<Diagnostic>> {
    let checks = checks(|_| true, evaluated, prover, allow)?;
    let (topology, facts) = (&evaluated.topologies[0], &prover.facts()[0]);
    let numbers = Analysis::new(facts, noise_memory);
    let mut analysis = match detail {
        Detail::Numbers => numbers,
        Detail::Curves | Detail::Pictures => numbers.with_curves(facts, topology.is_drawn),
    };
    if detail == Detail::Pictures {
        analysis.eigenvalues = eigenvalues(facts);
    }
    analysis.checks = checks;
    analysis.quadratic = quadratic::quadratic(&evaluated.algorithm, prover.facts(), curvature);
    analysis.optimised.clone_from(&topology.optimised);
    Ok(analysis)
}

/// The numbers of a topology.
pub fn of_topology(topology: &Topology) -> Analysis {
    Analysis::new(&Facts::new(&topology.phases), NOISE_MEMORY)
}

/// What `bfc analyze` reports of a topology. Absent numbers are `null`: `rho`, `sigma2` and `spectral_gap` with more
/// than one phase, `lambda_min` unless a single phase is symmetric, counts of steps where there is none.
#[derive(Clone, Debug, Serialize)]
pub struct Analysis {
    /// The number of ranks n.
    pub size: u32,
    /// The number of phases T.
    pub period: usize,
    /// The most ranks that a rank sends to in a phase.
    pub max_out_degree: u32,
    /// The most ranks that a rank receives from in a phase.
    pub max_in_degree: u32,
    /// Rounds of the largest phase, in each of which a rank sends and receives at most one message.
    pub rounds: u32,
    /// Rows of every phase sum to 1.
    pub row_stochastic: bool,
    /// Columns of every phase sum to 1.
    pub column_stochastic: bool,
    /// Both.
    pub doubly_stochastic: bool,
    /// No phase has a negative weight.
    pub nonnegative: bool,
    /// Every phase equals its transpose.
    pub symmetric: bool,
    /// The union of the edges over the period is strongly connected.
    pub connected: bool,
    /// Some power of the period product has no zero; `null` if not decided.
    pub primitive: Option<bool>,
    /// 1 is a simple eigenvalue of the period product, all others lie inside the unit circle; `null` if not decided.
    pub contracting: Option<bool>,
    /// The largest modulus of an eigenvalue of W − J: where rows or columns sum to 1, of those of W besides one eigenvalue 1.
    /// Above 1 where negative weights make disagreement grow.
    pub rho: Option<f64>,
    /// ‖W − J‖₂.
    pub sigma2: Option<f64>,
    /// 1 − rho.
    pub spectral_gap: Option<f64>,
    /// The least eigenvalue.
    pub lambda_min: Option<f64>,
    /// The least ‖W − J‖₂ of symmetric weights on the same edges, what `weights fastest` comes close to; `null` for directed
    /// edges, several phases and more than a few dozen ranks.
    pub least_sigma2: Option<f64>,
    /// The same without negative weights, for `weights fastest(nonnegative)`.
    pub least_sigma2_nonnegative: Option<f64>,
    /// The effective number of neighbours (Vogels, Hendrikx, Jaggi, Beyond spectral gap, 2022): by how much averaging divides
    /// the variance of noise that ranks add independently in every step and of which a part γ, the `noise_memory`, is left a step
    /// later. For one normal W that is 1/(1 − γ) over the mean of |λ|²/(1 − γ|λ|²). `null` unless rows sum to 1, and for several
    /// hundred ranks without structure.
    pub effective_neighbours: Option<f64>,
    /// The γ of `effective_neighbours`.
    pub noise_memory: f64,
    /// ‖W⁽ᵀ⁻¹⁾ … W⁽⁰⁾ − J‖₂.
    pub period_contraction: Option<f64>,
    /// Its T-th root.
    pub rate_per_step: Option<f64>,
    /// The T-th root of the spectral radius of the period product minus J.
    pub asymptotic_rate: Option<f64>,
    /// The period product is J; `null` if not decided.
    pub exact_average: Option<bool>,
    /// The least k with W⁽ᵏ⁻¹⁾ … W⁽⁰⁾ = J.
    pub exact_after: Option<u64>,
    /// The least k with ‖W⁽ᵏ⁻¹⁾ … W⁽⁰⁾ − J‖₂ ≤ 10⁻³, if it is at most 10⁷.
    #[serde(rename = "rounds_to_1e-3")]
    pub rounds_to_1e_3: Option<u64>,
    /// The same for 10⁻⁶.
    #[serde(rename = "rounds_to_1e-6")]
    pub rounds_to_1e_6: Option<u64>,
    /// What the worst initial values keep of their disagreement after some steps: steps and ‖(1 − J) W⁽ᵏ⁻¹⁾ … W⁽⁰⁾ (1 − J)‖₂,
    /// until that is 10⁻⁶; `null` unless rows sum to 1, and where only numbers were asked for.
    pub consensus_error: Option<Vec<(u64, f64)>>,
    /// The weights of the limit, where it is not the average; `null` where only numbers were asked for.
    pub stationary: Option<Stationary>,
    /// What a step keeps of the disagreement's square in the mean, where phases are drawn at random; `null` where only
    /// numbers were asked for.
    pub expected_contraction: Option<Expected>,
    /// The eigenvalues of the period product, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eigenvalues: Option<Eigenvalues>,
    /// What the busiest rank sends in a step, in units of the model, as the mean over the period.
    pub bytes_per_rank_per_model_byte: f64,
    /// What a bandwidth-optimal all-reduce sends instead: 2 (n − 1) / n.
    pub allreduce_bytes_per_rank_per_model_byte: f64,
    /// For every number how it was obtained: `exact`, `enclosed` (see `bounds`) or `estimate`.
    pub methods: BTreeMap<&'static str, &'static str>,
    /// Of eigenvalues that are estimates: ‖A x − λ x‖ for a unit vector x, where that is known. Some matrix this near has the
    /// eigenvalue; whether a larger one was missed is not known.
    pub residuals: BTreeMap<&'static str, f64>,
    /// The certified bounds of the enclosed numbers.
    pub bounds: BTreeMap<&'static str, [f64; 2]>,
    /// What was optimised for the weights, and how near to the optimum it came.
    pub optimised: Vec<Optimised>,
    /// How the algorithm converges on quadratics, where there is one that asks for gradients.
    pub quadratic: Option<Quadratic>,
    /// The claims of the source and whether they hold.
    pub checks: Vec<Check>,
    /// What the numbers do not say.
    pub notes: Vec<String>,
    /// What ranks are called, where the topology names them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
}

/// How averaging converges: the numbers of an [`Analysis`] by which schedules are ranked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Convergence {
    /// Rows and columns of every phase sum to 1.
    pub doubly_stochastic: bool,
    /// The T-th root of ‖W⁽ᵀ⁻¹⁾ … W⁽⁰⁾ − J‖₂.
    pub rate_per_step: f64,
    /// The least k with W⁽ᵏ⁻¹⁾ … W⁽⁰⁾ = J.
    pub exact_after: Option<u64>,
    /// The least k with ‖W⁽ᵏ⁻¹⁾ … W⁽⁰⁾ − J‖₂ ≤ 10⁻³, if it is at most 10⁷.
    pub rounds_to_1e_3: Option<u64>,
    /// The same for 10⁻⁶.
    pub rounds_to_1e_6: Option<u64>,
}

impl Convergence {
    /// The convergence of one topology; of one that does not average, no number is of use.
    pub(crate) fn new(facts: &Facts) -> Self {
        if !facts.doubly_stochastic() {
            let (exact_after, rounds_to_1e_3, rounds_to_1e_6) = (None, None, None);
            let rate_per_step = f64::NAN;
            return Self {
                doubly_stochastic: false,
                rate_per_step,
                exact_after,
                rounds_to_1e_3,
                rounds_to_1e_6,
            };
        }
        let spectrum = facts.numbers();
        let steps = facts.rounds();
        Self {
            doubly_stochastic: true,
            rate_per_step: facts.per_step(spectrum.period_contraction).value,
            exact_after: facts.exact_after().steps(),
            rounds_to_1e_3: steps[0].0,
            rounds_to_1e_6: steps[1].0,
        }
    }
}

impl Analysis {
    /// Everything about one topology.
    pub(crate) fn new(facts: &Facts, noise_memory: f64) -> Self {
        let size = facts.size();
        let period = facts.phases.len();
        let spectrum = facts.numbers();
        let degrees: Vec<Degrees> = facts.phases.iter().map(Degrees::new).collect();
        let most =
            |pick: fn(&Degrees) -> &Vec<u32>| degrees.iter().flat_map(pick).copied().max().unwrap_or(0);
        let (max_out_degree, max_in_degree) =
            (most(|degrees| &degrees.sends), most(|degrees| &degrees.receives));
        let steps = facts.rounds();
        // The weights themselves are among those over which the least is taken.
        let attained = |signs| {
            let is_candidate = facts.symmetric().is_ok() && facts.row_stochastic().is_ok();
            let has_signs = signs == Signs::Any || facts.nonnegative().is_ok();
            spectrum.sigma2.filter(|_| is_candidate && has_signs)
        };
        let least = |signs| match facts.phases {
            [phase] if facts.connected().is_ok() => {
                let least = optimise::of_edges(phase, signs).map(enclosed)?;
                Some(attained(signs).map_or(least, |own| least.within(0.0, own.high)))
            }
            _ => None,
        };
        let mut numbers = Numbers::default();
        let rho = spectrum.rho.map(|rho| numbers.add("rho", rho));
        let mut analysis = Self {
            size,
            period,
            max_out_degree,
            max_in_degree,
            rounds: max_out_degree.max(max_in_degree),
            row_stochastic: facts.row_stochastic().is_ok(),
            column_stochastic: facts.column_stochastic().is_ok(),
            doubly_stochastic: facts.doubly_stochastic(),
            nonnegative: facts.nonnegative().is_ok(),
            symmetric: facts.symmetric().is_ok(),
            connected: facts.connected().is_ok(),
            primitive: truth(facts.primitive()),
            contracting: truth(facts.contracting()),
            rho: rho.flatten(),
            sigma2: spectrum.sigma2.and_then(|sigma| numbers.add("sigma2", sigma)),
            spectral_gap: spectrum.rho.and_then(|rho| numbers.add("spectral_gap", rho.complement())),
            lambda_min: spectrum.lambda_min.and_then(|least| numbers.add("lambda_min", least)),
            least_sigma2: least(Signs::Any).and_then(|sigma| numbers.add("least_sigma2", sigma)),
            least_sigma2_nonnegative: least(Signs::Nonnegative)
                .and_then(|sigma| numbers.add("least_sigma2_nonnegative", sigma)),
            effective_neighbours: noise::effective_neighbours(facts, noise_memory)
                .and_then(|count| numbers.add("effective_neighbours", count.readable())),
            noise_memory,
            period_contraction: numbers.add("period_contraction", spectrum.period_contraction),
            rate_per_step: numbers.add("rate_per_step", facts.per_step(spectrum.period_contraction)),
            asymptotic_rate: numbers.add("asymptotic_rate", facts.per_step(spectrum.period_radius)),
            exact_average: match facts.exact_average() {
                Exact::Yes => Some(true),
                Exact::No => Some(false),
                Exact::TooLarge => None,
            },
            exact_after: facts.exact_after().steps(),
            rounds_to_1e_3: steps[0].0,
            rounds_to_1e_6: steps[1].0,
            consensus_error: None,
            stationary: None,
            expected_contraction: None,
            eigenvalues: None,
            bytes_per_rank_per_model_byte: busiest(&degrees, size) as f64 / period as f64,
            allreduce_bytes_per_rank_per_model_byte: 2.0 * (size - 1) as f64 / size as f64,
            methods: BTreeMap::new(),
            residuals: residuals(facts),
            bounds: BTreeMap::new(),
            optimised: vec![],
            quadratic: None,
            checks: vec![],
            notes: notes(facts),
            names: vec![],
        };
        numbers.methods.insert("rounds_to_1e-3", steps[0].1.name());
        numbers.methods.insert("rounds_to_1e-6", steps[1].1.name());
        (analysis.methods, analysis.bounds) = (numbers.methods, numbers.bounds);
        analysis
    }

    /// With what is more than numbers.
    pub(crate) fn with_curves(mut self, facts: &Facts, is_drawn: bool) -> Self {
        if let Some((points, method)) = curve(facts) {
            self.consensus_error = Some(points);
            self.methods.insert("consensus_error", method.name());
        }
        self.stationary = stationary::stationary(facts);
        if self.stationary.is_some() {
            self.methods.insert("stationary", Method::Estimate.name());
        }
        self.expected_contraction = if is_drawn { chance::expected(facts) } else { None };
        if self.expected_contraction.is_some() {
            self.methods.insert("expected_contraction", Method::Estimate.name());
        }
        self
    }
}

/// Collects methods and bounds while numbers are written down.
#[derive(Default)]
struct Numbers {
    methods: BTreeMap<&'static str, &'static str>,
    bounds: BTreeMap<&'static str, [f64; 2]>,
}

impl Numbers {
    fn add(&mut self, key: &'static str, number: Enclosure) -> Option<f64> {
        if !number.value.is_finite() {
            return None;
        }
        self.methods.insert(key, number.method.name());
        if number.method == Method::Enclosed {
            self.bounds.insert(key, [number.low, number.high]);
        }
        Some(number.value)
    }
}

fn residuals(facts: &Facts) -> BTreeMap<&'static str, f64> {
    let numbers = facts.numbers();
    let key = if numbers.rho.is_some() { "rho" } else { "period_radius" };
    match &facts.spectrum().source {
        Source::Krylov { residual: Some(residual) } if numbers.period_radius.method == Method::Estimate => {
            BTreeMap::from([(key, *residual)])
        }
        _ => BTreeMap::new(),
    }
}

fn truth(verdict: &Verdict) -> Option<bool> {
    match verdict {
        Verdict::NotDecided { .. } => None,
        other => Some(other.holds()),
    }
}

/// Messages of the busiest rank over a period.
fn busiest(degrees: &[Degrees], size: u32) -> u64 {
    let alike: u64 = degrees.iter().filter(|d| d.sends.len() == 1).map(|d| d.sends[0] as u64).sum();
    let tables: Vec<_> = degrees.iter().filter(|d| d.sends.len() > 1).collect();
    let mut each = vec![0u64; if tables.is_empty() { 0 } else { size as usize }];
    for degrees in tables {
        each.iter_mut().zip(&degrees.sends).for_each(|(sum, sends)| *sum += *sends as u64);
    }
    alike + each.into_iter().max().unwrap_or(0)
}

fn notes(facts: &Facts) -> Vec<String> {
    let mut notes = vec![];
    match (facts.row_stochastic(), facts.column_stochastic()) {
        (Ok(()), Ok(())) => {}
        (Ok(()), Err(columns)) => {
            notes.push(format!("row-stochastic only ({columns}): {}", stationary::limit(facts)));
        }
        (Err(rows), Ok(())) => notes.push(format!(
            "column-stochastic only ({rows}): the sum is kept but ranks do not agree; divide by a weight that is mixed alike (push-sum)"
        )),
        (Err(rows), Err(columns)) => {
            notes.push(format!("neither agreement nor the sum is kept: {rows}, and {columns}"));
        }
    }
    if let Err(evidence) = facts.connected() {
        notes.push(format!("not connected over the period: {evidence}"));
    }
    match facts.contracting() {
        Verdict::Refuted { evidence } if facts.connected().is_ok() => {
            notes.push(format!("gap 0: disagreement does not die out ({evidence})"));
        }
        Verdict::NotDecided { reason } => notes.push(format!("`contracting` is not decided: {reason}")),
        _ => {}
    }
    if let Err(evidence) = facts.nonnegative() {
        notes.push(format!("some weights are negative: {evidence}"));
    }
    match facts.exact_after() {
        ExactAfter::NotWithin(steps) if facts.exact_average() != Exact::Yes => {
            notes.push(format!("whether the average is ever exact was searched for {steps} steps only"));
        }
        _ => {}
    }
    notes
}

/// The optimum of weights, between its bound and what was reached.
fn enclosed(Optimum { value, bound, .. }: Optimum) -> Enclosure {
    Enclosure { value, low: bound, high: value, method: Method::Enclosed }
}
