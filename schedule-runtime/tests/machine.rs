//! Machines on threads: what programs compute, how trainers drive them, and what goes wrong.

use bfc_runtime::conformance::schedules::*;
use bfc_runtime::local::{LocalTransport, SpmdError, spmd};
use bfc_runtime::transport::{Tag, rounds};
use bfc_runtime::{Ask, Element, Flat, RuntimeError, State, Transport, Wanted};
use bfc_schedule::matrix::Row;
use bfc_schedule::program::{Instruction, Operation, Register, Shape};
use bfc_schedule::{Phase, Rank, Rational, Schedule};
use miette::Diagnostic;
use proptest::collection::vec;
use proptest::prelude::*;
use std::time::{Duration, Instant};

type Local<T> = Flat<T, LocalTransport>;

/// Runs `body` on every rank's machine, started with `start`.
fn run<T: Element, R: Send>(
    schedule: &Schedule,
    length: usize,
    body: impl Fn(Local<T>) -> Result<R, RuntimeError> + Sync,
) -> Result<Vec<R>, SpmdError<RuntimeError>> {
    spmd(schedule.size(), |transport| {
        let rank = transport.rank();
        let initial: Vec<T> = (0..length).map(|index| T::from_f64(start(rank, index))).collect();
        let deadline = Duration::from_secs(20);
        body(Flat::with_deadline(schedule.rank(rank), transport, &initial, deadline)?)
    })
}

fn models<T: Element>(schedule: &Schedule, length: usize, steps: u64) -> Vec<Vec<T>> {
    run(schedule, length, |mut machine| {
        for _ in 0..steps {
            machine.step(&mut |_| ())?;
        }
        Ok(machine.model()?.to_vec())
    })
    .expect("a run")
}

/// What the schedule's matrices give, in exact order of phases.
fn expected(schedule: &Schedule, index: usize, steps: u64) -> Vec<f64> {
    let phases = &schedule.topologies()[0].phases;
    let values = (0..schedule.size()).map(|rank| start(Rank(rank), index)).collect();
    (0..steps as usize)
        .fold(values, |values: Vec<f64>, step| apply(&phases[step % phases.len()].matrix, &values))
}

fn assert_computes_w<T: Element>(schedule: &Schedule, length: usize, steps: u64, tolerance: f64) {
    let models = models::<T>(schedule, length, steps);
    for index in 0..length {
        let expected = expected(schedule, index, steps);
        for (model, expected) in models.iter().zip(expected) {
            let found = model[index].to_f64();
            assert!((found - expected).abs() <= tolerance, "element {index}: {found} instead of {expected}");
        }
    }
}

#[test]
fn mixing_is_the_matrix_for_every_length() {
    for length in [0, 1, 2, 3, 63, 1000, 20_011, 150_001] {
        for size in [1, 2, 3, 4] {
            let schedule = schedule(averaging(), size, vec![one_peer(size)]);
            assert_computes_w::<f64>(&schedule, length, 5, 1e-13);
            assert_computes_w::<f32>(&schedule, length, 5, 1e-4);
        }
        assert_computes_w::<f64>(&schedule(averaging(), 5, vec![vec![ring(5)]]), length, 3, 1e-13);
    }
}

#[test]
fn one_peer_exponential_averages_exactly() {
    let schedule = schedule(averaging(), 8, vec![one_peer(8)]);
    for model in models::<f64>(&schedule, 3, 3) {
        for (index, value) in model.iter().enumerate() {
            let mean = (0..8).map(|rank| start(Rank(rank), index)).sum::<f64>() / 8.0;
            assert!((value - mean).abs() < 1e-14);
        }
    }
}

#[test]
fn average_has_the_same_bits_on_every_rank() {
    for size in [1, 2, 3, 5, 8, 13] {
        let schedule = schedule(global_averaging(), size, vec![vec![ring(size)]]);
        for length in [0, 1, 2, 7, 1000, 70_001] {
            let models = models::<f32>(&schedule, length, 1);
            for index in (0..length).step_by(97) {
                let mean = (0..size).map(|rank| start(Rank(rank), index)).sum::<f64>() / size as f64;
                assert!((models[0][index] as f64 - mean).abs() < 1e-5, "size {size}, length {length}");
            }
            assert!(models.iter().all(|model| model == &models[0]));
        }
    }
}

