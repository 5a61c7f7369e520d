//! What every link between GPUs must do: machines on it compute what machines of the host compute on threads, bit for bit.

use super::Law;
use super::exchange::PATIENCE;
use super::schedules::{
    G, X, adapting, averaging, awc, begin, coded, compared, dgd, global_averaging, hub, late, one_peer, path,
    push_sum, relayed, ring, schedule, start,
};
use crate::gpu::{GpuAsk, GpuMachine, Link, Stream, Vector};
use crate::layout::{Layout, Tensor};
use crate::storage::{Dtype, Storage, with_dtype};
use crate::{Ask, Machine, ModelAsk, RuntimeError, State, Transport, Values, ValuesMut, local};
use bfc_schedule::compression::{Float, LowRank};
use bfc_schedule::program::scalar::Number;
use bfc_schedule::program::{Flight, Instruction, Operation, Register, Shape};
use bfc_schedule::{Phase, Program, Rank, Rational, Schedule};
use std::convert::Infallible;
use std::sync::OnceLock;

/// How a machine queues its work, and for how many steps.
#[derive(Clone, Copy)]
enum Way {
    Plain,
    /// As CUDA graphs, until each of a few phases has come three times: alone, captured, and launched again.
    Graphs,
}

impl Way {
    fn steps(self) -> usize {
        match self {
            Self::Plain => 4,
            Self::Graphs => 9,
        }
    }
}

/// The laws for this number of ranks: each kind of program, on tensors of all types in several buckets.
pub fn laws<L: Link>(size: u32) -> Vec<Law<L>> {
    all(size, Way::Plain)
}

/// The same for machines with CUDA graphs.
pub fn laws_with_graphs<L: Link>(size: u32) -> Vec<Law<L>> {
    all(size, Way::Graphs)
}

fn all<L: Link>(size: u32, way: Way) -> Vec<Law<L>> {
    let mut laws = vec![];
    let mut add = |name: &str, program: Program, phases: Vec<Phase>| {
        laws.push(compare(name, schedule(program, size, vec![phases]), way));
    };
    add("one peer", averaging(), one_peer(size));
    add("ring with gradients", dgd(), vec![ring(size)]);
    add("in flight during a gradient", awc(), vec![ring(size)]);
    add("in flight between steps", late(), one_peer(size));
    add("path", averaging(), vec![path(size)]);
    add("a step of the trainer's", adapting(), vec![ring(size)]);
    add("global average", global_averaging(), vec![ring(size)]);
    add("scalars", push_sum(), one_peer(size));
    add("sums of columns", push_sum(), vec![hub(size)]);
    add("codes", coded(), one_peer(size));
    add("edges", relayed(), vec![path(size)]);
    add("factors", compared(LowRank { rank: 2, rows: None }), vec![path(size)]);
    let step = vec![Operation::Step, Operation::Constant(Rational::one()), Operation::Add];
    add("numbers of steps", decaying(&step), vec![ring(size)]);
    add("numbers of the host", decaying(&[Operation::Register(Register(2))]), vec![ring(size)]);
    add("flights that overlap", overlapping(), one_peer(size));
    laws
}

/// `s <- t + 1`, `x <- mix(x) - lr / count * grad(x)`.
fn decaying(count: &[Operation]) -> Program {
    use Operation::*;
    let s = self::Register(2);
    let mut program = dgd();
    program.registers.push(Shape::Scalar);
    let steps = vec![Step, Constant(Rational::one()), Add];
    let rate = [&[Register(X), Input(0)], count, &[Divide]].concat();
    let update = [&rate[..], &[Register(G), Multiply, Subtract]].concat();
    program.steps[0][2] = Instruction::Compute { into: X, expression: update };
    program.steps[0].insert(0, Instruction::Compute { into: s, expression: steps });
    program
}

/// Flights that overlap: of the four, the second lasts for a gradient, and the last one is alone beside a computation.
pub fn overlapping() -> Program {
    use Operation::*;
    let [mixed, late, early, again, moved] = [2, 3, 4, 5, 6].map(self::Register);
    let mut program = dgd();
    program.registers.extend([Shape::Vector; 5]);
    let update = vec![Register(mixed), Input(0), Register(G), Multiply, Subtract];
    let three = Constant(Rational::integer(3));
    let mean = vec![Register(moved), Register(again), Add, Register(early), Add, three, Divide];
    program.steps = vec![vec![
        begin(Flight(0), X, mixed),
        begin(Flight(1), X, late),
        Instruction::Finish { flight: Flight(0) },
        begin(Flight(2), X, early),
        Instruction::Finish { flight: Flight(2) },
        Instruction::Gradient { at: X, into: G },
        Instruction::Finish { flight: Flight(1) },
        begin(Flight(3), late, again),
        Instruction::Compute { into: moved, expression: update },
        Instruction::Finish { flight: Flight(3) },
        Instruction::Compute { into: X, expression: mean },
    ]];
    program
}

