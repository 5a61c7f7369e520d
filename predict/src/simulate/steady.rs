//! What a step takes where nothing goes wrong: the mean over a simulation without jitter, which ends early where it repeats
//! itself.
//!
//! This is the one model of a step's time; `bfc simulate` adds jitter, stragglers and lost ranks to it. Time is taken from the
//! start on, as there: ports have done no work ahead then, so that no mean is below what their bytes take.

use super::{Machine, Setting};
use crate::cluster::{Cluster, ClusterError};
use crate::links::Wiring;
use crate::progress::Silent;
use crate::tasks::Tasks;
use bfc_schedule::{Rank, Schedule};

/// Steps, at least, in whole periods.
pub(crate) const STEPS: u32 = 128;

/// Messages and gradients that all steps may have; above, fewer periods are simulated.
const ENOUGH_EVENTS: f64 = 3e5;
/// The fewest periods that have fewer steps than [`STEPS`], and the messages and gradients that all may have: about a second.
const FEWEST_PERIODS: u32 = 2;
const MOST_EVENTS: f64 = 3e6;

/// From which step on, and after how many, a step does what it did before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Repeats {
    pub from: u32,
    pub every: u32,
}

/// Over which steps the mean is taken.
pub(crate) struct Mean {
    /// Whole periods of this number of steps.
    pub period: u32,
    /// How steps repeat in the long run.
    pub repeats: Repeats,
    /// The rounds of a step, as a mean.
    pub rounds: f64,
}

/// The seconds of a step, `None` where that is too large to be simulated.
///
/// # Errors
/// The cluster has too few machines.
pub(crate) fn step_seconds(
    schedule: &Schedule,
    cluster: &Cluster,
    model_bytes: f64,
    Mean { period, repeats, rounds }: Mean,
) -> Result<Option<f64>, ClusterError> {
    let events_of_period = f64::from(schedule.size()) * f64::from(period) * (1.0 + rounds);
    let affordable = (ENOUGH_EVENTS / events_of_period) as u32;
    let fewest = if period < STEPS { FEWEST_PERIODS } else { 1 };
    let periods = STEPS.div_ceil(period).min(affordable).max(fewest);
    if events_of_period * f64::from(periods) > MOST_EVENTS {
        return Ok(None);
    }
    let wiring = Wiring::new(cluster, schedule.size())?;
    let tasks = Tasks::new(schedule.program(), period * periods);
    let even = cluster.clone().with_compute(None, Some(0.0));
    let setting = Setting { model_bytes, steps: period * periods, seed: 0, stragglers: None, lost: vec![] };
    let mut machine = Machine::new(schedule, &even, &wiring, &tasks, &setting);
    machine.cycle = Some(Cycle::new(schedule.size(), repeats));
    machine.run(&mut Silent, 0);
    let end = machine.cycle.as_ref().and_then(|cycle| cycle.end(setting.steps));
    let end = end.unwrap_or_else(|| machine.done.last().map_or(0.0, |(_, last)| *last));
    Ok(Some(end / f64::from(setting.steps)))
}

/// Steps and periods in a row that take all ranks equally long before the rest is taken to do so too.
const EQUAL_STEPS: u32 = 4;
const EQUAL_PERIODS: u32 = 2;

/// How equal.
const EQUAL: f64 = 1e-9;

/// When ranks are done with each period, until all of them take the same time for it again and again.
pub(super) struct Cycle {
    repeats: Repeats,
    /// For each period, how many ranks are done with it, and when each was.
    ends: Vec<(u32, Vec<f64>)>,
    /// The time of a period, once it is known.
    time: Option<f64>,
    size: u32,
}

impl Cycle {
    fn new(size: u32, repeats: Repeats) -> Self {
        Self { repeats, ends: vec![], time: None, size }
    }

    /// Whether periods are all alike from now on.
    pub(super) fn is_closed(&self) -> bool {
        self.time.is_some()
    }

    /// A rank has done this number of steps.
    pub(super) fn note(&mut self, rank: Rank, steps: u32, at: f64) {
        if !steps.is_multiple_of(self.repeats.every) {
            return;
        }
        let index = (steps / self.repeats.every) as usize - 1;
        if self.ends.len() == index {
            self.ends.push((0, vec![0.0; self.size as usize]));
        }
        let (done, ends) = &mut self.ends[index];
        *done += 1;
        ends[rank.index()] = at;
        if *done == self.size {
            self.time = self.repeated(index);
        }
    }

    /// The time that all ranks took for each of the last periods.
    fn repeated(&self, last: usize) -> Option<f64> {
        let Repeats { from, every } = self.repeats;
        let equal = EQUAL_STEPS.div_ceil(every).max(EQUAL_PERIODS) as usize;
        // What comes before, such as a warm-up, says nothing of what repeats.
        let first = last.checked_sub(equal).filter(|first| (*first as u32 + 1) * every >= from)?;
        let periods = self.ends[first..=last].windows(2);
        let times = periods.flat_map(|pair| pair[1].1.iter().zip(&pair[0].1).map(|(end, start)| end - start));
        let (least, most) =
            times.fold((f64::INFINITY, 0.0f64), |(least, most), time| (least.min(time), most.max(time)));
        (most - least <= EQUAL * most).then_some(0.5 * (least + most))
    }

    /// When the last of a number of steps ends, if all periods are alike by then.
    fn end(&self, steps: u32) -> Option<f64> {
        let (time, size) = (self.time?, self.size);
        let complete = self.ends.iter().rposition(|(done, _)| *done == size)?;
        let end = self.ends[complete].1.iter().copied().fold(0.0, f64::max);
        let every = f64::from(self.repeats.every);
        let rest = f64::from(steps) - every * (complete as f64 + 1.0);
        Some(end + rest / every * time)
    }
}
