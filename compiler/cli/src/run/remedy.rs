//! A run that diverged becomes advice: which parameter to make smaller, found by running again.
//!
//! Stability is proved for the exact step, and compression is not in the proof: how large its step of consensus may be shows
//! in a run only. If centralized training descends with the same learning rate, that rate is not what diverges, and the
//! `real` parameters of the algorithm are tried first.

use super::record::Record;
use super::train::{self, Plan};
use super::{RunError, failed, takes_rate};
use crate::failure::Failure;
use crate::{input, progress};
use bfc_compiler::Request;
use bfc_schedule::{Rational, Schedule};

/// Steps of all further runs together.
const MOST_STEPS: u64 = 16_000;
/// The smallest learning rate that is tried, where it is the cause, and else the smallest value of any parameter: powers of a
/// tenth of what it is. With a tiny rate everything descends at first.
const SMALLEST_RATE: i32 = 8;
const SMALLEST: i32 = 2;

/// What a run was compiled from.
pub struct Origin<'a> {
    /// The request.
    pub request: &'a Request,
    /// The `real` parameters of the algorithm and their values.
    pub reals: &'a [(String, Rational)],
}

/// The error of a run that diverged, with a remedy that was tried, where one is found soon.
///
/// # Errors
/// A further run fails.
pub fn diverged(record: &Record, origin: &Origin, runs: Vec<String>) -> Result<RunError, Failure> {
    let steps = record.plan.steps;
    let mut search = Search { record, origin, left: MOST_STEPS, tried: vec![] };
    let is_rate = search.is_rate();
    let first = if is_rate { search.rates()? } else { search.reals()? };
    let found = match first {
        None if is_rate => search.reals()?,
        None => search.rates()?,
        found => found,
    };
    progress::clear();
    Ok(RunError::Diverged { runs, steps, help: found.unwrap_or_else(|| search.nothing_found()) })
}

/// Further runs.
struct Search<'a> {
    record: &'a Record<'a>,
    origin: &'a Origin<'a>,
    left: u64,
    /// What was tried in vain.
    tried: Vec<String>,
}

impl Search<'_> {
    /// Whether descent without a topology diverges as well.
    fn is_rate(&self) -> bool {
        self.record.centralized.diverged() || self.record.allreduce.diverged()
    }

    /// The largest of some tenths of the learning rate with which the loss descends, as advice.
    fn rates(&mut self) -> Result<Option<String>, Failure> {
        if !takes_rate(self.record.schedule) {
            return Ok(None);
        }
        let mut smallest = None;
        let powers = if self.is_rate() { SMALLEST_RATE } else { SMALLEST };
        for power in 1..=powers {
            let plan = Plan { lr: self.record.plan.lr / 10f64.powi(power), ..self.record.plan };
            let Some(descends) = self.descends(self.record.schedule, plan)? else { break };
            if descends {
                let lr = plan.lr;
                return Ok(Some(format!(
                    "set a smaller learning rate: with `--lr {lr}` the loss descends{}",
                    self.in_vain()
                )));
            }
            smallest = Some(plan.lr);
        }
        self.tried.extend(smallest.map(|lr| format!("learning rate that was tried, down to {lr}")));
        Ok(None)
    }

    /// A tenth or a hundredth of a `real` parameter with which the loss descends, as advice.
    fn reals(&mut self) -> Result<Option<String>, Failure> {
        for (name, value) in self.origin.reals.iter().filter(|(_, value)| value.to_f64() > 0.0) {
            let mut smallest = None;
            for power in 1..=SMALLEST {
                let smaller = value.to_f64() / 10f64.powi(power);
                let Ok(compiled) = input::compile_request(&with(self.origin.request, name, smaller)) else {
                    break;
                };
                let Some(descends) = self.descends(&compiled.schedule, self.record.plan)? else { break };
                if descends {
                    return Ok(Some(self.of_real(name, smaller)));
                }
                smallest = Some(smaller);
            }
            self.tried.extend(smallest.map(|least| format!("`{name}` that was tried, down to {least}")));
        }
        Ok(None)
    }

    fn of_real(&self, name: &str, smaller: f64) -> String {
        let rate = match self.is_rate() {
            true => "",
            false => "; the learning rate is not the cause: centralized training descends with it",
        };
        format!(
            "make `{name}` smaller: with `--param algorithm.{name}={smaller}` the loss descends{rate}{}",
            self.in_vain()
        )
    }

    fn in_vain(&self) -> String {
        self.tried.iter().map(|tried| format!("; with no {tried}, it does")).collect()
    }

    fn nothing_found(&self) -> String {
        let analysis = "`bfc analyze` shows which step sizes converge, if any";
        if !self.tried.is_empty() {
            return format!("no {}, descends; {analysis}", self.tried.join(", and no "));
        }
        let mut smaller: Vec<String> =
            self.origin.reals.iter().map(|(name, _)| format!("`{name}`")).collect();
        if takes_rate(self.record.schedule) {
            smaller.push("learning rate, `--lr`".into());
        }
        match smaller.is_empty() {
            true => format!("make the steps of the algorithm smaller; {analysis}"),
            false => format!("set a smaller {}; {analysis}", smaller.join(" or ")),
        }
    }

    /// Whether centralized training and a schedule descend; `None` where too many steps were made already.
    fn descends(&mut self, schedule: &Schedule, plan: Plan) -> Result<Option<bool>, Failure> {
        let Some(left) = self.left.checked_sub(plan.steps) else { return Ok(None) };
        self.left = left;
        progress::start("smaller steps", plan.steps, "steps");
        let descends = train::centralized(self.record.data, plan).descended()
            && train::on_ranks(schedule, self.record.data, plan, None).map_err(failed)?.descended();
        Ok(Some(descends))
    }
}

/// The request with another value of a parameter of the algorithm.
fn with(request: &Request, name: &str, value: f64) -> Request {
    let mut request = request.clone();
    let qualified = format!(".{name}");
    let is_it = |given: &str| given == name || given.ends_with(&qualified) && !given.starts_with("topology.");
    request.parameters.retain(|(given, _)| !is_it(given));
    request.parameters.push((format!("algorithm.{name}"), value.to_string()));
    request
}
