//! One suite for all transports: what they carry is the matrix, bit for bit what threads compute.

use super::*;
use bfc_runtime::{Ask, Element, Machine, RuntimeError, State, Transport, local};
use bfc_schedule::matrix::Row;
use std::time::Duration;

/// A schedule to run.
pub struct Case {
    pub name: String,
    pub schedule: Schedule,
    pub length: usize,
    pub steps: u64,
}

/// Cases for `size` ranks: each kind of round, and lengths from nothing to many chunks.
pub fn cases(size: u32) -> Vec<Case> {
    let mut cases = vec![];
    let mut add = |name: &str, program: Program, phases: Vec<Phase>, length: usize| {
        let schedule = schedule(program, size, vec![phases]);
        cases.push(Case { name: format!("{name}, length {length}"), schedule, length, steps: 4 });
    };
    for length in [0, 1, 3, 1001, 300_007] {
        add("one peer", averaging(), one_peer(size), length);
        add("ring with gradients", dgd(), vec![ring(size)], length);
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
    cases
}

/// Neighbours in a row, a third each way; ends keep two thirds. The ends see a symmetric round, the others do not.
pub fn path(size: u32) -> Phase {
    let third = Rational::new(1, 3);
    let row = |rank: u32| {
        let mut in_weights = vec![];
        if rank > 0 {
            in_weights.push((Rank(rank - 1), third.clone()));
        }
        if rank + 1 < size {
            in_weights.push((Rank(rank + 1), third.clone()));
        }
        let self_weight = in_weights.iter().fold(Rational::one(), |rest, (_, weight)| &rest - weight);
        Row { self_weight, in_weights }
    };
    table((0..size).map(row).collect())
}

/// Runs one rank's part of a case; the bits of its model and states.
pub fn drive<T: Element, X: Transport>(case: &Case, transport: X) -> Result<Vec<u64>, RuntimeError> {
    let rank = transport.rank();
    let initial: Vec<T> = (0..case.length).map(|index| T::from_f64(start(rank, index))).collect();
    let schedule = case.schedule.rank(rank);
    let mut machine = Machine::with_deadline(schedule, transport, &initial, Duration::from_secs(30))?;
    for _ in 0..case.steps {
        machine.step(&mut |ask| match ask {
            Ask::Gradient { point, gradient } => gradient.copy_from_slice(point),
            Ask::Prox { point, rho, minimizer } => {
                let nearer = |(to, from): (&mut T, &T)| *to = *from * T::from_f64(rho / (1.0 + rho));
                minimizer.iter_mut().zip(point).for_each(nearer);
            }
            Ask::Adapt { .. } => {}
        })?;
    }
    let mut bits: Vec<u64> = machine.model()?.iter().map(|value| value.to_f64().to_bits()).collect();
    for (name, _) in &case.schedule.program().states {
        match machine.state(name)? {
            State::Vector(values) | State::EdgeVector(values) | State::EdgeFactor(values) => {
                bits.extend(values.iter().map(|value| value.to_f64().to_bits()))
            }
            State::Scalar(value) => bits.push(value.to_bits()),
            State::EdgeScalar(values) => bits.extend(values.iter().map(|value| value.to_bits())),
        }
    }
    bits.push(machine.bytes_sent());
    Ok(bits)
}

/// What threads make of a case, for every rank.
pub fn reference<T: Element>(case: &Case) -> Vec<Vec<u64>> {
    local::spmd(case.schedule.size(), |transport| drive::<T, _>(case, transport)).expect("a run on threads")
}

/// Asserts that a rank has what threads compute.
pub fn assert_conforms<T: Element>(case: &Case, rank: Rank, found: &[u64]) {
    let reference = &reference::<T>(case)[rank.index()];
    assert!(reference == found, "{} in {}: rank {rank} differs from threads", case.name, T::NAME);
}
