//! What compression costs beside the mix that it spares: a step of two ranks whose model is a matrix of 100 × 784 `f32`, and
//! writing and reading the code of a million `f32` on one rank.
//!
//! `cargo bench -p bfc-runtime --bench compression`; `benches/peers/power_gossip.py` is the same step in numpy.

use bfc_runtime::conformance::schedules::*;
use bfc_runtime::{Flat, Transport, local};
use bfc_schedule::compression::{Float, LowRank};
use bfc_schedule::program::{Instruction, Operator, Register, Shape, Transfer};
use bfc_schedule::{Codec, Program};
use criterion::{Criterion, criterion_group, criterion_main};
use std::convert::Infallible;
use std::sync::Barrier;
use std::time::{Duration, Instant};

const MATRIX: (u32, usize) = (100, 784);
const LONG: usize = 1 << 20;

/// The time of `steps` steps of a program on this number of ranks, each next to the others.
fn time(program: Program, size: u32, length: usize, steps: u64) -> Duration {
    let schedule = schedule(program, size, vec![vec![ring(size)]]);
    let barrier = Barrier::new(size as usize);
    let times = local::spmd(size, |transport| {
        let rank = transport.rank();
        let initial: Vec<f32> = (0..length).map(|index| start(rank, index) as f32).collect();
        let mut machine = Flat::new(schedule.rank(rank), transport, &initial).expect("a machine");
        machine.step(&mut |_| ()).expect("a step");
        barrier.wait();
        let start = Instant::now();
        for _ in 0..steps {
            machine.step(&mut |_| ()).expect("a step");
        }
        barrier.wait();
        Ok::<_, Infallible>(start.elapsed())
    });
    times.expect("a run")[0]
}

/// `x <- mix(compress(x, codec))`, or without a mix the code's vector.
fn coded(codec: Codec, mixes: bool) -> Program {
    let code = Register(1);
    let read = match mixes {
        true => Instruction::Exchange {
            operator: Operator::Mix(0),
            transfers: vec![Transfer { from: code, into: G2 }],
        },
        false => Instruction::Decode { from: code, into: G2 },
    };
    let registers = vec![Shape::Vector, Shape::Code(codec), Shape::Vector];
    program("coded", registers, vec![("x", X)], vec![Instruction::Encode { from: X, into: code }, read])
}

const G2: Register = Register(2);

fn benches(criterion: &mut Criterion) {
    let low_rank = LowRank { rank: 2, rows: Some(MATRIX.0) };
    let mut steps = criterion.benchmark_group("100 x 784, 2 ranks");
    let length = MATRIX.0 as usize * MATRIX.1;
    for (name, program) in [
        ("mix", averaging()),
        ("mix(compress(x, low_rank(2)))", coded(Codec::LowRank(low_rank), true)),
        ("mix(compress(x, quantize(8)))", coded(Codec::Quantize { bits: 8, seed: None }, true)),
        ("mix(x, via = low_rank(2))", compared(low_rank)),
    ] {
        steps.bench_function(name, |bencher| {
            bencher.iter_custom(|steps| time(program.clone(), 2, length, steps))
        });
    }
    steps.finish();
    let mut codecs = criterion.benchmark_group("1M, written and read");
    codecs.sample_size(10);
    for codec in [
        Codec::Cast(Float::Bf16),
        Codec::Cast(Float::F16),
        Codec::Quantize { bits: 8, seed: None },
        Codec::Quantize { bits: 8, seed: Some(1) },
        Codec::TopFraction { numerator: 1, denominator: 100 },
        Codec::RandomK { count: 10_000, seed: 1 },
        Codec::Sign,
        Codec::LowRank(LowRank { rank: 2, rows: None }),
    ] {
        codecs.bench_function(codec.to_string(), |bencher| {
            bencher.iter_custom(|steps| time(coded(codec, false), 1, LONG, steps))
        });
    }
    codecs.finish();
}

criterion_group!(all, benches);
criterion_main!(all);
