//! Machines on models of many tensors and number types, and the three ways to drive them.

mod draws;
mod seeds;
mod soak;

use bfc_runtime::conformance::schedules::*;
use bfc_runtime::local::{LocalTransport, SpmdError, spmd};
use bfc_runtime::{
    Ask, Dtype, Flat, Layout, Machine, ModelAsk, RuntimeError, State, Tensor, Transport, Values, ValuesMut,
};
use bfc_schedule::compression::LowRank;
use bfc_schedule::program::{Instruction, Operator, Register, Shape, Transfer};
use bfc_schedule::{Codec, Program, Rank, Schedule};
use half::bf16;
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(20);

fn tensor(name: &str, shape: &[usize], dtype: Dtype) -> Tensor {
    Tensor { name: name.to_owned(), shape: shape.to_vec(), dtype }
}

/// All number types, with a single number, nothing at all, and more than a bucket holds.
fn mixed() -> Layout {
    let tensors = vec![
        tensor("embedding", &[300, 7], Dtype::F32),
        tensor("scale", &[], Dtype::F64),
        tensor("first.weight", &[16, 9], Dtype::Bf16),
        tensor("first.bias", &[9], Dtype::F32),
        tensor("nothing", &[0, 4], Dtype::F32),
        tensor("second.weight", &[1001], Dtype::F16),
        tensor("second.bias", &[3], Dtype::Bf16),
    ];
    Layout::with_buckets(tensors, 1024)
}

/// Element `index` of a tensor on a rank, the same number in every type.
fn value(rank: Rank, tensor: usize, index: usize) -> f64 {
    start(rank, 31 * tensor + index)
}

fn fill(rank: Rank, values: &mut ValuesMut<'_>) {
    for tensor in 0..values.layout().tensors().len() {
        let value = |index| value(rank, tensor, index);
        write(values, tensor, value);
    }
}

fn all(values: &Values<'_>) -> Vec<Vec<f64>> {
    (0..values.layout().tensors().len()).map(|tensor| values.to_f64(tensor)).collect()
}

fn write(values: &mut ValuesMut<'_>, tensor: usize, value: impl Fn(usize) -> f64) {
    let elements = values.layout().place(tensor).elements.len();
    values.write_f64(tensor, (0..elements).map(value));
}

/// The gradient of a quadratic whose optimum differs by tensor.
fn gradient(at: &[f64], tensor: usize) -> impl Fn(usize) -> f64 {
    move |index| (at[index] - tensor as f64) / 2.0
}

#[derive(Clone, Copy, Debug)]
enum Drive {
    Closure,
    Answers,
    Buckets { reversed: bool },
}

/// The model of each rank after five steps, and the bytes that it has sent.
fn model(schedule: &Schedule, layout: &Layout, drive: Drive) -> Vec<(Vec<Vec<f64>>, u64)> {
    trained(schedule, layout, drive, 5, &|_, _| ())
}

/// The same after any number of steps, where `pause` is called before each answer.
fn trained(
    schedule: &Schedule,
    layout: &Layout,
    drive: Drive,
    steps: u64,
    pause: &(dyn Fn(Rank, u64) + Sync),
) -> Vec<(Vec<Vec<f64>>, u64)> {
    let body = |transport: LocalTransport| train(transport, schedule, layout, drive, steps, pause);
    spmd(schedule.size(), body).unwrap_or_else(|error: SpmdError<RuntimeError>| panic!("{error}"))
}

/// The same for one rank.
fn train<X: Transport + Send + 'static>(
    transport: X,
    schedule: &Schedule,
    layout: &Layout,
    drive: Drive,
    steps: u64,
    pause: &dyn Fn(Rank, u64),
) -> Result<(Vec<Vec<f64>>, u64), RuntimeError> {
    let rank = transport.rank();
    let part = schedule.rank(rank);
    let mut machine =
        Machine::with_deadline(part, transport, layout.clone(), |values| fill(rank, values), DEADLINE)?;
    while machine.steps() < steps {
        pause(rank, machine.steps());
        match drive {
            Drive::Closure => machine.step(&mut answer)?,
            Drive::Answers | Drive::Buckets { .. } if machine.wanted()?.is_none() => {
                machine.next()?;
            }
            Drive::Answers => {
                let points = all(&machine.point()?);
                let mut answer = machine.answer()?;
                points
                    .iter()
                    .enumerate()
                    .for_each(|(tensor, at)| write(&mut answer, tensor, gradient(at, tensor)));
                machine.next()?;
            }
            Drive::Buckets { reversed } => {
                let points = all(&machine.point()?);
                let buckets = layout.buckets().len();
                for at in 0..buckets {
                    let bucket = if reversed { buckets - 1 - at } else { at };
                    let mut answer = machine.answer()?;
                    for &tensor in &layout.buckets()[bucket].tensors {
                        write(&mut answer, tensor, gradient(&points[tensor], tensor));
                    }
                    machine.ready(bucket)?;
                }
            }
        }
    }
    let sent = machine.bytes_sent();
    Ok((all(&machine.model()?), sent))
}

