//! Schedules for machines that share a network card: ports, messages between machines, and what a period leaves.

use super::dense::{Matrix, ask, is_average, is_doubly_stochastic, matrix, messages, product};
use bfc_schedule::Rational;

/// At most one message out of and into each rank and each machine; gives the number of phases that go outside.
fn keeps_to_the_ports(phases: &[Matrix], local: usize, what: &str) -> usize {
    let mut outside = 0;
    for phase in phases {
        let messages = messages(phase);
        let distinct = |mut ends: Vec<usize>| {
            let all = ends.len();
            ends.sort_unstable();
            ends.dedup();
            assert_eq!(ends.len(), all, "{what}");
        };
        distinct(messages.iter().map(|(from, _)| *from).collect());
        distinct(messages.iter().map(|(_, to)| *to).collect());
        let crossing: Vec<_> = messages.iter().filter(|(from, to)| from / local != to / local).collect();
        distinct(crossing.iter().map(|(from, _)| from / local).collect());
        distinct(crossing.iter().map(|(_, to)| to / local).collect());
        outside += usize::from(!crossing.is_empty());
    }
    outside
}

#[test]
fn any_number_of_machines_of_any_size_keeps_to_the_ports_and_contracts() {
    for name in ["inner_outer_ring", "inner_outer_expo2", "inner_outer_exact"] {
        for machines in 1..=9u32 {
            for local in 1..=7u32 {
                if machines * local == 1 {
                    continue;
                }
                // `ensure contracting`, or `exact_average`, is proved by the compiler.
                let compiled = ask(name, machines * local).sharing(local).compile();
                let what = format!("{name}, {machines} machines of {local}");
                let phases = super::dense::phases(&compiled);
                keeps_to_the_ports(&phases, local as usize, &what);
                assert!(phases.iter().all(is_doubly_stochastic), "{what}");
                let claim = if name == "inner_outer_exact" { "exact_average" } else { "contracting" };
                let check = compiled.report.checks.iter().find(|check| check.text() == claim);
                assert_eq!(check.unwrap().verdict.word(), "proved", "{what}");
            }
        }
    }
}

#[test]
fn published_contractions() {
    let cases = [
        ("inner_outer_ring", 4, 4, 0.700099, 4),
        ("inner_outer_ring", 16, 8, 0.974149, 8),
        ("inner_outer_expo2", 4, 4, 0.636574, 4),
        ("inner_outer_expo2", 16, 8, 0.454536, 24),
    ];
    for (name, machines, local, expected, period) in cases {
        let analysis = ask(name, machines * local).sharing(local).analyze();
        let found = analysis.period_contraction.unwrap();
        assert!((found - expected).abs() < 6e-7, "{name} on {machines} of {local}: {found}");
        assert_eq!(analysis.period, period);
    }
    let slow = ask("inner_outer_expo2", 128).sharing(8).analyze();
    assert_eq!(slow.rounds_to_1e_6, Some(377));
}

/// Weights 1/2 along (machine, local rank) → (machine, local rank).
fn halves(machines: usize, local: usize, to: impl Fn(usize, usize) -> (usize, usize)) -> Matrix {
    let arrow = |rank: usize| {
        let (m, l) = to(rank / local, rank % local);
        (m % machines * local + l % local, rank, Rational::new(1, 2))
    };
    matrix(machines * local, (0..machines * local).map(arrow))
}

#[test]
fn entries_are_those_of_the_published_schedules() {
    for (machines, local) in [(2usize, 3usize), (3, 4), (4, 4), (5, 5), (3, 8)] {
        let size = (machines * local) as u32;
        let ring = ask("inner_outer_ring", size).sharing(local as u32).phases();
        assert_eq!(ring.len(), local);
        for (t, phase) in ring.iter().enumerate() {
            let next = |m: usize, l: usize| match l {
                _ if l == t => (m + 1, l),
                _ if (l + 1) % local == t => (m, l + 2),
                _ => (m, l + 1),
            };
            assert!(*phase == halves(machines, local, next), "ring, {machines} of {local}, step {t}");
        }
        let floor_log = |x: usize| x.ilog2() as usize;
        let (outside, inside) = (floor_log(machines - 1) + 1, floor_log(local - 2) + 1);
        let exponential = ask("inner_outer_expo2", size).sharing(local as u32).phases();
        for (t, phase) in exponential.iter().enumerate() {
            let out = t % local;
            let next = |m: usize, l: usize| {
                let distance = (out + local - l) % local;
                match 1 << (t % inside) {
                    _ if l == out => (m + (1 << (t % outside)), l),
                    hop if hop >= distance => (m, l + hop + 1),
                    hop => (m, l + hop),
                }
            };
            assert!(*phase == halves(machines, local, next), "expo2, {machines} of {local}, step {t}");
        }
    }
}

#[test]
fn exact_averaging_takes_few_steps_outside() {
    // (machines, ranks of each, steps of a period, of these outside)
    let cases = [
        (4u32, 4u32, 7, 3),
        (16, 8, 18, 11),
        (2, 2, 3, 1),
        (4, 8, 11, 6),
        (9, 8, 14, 8),
        (5, 4, 8, 4),
        (8, 1, 3, 3),
    ];
    for (machines, local, period, outside) in cases {
        let what = format!("{machines} machines of {local}");
        let phases = ask("inner_outer_exact", machines * local).sharing(local).phases();
        assert_eq!(
            (phases.len(), keeps_to_the_ports(&phases, local as usize, &what)),
            (period, outside),
            "{what}"
        );
        if machines * local <= 40 {
            assert!(is_average(&product(&phases)), "{what}");
        }
        // With nonnegative weights, what must leave a machine takes local (1 − 1/machines) messages of weight 1.
        let least = (local * (machines - 1)).div_ceil(machines) as usize;
        assert!(outside >= least, "{what}");
        if local % machines == 0 || machines == local + 1 {
            assert_eq!(outside, least, "{what}");
        }
    }
}
