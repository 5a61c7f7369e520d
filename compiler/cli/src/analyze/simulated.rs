//! The best value of a step size that runs show: an estimate, which proves nothing.
//!
//! A run starts from vectors that differ between ranks, with gradients of 0, so that it shows consensus alone, with the codecs
//! and the schedule as they are. Step sizes are powers of 2 first, and then lie between the neighbours of the best.

use crate::failure::Failure;
use crate::run;
use crate::run::curve::{consensus_distance, mean};
use bfc_compiler::{Analysis, Assumptions, Detail, Files, Request};
use bfc_predict::{PredictError, Progress, QuestionError};
use bfc_report::analysis;
use bfc_runtime::local::spmd;
use bfc_runtime::{Ask, Flat, FlatAsk, RuntimeError, Transport};
use bfc_schedule::Schedule;
use bfc_schedule::digits::six_digits;
use bfc_schedule::random::{output, unit};
use miette::Diagnostic;
use serde::Serialize;
use thiserror::Error;

/// Steps of a run, and elements of a vector.
const STEPS: u32 = 1_000;
const ELEMENTS: usize = 400;

/// The most ranks: each is a thread.
const MAX_RANKS: u32 = 256;

/// The parameter whose best value runs show, unless another is named.
pub const STEP_SIZE: &str = "gamma";

/// What is left of the disagreement at which a run ends: rounding is far off.
const GONE: f64 = 1e-8;

/// Powers of 1/2 from 1 on, and values between two of them.
const POWERS: i32 = 13;
const BETWEEN: i32 = 3;

/// The code where nothing is proved of a parameter that is to take the best value that is.
const NO_BEST: &str = "bfc::evaluate::no_best";

/// More threads than sensible.
#[derive(Debug, Error, Diagnostic)]
#[error("`--simulated` runs every rank in one process, expected up to {MAX_RANKS} ranks, found {size}")]
#[diagnostic(
    code(bfc::run::too_many_ranks),
    help("simulate fewer ranks; without `--simulated`, any size is analyzed")
)]
struct TooManyRanks {
    size: u32,
}

/// A parameter on which no run depends.
#[derive(Debug, Error, Diagnostic)]
#[error("`{parameter}` changes nothing in runs without gradients, which show consensus alone")]
#[diagnostic(
    code(bfc::run::no_effect),
    help(
        "name a step size of the consensus, such as `--simulated=gamma`; for that of the gradients, `largest_step` is the largest that converges on quadratics"
    )
)]
struct NoEffect {
    parameter: String,
}

/// What is known of a topology, and what runs show of a parameter.
#[derive(Clone, Debug, Serialize)]
pub struct Analyzed {
    /// What is known.
    #[serde(flatten)]
    pub analysis: Analysis,
    /// What runs show, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub simulated: Option<Simulated>,
}

impl Analyzed {
    /// Analyzes a request; also runs its schedule with many values of the parameter `simulated`, if there is one. Where
    /// nothing is proved of that parameter, the analysis is of the value that runs show.
    ///
    /// # Errors
    /// The compiler refuses, there are too many ranks to run, no run depends on the parameter, a run fails, or `progress` is
    /// cancelled.
    pub fn new(
        request: &Request,
        files: &dyn Files,
        assumptions: Assumptions,
        simulated: Option<&str>,
        progress: &dyn Progress,
    ) -> Result<Self, Failure> {
        let simulated = simulated.map(|parameter| Simulated::new(request, files, parameter, progress));
        let simulated = simulated.transpose()?;
        let analyze =
            |request: &Request| bfc_compiler::analyze_on(request, files, assumptions, Detail::Curves);
        let estimate = simulated.as_ref().and_then(|found| Some((&found.parameter, found.best?)));
        let analysis = match (analyze(request), estimate) {
            (Err(refused), Some((parameter, best)))
                if refused.errors().iter().all(|error| error.code == NO_BEST) =>
            {
                analyze(&with_value(request, parameter, best))?
            }
            (found, _) => found?,
        };
        Ok(Self { analysis, simulated })
    }

    /// Lines for people.
    pub fn text(&self) -> String {
        analysis::text(&self.analysis) + &self.simulated.as_ref().map(Simulated::text).unwrap_or_default()
    }
}

/// What runs show of a parameter.
#[derive(Clone, Debug, Serialize)]
pub struct Simulated {
    /// The parameter.
    pub parameter: String,
    /// The value for which disagreement fell fastest, if it fell at all.
    pub best: Option<f64>,
    /// By what factor it fell in a step, on average.
    pub rate: f64,
    /// The least value that was tried for which disagreement grew.
    pub diverges_from: Option<f64>,
    /// Whether it grows with the value that the source gives; absent where that is `best`.
    pub diverges_as_written: Option<bool>,
    /// Steps of a run.
    pub steps: u32,
    /// Elements of a vector.
    pub elements: usize,
    /// Always `estimate`.
    pub method: &'static str,
}