fn answer(ask: ModelAsk<'_>) {
    match ask {
        Ask::Gradient { point, gradient: mut into } => {
            let points = all(&point);
            points.iter().enumerate().for_each(|(tensor, at)| write(&mut into, tensor, gradient(at, tensor)));
        }
        Ask::Adapt { .. } | Ask::Prox { .. } => panic!("these programs ask for gradients"),
    }
}

fn programs() -> [Program; 4] {
    [dgd(), atc(), awc(), late()]
}

#[test]
fn three_drives_have_the_same_bits() {
    let layout = mixed();
    for program in programs() {
        let name = program.name.clone();
        for topology in [one_peer(4), vec![ring(4)], vec![path(4)]] {
            let schedule = schedule(program.clone(), 4, vec![topology]);
            let reference = model(&schedule, &layout, Drive::Closure);
            for drive in
                [Drive::Answers, Drive::Buckets { reversed: false }, Drive::Buckets { reversed: true }]
            {
                assert_eq!(model(&schedule, &layout, drive), reference, "{name}, {drive:?}");
            }
        }
    }
}

#[test]
fn buckets_change_no_bit() {
    for program in programs() {
        let schedule = schedule(program, 3, vec![vec![ring(3)]]);
        let models = |bytes| {
            let layout = Layout::with_buckets(mixed().tensors().to_vec(), bytes);
            model(&schedule, &layout, Drive::Closure)
        };
        assert_eq!(models(1), models(1 << 20));
    }
}

#[test]
fn many_tensors_are_one_vector() {
    let lengths = [5usize, 1000, 1, 0, 70_000];
    let tensors =
        lengths.iter().enumerate().map(|(index, length)| tensor(&index.to_string(), &[*length], Dtype::F32));
    let layout = Layout::with_buckets(tensors.collect(), 4096);
    for program in programs() {
        let schedule = schedule(program, 4, vec![vec![ring(4)]]);
        let flat = spmd(4, |transport| {
            let rank = transport.rank();
            let initial: Vec<f32> = (0..lengths.len())
                .flat_map(|tensor| (0..lengths[tensor]).map(move |index| value(rank, tensor, index) as f32))
                .collect();
            let place: Vec<usize> =
                (0..lengths.len()).flat_map(|tensor| vec![tensor; lengths[tensor]]).collect();
            let mut machine = Flat::new(schedule.rank(rank), transport, &initial)?;
            for _ in 0..5 {
                machine.step(&mut |ask| match ask {
                    Ask::Gradient { point, gradient } => {
                        for ((gradient, point), tensor) in gradient.iter_mut().zip(point).zip(&place) {
                            *gradient = ((f64::from(*point) - *tensor as f64) / 2.0) as f32;
                        }
                    }
                    _ => panic!("these programs ask for gradients"),
                })?;
            }
            Ok::<_, RuntimeError>(machine.model()?.iter().map(|x| f64::from(*x)).collect::<Vec<_>>())
        })
        .expect("a run");
        let many = model(&schedule, &layout, Drive::Closure);
        let joined: Vec<Vec<f64>> = many.into_iter().map(|(tensors, _)| tensors.concat()).collect();
        assert_eq!(joined, flat);
    }
}

#[test]
fn short_numbers_are_summed_long_and_rounded_once() {
    let layout = Layout::new(vec![tensor("x", &[500], Dtype::Bf16)]);
    let schedule = schedule(averaging(), 5, vec![vec![hub(5)]]);
    let models = spmd(5, |transport| {
        let rank = transport.rank();
        let mut machine =
            Machine::new(schedule.rank(rank), transport, layout.clone(), |values| fill(rank, values))?;
        machine.step(&mut |_| ())?;
        Ok::<_, RuntimeError>(machine.model()?.tensor::<bf16>(0).to_vec())
    })
    .expect("a run");
    let matrix = &schedule.topologies()[0].phases[0].matrix;
    for index in 0..500 {
        let stored = |rank: usize| bf16::from_f32(value(Rank(rank as u32), 0, index) as f32).to_f64();
        let exact = apply(matrix, &(0..5).map(stored).collect::<Vec<_>>());
        for (rank, model) in models.iter().enumerate() {
            // One rounding to bf16, after sums whose own errors are far below half of its last place.
            let nearest = bf16::from_f64(exact[rank]).to_f64();
            let found = model[index].to_f64();
            assert!((found - nearest).abs() <= exact[rank].abs() * 2f64.powi(-8), "{found}, {nearest}");
        }
    }
}

#[test]
fn states_beside_the_model_are_stored_as_they_are_computed() {
    let layout = Layout::new(vec![tensor("x", &[5], Dtype::Bf16)]);
    let schedule = schedule(late(), 2, vec![vec![ring(2)]]);
    let dtypes = spmd(2, |transport| {
        let rank = transport.rank();
        let mut machine =
            Machine::new(schedule.rank(rank), transport, layout.clone(), |values| fill(rank, values))?;
        machine.step(&mut answer)?;
        let model = machine.model()?.dtype(0);
        let State::Vector(y) = machine.state("y")? else { panic!("a vector") };
        Ok::<_, RuntimeError>([model, y.dtype(0)])
    });
    assert_eq!(dtypes.expect("a run"), [[Dtype::Bf16, Dtype::F32]; 2]);
}

