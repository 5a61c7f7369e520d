//! Machines that capture their launches in CUDA graphs.

use super::machines::{PATIENCE, communicators, machine, on_threads};
use super::stand_in::{Fault, StandIn};
use bfc_runtime::conformance::gpu::{laws_with_graphs, overlapping};
use bfc_runtime::conformance::schedules::{averaging, awc, dgd, one_peer, ring, schedule};
use bfc_runtime::gpu::{Communicator, GpuAsk, GpuMachine, Stream, Threads};
use std::convert::Infallible;
use std::sync::Barrier;
use std::time::{Duration, Instant};

#[test]
fn machines_with_graphs_keep_all_laws() {
    let stand_in = StandIn::new();
    for size in [1, 2, 3] {
        for law in laws_with_graphs(size) {
            println!("{size} ranks: {}", law.name());
            on_threads(communicators(&stand_in, size, PATIENCE), |link| law.run(link));
        }
    }
}

#[test]
fn threads_on_one_gpu_launch_without_graphs() {
    let stand_in = StandIn::new();
    for law in laws_with_graphs(2) {
        let links = Threads::group(&stand_in.gpu(), 2, PATIENCE).expect("links");
        on_threads(links, |link| law.run(link));
    }
    let schedule = schedule(averaging(), 2, vec![one_peer(2)]);
    on_threads(Threads::group(&stand_in.gpu(), 2, PATIENCE).expect("links"), |link| {
        let mut machine = machine(&schedule, link, 100).expect("a machine").with_graphs();
        (0..4).for_each(|_| machine.step(&mut { nothing }).expect("a step"));
        assert_eq!(machine.graphs_launched(), 0);
    });
}

fn nothing(_: GpuAsk<'_>, _: &Stream) -> Result<(), Infallible> {
    Ok(())
}

/// Copies the point, so that the gradient stays on the GPU.
fn copy(ask: GpuAsk<'_>, stream: &Stream) -> Result<(), Infallible> {
    if let GpuAsk::Gradient { point, gradient } = ask {
        for (point, gradient) in point.iter().zip(gradient) {
            // SAFETY: the machine's vectors are valid while it asks.
            unsafe { stream.copy(gradient.address, point.address, point.bytes()) }.expect("a copy");
        }
    }
    Ok(())
}

/// After a step that is launched and one that is captured, the host launches no kernel.
#[test]
fn steps_that_repeat_are_one_launch() {
    let stand_in = StandIn::new();
    let schedule = schedule(dgd(), 3, vec![vec![ring(3)]]);
    let barrier = Barrier::new(3);
    on_threads(communicators(&stand_in, 3, PATIENCE), |link| {
        let mut machine = machine(&schedule, link, 100).expect("a machine").with_graphs();
        let step = |machine: &mut GpuMachine<Communicator>| {
            let before = machine.bytes_sent();
            machine.step(&mut { copy }).expect("a step");
            machine.bytes_sent() - before
        };
        let bytes = step(&mut machine);
        assert_eq!(machine.graphs_launched(), 0);
        assert_eq!(step(&mut machine), bytes);
        assert_eq!(machine.graphs_launched(), 1);
        barrier.wait();
        let launched = stand_in.launched();
        barrier.wait();
        for _ in 0..5 {
            assert_eq!(step(&mut machine), bytes);
        }
        assert_eq!(machine.graphs_launched(), 6);
        barrier.wait();
        assert_eq!(stand_in.launched(), launched);
        barrier.wait();
        // Another input is another key.
        machine.set_input("lr", 0.25);
        step(&mut machine);
        assert_eq!(machine.graphs_launched(), 6);
        assert!(stand_in.launched() > launched);
    });
}

