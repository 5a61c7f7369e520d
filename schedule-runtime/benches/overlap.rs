//! What many tensors cost beside one vector, and how much of an exchange a gradient hides.
//!
//! `cargo bench -p bfc-runtime --bench overlap`. A time is one step of two ranks, as threads.

use bfc_runtime::conformance::schedules::*;
use bfc_runtime::{Ask, Dtype, Layout, Machine, ModelAsk, Tensor, Transport, local};
use bfc_schedule::Program;
use criterion::{Criterion, criterion_group, criterion_main};
use std::convert::Infallible;
use std::hint::black_box;
use std::sync::Barrier;
use std::time::{Duration, Instant};

/// The elements whose exchange takes about 10 ms.
const LENGTH: usize = 32_000_000;
const GRADIENT: Duration = Duration::from_millis(20);

fn tensor(index: usize, shape: Vec<usize>, dtype: Dtype) -> Tensor {
    Tensor { name: format!("p{index}"), shape, dtype }
}

/// The 161 tensors of a ResNet-50 (He et al., 2016), 25,557,032 numbers.
fn resnet50(dtype: Dtype) -> Layout {
    let mut shapes = vec![vec![64, 3, 7, 7], vec![64], vec![64]];
    let mut channels = 64;
    for (blocks, width) in [(3, 64), (4, 128), (6, 256), (3, 512)] {
        for block in 0..blocks {
            for (out, from, kernel) in [(width, channels, 1), (width, width, 3), (4 * width, width, 1)] {
                shapes.extend([vec![out, from, kernel, kernel], vec![out], vec![out]]);
            }
            if block == 0 {
                shapes.extend([vec![4 * width, channels, 1, 1], vec![4 * width], vec![4 * width]]);
            }
            channels = 4 * width;
        }
    }
    shapes.extend([vec![1000, 2048], vec![1000]]);
    Layout::new(shapes.into_iter().enumerate().map(|(index, shape)| tensor(index, shape, dtype)).collect())
}

fn flat(length: usize, dtype: Dtype) -> Layout {
    Layout::new(vec![tensor(0, vec![length], dtype)])
}

/// Tensors of equal length, each a bucket.
fn buckets(count: usize) -> Layout {
    let tensors = (0..count).map(|index| tensor(index, vec![LENGTH / count], Dtype::F32));
    Layout::with_buckets(tensors.collect(), 1)
}

/// The time of `steps` steps on two ranks.
fn steps(
    steps: u64,
    program: Program,
    layout: &Layout,
    step: impl Fn(&mut Machine<local::LocalTransport>) + Sync,
) -> Duration {
    let schedule = schedule(program, 2, vec![vec![shifts(2, &[1])]]);
    let barrier = Barrier::new(2);
    let times = local::spmd(2, |transport| {
        let rank = transport.rank();
        let part = schedule.rank(rank);
        let mut machine = Machine::new(part, transport, layout.clone(), |_| ()).expect("a machine");
        step(&mut machine);
        barrier.wait();
        let start = Instant::now();
        (0..steps).for_each(|_| step(&mut machine));
        barrier.wait();
        Ok::<_, Infallible>(start.elapsed())
    });
    times.expect("a run")[0]
}

fn with_closure(gradient: impl Fn() + Sync) -> impl Fn(&mut Machine<local::LocalTransport>) + Sync {
    move |machine| {
        let mut answer = |ask: ModelAsk<'_>| match ask {
            Ask::Gradient { .. } | Ask::Adapt { .. } => gradient(),
            Ask::Prox { .. } => {}
        };
        machine.step(&mut answer).expect("a step");
    }
}

/// A part of the gradient for each bucket, which then travels.
fn by_bucket(part: impl Fn() + Sync) -> impl Fn(&mut Machine<local::LocalTransport>) + Sync {
    move |machine| {
        machine.wanted().expect("a question");
        for bucket in 0..machine.layout().buckets().len() {
            part();
            machine.ready(bucket).expect("a bucket");
        }
    }
}

/// Keeps a core busy without memory.
fn compute(rounds: u64) {
    let mut x = 1.0f64;
    (0..rounds).for_each(|_| x = black_box(x * 1.000_000_1 + 1e-9));
    black_box(x);
}

/// Rounds that take the time of a gradient.
fn rounds() -> u64 {
    let start = Instant::now();
    compute(2_000_000);
    (2e6 * GRADIENT.as_secs_f64() / start.elapsed().as_secs_f64()) as u64
}

fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("a model of 25.6 million numbers");
    group.sample_size(10).measurement_time(Duration::from_secs(3));
    for dtype in [Dtype::F32, Dtype::Bf16] {
        let (tensors, vector) = (resnet50(dtype), flat(25_557_032, dtype));
        for (name, layout) in [("161 tensors", tensors), ("one vector", vector)] {
            group.bench_function(format!("{name}, {}", dtype.name()), |bencher| {
                bencher.iter_custom(|count| steps(count, averaging(), &layout, with_closure(|| ())))
            });
        }
    }
    group.finish();

    let mut group = criterion.benchmark_group("128 MB behind a gradient of 20 ms");
    group.sample_size(10).measurement_time(Duration::from_secs(3));
    let (one, four) = (flat(LENGTH, Dtype::F32), buckets(4));
    let sleep = || std::thread::sleep(GRADIENT);
    group.bench_function("gradient alone", |bencher| {
        bencher.iter_custom(|count| {
            let start = Instant::now();
            (0..count).for_each(|_| sleep());
            start.elapsed()
        })
    });
    group.bench_function("exchange alone", |bencher| {
        bencher.iter_custom(|count| steps(count, averaging(), &one, with_closure(|| ())))
    });
    group.bench_function("exchange alone, not in place", |bencher| {
        bencher.iter_custom(|count| steps(count, travelling(), &one, with_closure(|| ())))
    });
    group.bench_function("while the gradient sleeps", |bencher| {
        bencher.iter_custom(|count| steps(count, travelling(), &one, with_closure(sleep)))
    });
    group.bench_function("bucket by bucket after the gradient, 4 buckets", |bencher| {
        let part = || std::thread::sleep(GRADIENT / 4);
        bencher.iter_custom(|count| steps(count, adapting(), &four, by_bucket(part)))
    });
    group.bench_function("one bucket after the gradient", |bencher| {
        bencher.iter_custom(|count| steps(count, adapting(), &one, with_closure(sleep)))
    });
    let rounds = rounds();
    group.bench_function("a gradient that computes, alone", |bencher| {
        bencher.iter_custom(|count| {
            steps(count, still(), &flat(1, Dtype::F32), with_closure(|| compute(rounds)))
        })
    });
    group.bench_function("while the gradient computes", |bencher| {
        bencher.iter_custom(|count| steps(count, travelling(), &one, with_closure(|| compute(rounds))))
    });
    group.finish();
}

criterion_group!(overlap, benches);
criterion_main!(overlap);
