//! A trainer that computes the same on every transport, and what it sees.

use crate::DEADLINE;
use bfc_runtime::conformance::schedules::start;
use bfc_runtime::conformance::{bits, state_bits};
use bfc_runtime::simulated::Clock;
use bfc_runtime::{Ask, Element, Flat, FlatAsk, RuntimeError, Transport, Wanted, local};
use bfc_schedule::{Rank, Schedule, random};
use std::time::Duration;

/// How a trainer drives its machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drive {
    /// By a closure.
    Closure,
    /// By a closure, on a state in the trainer's own memory.
    Lent,
    /// By one answer a call.
    Answers,
}

/// How a trainer fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    Error,
    Panic,
}

/// What all ranks do.
pub struct Task {
    pub schedule: Schedule,
    pub length: usize,
    pub steps: u64,
    pub drive: Drive,
    /// A rank's trainer fails in a step, if it is asked there.
    pub failure: Option<(Rank, u64, Failure)>,
}

/// What a rank's trainer has seen. Numbers are bits of `f64`.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// The model after each step.
    pub models: Vec<Vec<u64>>,
    /// The states at the end, where they are the machine's.
    pub states: Option<Vec<u64>>,
    /// The lent memory at the end.
    pub memory: Vec<u64>,
    pub error: Option<Ended>,
}

/// How a rank's run ended before its time.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended {
    Deadline { peer: Rank, waited: Duration },
    Left { peer: Rank },
    Failed { peer: Rank, reason: String },
    Trainer { reason: String },
    Other(String),
}

impl From<RuntimeError> for Ended {
    fn from(error: RuntimeError) -> Self {
        match error {
            RuntimeError::Deadline { peer, waited, .. } => Self::Deadline { peer, waited },
            RuntimeError::PeerLeft { peer, .. } => Self::Left { peer },
            RuntimeError::PeerFailed { peer, reason, .. } => Self::Failed { peer, reason },
            RuntimeError::Trainer { step, source, .. } => {
                Self::Trainer { reason: format!("its trainer failed in step {step}: {source}") }
            }
            error => Self::Other(error.to_string()),
        }
    }
}

/// What every rank's trainer sees on threads, with a closure.
pub fn on_threads<T: Element>(task: &Task) -> Vec<Seen> {
    let drive = if task.drive == Drive::Lent { Drive::Lent } else { Drive::Closure };
    let schedule = task.schedule.clone();
    let task = Task { schedule, length: task.length, steps: task.steps, drive, failure: None };
    local::spmd(task.schedule.size(), |transport| Ok::<_, String>(train::<T, _>(&task, None, transport)))
        .expect("a run on threads")
}

/// One rank's run, on a clock where time is simulated.
pub fn train<T: Element, X: Transport + Send + 'static>(
    task: &Task,
    clock: Option<Clock>,
    transport: X,
) -> Seen {
    let rank = transport.rank();
    let mut seen = Seen { models: vec![], states: None, memory: vec![], error: None };
    let mut memory: Vec<T> = (0..task.length).map(|index| T::from_f64(start(rank, index))).collect();
    seen.error = steps(task, clock, transport, &mut memory, &mut seen).err().map(Ended::from);
    seen.memory = bits(&memory);
    seen
}

fn steps<T: Element, X: Transport + Send + 'static>(
    task: &Task,
    clock: Option<Clock>,
    transport: X,
    memory: &mut [T],
    seen: &mut Seen,
) -> Result<(), RuntimeError> {
    let rank = transport.rank();
    let mut machine = Flat::with_deadline(task.schedule.rank(rank), transport, memory, DEADLINE)?;
    let mut model = vec![T::default(); task.length];
    for step in 0..task.steps {
        let mut trainer = |ask: FlatAsk<'_, T>| {
            if let Some(clock) = &clock {
                // Some ranks are slow.
                let time = random::output(rank.0.into(), step) % (1 << (10 + rank.0 % 3 * 5));
                clock.sleep(Duration::from_nanos(time));
            }
            match task.failure {
                Some((failing, at, Failure::Error)) if (failing, at) == (rank, step) => {
                    return Err("no more data");
                }
                Some((failing, at, Failure::Panic)) if (failing, at) == (rank, step) => {
                    // Without a message on the terminal.
                    std::panic::resume_unwind(Box::new("a bug"));
                }
                _ => {}
            }
            answer(rank, ask);
            Ok(())
        };
        match task.drive {
            Drive::Closure => machine.step(&mut trainer)?,
            Drive::Lent => machine.step_on(memory, &mut trainer)?,
            Drive::Answers => by_answers(&mut machine, &mut model, &mut trainer)?,
        }
        match task.drive {
            Drive::Lent => machine.model_on(memory, &mut model)?,
            _ => model.copy_from_slice(machine.model()?),
        }
        seen.models.push(bits(&model));
    }
    if task.drive != Drive::Lent {
        let mut states = vec![];
        for (name, _) in &task.schedule.program().states {
            states.extend(state_bits(&machine.state(name)?));
        }
        seen.states = Some(states);
    }
    Ok(())
}

/// A step, one answer a call; the trainer's error ends it as a closure's would.
fn by_answers<T: Element, X: Transport + Send + 'static>(
    machine: &mut Flat<T, X>,
    answer: &mut [T],
    trainer: &mut impl FnMut(FlatAsk<'_, T>) -> Result<(), &'static str>,
) -> Result<(), RuntimeError> {
    loop {
        let wanted = machine.wanted()?;
        let point = machine.point()?.to_vec();
        let answered = match wanted {
            Some(Wanted::Gradient) => trainer(Ask::Gradient { point: &point, gradient: answer }),
            Some(Wanted::Minimizer { rho }) => trainer(Ask::Prox { point: &point, rho, minimizer: answer }),
            Some(Wanted::Adapted) => {
                answer.copy_from_slice(&point);
                trainer(Ask::Adapt { point: answer, direction: None })
            }
            None => Ok(()),
        };
        // A trainer that drives by answers has no call for its own errors: it drops the machine.
        if let Err(reason) = answered {
            return Err(RuntimeError::Trainer {
                rank: machine.rank(),
                step: machine.steps(),
                source: reason.into(),
            });
        }
        if machine.next(answer)? {
            return Ok(());
        }
    }
}

/// Of f(x) = ‖x − rank − 1‖² / 4.
fn answer<T: Element>(rank: Rank, ask: FlatAsk<'_, T>) {
    let number = T::from_f64;
    let (half, optimum) = (number(0.5), number(f64::from(rank.0) + 1.0));
    let gradient = |x: T| half * (x - optimum);
    match ask {
        Ask::Gradient { point, gradient: into } => {
            into.iter_mut().zip(point).for_each(|(into, &x)| *into = gradient(x));
        }
        Ask::Adapt { point, direction } => {
            for (index, x) in point.iter_mut().enumerate() {
                let direction = direction.map_or_else(|| gradient(*x), |direction| direction[index]);
                *x = *x - number(0.05) * direction;
            }
        }
        Ask::Prox { point, rho, minimizer } => {
            let (rho, weight) = (number(rho), number(0.5 + rho));
            for (into, &x) in minimizer.iter_mut().zip(point) {
                *into = (half * optimum + rho * x) / weight;
            }
        }
    }
}