/// A weight of rank 1 and a bias are sent whole, in the numbers of their rows and columns.
#[test]
fn low_rank_sees_the_shapes_of_tensors() {
    let codec = Codec::LowRank(LowRank { rank: 1, rows: None });
    let (code, x) = (Register(1), X);
    let step = vec![
        Instruction::Encode { from: x, into: code },
        Instruction::Exchange {
            operator: Operator::Mix(0),
            transfers: vec![Transfer { from: code, into: x }],
        },
    ];
    let coded = program("coded", vec![Shape::Vector, Shape::Code(codec)], vec![("x", x)], step);
    let schedule = schedule(coded, 2, vec![vec![ring(2)]]);
    let element = |rank: Rank, tensor: usize, index: usize| match tensor {
        0 => (1 + index / 30 + rank.index()) as f64 * (1 + index % 30) as f64,
        _ => value(rank, tensor, index),
    };
    let tensors = vec![tensor("weight", &[20, 5, 6], Dtype::F64), tensor("bias", &[7], Dtype::F64)];
    let layout = Layout::new(tensors);
    let models = spmd(2, |transport| {
        let rank = transport.rank();
        let mut machine = Machine::new(schedule.rank(rank), transport, layout.clone(), |values| {
            (0..2).for_each(|tensor| write(values, tensor, |index| element(rank, tensor, index)));
        })?;
        machine.step(&mut |_| ())?;
        let model = all(&machine.model()?);
        Ok::<_, RuntimeError>((model, machine.bytes_sent()))
    });
    for (model, bytes) in models.expect("a run") {
        assert_eq!(bytes, 8 * (20 + 30 + 7 + 1));
        for (tensor, numbers) in model.iter().enumerate() {
            for (index, found) in numbers.iter().enumerate() {
                let mean = [0, 1].map(|rank| element(Rank(rank), tensor, index)).iter().sum::<f64>() / 2.0;
                assert!((found - mean).abs() < 1e-9 * mean.abs().max(1.0), "{tensor}, {index}: {found}");
            }
        }
    }
}

/// Every rank learns by name which tensor differs, and between whom.
#[test]
fn different_layouts_are_named_on_all_ranks() {
    let schedule = schedule(averaging(), 4, vec![vec![ring(4)]]);
    let one = |dtype| vec![tensor("a", &[3], Dtype::F32), tensor("b", &[2, 2], dtype)];
    let reordered = || one(Dtype::F32).into_iter().rev().collect::<Vec<_>>();
    for (other, named) in [(one(Dtype::F16), "`b`, f16 [2, 2]"), (reordered(), "`b`, f32 [2, 2]")] {
        let errors: Vec<String> = spmd(4, |transport| {
            let rank = transport.rank();
            let tensors = if rank == Rank(2) { other.clone() } else { one(Dtype::F32) };
            let machine = Machine::new(schedule.rank(rank), transport, Layout::new(tensors), |_| ());
            let mut machine = match machine {
                Ok(machine) => machine,
                Err(error) => return Ok::<_, RuntimeError>(error.to_string()),
            };
            Ok(machine.step(&mut |_| ()).expect_err("an error on every rank").to_string())
        })
        .expect("texts");
        assert!(errors.iter().all(|error| error.contains(named)), "{errors:#?}");
    }
}

#[test]
fn what_is_not_asked_is_refused_and_does_no_harm() {
    let layout = mixed();
    let last = layout.buckets().len();
    let atc = schedule(atc(), 1, vec![vec![ring(1)]]);
    let averaging = schedule(averaging(), 1, vec![vec![ring(1)]]);
    let alone = |schedule: &Schedule, body: &(dyn Fn(Machine<LocalTransport>) + Sync)| {
        spmd(1, |transport| {
            body(Machine::new(schedule.rank(Rank(0)), transport, layout.clone(), |values| {
                fill(Rank(0), values)
            })?);
            Ok::<_, RuntimeError>(())
        })
        .expect("a run");
    };
    alone(&atc, &|mut machine| {
        assert!(matches!(machine.ready(last), Err(RuntimeError::NotWanted { .. })));
        machine.ready(1).expect("the first time");
        assert!(matches!(machine.step(&mut answer), Err(RuntimeError::HalfAnswered { ready: 1, .. })));
        assert!(matches!(machine.point(), Err(RuntimeError::HalfAnswered { .. })));
        assert!(matches!(machine.model(), Err(RuntimeError::HalfAnswered { .. })));
        assert!(matches!(machine.ready(1), Err(RuntimeError::NotWanted { bucket: 1, .. })));
        assert!(machine.next().expect("the rest"), "a step is complete");
        assert_eq!(machine.steps(), 1);
    });
    alone(&averaging, &|mut machine| {
        assert!(matches!(machine.answer(), Err(RuntimeError::NothingAsked { .. })));
        assert!(matches!(machine.ready(0), Err(RuntimeError::NothingAsked { .. })));
        assert!(machine.next().expect("a step"), "a step is complete");
    });
}
