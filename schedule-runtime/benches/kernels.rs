//! Weighted sums, pairs and expressions beside the bandwidth of memory, on one thread.
//!
//! `cargo bench -p bfc-runtime --bench kernels`. Bytes are counted as STREAM does (McCalpin, 1995): each vector that is
//! read and each that is written once. `triad` and `memcpy` are what the compiler and the system's library make of
//! `a ← b + s c` and `a ← b`. Other work on a machine changes them as it changes the kernels: the table that comes first is
//! of medians over turns, in each of which every kernel runs beside a triad.

use bfc_runtime::conformance::schedules::{averaging, ring, schedule};
use bfc_runtime::kernel::{self, Instructions, Mode};
use bfc_runtime::{Flat, Storage, Transport, local};
use bfc_schedule::Rational;
use bfc_schedule::program::scalar::Number;
use bfc_schedule::program::{Instruction, Operation, Program, Register, Shape};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use half::{bf16, f16};
use std::convert::Infallible;
use std::fmt;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Elements of vectors: 100 MB and 64 KB of `f32`.
const LENGTHS: [(&str, usize); 2] = [("100 MB", 25_000_000), ("64 KB", 16_384)];
const TURNS: usize = 15;
/// Bytes that a turn moves at least, so that its time can be told.
const MOVED: usize = 50_000_000;

#[derive(Clone, Copy)]
enum Work {
    Triad,
    Memcpy,
    Sum { neighbours: usize },
    Pair,
    Dot,
}

impl Work {
    const ALL: [Self; 12] = {
        let mut all = [Self::Triad; 12];
        let mut neighbours = 1;
        while neighbours <= 8 {
            all[neighbours] = Self::Sum { neighbours };
            neighbours += 1;
        }
        (all[9], all[10], all[11]) = (Self::Pair, Self::Dot, Self::Memcpy);
        all
    };

    /// Vectors that are read or written.
    fn vectors(self) -> usize {
        match self {
            Self::Triad => 3,
            Self::Memcpy | Self::Dot => 2,
            Self::Sum { neighbours } => neighbours + 2,
            Self::Pair => 4,
        }
    }

    fn bytes<S>(self, vectors: &Vectors<S>) -> usize {
        let of_reference = size_of_val(&vectors.reference[0][..]);
        let own = size_of_val(&vectors.target[..]);
        self.vectors() * if matches!(self, Self::Triad | Self::Memcpy) { of_reference } else { own }
    }

    fn run<S: Storage>(self, vectors: &mut Vectors<S>) {
        let Vectors { reference: [a, b, c], target, sources } = black_box(vectors);
        let third = number(1.0 / 3.0);
        let halves = [number(0.5); 2];
        match self {
            Self::Triad => {
                for ((a, b), c) in a.iter_mut().zip(b).zip(c) {
                    *a = *b + 0.5 * *c;
                }
            }
            Self::Memcpy => a.copy_from_slice(b),
            Self::Sum { neighbours } => {
                let terms: Vec<_> = sources[..=neighbours].iter().map(|x| (third, &x[..])).collect();
                kernel::fused(target, &terms);
            }
            Self::Pair => kernel::pair(target, &mut sources[0], halves, halves),
            Self::Dot => {
                black_box(kernel::dot(target, &sources[0]));
            }
        }
    }

    /// Bytes per second.
    fn bandwidth<S: Storage>(self, vectors: &mut Vectors<S>) -> f64 {
        let bytes = self.bytes(vectors);
        let times = MOVED.div_ceil(bytes);
        let start = Instant::now();
        (0..times).for_each(|_| self.run(vectors));
        (times * bytes) as f64 / start.elapsed().as_secs_f64()
    }
}

impl fmt::Display for Work {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Triad => write!(out, "triad"),
            Self::Memcpy => write!(out, "memcpy"),
            Self::Sum { neighbours } => write!(out, "sum over {neighbours}"),
            Self::Pair => write!(out, "pair"),
            Self::Dot => write!(out, "dot"),
        }
    }
}

struct Vectors<S> {
    reference: [Vec<f32>; 3],
    target: Vec<S>,
    sources: Vec<Vec<S>>,
}

impl<S: Storage> Vectors<S> {
    fn new(length: usize) -> Self {
        let sources = (0..9).map(|_| vector(length)).collect();
        Self { reference: [(); 3].map(|()| vector(length)), target: vector(length), sources }
    }
}

fn vector<S: Storage>(length: usize) -> Vec<S> {
    vec![S::store(number(1.5)); length]
}

