//! What a step takes where nothing goes wrong: the mean over a simulation without jitter.
//!
//! This is the one model of a step's time; `bfc simulate` adds jitter, stragglers and lost ranks to it. Time is taken from the
//! start on, as there: ports have done no work ahead then, so that no mean is below what their bytes take.

use super::{Machine, Setting};
use crate::cluster::{Cluster, ClusterError};
use crate::links::Wiring;
use crate::tasks::Tasks;
use bfc_schedule::Schedule;

/// Steps, at least, in whole periods.
pub(crate) const STEPS: u32 = 128;

/// Messages and gradients that all steps may have; above, fewer periods are simulated.
const ENOUGH_EVENTS: f64 = 3e5;
/// The fewest periods, and the messages and gradients that these may have: about a second.
const FEWEST_PERIODS: u32 = 2;
const MOST_EVENTS: f64 = 3e6;

/// The seconds of a step, `None` where that is too large to be simulated. The schedule repeats after `period` steps, with
/// `rounds` rounds a step.
///
/// # Errors
/// The cluster has too few machines.
pub(crate) fn step_seconds(
    schedule: &Schedule,
    cluster: &Cluster,
    model_bytes: f64,
    (period, rounds): (u32, f64),
) -> Result<Option<f64>, ClusterError> {
    let events_of_period = f64::from(schedule.size()) * f64::from(period) * (1.0 + rounds);
    let affordable = (ENOUGH_EVENTS / events_of_period) as u32;
    let periods = STEPS.div_ceil(period).min(affordable).max(FEWEST_PERIODS);
    if events_of_period * f64::from(periods) > MOST_EVENTS {
        return Ok(None);
    }
    let wiring = Wiring::new(cluster, schedule.size())?;
    let tasks = Tasks::new(schedule.program(), period * periods);
    let even = cluster.clone().with_jitter(0.0);
    let setting = Setting { model_bytes, steps: period * periods, seed: 0, stragglers: None, lost: vec![] };
    let mut machine = Machine::new(schedule, &even, &wiring, &tasks, &setting);
    machine.run();
    let end = machine.done.last().map_or(0.0, |(_, last)| *last);
    Ok(Some(end / f64::from(setting.steps)))
}