/// The law of one schedule.
pub fn law<L: Link>(name: &str, schedule: Schedule) -> Law<L> {
    compare(name, schedule, Way::Plain)
}

fn compare<L: Link>(name: &str, schedule: Schedule, way: Way) -> Law<L> {
    let reference = OnceLock::new();
    let graphs = if matches!(way, Way::Graphs) { " with graphs" } else { "" };
    let name = format!("a machine on a GPU{graphs} computes what threads compute: {name}");
    Law::new(name.clone(), move |link: L| {
        let rank = link.rank();
        let found = on_gpu(&schedule, link, way);
        let on_threads = || {
            local::spmd(schedule.size(), |transport| on_host(&schedule, transport, way.steps()))
                .expect("a run on threads")
        };
        let expected = &reference.get_or_init(on_threads)[rank.index()];
        for (expected, found) in expected.iter().zip(&found) {
            let what = &expected.0;
            assert!(expected == found, "{name}: {what} of rank {rank} differs from that of threads");
        }
        assert_eq!(expected.len(), found.len());
    })
}

/// Names and bytes of the model and the states, bucket by bucket.
type Seen = Vec<(String, Vec<Vec<u8>>)>;

/// Tensors of all types and of many sizes, in small buckets.
fn layout() -> Layout {
    let shapes: [&[usize]; 9] =
        [&[3, 5], &[], &[700], &[13, 31], &[1], &[7, 2, 3], &[5000], &[1025], &[4097]];
    let tensor = |(shape, dtype): (&&[usize], Dtype)| Tensor {
        name: format!("{shape:?} {}", dtype.name()),
        shape: shape.to_vec(),
        dtype,
    };
    let tensors = shapes.iter().zip(Float::ALL.into_iter().cycle()).map(tensor);
    Layout::with_buckets(tensors.collect(), 4096)
}

fn initial(rank: Rank, layout: &Layout) -> Vec<Vec<u8>> {
    let bucket = |bucket: &crate::Bucket| {
        let numbers = (0..bucket.length).map(|index| start(rank, index));
        with_dtype!(bucket.dtype, S => bytes_of::<S>(numbers))
    };
    layout.buckets().iter().map(bucket).collect()
}

fn bytes_of<S: Storage>(numbers: impl Iterator<Item = f64>) -> Vec<u8> {
    let numbers: Vec<S> = numbers.map(|number| S::store(Number::from_f64(number))).collect();
    bytemuck::cast_slice(&numbers).to_vec()
}

fn numbers(bytes: &[u8], dtype: Dtype) -> Vec<f64> {
    with_dtype!(dtype, S => {
        let numbers = bytes.chunks_exact(size_of::<S>()).map(bytemuck::pod_read_unaligned::<S>);
        numbers.map(|number| number.load().to_f64()).collect()
    })
}

fn rounded(numbers: impl Iterator<Item = f64>, dtype: Dtype) -> Vec<u8> {
    with_dtype!(dtype, S => bytes_of::<S>(numbers))
}

fn gradient(rank: Rank, point: Vec<f64>) -> impl Iterator<Item = f64> {
    point
        .into_iter()
        .enumerate()
        .map(move |(index, x)| 0.5 * x - (index % 7) as f64 * 0.01 - f64::from(rank.0))
}

fn minimizer(rho: f64, point: Vec<f64>) -> impl Iterator<Item = f64> {
    point.into_iter().map(move |x| x * (rho / (1.0 + rho)))
}

fn adapted(point: Vec<f64>, direction: Option<Vec<f64>>) -> impl Iterator<Item = f64> {
    let direction = direction.unwrap_or_else(|| point.clone());
    point.into_iter().zip(direction).map(|(x, d)| 0.9 * x - 0.05 * d)
}