/// W in the element type: row i, column j is what rank i makes of the j-th unit vector.
fn rounded<T: Element>(schedule: &Schedule) -> Vec<Vec<f64>> {
    spmd(schedule.size(), |transport| {
        let rank = transport.rank();
        let unit: Vec<T> = (0..schedule.size()).map(|index| T::from_f64((index == rank.0).into())).collect();
        let mut machine = Flat::new(schedule.rank(rank), transport, &unit)?;
        machine.step(&mut |_| ())?;
        Ok::<_, RuntimeError>(machine.model()?.iter().map(|weight| weight.to_f64()).collect())
    })
    .expect("a run")
}

fn sums(rounded: &[Vec<f64>], columns: bool) -> Vec<f64> {
    let entry = |line: usize, k: usize| if columns { rounded[k][line] } else { rounded[line][k] };
    (0..rounded.len()).map(|line| (0..rounded.len()).map(|k| entry(line, k)).sum()).collect()
}

/// Every rank divides by the number of those that it sends to, and itself: or that it hears from, where `pulls`.
fn uniform(edges: &[Vec<bool>], pulls: bool) -> Phase {
    let ranks = || 0..edges.len();
    let sends = |from: usize, to: usize| from != to && edges[from][to];
    let receives = |rank: usize| ranks().filter(|from| sends(*from, rank)).count();
    let degree = |from: usize, to: usize| match pulls {
        true => receives(to),
        false => ranks().filter(|to| sends(from, *to)).count(),
    };
    let weight = |from: usize, to: usize| Rational::new(1, degree(from, to) as u32 + 1);
    let row = |to: usize| Row {
        self_weight: weight(to, to),
        in_weights: ranks()
            .filter(|from| sends(*from, to))
            .map(|from| (Rank(from as u32), weight(from, to)))
            .collect(),
    };
    table(ranks().map(row).collect())
}

