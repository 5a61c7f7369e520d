//! Machines on GPUs compute what machines of the host do: as threads on one GPU, and over NCCL.

use super::stand_in::{Fault, StandIn};
use bfc_runtime::Layout;
use bfc_runtime::conformance::gpu::laws;
use bfc_runtime::conformance::schedules::{averaging, dgd, one_peer, ring, schedule};
use bfc_runtime::gpu::{Communicator, GpuAsk, GpuError, GpuMachine, Link, Nccl, Stream, Threads};
use bfc_schedule::{Rank, Schedule};
use miette::Diagnostic;
use std::convert::Infallible;
use std::thread;
use std::time::{Duration, Instant};

pub const PATIENCE: Duration = Duration::from_secs(60);

/// Runs ranks on threads, and returns what they return.
pub fn on_threads<L: Link + Send, R: Send>(links: Vec<L>, body: impl Fn(L) -> R + Sync) -> Vec<R> {
    thread::scope(|scope| {
        let body = &body;
        let threads: Vec<_> = links.into_iter().map(|link| scope.spawn(move || body(link))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    })
}

pub fn communicators(stand_in: &StandIn, size: u32, deadline: Duration) -> Vec<Communicator> {
    let (gpu, nccl) = (stand_in.gpu(), Nccl::open(&stand_in.libraries()).expect("NCCL"));
    let id = nccl.id().expect("an id");
    let new =
        |rank| Communicator::new(&nccl, &gpu, id, (Rank(rank), size), deadline).expect("a communicator");
    thread::scope(|scope| {
        let new = &new;
        let threads: Vec<_> = (0..size).map(|rank| scope.spawn(move || new(rank))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    })
}

#[test]
fn threads_on_one_gpu_and_nccl_keep_all_laws() {
    let stand_in = StandIn::new();
    for size in [1, 3] {
        for law in laws(size) {
            let links = Threads::group(&stand_in.gpu(), size, PATIENCE).expect("links");
            on_threads(links, |link| law.run(link));
        }
    }
    for size in [2, 5] {
        for law in laws(size) {
            on_threads(communicators(&stand_in, size, PATIENCE), |link| law.run(link));
        }
    }
}

pub fn machine<L: Link>(schedule: &Schedule, link: L, length: usize) -> Result<GpuMachine<L>, GpuError> {
    let rank = link.rank();
    GpuMachine::new(schedule.rank(rank), link, Layout::flat::<f32>(length), &[vec![0; 4 * length]])
}

fn code(error: &GpuError) -> String {
    error.code().expect("a code").to_string()
}

#[test]
fn ranks_with_other_tensors_are_refused() {
    let stand_in = StandIn::new();
    let schedule = schedule(averaging(), 2, vec![one_peer(2)]);
    let links = Threads::group(&stand_in.gpu(), 2, PATIENCE).expect("links");
    let errors = on_threads(links, |link| {
        let length = 100 + link.rank().index();
        code(&machine(&schedule, link, length).err().expect("a difference"))
    });
    assert!(errors.contains(&"bfc::gpu::different".to_owned()), "{errors:?}");
}

#[test]
fn a_trainer_that_fails_ends_the_run_of_all() {
    let stand_in = StandIn::new();
    let schedule = schedule(dgd(), 2, vec![vec![ring(2)]]);
    let errors = on_threads(communicators(&stand_in, 2, Duration::from_millis(500)), |link| {
        let rank = link.rank();
        let mut machine = machine(&schedule, link, 10).expect("a machine");
        let mut step = || {
            machine
                .step(&mut |_: GpuAsk<'_>, _: &Stream| if rank.0 == 1 { Err("no more data") } else { Ok(()) })
        };
        // The host is two steps ahead at most.
        let error = (0..4).find_map(|_| step().err()).expect("an error");
        assert_eq!(step().expect_err("the machine is lost"), error);
        error
    });
    assert_eq!(errors[1].to_string(), "rank 1, step 0: the trainer failed: no more data");
    assert_eq!(code(&errors[1]), "bfc::gpu::trainer");
    assert_eq!(code(&errors[0]), "bfc::gpu::call");
    assert!(errors[0].to_string().contains("did not come within 500ms"), "{}", errors[0]);
}

/// A message is lost; both ranks abort, and go on with a new communicator.
#[test]
fn after_an_abort_a_new_communicator_goes_on() {
    let stand_in = StandIn::new();
    let schedule = schedule(averaging(), 2, vec![one_peer(2)]);
    let nothing = |_: GpuAsk<'_>, _: &Stream| Ok::<_, Infallible>(());
    let errors = on_threads(communicators(&stand_in, 2, Duration::from_millis(200)), |link| {
        let mut machine = machine(&schedule, link, 1000).expect("a machine");
        machine.step(&mut { nothing }).expect("a step");
        machine.model().expect("the model");
        stand_in.fault(Fault::LostSend, 1);
        let failed = (0..3).find_map(|_| machine.step(&mut { nothing }).and_then(|()| machine.model()).err());
        failed.expect("a deadline").to_string()
    });
    assert!(errors.iter().all(|error| error.contains("a peer did not come")), "{errors:?}");
    stand_in.fault(Fault::LostSend, 0);
    let start = Instant::now();
    on_threads(communicators(&stand_in, 2, PATIENCE), |link| {
        let mut machine = machine(&schedule, link, 1000).expect("a machine");
        machine.step(&mut { nothing }).expect("a step");
        machine.model().expect("the model")
    });
    println!("{:?} from the abort to the first step", start.elapsed());
}