fn number<A: Number>(value: f64) -> A {
    A::from_f64(value)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn beside_triads<S: Storage>(size: &str, vectors: &mut Vectors<S>) {
    println!(
        "\n{}, as many as {size} of f32   best   median GB/s   median of the triad beside it",
        S::DTYPE.name()
    );
    for work in Work::ALL {
        let turn = |_| {
            let before = Work::Triad.bandwidth(vectors);
            let own = work.bandwidth(vectors);
            (own, own / f64::midpoint(before, Work::Triad.bandwidth(vectors)))
        };
        let (own, ratios): (Vec<f64>, Vec<f64>) = (0..TURNS).map(turn).unzip();
        let best = own.iter().copied().fold(0.0, f64::max) / 1e9;
        println!("{:12}   {best:6.1}   {:6.1}   {:5.2}", work.to_string(), median(own) / 1e9, median(ratios));
    }
}

fn sums<S: Storage>(criterion: &mut Criterion) {
    for (size, length) in LENGTHS {
        let mut vectors = Vectors::<S>::new(length);
        beside_triads(size, &mut vectors);
        let mut group = criterion.benchmark_group(format!("{}, {size} of f32", S::DTYPE.name()));
        group
            .sample_size(10)
            .warm_up_time(Duration::from_millis(200))
            .measurement_time(Duration::from_millis(500));
        for work in Work::ALL {
            group.throughput(Throughput::Bytes(work.bytes(&vectors) as u64));
            group.bench_function(work.to_string(), |bencher| bencher.iter(|| work.run(&mut vectors)));
        }
        group.finish();
    }
}

/// What large targets gain by being written past the caches, and what small ones lose.
fn streamed(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("a scaled vector");
    group.sample_size(20).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    for shift in 18..=26 {
        let length = (1 << shift) / size_of::<f32>();
        let (mut target, x) = (vector::<f32>(length), vector::<f32>(length));
        for (streamed, name) in [(false, "cached"), (true, "streamed")] {
            let mode = Mode { instructions: Instructions::best(), streamed };
            group.throughput(Throughput::Bytes(2 << shift));
            group.bench_function(format!("{} KiB, {name}", 1 << (shift - 10)), |bencher| {
                bencher.iter(|| mode.scale(black_box(&mut target), 0.5, black_box(&x)));
            });
        }
    }
    group.finish();
}

/// The time of `steps` steps that compute an expression of vectors x0 … x3 on one rank.
fn computed(expression: &[Operation], into: Register, length: usize, steps: u64) -> Duration {
    let vectors = 0..4u16;
    let one = vec![Operation::Constant(Rational::one())];
    let set = |register| Instruction::Compute { into: Register(register), expression: one.clone() };
    let program = Program {
        registers: vec![Shape::Vector; vectors.len()],
        states: vectors.clone().map(|register| (format!("x{register}"), Register(register))).collect(),
        initial: [Instruction::Parameters { into: Register(0) }]
            .into_iter()
            .chain(vectors.skip(1).map(set))
            .collect(),
        steps: vec![vec![Instruction::Compute { into, expression: expression.to_vec() }]],
        ..averaging()
    };
    let schedule = schedule(program, 1, vec![vec![ring(1)]]);
    let times = local::spmd(1, |transport| {
        let initial = vector::<f32>(length);
        let mut machine = Flat::new(schedule.rank(transport.rank()), transport, &initial).expect("a machine");
        machine.step(&mut |_| ()).expect("a step");
        let start = Instant::now();
        for _ in 0..steps {
            machine.step(&mut |_| ()).expect("a step");
        }
        Ok::<_, Infallible>(start.elapsed())
    });
    times.expect("a run")[0]
}

fn expressions(criterion: &mut Criterion) {
    use Operation::{Add, Constant, Multiply, Subtract};
    let [x, y, z] = [0, 1, 2].map(|register| Operation::Register(Register(register)));
    let a = || Constant(Rational::new(1, 8));
    let step = vec![x.clone(), a(), y.clone(), Multiply, Subtract];
    let sum = vec![a(), x, Multiply, a(), y, Multiply, Add, a(), z, Multiply, Subtract];
    for (size, length) in LENGTHS {
        let mut group = criterion.benchmark_group(format!("expressions, {size} of f32"));
        group
            .sample_size(20)
            .warm_up_time(Duration::from_millis(300))
            .measurement_time(Duration::from_secs(1));
        let mut vectors = Vectors::<f32>::new(length);
        group.throughput(Throughput::Bytes(Work::Triad.bytes(&vectors) as u64));
        group.bench_function("triad", |bencher| bencher.iter(|| Work::Triad.run(&mut vectors)));
        for (name, expression, into, vectors) in [
            ("x <- x - a y", &step, 0, 3),
            ("w <- x - a y", &step, 3, 3),
            ("w <- a x + b y - c z", &sum, 3, 4),
        ] {
            group.throughput(Throughput::Bytes((vectors * length * size_of::<f32>()) as u64));
            group.bench_function(name, |bencher| {
                bencher.iter_custom(|steps| computed(expression, Register(into), length, steps))
            });
        }
        group.finish();
    }
}

criterion_group!(all, sums<f32>, sums<bf16>, sums<f16>, sums<f64>, streamed, expressions);
criterion_main!(all);