fn on_gpu<L: Link>(schedule: &Schedule, link: L, way: Way) -> Seen {
    let rank = link.rank();
    let layout = layout();
    let initial = initial(rank, &layout);
    let mut machine = GpuMachine::new(schedule.rank(rank), link, layout, &initial).expect("a machine");
    if let Way::Graphs = way {
        machine = machine.with_graphs();
    }
    let read = |stream: &Stream, vector: &Vector| {
        let mut bytes = vec![0; vector.bytes()];
        // SAFETY: the machine's vectors are valid while it asks.
        unsafe { stream.read_from(vector.address, &mut bytes) }.expect("a copy");
        numbers(&bytes, vector.dtype)
    };
    // SAFETY: as above.
    let write = |stream: &Stream, vector: &Vector, bytes: Vec<u8>| unsafe {
        stream.write_to(vector.address, &bytes).expect("a copy");
    };
    for _ in 0..way.steps() {
        let trainer = &mut |ask: GpuAsk<'_>, stream: &Stream| {
            match ask {
                GpuAsk::Gradient { point, gradient: into } => {
                    for (point, into) in point.iter().zip(into) {
                        write(stream, into, rounded(gradient(rank, read(stream, point)), into.dtype));
                    }
                }
                GpuAsk::Prox { point, rho, minimizer: into } => {
                    for (point, into) in point.iter().zip(into) {
                        write(stream, into, rounded(minimizer(rho, read(stream, point)), into.dtype));
                    }
                }
                GpuAsk::Adapt { point, direction } => {
                    for (bucket, point) in point.iter().enumerate() {
                        let direction = direction.map(|direction| read(stream, &direction[bucket]));
                        write(stream, point, rounded(adapted(read(stream, point), direction), point.dtype));
                    }
                }
            }
            Ok::<_, Infallible>(())
        };
        machine.step(trainer).expect("a step");
    }
    let mut seen = vec![("model".to_owned(), machine.model().expect("the model"))];
    for (name, _) in &schedule.program().states {
        seen.push((name.clone(), machine.state(name).expect("a state")));
    }
    seen
}

fn on_host<X: Transport + Send + 'static>(
    schedule: &Schedule,
    transport: X,
    steps: usize,
) -> Result<Seen, RuntimeError> {
    let rank = transport.rank();
    let layout = layout();
    let buckets = layout.buckets().len();
    let bytes = initial(rank, &layout);
    let fill = |values: &mut ValuesMut<'_>| {
        bytes.iter().enumerate().for_each(|(bucket, bytes)| write(values, bucket, bytes));
    };
    let mut machine = Machine::with_deadline(schedule.rank(rank), transport, layout, fill, PATIENCE)?;
    for _ in 0..steps {
        machine.step(&mut |ask: ModelAsk<'_>| match ask {
            Ask::Gradient { point, gradient: mut into } => {
                for bucket in 0..buckets {
                    let numbers = gradient(rank, numbers(&read(&point, bucket), point.dtype(bucket)));
                    let bytes = rounded(numbers, into.dtype(bucket));
                    write(&mut into, bucket, &bytes);
                }
            }
            Ask::Prox { point, rho, minimizer: mut into } => {
                for bucket in 0..buckets {
                    let numbers = minimizer(rho, numbers(&read(&point, bucket), point.dtype(bucket)));
                    let bytes = rounded(numbers, into.dtype(bucket));
                    write(&mut into, bucket, &bytes);
                }
            }
            Ask::Adapt { mut point, direction } => {
                for bucket in 0..buckets {
                    let dtype = point.dtype(bucket);
                    let own =
                        with_dtype!(dtype, S => bytemuck::cast_slice(point.bucket::<S>(bucket)).to_vec());
                    let direction = direction
                        .as_ref()
                        .map(|direction| numbers(&read(direction, bucket), direction.dtype(bucket)));
                    let bytes = rounded(adapted(numbers(&own, dtype), direction), dtype);
                    write(&mut point, bucket, &bytes);
                }
            }
        })?;
    }
    let all = |values: &Values<'_>| (0..buckets).map(|bucket| read(values, bucket)).collect();
    let mut seen = vec![("model".to_owned(), all(&machine.model()?))];
    for (name, _) in &schedule.program().states {
        let bytes = match machine.state(name)? {
            State::Vector(values) | State::EdgeVector(values) | State::EdgeFactor(values) => all(&values),
            State::Scalar(number) => vec![number.to_le_bytes().to_vec()],
            State::EdgeScalar(numbers) => {
                vec![numbers.iter().flat_map(|number| number.to_le_bytes()).collect()]
            }
        };
        seen.push((name.clone(), bytes));
    }
    Ok(seen)
}

fn read(values: &Values<'_>, bucket: usize) -> Vec<u8> {
    with_dtype!(values.dtype(bucket), S => bytemuck::cast_slice(values.bucket::<S>(bucket)).to_vec())
}

fn write(values: &mut ValuesMut<'_>, bucket: usize, bytes: &[u8]) {
    with_dtype!(values.dtype(bucket), S => {
        let numbers = bytes.chunks_exact(size_of::<S>()).map(bytemuck::pod_read_unaligned::<S>);
        values.bucket::<S>(bucket).iter_mut().zip(numbers).for_each(|(to, from)| *to = from);
    });
}
