//! Machines compute on every transport what they compute on threads, bit for bit.

use super::Law;
use super::exchange::PATIENCE;
use super::schedules::{
    averaging, awc, coded, compared, dgd, global_averaging, hub, late, one_peer, path, push_sum, relayed,
    ring, schedule, start,
};
use crate::{Ask, Element, Flat, FlatState, RuntimeError, State, Transport, local};
use bfc_schedule::compression::LowRank;
use bfc_schedule::{Phase, Program, Rank, Schedule};
use std::sync::{Arc, OnceLock};

/// Each kind of round, and lengths from nothing to many chunks.
pub(super) fn laws<X: Transport + Send + 'static>(size: u32) -> Vec<Law<X>> {
    let mut laws = vec![];
    let mut add = |name: &str, program: Program, phases: Vec<Phase>, length: usize| {
        let schedule = Arc::new(schedule(program, size, vec![phases]));
        let name = format!("a machine computes what threads compute: {name}, length {length}");
        if length < 10_000 {
            laws.push(conforms::<f64, X>(format!("{name}, f64"), schedule.clone(), length));
        }
        laws.push(conforms::<f32, X>(format!("{name}, f32"), schedule, length));
    };
    for length in [0, 1, 3, 1001, 300_007] {
        add("one peer", averaging(), one_peer(size), length);
        add("ring with gradients", dgd(), vec![ring(size)], length);
        add("in flight during a gradient", awc(), vec![ring(size)], length);
        add("in flight between steps", late(), one_peer(size), length);
        add("path", averaging(), vec![path(size)], length);
        add("global average", global_averaging(), vec![ring(size)], length);
        add("scalars", push_sum(), one_peer(size), length);
        add("sums of columns", push_sum(), vec![hub(size)], length);
        add("codes", coded(), one_peer(size), length);
        add("edges", relayed(), vec![path(size)], length);
        if length < 10_000 {
            add("factors", compared(LowRank { rank: 2, rows: None }), vec![path(size)], length);
        }
    }
    if size > 1 {
        let schedule = Arc::new(schedule(dgd(), size, vec![vec![ring(size)]]));
        for length in [3, 300_007] {
            let schedule = schedule.clone();
            let name = format!("a trainer's error reaches all, length {length}");
            laws.push(Law::new(name, move |transport| trainer_fails(&schedule, length, transport)));
        }
    }
    laws
}

fn conforms<T: Element, X: Transport + Send + 'static>(
    name: String,
    schedule: Arc<Schedule>,
    length: usize,
) -> Law<X> {
    let reference = OnceLock::new();
    Law::new(name, move |transport: X| {
        let rank = transport.rank();
        let found = drive::<T, _>(&schedule, length, transport).expect("a run");
        let on_threads = || {
            local::spmd(schedule.size(), |transport| drive::<T, _>(&schedule, length, transport))
                .expect("a run on threads")
        };
        assert!(reference.get_or_init(on_threads)[rank.index()] == found, "rank {rank} differs from threads");
    })
}

/// The bits of a rank's model and states after some steps, and the number of bytes that it has sent.
fn drive<T: Element, X: Transport + Send + 'static>(
    schedule: &Schedule,
    length: usize,
    transport: X,
) -> Result<Vec<u64>, RuntimeError> {
    let rank = transport.rank();
    let initial: Vec<T> = (0..length).map(|index| T::from_f64(start(rank, index))).collect();
    let mut machine = Flat::with_deadline(schedule.rank(rank), transport, &initial, PATIENCE)?;
    for _ in 0..4 {
        machine.step(&mut |ask| match ask {
            Ask::Gradient { point, gradient } => gradient.copy_from_slice(point),
            Ask::Prox { point, rho, minimizer } => {
                let nearer = |(to, from): (&mut T, &T)| *to = *from * T::from_f64(rho / (1.0 + rho));
                minimizer.iter_mut().zip(point).for_each(nearer);
            }
            Ask::Adapt { .. } => {}
        })?;
    }
    let mut seen = bits(machine.model()?);
    for (name, _) in &schedule.program().states {
        seen.extend(state_bits(&machine.state(name)?));
    }
    seen.push(machine.bytes_sent());
    Ok(seen)
}

/// The bits of a state's numbers as `f64`.
pub fn state_bits<T: Element>(state: &FlatState<'_, T>) -> Vec<u64> {
    match state {
        State::Vector(values) | State::EdgeVector(values) | State::EdgeFactor(values) => bits(values),
        State::Scalar(value) => vec![value.to_bits()],
        State::EdgeScalar(values) => bits(values),
    }
}

/// The bits of numbers as `f64`.
pub fn bits<T: Element>(values: &[T]) -> Vec<u64> {
    values.iter().map(|value| value.to_f64().to_bits()).collect()
}

fn trainer_fails<X: Transport + Send + 'static>(schedule: &Schedule, length: usize, transport: X) {
    let rank = transport.rank();
    let initial = vec![0.0; length];
    let mut machine =
        Flat::with_deadline(schedule.rank(rank), transport, &initial, PATIENCE).expect("a machine");
    // Ranks that are far away may learn of it by their neighbours only, one step after the other.
    let error = (0..3 + schedule.size()).try_for_each(|step| {
        machine.step(&mut |_| if (rank, step) == (Rank(1), 2) { Err("no more data") } else { Ok(()) })
    });
    match error.expect_err("an error on every rank") {
        RuntimeError::Trainer { .. } => assert_eq!(rank, Rank(1)),
        RuntimeError::PeerFailed { peer: Rank(1), reason, .. } => {
            assert_eq!(reason, "its trainer failed in step 2: no more data");
        }
        error => panic!("{error}"),
    }
}
