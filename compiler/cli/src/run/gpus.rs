//! The ranks of a run as threads whose models lie on GPUs. Gradients are computed on the host: data sets of this command are small.

use super::curve::Sampling;
use super::data::Data;
use super::failed;
use super::train::{self, Outcome, Plan};
use crate::failure::Failure;
use crate::output;
use bfc_runtime::Transport;
use bfc_runtime::gpu::{Communicator, Gpu, GpuError, GpuMachine, Libraries, Link, Nccl, Threads};
use bfc_runtime::local::{self, LocalTransport};
use bfc_schedule::{RankSchedule, Schedule};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long ranks wait for each other.
const DEADLINE: Duration = Duration::from_secs(30);

/// Where the models of the ranks lie.
enum Gpus {
    /// Each on a GPU of its own, over NCCL.
    Own(Libraries, Nccl),
    /// All on one, with the links of the ranks, which each takes.
    Shared(Mutex<Vec<Option<Threads>>>),
}

/// Runs the schedule with a thread for each rank.
///
/// # Errors
/// There is no GPU or a library is missing, an operation has no kernel, or a rank fails.
pub fn on_gpus(schedule: &Schedule, data: &Data, plan: Plan) -> Result<Outcome, Failure> {
    let gpus = Gpus::of(schedule.size()).map_err(Failure::running)?;
    let found = train::recorded(schedule.size(), data, |send| {
        local::spmd(schedule.size(), move |mut transport| {
            let rank = transport.rank();
            let link = gpus.link(&mut transport)?;
            one_rank(schedule.rank(rank), link, data, plan, train::recorder(send.clone(), rank))
        })
    });
    found.map_err(failed)
}

impl Gpus {
    /// One for each rank, where the machine has as many.
    fn of(size: u32) -> Result<Self, GpuError> {
        let libraries = Libraries::default();
        if Gpu::count(&libraries)? >= size {
            let nccl = Nccl::open(&libraries)?;
            return Ok(Self::Own(libraries, nccl));
        }
        let gpu = Gpu::open(&libraries, 0)?;
        output::say(&format!("all ranks share {}, without NCCL", gpu.name()));
        let links = Threads::group(&gpu, size, DEADLINE)?;
        Ok(Self::Shared(Mutex::new(links.into_iter().map(Some).collect())))
    }

    /// The link of a rank; collective, once.
    fn link(&self, transport: &mut LocalTransport) -> Result<Box<dyn Link>, GpuError> {
        let rank = transport.rank();
        Ok(match self {
            Self::Own(libraries, nccl) => {
                let gpu = Gpu::open(libraries, rank.0)?;
                Box::new(Communicator::over(nccl, &gpu, transport, DEADLINE)?)
            }
            Self::Shared(links) => {
                let mut links = links.lock().unwrap_or_else(PoisonError::into_inner);
                Box::new(links[rank.index()].take().expect("each rank takes its link once"))
            }
        })
    }
}

fn one_rank(
    schedule: RankSchedule,
    link: Box<dyn Link>,
    data: &Data,
    plan: Plan,
    mut record: impl FnMut(u64, &[f64]),
) -> Result<u64, GpuError> {
    let problem = train::part(data, schedule.rank.index());
    let (with_lr, layout) = (train::takes_lr(&schedule), train::layout(&problem, plan));
    let zeros = layout.buckets().iter().map(|bucket| vec![0; bucket.length * bucket.dtype.bytes()]);
    let initial: Vec<Vec<u8>> = zeros.collect();
    let mut machine = GpuMachine::new(schedule, link, layout, &initial)?;
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