impl Simulated {
    /// Runs the schedule of a request with many values of a parameter.
    ///
    /// # Errors
    /// The compiler refuses, there are too many ranks, no run depends on the parameter, a run fails, or `progress` is cancelled.
    fn new(
        request: &Request,
        files: &dyn Files,
        parameter: &str,
        progress: &dyn Progress,
    ) -> Result<Self, Failure> {
        if request.size > MAX_RANKS {
            return Err(Failure::usage(TooManyRanks { size: request.size }));
        }
        let mut rates: Vec<(f64, f64)> = vec![];
        let rate = |value: f64| -> Result<(f64, f64), Failure> {
            if progress.is_cancelled() {
                return Err(PredictError::from(QuestionError::Cancelled).into());
            }
            Ok((value, rate_with(request, files, parameter, value)?))
        };
        for power in 0..POWERS {
            rates.push(rate(0.5f64.powi(power))?);
        }
        if rates.iter().all(|(_, rate)| rate.is_finite() && *rate == rates[0].1) {
            return Err(Failure::usage(NoEffect { parameter: parameter.to_string() }));
        }
        let fastest = |rates: &[(f64, f64)]| {
            rates.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((1.0, f64::INFINITY))
        };
        let centre = fastest(&rates).0;
        for part in 1..=BETWEEN {
            let factor = 2f64.powf(f64::from(part) / f64::from(BETWEEN + 1));
            for value in [centre * factor, centre / factor].into_iter().filter(|value| *value < 1.0) {
                rates.push(rate(value)?);
            }
        }
        let (best, rate) = fastest(&rates);
        let growing = rates.iter().filter(|(_, rate)| *rate >= 1.0).map(|(value, _)| *value);
        let written = bfc_compiler::compile(request, files).ok();
        let as_written = written.map(|compiled| rate_of(&compiled.schedule)).transpose()?;
        Ok(Self {
            parameter: parameter.to_string(),
            best: (rate < 1.0).then_some(best),
            rate,
            diverges_from: growing.min_by(f64::total_cmp),
            diverges_as_written: as_written.map(|rate| rate >= 1.0),
            steps: STEPS,
            elements: ELEMENTS,
            method: "estimate",
        })
    }

    /// Lines for people.
    fn text(&self) -> String {
        let Self { parameter, rate, steps, elements, .. } = self;
        let runs = format!("in runs of {steps} steps with vectors of {elements} elements and no gradients");
        let mut text = match self.best {
            Some(best) => format!(
                "\nsimulated: the best `{parameter}` is about {} (estimate): a step leaves {} of the disagreement, {runs}\n",
                six_digits(best),
                six_digits(*rate)
            ),
            None => format!("\nsimulated: no `{parameter}` up to 1 makes disagreement fall, {runs}\n"),
        };
        if let Some(from) = self.diverges_from {
            text.push_str(&format!(
                "simulated: disagreement grows from `{parameter}` = {} on (estimate)\n",
                six_digits(from)
            ));
        }
        if self.diverges_as_written == Some(true) {
            text.push_str("\nwarning: with the parameters of the source, runs diverge\n");
        }
        text
    }
}

/// The request with a value for a parameter.
fn with_value(request: &Request, parameter: &str, value: f64) -> Request {
    let mut request = request.clone();
    let others = request.parameters.into_iter().filter(|(name, _)| name != parameter);
    request.parameters = others.chain([(parameter.to_string(), format!("{value}"))]).collect();
    request
}

fn rate_with(request: &Request, files: &dyn Files, parameter: &str, value: f64) -> Result<f64, Failure> {
    let request = with_value(request, parameter, value);
    let compiled = bfc_compiler::compile_with_remedies(&request, files)?;
    rate_of(&compiled.schedule)
}

/// Whether disagreement is looked at after a step: more often at first, where it may fall fast.
fn is_sampled(step: u32) -> bool {
    step.is_power_of_two() || step.is_multiple_of(STEPS / 20)
}

/// By what factor disagreement falls in a step, on average over a run until hardly any is left.
fn rate_of(schedule: &Schedule) -> Result<f64, Failure> {
    let models = spmd(schedule.size(), |transport| {
        let rank = transport.rank();
        let start: Vec<f64> =
            (0..ELEMENTS).map(|element| unit(output(1, rank.0.into()), element as u64) - 0.5).collect();
        let mut machine = Flat::<f64, _>::new(schedule.rank(rank), transport, &start)?;
        let mut models = vec![start];
        for step in 1..=STEPS {
            machine.step(&mut |ask: FlatAsk<'_, f64>| match ask {
                Ask::Gradient { gradient, .. } => gradient.fill(0.0),
                Ask::Adapt { .. } => {}
                Ask::Prox { point, minimizer, .. } => minimizer.copy_from_slice(point),
            })?;
            if is_sampled(step) {
                models.push(machine.model()?.to_vec());
            }
        }
        Ok::<_, RuntimeError>(models)
    });
    let models = models.map_err(run::failed)?;
    let at = |sample: usize| {
        let all: Vec<Vec<f64>> = models.iter().map(|of_rank| of_rank[sample].clone()).collect();
        consensus_distance(&all, &mean(&all))
    };
    let start = at(0);
    let (mut left, mut after) = (1.0, 1);
    for (sample, step) in (1..=STEPS).filter(|step| is_sampled(*step)).enumerate() {
        (left, after) = (at(sample + 1) / start, step);
        if left.is_nan() {
            return Ok(f64::INFINITY);
        }
        if left <= GONE {
            break;
        }
    }
    Ok(left.max(f64::MIN_POSITIVE).powf(1.0 / f64::from(after)))
}
