//! The best value of a step size that runs show: an estimate, which proves nothing.
//!
//! A run starts from vectors that differ between ranks, with gradients of 0, so that it shows consensus alone, with the codecs
//! and the schedule as they are. Step sizes are powers of 2 first, and then lie between the neighbours of the best.

use crate::failure::Failure;
use crate::run::curve::{consensus_distance, mean};
use crate::{input, run};
use bfc_compiler::Request;
use bfc_runtime::local::spmd;
use bfc_runtime::{Ask, Machine, RuntimeError, Transport};
use bfc_schedule::Schedule;
use bfc_schedule::digits::six_digits;
use bfc_schedule::random::{output, unit};
use serde::Serialize;

/// Steps of a run, and elements of a vector.
const STEPS: u32 = 1_000;
const ELEMENTS: usize = 400;

/// The most ranks: each is a thread.
pub const MAX_RANKS: u32 = 256;

/// What is left of the disagreement at which a run ends: rounding is far off.
const GONE: f64 = 1e-8;

/// Powers of 1/2 from 1 on, and values between two of them.
const POWERS: i32 = 13;
const BETWEEN: i32 = 3;

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
    /// The compiler refuses, or a run fails.
    pub fn new(request: &Request, parameter: &str) -> Result<Self, Failure> {
        let mut rates: Vec<(f64, f64)> = vec![];
        for power in 0..POWERS {
            let value = 0.5f64.powi(power);
            rates.push((value, rate_with(request, parameter, value)?));
        }
        let fastest = |rates: &[(f64, f64)]| {
            rates.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((1.0, f64::INFINITY))
        };
        let centre = fastest(&rates).0;
        for part in 1..=BETWEEN {
            let factor = 2f64.powf(f64::from(part) / f64::from(BETWEEN + 1));
            for value in [centre * factor, centre / factor].into_iter().filter(|value| *value < 1.0) {
                rates.push((value, rate_with(request, parameter, value)?));
            }
        }
        let (best, rate) = fastest(&rates);
        let growing = rates.iter().filter(|(_, rate)| *rate >= 1.0).map(|(value, _)| *value);
        let written = bfc_compiler::compile(request, &input::Beside).ok();
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
    pub fn text(&self) -> String {
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
pub fn with_value(request: &Request, parameter: &str, value: f64) -> Request {
    let mut request = request.clone();
    let others = request.parameters.into_iter().filter(|(name, _)| name != parameter);
    request.parameters = others.chain([(parameter.to_string(), format!("{value}"))]).collect();
    request
}

fn rate_with(request: &Request, parameter: &str, value: f64) -> Result<f64, Failure> {
    let compiled = input::compile_request(&with_value(request, parameter, value))?;
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
        let mut machine = Machine::<f64, _>::new(schedule.rank(rank), transport, &start)?;
        let mut models = vec![start];
        for step in 1..=STEPS {
            machine.step(&mut |ask: Ask<'_, f64>| match ask {
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
