//! A program becomes, for each phase of its topologies, the bytes of the messages that it sends there.

use crate::cost::{message_bytes, period};
use crate::links::{Load, Wiring};
use crate::tasks::Tasks;
use bfc_schedule::Schedule;

/// The exchanges of a step, as a mean over the period.
#[derive(Clone, Debug)]
pub struct Traffic {
    /// For each topology and phase the bytes of a message, and how many exchanges of a step have such, as a mean.
    phases: Vec<Vec<Vec<(f64, f64)>>>,
}

impl Traffic {
    /// The exchanges of `schedule`, for a model of this size in bytes; those of averages are omitted.
    pub fn new(schedule: &Schedule, model_bytes: f64) -> Self {
        let steps = period(schedule);
        let once = f64::from(steps).recip();
        let phases = schedule.topologies().iter().map(|topology| vec![vec![]; topology.phases.len()]);
        let mut phases: Vec<Vec<Vec<(f64, f64)>>> = phases.collect();
        for exchange in &Tasks::new(schedule.program(), steps).exchanges {
            let Some(topology) = exchange.operator.topology() else { continue };
            let own = &mut phases[topology as usize];
            let number = exchange.phase_of(own.len());
            let bytes = message_bytes(exchange, model_bytes);
            match own[number].iter_mut().find(|(known, _)| *known == bytes) {
                Some((_, times)) => *times += once,
                None => own[number].push((bytes, once)),
            }
        }
        Self { phases }
    }

    /// The bytes of a message over a phase, and how many exchanges of a step have such, as a mean over the period.
    pub(crate) fn sizes(&self, topology: usize, phase: usize) -> &[(f64, f64)] {
        &self.phases[topology][phase]
    }
}

/// The seconds of a step's exchanges of these sizes, one round after the other.
pub(crate) fn seconds(sizes: &[(f64, f64)], loads: &[Load], wiring: &Wiring) -> f64 {
    let exchange = |bytes: f64| loads.iter().map(|load| load.seconds(wiring, bytes)).sum::<f64>();
    sizes.iter().map(|(bytes, times)| times * exchange(*bytes)).sum()
}
