//! The ranks of a run as threads whose models lie on GPUs. Gradients are computed on the host: data sets of this command are small.

use super::RunError;
use super::curve::Sampling;
use super::data::Data;
use super::train::{self, Outcome, Plan};
use crate::failure::Failure;
use crate::output;
use bfc_runtime::gpu::{Communicator, Gpu, GpuError, GpuMachine, Libraries, Link, Nccl, Threads};
use bfc_schedule::{Rank, RankSchedule, Schedule};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How long ranks wait for each other.
const DEADLINE: Duration = Duration::from_secs(30);

/// Joins the ranks from a rank's thread.
type Join = Box<dyn FnOnce() -> Result<Box<dyn Link>, GpuError> + Send>;

/// Runs the schedule with a thread for each rank.
///
/// # Errors
/// There is no GPU or a library is missing, an operation has no kernel, or a rank fails.
pub fn on_gpus(schedule: &Schedule, data: &Data, plan: Plan) -> Result<Outcome, Failure> {
    let joins = joins(schedule.size()).map_err(Failure::running)?;
    train::recorded(schedule.size(), data, |send| {
        // The first error is the cause of the others.
        let first = Mutex::new(None);
        let fail = |error: Failure| {
            first.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        };
        let sent: Vec<u64> = thread::scope(|scope| {
            let run = |(rank, join): (Rank, Join)| {
                let (send, fail) = (send.clone(), &fail);
                scope.spawn(move || {
                    let record = train::recorder(send, rank);
                    one_rank(schedule.rank(rank), join, data, plan, record)
                        .map_err(|error| fail(Failure::running(error)))
                })
            };
            let threads: Vec<_> = (0..).map(Rank).zip(joins).map(run).collect();
            let end = |(rank, thread): (u32, thread::ScopedJoinHandle<'_, Result<u64, ()>>)| {
                thread.join().unwrap_or_else(|panic| {
                    let said = panic.downcast_ref::<String>().cloned();
                    let message = said.unwrap_or_else(|| "no message".to_string());
                    fail(Failure::running(RunError::Panicked { rank: Rank(rank), message }));
                    Err(())
                })
            };
            (0..).zip(threads).filter_map(|one| end(one).ok()).collect()
        });
        drop(send);
        match first.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(sent),
        }
    })
}

/// How each rank joins: over NCCL where every rank has a GPU, else all on the first.
fn joins(size: u32) -> Result<Vec<Join>, GpuError> {
    let libraries = Libraries::default();
    let found = Gpu::count(&libraries)?;
    if found < size {
        let gpu = Gpu::open(&libraries, 0)?;
        output::say(&format!("all ranks share {}, without NCCL", gpu.name()));
        let links = Threads::group(&gpu, size, DEADLINE)?.into_iter();
        return Ok(links.map(|link| Box::new(|| Ok(Box::new(link) as Box<dyn Link>)) as Join).collect());
    }
    let nccl = Nccl::open(&libraries)?;
    let id = nccl.id()?;
    let join = |rank: u32| {
        let (libraries, nccl) = (libraries.clone(), nccl.clone());
        let join = move || {
            let gpu = Gpu::open(&libraries, rank)?;
            let communicator = Communicator::new(&nccl, &gpu, id, (Rank(rank), size), DEADLINE)?;
            Ok(Box::new(communicator) as Box<dyn Link>)
        };
        Box::new(join) as Join
    };
    Ok((0..size).map(join).collect())
}

fn one_rank(
    schedule: RankSchedule,
    join: Join,
    data: &Data,
    plan: Plan,
    mut record: impl FnMut(u64, &[f64]),
) -> Result<u64, GpuError> {
    let problem = train::part(data, schedule.rank.index());
    let (with_lr, layout) = (train::takes_lr(&schedule), train::layout(&problem, plan));
    let zeros = layout.buckets().iter().map(|bucket| vec![0; bucket.length * bucket.dtype.bytes()]).collect();
    let initial: Vec<Vec<u8>> = zeros;
    let mut machine = GpuMachine::new(schedule, join()?, layout, &initial)?;
    if with_lr {
        machine.set_input("lr", plan.lr);
    }
    record(0, &vec![0.0; problem.parameters()]);
    let sampling = Sampling::new(plan.steps);
    let mut trainer = train::trainer(&problem, plan.lr);
    for step in 1..=plan.steps {
        machine.step_on_host(&mut trainer)?;
        if sampling.includes(step) {
            record(step, &machine.model_on_host(|model| model.to_f64(0))?);
        }
    }
    Ok(machine.bytes_sent())
}