/// Inputs that change for ever, and come back, give the bits of a machine without graphs.
#[test]
fn graphs_that_give_way_are_captured_again() {
    let stand_in = StandIn::new();
    let schedule = schedule(dgd(), 2, vec![vec![ring(2)]]);
    let run = |with_graphs: bool| {
        on_threads(communicators(&stand_in, 2, PATIENCE), |link| {
            let initial: Vec<u8> = (0..50u16).flat_map(|index| f32::from(index).to_le_bytes()).collect();
            let rank = bfc_runtime::gpu::Link::rank(&link);
            let layout = bfc_runtime::Layout::flat::<f32>(50);
            let mut machine =
                GpuMachine::new(schedule.rank(rank), link, layout, &[initial]).expect("a machine");
            if with_graphs {
                machine = machine.with_graphs();
            }
            // As many values as fit, and then more: those of the first ones give way.
            for values in [3, 3, 3, 70, 70, 3, 3, 3] {
                for value in 0..values {
                    machine.set_input("lr", f64::from(value) / 1000.0);
                    machine.step(&mut { copy }).expect("a step");
                }
            }
            (machine.model().expect("the model"), machine.graphs_launched())
        })
    };
    for ((with, launched), (without, none)) in run(true).into_iter().zip(run(false)) {
        assert_eq!(with, without);
        // Of the 3 values, the first step of both times is plain; the 67 others are gone before they come again.
        assert_eq!((launched, none), (2 * 3 + 3 + 2 * 3, 0));
    }
}

/// What is in flight while the trainer is asked goes on beside it: neither it nor what is queued meanwhile is captured.
#[test]
fn a_flight_during_a_question_is_launched_alone() {
    let stand_in = StandIn::new();
    for program in [awc(), overlapping()] {
        let schedule = schedule(program, 2, vec![one_peer(2)]);
        on_threads(communicators(&stand_in, 2, PATIENCE), |link| {
            let mut machine = machine(&schedule, link, 100).expect("a machine").with_graphs();
            for _ in 0..6 {
                machine.step(&mut { copy }).expect("a step");
            }
            assert_eq!(machine.graphs_launched(), 5);
        });
    }
}

/// A graph whose receive never comes ends with the deadline, and so does its communicator, which no longer has graphs.
#[test]
fn a_message_that_is_lost_in_a_graph_is_a_deadline() {
    let stand_in = StandIn::new();
    let deadline = Duration::from_secs(3);
    let schedule = schedule(averaging(), 2, vec![one_peer(2)]);
    let barrier = Barrier::new(2);
    on_threads(communicators(&stand_in, 2, deadline), |link| {
        let mut machine = machine(&schedule, link, 1000).expect("a machine").with_graphs();
        for _ in 0..3 {
            machine.step(&mut { nothing }).expect("a step");
        }
        machine.model().expect("the model");
        assert_eq!(machine.graphs_launched(), 2);
        barrier.wait();
        stand_in.fault(Fault::LostSend, 1);
        barrier.wait();
        let start = Instant::now();
        let failed = (0..3).find_map(|_| machine.step(&mut { nothing }).and_then(|()| machine.model()).err());
        assert!(failed.expect("a deadline").to_string().contains("a peer did not come within 3s"));
        assert!(machine.graphs_launched() > 2);
        let elapsed = start.elapsed();
        assert!(elapsed < 2 * deadline, "the abort waits for a graph: {elapsed:?}");
    });
}

/// An error that NCCL reports during a capture ends the capture, too.
#[test]
fn an_error_during_a_capture_ends_it() {
    let stand_in = StandIn::new();
    let schedule = schedule(averaging(), 2, vec![one_peer(2)]);
    let barrier = Barrier::new(2);
    on_threads(communicators(&stand_in, 2, PATIENCE), |link| {
        let mut machine = machine(&schedule, link, 1000).expect("a machine").with_graphs();
        barrier.wait();
        // The error comes when the step has been queued.
        stand_in.fault(Fault::Slow, 100_000);
        stand_in.fault(Fault::AsyncError, 2);
        barrier.wait();
        machine.step(&mut { nothing }).expect("a step that is queued");
        // Until its messages have failed.
        while !machine.stream().is_done().expect("a stream") {
            std::thread::yield_now();
        }
        let error = machine.step(&mut { nothing }).expect_err("an error").to_string();
        assert!(error.contains("`ncclGroupEnd` failed: remote process exited"), "{error}");
        // Neither stream is captured any longer, and nothing keeps the communicator.
        assert!(machine.stream().is_done().expect("a stream"));
        stand_in.gpu().allocate(64).expect("memory");
    });
}