/// Any rows over `size` ranks with small rational weights of either sign.
fn digraph() -> impl Strategy<Value = Vec<Row>> {
    (1u32..=64, 0.0..1.0f64).prop_flat_map(|(size, density)| {
        let weight =
            (-3i64..=5, 1i64..=7).prop_map(|(numerator, denominator)| Rational::new(numerator, denominator));
        let edge = (prop::bool::weighted((density * 6.0 / size as f64).min(1.0)), weight.clone());
        let row = (weight, vec(edge, size as usize));
        vec(row, size as usize).prop_map(|rows| {
            let rows = rows.into_iter().zip(0..);
            rows.map(|((self_weight, edges), rank)| {
                let others =
                    edges.into_iter().zip(0..).filter(|((edge, _), source)| *edge && *source != rank);
                let in_weights = others.map(|((_, weight), source)| (Rank(source), weight)).collect();
                Row { self_weight, in_weights }
            })
            .collect()
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn execution_is_the_matrix(rows in digraph(), length in prop::sample::select(vec![1usize, 5, 9000])) {
        let phase = table(rows);
        let matrix = phase.matrix.clone();
        let schedule = schedule(averaging(), matrix.size(), vec![vec![phase]]);
        let models = models::<f64>(&schedule, length, 2);
        for index in [0, length / 2, length - 1] {
            for (model, expected) in models.iter().zip(expected(&schedule, index, 2)) {
                let found = model[index];
                prop_assert!((found - expected).abs() <= 1e-10 * (1.0 + expected.abs()), "{} {}", found, expected);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// The sums that W has are those that the ranks compute with: of all rows, or of all columns where only those are 1.
    #[test]
    fn rounding_keeps_the_sums_that_count(
        edges in (2usize..9).prop_flat_map(|size| vec(vec(any::<bool>(), size), size)),
        pulls: bool,
    ) {
        let schedule = schedule(averaging(), edges.len() as u32, vec![vec![uniform(&edges, pulls)]]);
        let rows = sums(&rounded::<f64>(&schedule), false);
        let columns_count = rows.iter().any(|sum| (sum - 1.0).abs() > 1e-9);
        prop_assert!(!pulls || !columns_count);
        prop_assert!(sums(&rounded::<f32>(&schedule), columns_count).iter().all(|sum| *sum == 1.0));
        prop_assert!(sums(&rounded::<f64>(&schedule), columns_count).iter().all(|sum| (sum - 1.0).abs() < 1e-15));
    }
}

#[test]
fn scalars_travel_with_vectors() {
    // A directed ring with one long edge: column-stochastic only, so that v differs from 1.
    let mut rows: Vec<_> = (0..6u32)
        .map(|rank| bfc_schedule::matrix::Row {
            self_weight: Rational::new(1, if rank == 0 { 3 } else { 2 }),
            in_weights: vec![(Rank((rank + 5) % 6), Rational::new(1, if rank == 1 { 3 } else { 2 }))],
        })
        .collect();
    rows[3].in_weights = vec![(Rank(0), Rational::new(1, 3)), (Rank(2), Rational::new(1, 2))];
    for length in [1, 30_000] {
        let schedule = schedule(push_sum(), 6, vec![vec![table(rows.clone())]]);
        let mean = (0..6).map(|rank| start(Rank(rank), 0)).sum::<f64>() / 6.0;
        let results = run::<f64, _>(&schedule, length, |mut machine| {
            for _ in 0..200 {
                machine.step(&mut |_| ())?;
            }
            let State::Scalar(v) = machine.state("v")? else { panic!("v is a number") };
            Ok((machine.model()?[0], v))
        })
        .expect("a run");
        assert!(results.iter().all(|(model, _)| (model - mean).abs() < 1e-12));
        assert!((results.iter().map(|(_, v)| v).sum::<f64>() - 6.0).abs() < 1e-12);
        assert!(results.iter().any(|(_, v)| (v - 1.0).abs() > 0.1));
    }
}

#[test]
fn scalars_take_part_in_place_exchanges_and_averages() {
    let schedule = schedule(push_sum(), 2, vec![vec![ring(2)]]);
    for length in [0, 3, 40_000] {
        let results = run::<f32, _>(&schedule, length, |mut machine| {
            machine.step(&mut |_| ())?;
            let State::Scalar(v) = machine.state("v")? else { panic!("v is a number") };
            Ok(v)
        });
        assert_eq!(results.expect("a run"), [1.0, 1.0]);
    }
}

#[test]
fn a_closure_and_next_drive_the_same_machine() {
    let schedule = schedule(dgd(), 4, vec![one_peer(4)]);
    let gradient =
        |rank: Rank, point: &[f64]| -> Vec<f64> { point.iter().map(|x| x - rank.0 as f64).collect() };
    let by_closure = run::<f64, _>(&schedule, 10, |mut machine| {
        let rank = machine.rank();
        machine.set_input("lr", 0.05)?;
        for _ in 0..20 {
            machine.step(&mut |ask| match ask {
                Ask::Gradient { point, gradient: into } => into.copy_from_slice(&gradient(rank, point)),
                Ask::Adapt { .. } | Ask::Prox { .. } => unreachable!(),
            })?;
        }
        Ok((machine.model()?.to_vec(), machine.bytes_sent()))
    });
    let by_next = run::<f64, _>(&schedule, 10, |mut machine| {
        machine.set_input("lr", 0.05)?;
        for step in 0..20 {
            assert_eq!((machine.steps(), machine.wanted()?), (step, Some(Wanted::Gradient)));
            let gradient = gradient(machine.rank(), machine.point()?);
            assert!(machine.next(&gradient)?);
        }
        Ok((machine.model()?.to_vec(), machine.bytes_sent()))
    });
    let by_borrowing = run::<f64, _>(&schedule, 10, |mut machine| {
        let rank = machine.rank();
        machine.set_input("lr", 0.05)?;
        let mut x: Vec<f64> = (0..10).map(|index| start(rank, index)).collect();
        for step in 0..20 {
            if step % 2 == 0 {
                machine.step_on(&mut x, &mut |ask| match ask {
                    Ask::Gradient { point, gradient: into } => into.copy_from_slice(&gradient(rank, point)),
                    Ask::Adapt { .. } | Ask::Prox { .. } => unreachable!(),
                })?;
            } else {
                let gradient = gradient(rank, &x);
                assert!(machine.next_on(&mut x, &gradient)?);
            }
        }
        assert!(matches!(machine.step(&mut |_| ()), Err(RuntimeError::Lent { state }) if state == "x"));
        assert!(matches!(machine.model(), Err(RuntimeError::Lent { .. })));
        let mut model = vec![0.0; 10];
        machine.model_on(&mut x, &mut model)?;
        assert_eq!(model, x);
        Ok((x, machine.bytes_sent()))
    });
    let by_closure = by_closure.expect("a run");
    assert_eq!(by_closure, by_next.expect("a run"));
    assert_eq!(by_closure, by_borrowing.expect("a run"));
    assert_eq!(by_closure[0].1, 20 * 80);
}

#[test]
fn lent_memory_is_updated_where_it_lies() {
    for length in [10, 100_000] {
        for size in [2, 3] {
            let schedule = schedule(averaging(), size, vec![one_peer(size)]);
            let own = models::<f32>(&schedule, length, 3);
            let lent = run::<f32, _>(&schedule, length, |mut machine| {
                let mut x: Vec<f32> = (0..length).map(|index| start(machine.rank(), index) as f32).collect();
                for _ in 0..3 {
                    machine.step_on(&mut x, &mut |_| ())?;
                }
                Ok(x)
            });
            assert_eq!(own, lent.expect("a run"));
        }
    }
}

#[test]
fn conditions_choose_the_block_and_phases_advance_with_communication() {
    // if (t + 1) mod 3 == 0 { x <- mix(x) } else { x <- x + 1 }
    use Operation::*;
    let constant = |value: i64| Constant(Rational::integer(value));
    let mut program = averaging();
    program.conditions = vec![vec![Step, constant(1), Add, constant(3), Mod, constant(0), Equal]];
    let local = Instruction::Compute { into: X, expression: vec![Register(X), constant(1), Add] };
    program.steps = vec![vec![local], program.steps[0].clone()];
    let schedule = schedule(program, 4, vec![one_peer(4)]);
    // Two communicating steps use phases 0 and 1: the exact average of four ranks.
    for (model, rank) in models::<f64>(&schedule, 1, 6).iter().zip(0..) {
        let mean = (0..4).map(|rank| start(Rank(rank), 0)).sum::<f64>() / 4.0 + 4.0;
        assert!((model[0] - mean).abs() < 1e-12, "rank {rank}");
    }
}

#[test]
fn expressions_compute_element_by_element() {
    use Operation::*;
    let number = |value: f64| Constant(Rational::from_f64(value).expect("finite"));
    let x = || Register(X);
    type Meaning = fn(f64) -> f64;
    let cases: Vec<(Vec<Operation>, Meaning)> = vec![
        (vec![x()], |x| x),
        (vec![number(2.5)], |_| 2.5),
        (vec![x(), Negate, Absolute, SquareRoot], |x| x.abs().sqrt()),
        (vec![x(), x(), Multiply, number(1.0), Add, Log], |x| libm::log(x * x + 1.0)),
        (vec![number(2.0), number(3.0), Power, x(), Subtract], |x| 8.0 - x),
        (vec![x(), number(3.0), Mod], |x| x.rem_euclid(3.0)),
        (vec![x(), number(3.0), Div], |x| (x / 3.0).floor()),
        (vec![x(), number(-3.0), Div], |x| (x / -3.0).floor()),
        (vec![x(), number(0.0), Maximum, x(), number(1.0), Minimum, Divide], |x| x.max(0.0) / x.min(1.0)),
        (vec![x(), number(0.0), Less, x(), number(5.0), GreaterEqual, Or], |x| {
            !(0.0..5.0).contains(&x) as u8 as f64
        }),
        (vec![x(), number(0.0), Greater, x(), number(5.0), LessEqual, And, Not], |x| {
            !(x > 0.0 && x <= 5.0) as u8 as f64
        }),
        (vec![x(), x(), number(1.0), Add, x(), x(), number(2.0), Multiply, Subtract, Multiply, Add], |x| {
            x + (x + 1.0) * (x - x * 2.0)
        }),
        (vec![number(0.0), number(0.0), Random, x(), Floor, Multiply], |x| {
            (0xe220_a839_7b1d_cdaf_u64 >> 11) as f64 / (1u64 << 53) as f64 * x.floor()
        }),
    ];
    for (expression, meaning) in cases {
        for into in [X, G] {
            let compute = Instruction::Compute { into, expression: expression.clone() };
            let states = vec![("x", X), ("y", G)];
            let mut program = program("p", vec![Shape::Vector; 2], states, vec![compute]);
            program.initial.push(Instruction::Parameters { into: G });
            program.model_register = into;
            let schedule = schedule(program, 1, vec![vec![ring(1)]]);
            let model = &models::<f64>(&schedule, 3000, 1)[0];
            for (index, &value) in model.iter().enumerate() {
                assert_eq!(
                    value,
                    meaning(start(Rank(0), index)),
                    "{expression:?} at {}",
                    start(Rank(0), index)
                );
            }
        }
    }
}

#[test]
fn the_mean_does_not_drift() {
    let schedule = schedule(averaging(), 3, vec![vec![ring(3)]]);
    let mean = |models: &[Vec<f32>]| models.iter().map(|model| model[0] as f64).sum::<f64>() / 3.0;
    let (before, after) = (mean(&models(&schedule, 1, 0)), mean(&models(&schedule, 1, 100_000)));
    assert!((before - after).abs() < 1e-5, "{before} became {after}");
}

#[test]
fn the_trainers_error_is_returned_and_the_peers_learn() {
    let schedule = schedule(dgd(), 3, vec![vec![ring(3)]]);
    let error = run::<f64, _>(&schedule, 5, |mut machine| {
        let rank = machine.rank();
        for step in 0..10 {
            machine.step(&mut |_| match (rank, step) {
                (Rank(1), 4) => Err("no more data"),
                _ => Ok(()),
            })?;
        }
        Ok(())
    })
    .expect_err("a failure");
    assert_eq!(error.rank(), Rank(1));
    assert_eq!(error.to_string(), "the trainer failed on rank 1 in step 4: no more data");
}

#[test]
fn a_panic_of_one_rank_is_an_error_of_all() {
    for length in [5, 100_000] {
        let schedule = schedule(dgd(), 5, vec![vec![ring(5)]]);
        let before = Instant::now();
        let errors = std::sync::Mutex::new(vec![]);
        let error = run::<f64, _>(&schedule, length, |mut machine| {
            let rank = machine.rank();
            let result = (0..10)
                .try_for_each(|step| machine.step(&mut |_| assert!((rank, step) != (Rank(2), 3), "a bug")));
            errors.lock().expect("no panic").push(result.as_ref().map_err(|error| error.to_string()).err());
            result
        })
        .expect_err("a failure");
        assert_eq!(error.to_string(), "rank 2 panicked: a bug");
        let errors = errors.into_inner().expect("no panic");
        assert_eq!(errors.len(), 4);
        for error in errors {
            let error = error.expect("an error on every rank");
            assert!(error.ends_with("rank 2 failed: it panicked"), "{error}");
        }
        assert!(before.elapsed() < Duration::from_secs(10));
    }
}

#[test]
fn a_missing_peer_is_named_when_the_deadline_passes() {
    for length in [5, 100_000] {
        let schedule = schedule(averaging(), 2, vec![vec![ring(2)]]);
        let error = run::<f64, _>(&schedule, length, |mut machine| {
            machine.set_deadline(Duration::from_millis(50));
            machine.step(&mut |_| ())?;
            if machine.rank() == Rank(1) {
                std::thread::sleep(Duration::from_millis(400));
            }
            machine.step(&mut |_| ())
        })
        .expect_err("a failure");
        let SpmdError::Failed { rank: Rank(0), error } = error else { panic!("rank 0 waits: {error}") };
        assert_eq!(error.to_string(), "rank 0, step 1, phase 0, round 0: waited 50ms for rank 1");
        assert_eq!(error.code().expect("a code").to_string(), "bfc::execute::deadline");
        assert!(error.help().expect("help").to_string().contains("step 0, phase 0, round 0: "));
    }
}

#[test]
fn a_rank_that_stops_early_is_named() {
    let schedule = schedule(averaging(), 3, vec![vec![ring(3)]]);
    let error = run::<f64, _>(&schedule, 100_000, |mut machine| {
        let steps = if machine.rank() == Rank(2) { 1 } else { 5 };
        (0..steps).try_for_each(|_| machine.step(&mut |_| ()))
    })
    .expect_err("a failure");
    let SpmdError::Failed { error, .. } = error else { panic!("{error}") };
    let text = error.to_string();
    assert!(text.contains("rank 2 has left") || text.contains("rank 2 failed: it ended before"), "{text}");
}

#[test]
fn ranks_compare_schedule_and_model_before_they_start() {
    let ring_of = |weights| schedule(averaging(), 2, vec![vec![weights]]);
    let schedules = [
        ring_of(ring(2)),
        ring_of(table(vec![
            bfc_schedule::matrix::Row {
                self_weight: Rational::new(2, 3),
                in_weights: vec![(Rank(1), Rational::new(1, 3))],
            },
            bfc_schedule::matrix::Row {
                self_weight: Rational::new(2, 3),
                in_weights: vec![(Rank(0), Rational::new(1, 3))],
            },
        ])),
    ];
    let error = spmd(2, |transport| {
        let rank = transport.rank();
        Flat::new(schedules[rank.index()].rank(rank), transport, &[0.0]).map(|_| ())
    })
    .expect_err("different schedules");
    let SpmdError::Failed { error: RuntimeError::DifferentSchedule { mine, theirs, .. }, .. } = error else {
        panic!("{error}")
    };
    assert_ne!(mine, theirs);

    let error = spmd(2, |transport| {
        let rank = transport.rank();
        let initial = vec![0.0f32; 3 + rank.index()];
        Flat::new(schedules[0].rank(rank), transport, &initial).map(|_| ())
    })
    .expect_err("different models");
    let text = error.to_string();
    let parts = ["ranks have different models", "`model`, f32 [3]", "`model`, f32 [4]"];
    assert!(parts.iter().all(|part| text.contains(part)), "{text}");

    let error = spmd(3, |transport| Flat::new(schedules[0].rank(Rank(0)), transport, &[0.0]).map(|_| ()));
    let error = error.expect_err("different sizes").to_string();
    assert!(error.starts_with("the schedule is for rank 0 of 2, the transport is rank"), "{error}");
}

/// A model that is a state can be looked at while a gradient is awaited; one that is computed cannot.
#[test]
fn a_model_within_a_step() {
    run::<f64, _>(&schedule(dgd(), 1, vec![vec![ring(1)]]), 3, |mut machine| {
        let before = machine.model()?.to_vec();
        machine.wanted()?;
        assert_eq!(machine.model()?, before);
        Ok(())
    })
    .expect("a run");
}

#[test]
fn wrong_names_and_lengths_are_refused_and_do_no_harm() {
    let schedule = schedule(dgd(), 1, vec![vec![ring(1)]]);
    run::<f64, _>(&schedule, 4, |mut machine| {
        let unknown = machine.set_input("rate", 1.0).expect_err("no such input");
        assert_eq!(unknown.help().expect("help").to_string(), "the inputs of `dgd` are: `lr`");
        assert!(matches!(machine.state("y"), Err(RuntimeError::UnknownState { .. })));
        let wrong = machine.next(&[0.0; 5]).expect_err("wrong length");
        assert_eq!(wrong.to_string(), "expected a vector of 4 elements like the model, found 5");
        assert!(machine.next(&[0.0; 4])?);
        assert!(matches!(machine.step_on(&mut [0.0; 3], &mut |_| ()), Err(RuntimeError::WrongLength { .. })));
        assert_eq!(machine.steps(), 1);
        machine.step(&mut |_| ())
    })
    .expect("a run");
}

#[test]
fn a_trainers_optimizer_is_asked_for() {
    // x <- mix(adapt(x))
    let step = vec![Instruction::Adapt { at: X, direction: None, into: X }, mix(0, X, X)];
    let program = program("adapt", vec![Shape::Vector], vec![("x", X)], step);
    let schedule = schedule(program, 2, vec![vec![ring(2)]]);
    let models = run::<f64, _>(&schedule, 3, |mut machine| {
        machine.step(&mut |ask| match ask {
            Ask::Adapt { point, direction: None } => point.iter_mut().for_each(|x| *x += 1.0),
            _ => unreachable!(),
        })?;
        assert_eq!(machine.wanted()?, Some(Wanted::Adapted));
        let point: Vec<_> = machine.point()?.iter().map(|x| x + 1.0).collect();
        assert!(machine.next(&point)?);
        Ok(machine.model()?[0])
    })
    .expect("a run");
    let mean = (start(Rank(0), 0) + start(Rank(1), 0)) / 2.0;
    assert!(models.iter().all(|model| (model - mean - 2.0).abs() < 1e-12));
}

#[test]
fn a_computed_model_is_refused_within_a_step() {
    // Two gradients a step, and a model that is computed.
    let mut program = push_sum();
    program.registers.push(Shape::Vector);
    let (at, into) = (X, Register(3));
    program.steps[0].extend([Instruction::Gradient { at, into }, Instruction::Gradient { at, into }]);
    let schedule = schedule(program, 1, vec![vec![ring(1)]]);
    run::<f64, _>(&schedule, 2, |mut machine| {
        assert!(!machine.next(&[0.0; 2])?);
        let error = machine.model().expect_err("within a step");
        assert_eq!(error.code().expect("a code").to_string(), "bfc::execute::mid_step");
        assert!(machine.next(&[0.0; 2])?);
        machine.model().map(|_| ())
    })
    .expect("a run");
}

#[test]
fn a_machine_that_has_failed_fails_for_good() {
    let schedule = schedule(dgd(), 1, vec![vec![ring(1)]]);
    let error = run::<f64, _>(&schedule, 2, |mut machine| {
        machine.step(&mut |_| Err("no data")).expect_err("the trainer's error");
        machine.step(&mut |_| ())
    })
    .expect_err("failed before");
    assert_eq!(error.to_string(), "the machine of rank 0 failed before, in step 0");
}

#[test]
fn a_message_of_another_round_or_length_is_refused() {
    let deadline = Duration::from_secs(20);
    for (exchange, bytes) in [(1, 7), (2, 80)] {
        let message = vec![0u8; bytes];
        let parts = [&message[..]];
        let error = spmd(2, |mut transport| {
            let sender = transport.rank() == Rank(0);
            rounds(&mut transport, |rounds| {
                let tag = Tag { exchange: if sender { exchange } else { 1 }, round: 0 };
                let send = sender.then_some((Rank(1), &parts[..]));
                let receive = (!sender).then_some((Rank(0), &[80][..]));
                let ticket = rounds.begin(tag, send, receive, deadline)?;
                rounds.finish(ticket, deadline, &mut |_| panic!("no byte of a wrong message"))?;
                rounds.wait_sent(deadline)
            })
        })
        .expect_err("a mismatch");
        let SpmdError::Failed { rank: Rank(1), error } = error else { panic!("rank 1 receives") };
        let expected = "expected 80 bytes of exchange 1, round 0 from rank 0";
        let found = format!("{expected}, found {bytes} bytes of exchange {exchange}, round 0");
        assert_eq!(error.to_string(), found);
    }
}
