//! What every GPU must do: its kernels compute what those of the host do, bit for bit. Where the host finds something that is
//! not a number, the GPU does, with whatever bits.

mod programs;

use super::Law;
use crate::compression::Coding;
use crate::element::Element;
use crate::expression::Scope;
use crate::gpu::kernels::{Room, Terms, Vector};
use crate::gpu::text::Assignment;
use crate::gpu::{DeviceMemory, Gpu, Kernels, Stream};
use crate::kernel::{self, Mode};
use crate::layout::{Layout, Tensor};
use crate::memory::Buffer;
use crate::storage::{Dtype, Storage, arithmetic, with_dtype};
use bfc_schedule::Codec;
use bfc_schedule::compression::{Float, LowRank};
use bfc_schedule::program::scalar::Number;
use bfc_schedule::program::{Program, Shape};
use bfc_schedule::random::{output, unit};
use programs::{drawn_program, powers};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// Lengths around those of blocks, parts and launches.
const LENGTHS: [usize; 7] = [1, 7, 255, 1024, 4097, 12_289, 70_001];

/// The laws of kernels; each is run on a GPU, all on the same.
pub fn laws() -> Vec<Law<Gpu>> {
    let mut laws = vec![];
    for dtype in Float::ALL {
        let program = drawn_program(dtype.bytes() as u64);
        let bench = Arc::new(OnceLock::new());
        laws.push(Law::new(format!("logarithms and powers, {}", dtype.name()), move |gpu: Gpu| {
            Bench::new(&gpu, &[&powers()], &[dtype]).assignments(3001, nearness(dtype));
        }));
        let mut add = |what: &str, law: fn(&Bench)| {
            let (bench, program) = (bench.clone(), program.clone());
            laws.push(Law::new(format!("{what}, {}", dtype.name()), move |gpu: Gpu| {
                law(bench.get_or_init(|| Bench::new(&gpu, &[&program], &[dtype])));
            }));
        };
        add("random expressions", |bench| bench.assignments(3001, 0));
        add("weighted sums", |bench| with_dtype!(bench.dtype, S => sums::<S>(bench)));
        add("inner products", |bench| with_dtype!(bench.dtype, S => dots::<S>(bench)));
        add("sums over edges, conversions and averages", |bench| {
            with_dtype!(bench.dtype, S => others::<S>(bench));
        });
        match dtype {
            Dtype::F32 => add("codecs", codecs::<f32>),
            Dtype::F64 => add("codecs", codecs::<f64>),
            Dtype::Bf16 | Dtype::F16 => {}
        }
    }
    laws
}

/// The assignments of programs, on vectors of this length in buckets of all types.
///
/// # Panics
/// Where one of them differs from the host's.
pub fn assignments(gpu: &Gpu, programs: &[&Program], length: usize) {
    Bench::new(gpu, programs, &Float::ALL).assignments(length, 0);
}

/// How far logarithms and powers may be from the host's, in units in the last place of what they are stored in.
fn nearness(dtype: Dtype) -> u64 {
    match dtype {
        Dtype::F64 => 4,
        Dtype::F32 => 2,
        Dtype::Bf16 | Dtype::F16 => 1,
    }
}

/// A GPU with the kernels for buckets of some types.
struct Bench {
    gpu: Gpu,
    programs: Vec<Program>,
    kernels: Kernels,
    stream: Stream,
    /// The first type.
    dtype: Dtype,
}

impl Bench {
    fn new(gpu: &Gpu, programs: &[&Program], dtypes: &[Dtype]) -> Self {
        let kernels = Kernels::new(gpu, programs, dtypes).expect("kernels");
        let stream = gpu.stream().expect("a stream");
        let programs = programs.iter().copied().cloned().collect();
        Self { gpu: gpu.clone(), programs, kernels, stream, dtype: dtypes[0] }
    }

    fn assignments(&self, length: usize, nearness: u64) {
        let assignments = self.kernels.text().assignments().iter();
        assignments.for_each(|assignment| self.assignment(assignment, length, nearness));
    }

    /// One of them, where per edge on the last of two.
    fn assignment(&self, assignment: &Assignment, length: usize, nearness: u64) {
        const EDGES: usize = 2;
        let program = &self.programs[assignment.program];
        let Assignment { name, expression, into, bucket, .. } = assignment;
        let scalars: Vec<f64> = (0..program.registers.len() as u64).map(|key| 0.1 + unit(7, key)).collect();
        let inputs: Vec<f64> = program.inputs.iter().map(|input| input.default.to_f64()).collect();
        let scope = Scope { scalars: &scalars, inputs: &inputs, step: 3 };
        let points = program.points();
        let mut registers = BTreeMap::new();
        for register in expression.reads().map(|(register, _)| register).chain([*into]) {
            let dtype = if points[register] { *bucket } else { arithmetic(*bucket) };
            let edges = if program.registers[register] == Shape::EdgeVector { EDGES } else { 1 };
            let buffer = drawn_buffer(dtype, edges * length, register as u64);
            let memory = self.upload(buffer.bytes());
            registers.insert(register, (buffer, memory));
        }
        let edge = if program.registers[*into] == Shape::EdgeVector { EDGES - 1 } else { 0 };
        let elements = edge * length..(edge + 1) * length;
        let vector = |register: usize, per_edge: bool| {
            let (buffer, memory) = &registers[&register];
            let vector = Vector { address: memory.address(), length: buffer.len(), dtype: buffer.dtype() };
            if per_edge { vector.part(elements.clone()) } else { vector }
        };
        let target = vector(*into, edge > 0);
        // SAFETY: the vectors live until the stream has been read.
        unsafe { self.kernels.assign(&self.stream, assignment, target, vector, &scope) }.expect("a launch");
        let (start, memory) = &registers[into];
        let found = self.download(memory);
        with_dtype!(start.dtype(), S => {
            let mut expected = start.values::<S>().to_vec();
            let read = |register: usize| registers[&register].0.slice();
            expression.run_on(&mut expected[elements], edge, read, &scope);
            near::<S>(&expected, &found, nearness, &format!("{name} of {}", program.name));
        });
    }

    fn upload(&self, bytes: &[u8]) -> DeviceMemory {
        let memory = self.gpu.allocate(bytes.len()).expect("memory");
        self.stream.write(&memory, 0, bytes).expect("a copy");
        memory
    }

    fn vector<S: Storage>(&self, values: &[S]) -> (DeviceMemory, Vector) {
        let memory = self.upload(bytemuck::cast_slice(values));
        let vector = Vector { address: memory.address(), length: values.len(), dtype: S::DTYPE };
        (memory, vector)
    }

    fn download(&self, memory: &DeviceMemory) -> Vec<u8> {
        let mut bytes = vec![0; memory.len()];
        self.stream.read(memory, 0, &mut bytes).expect("a copy");
        bytes
    }
}

/// Small numbers, large ones, and those at the ends of each type.
fn drawn<S: Storage>(length: usize, seed: u64, finite: bool) -> Vec<S> {
    const SPECIAL: [f64; 12] = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        65_519.9,
        3.4e38,
        6e-8,
        1.2e-38,
        1e-45,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
    ];
    let number = |key: u64| {
        let bits = output(seed ^ 0x5eed, key);
        let special = SPECIAL[bits as usize % if finite { 9 } else { SPECIAL.len() }];
        let scale = 2f64.powi((bits >> 32) as i32 % 12);
        let number = if bits >> 60 == 0 { special } else { (unit(seed, key) - 0.5) * scale };
        S::store(Number::from_f64(number))
    };
    (0..length as u64).map(number).collect()
}

fn drawn_buffer(dtype: Dtype, length: usize, seed: u64) -> Buffer {
    let mut buffer = Buffer::zeros(dtype, length);
    with_dtype!(dtype, S => buffer.values_mut::<S>().copy_from_slice(&drawn::<S>(length, seed, false)));
    buffer
}

fn same<S: Storage>(expected: &[S], found: &[u8], what: &str) {
    near(expected, found, 0, what);
}

/// A number's place among all of its type.
fn place<S: Storage>(number: &S) -> i64 {
    let bytes = bytemuck::bytes_of(number);
    let bits = bytes.iter().rev().fold(0, |bits, byte| bits << 8 | u64::from(*byte));
    let sign = 1 << (8 * bytes.len() - 1);
    let magnitude = (bits & (sign - 1)) as i64;
    if bits & sign == 0 { magnitude } else { -magnitude }
}

fn near<S: Storage>(expected: &[S], found: &[u8], nearness: u64, what: &str) {
    let bits = |number: &S| bytemuck::bytes_of(number).to_vec();
    let is_none = |number: S| number.load() != number.load();
    assert_eq!(size_of_val(expected), found.len(), "{what}: the length");
    for (index, (expected, found)) in expected.iter().zip(found.chunks_exact(size_of::<S>())).enumerate() {
        let number: S = bytemuck::pod_read_unaligned(found);
        let is_near = match (is_none(*expected), is_none(number)) {
            (false, false) if nearness > 0 => place(expected).abs_diff(place(&number)) <= nearness,
            (false, false) => bits(expected) == found,
            (expected, found) => expected && found,
        };
        assert!(
            is_near,
            "{what}, {} at {index}: the host has {expected:?}, the GPU {number:?}",
            S::DTYPE.name()
        );
    }
}

fn sums<S: Storage>(bench: &Bench) {
    type A<S> = <S as Storage>::Arithmetic;
    for (length, seed) in LENGTHS.into_iter().zip(0..) {
        let count = [0, 1, 2, 5, 3, 9, 2][seed as usize];
        let x = drawn::<S>(length, seed, false);
        let y: Vec<Vec<S>> = (0..count).map(|k| drawn(length, 100 * seed + k, false)).collect();
        let weights: Vec<f64> = (0..count).map(|k| A::<S>::from_f64(unit(9, k)).to_f64()).collect();
        let (x_memory, x_vector) = bench.vector(&x);
        let (y_memory, y_vector) = bench.vector(&y.concat());
        let (weights_memory, _) = bench.vector(&weights);
        let first = Vector { length, ..y_vector };
        let terms = Terms { first, stride: length, weights: weights_memory.address(), count: count as usize };
        for own in [None, Some(0.75)] {
            let term = |(weight, y): (&f64, &'_ Vec<S>)| (A::<S>::from_f64(*weight), y.clone());
            let own_term = own.map(|own| (A::<S>::from_f64(own), x.clone()));
            let host: Vec<_> = own_term.into_iter().chain(weights.iter().zip(&y).map(term)).collect();
            let host: Vec<(A<S>, &[S])> = host.iter().map(|(weight, y)| (*weight, &y[..])).collect();
            let mut expected = x.clone();
            kernel::fused(&mut expected, &host);
            // In place, as where a model is mixed.
            let target = bench.upload(bytemuck::cast_slice(&x));
            let target_vector = Vector { address: target.address(), ..x_vector };
            let own_vector = own.map(|own| (own, target_vector));
            // SAFETY: all memory lives until the stream has been read.
            unsafe { bench.kernels.sum(&bench.stream, target_vector, own_vector, terms) }.expect("a launch");
            same(&expected, &bench.download(&target), &format!("a sum of {count}, own {own:?}"));
            let mut whole = vec![A::<S>::default(); length];
            if let Some(((weight, first), rest)) = host.split_first() {
                kernel::scale::<S>(&mut whole, *weight, first);
                rest.iter().for_each(|(weight, y)| kernel::accumulate::<S>(&mut whole, *weight, y));
            }
            let (target, target_vector) = bench.vector(&whole);
            // SAFETY: as above.
            unsafe {
                bench.stream.clear(target.address(), target.len()).expect("zeros");
                let own = own.map(|own| (own, x_vector));
                bench.kernels.sum(&bench.stream, target_vector, own, terms).expect("a launch");
            }
            same(&whole, &bench.download(&target), &format!("a whole sum of {count}, own {own:?}"));
        }
        drop((x_memory, y_memory));
    }
}

fn dots<S: Storage>(bench: &Bench) {
    let mut room = Room::new(&bench.gpu).expect("room");
    for (length, seed) in [0].into_iter().chain(LENGTHS).zip(0..) {
        let (x, y) = (drawn::<S>(length, seed, true), drawn::<S>(length, seed + 50, true));
        let whole = drawn::<S::Arithmetic>(length, seed + 70, true);
        let (_x, x_vector) = bench.vector(&x);
        let (_y, y_vector) = bench.vector(&y);
        let (_whole, whole_vector) = bench.vector(&whole);
        for (y, expected) in [(y_vector, kernel::dot(&x, &y)), (whole_vector, kernel::dot(&x, &whole))] {
            // SAFETY: all memory lives until the stream has been read.
            let found = unsafe { bench.kernels.dot(&bench.stream, x_vector, y, &mut room) };
            assert_eq!(found.expect("a launch").to_bits(), expected.to_bits(), "of {length}");
        }
    }
}

fn others<S: Storage>(bench: &Bench) {
    type A<S> = <S as Storage>::Arithmetic;
    for (length, seed) in LENGTHS.into_iter().zip(0..) {
        let edges: Vec<A<S>> = drawn(3 * length, seed, false);
        let mut sum = vec![A::<S>::default(); length];
        edges.chunks_exact(length).for_each(|edge| kernel::add::<A<S>>(&mut sum, edge));
        let (_edges, first) = bench.vector(&edges);
        let (target, vector) = bench.vector(&vec![A::<S>::default(); length]);
        let (short, short_vector) = bench.vector(&drawn::<S>(length, seed, false));
        let mut rounded = drawn::<S>(length, seed, false);
        // SAFETY: all memory lives until the stream has been read, here and below.
        unsafe { bench.kernels.gather(&bench.stream, vector, first, 3) }.expect("a launch");
        same(&sum, &bench.download(&target), "a sum over edges");
        kernel::round::<S>(&mut rounded, &sum);
        // SAFETY: as above.
        unsafe { bench.kernels.convert(&bench.stream, short_vector, vector) }.expect("a launch");
        same(&rounded, &bench.download(&short), "a rounded vector");
        let mut read = vec![A::<S>::default(); length];
        Mode::best(0).convert::<A<S>, S>(&mut read, &rounded);
        // SAFETY: as above.
        unsafe { bench.kernels.convert(&bench.stream, vector, short_vector) }.expect("a launch");
        same(&read, &bench.download(&target), "a vector that is read");
        kernel::add::<A<S>>(&mut read, &edges[..length]);
        read.iter_mut().for_each(|x| *x = *x / A::<S>::from_f64(7.0));
        // SAFETY: as above.
        unsafe {
            bench.kernels.add(&bench.stream, vector, first).expect("a launch");
            bench.kernels.divide(&bench.stream, vector, 7).expect("a launch");
        }
        same(&read, &bench.download(&target), "an average");
    }
}

fn codecs<T: Element>(bench: &Bench) {
    let mut room = Room::new(&bench.gpu).expect("room");
    let fraction = |numerator, denominator| Codec::TopFraction { numerator, denominator };
    let mut codecs = vec![Codec::Sign, Codec::TopK(1), Codec::TopK(300), fraction(1, 10), fraction(1, 1)];
    codecs.extend(Float::ALL.map(Codec::Cast));
    codecs.push(Codec::RandomK { count: 17, seed: 4 });
    for (rank, rows) in [(1, None), (3, None), (2, Some(1)), (2, Some(5)), (4, Some(5000))] {
        codecs.push(Codec::LowRank(LowRank { rank, rows }));
    }
    for bits in [2, 3, 5, 8, 11, 16] {
        codecs.extend([None, Some(3)].map(|seed| Codec::Quantize { bits, seed }));
    }
    let tensor = |(index, length): (usize, &usize)| Tensor {
        name: index.to_string(),
        shape: vec![*length],
        dtype: T::DTYPE,
    };
    for lengths in [&[1][..], &[5, 0, 1027, 3], &[9001, 64]] {
        let layout = Layout::new(lengths.iter().enumerate().map(tensor).collect());
        let mut x: Vec<T> = drawn(lengths.iter().sum(), 1, true);
        // Equal magnitudes, of which the first are kept.
        x.iter_mut().step_by(3).for_each(|x| *x = T::from_f64(0.25));
        for codec in &codecs {
            let coding = Coding::of_bucket(*codec, &layout, 0);
            let (step, rank) = (6, 2);
            let mut code = vec![0; coding.bytes()];
            coding.encode(&x, step, rank, &mut code);
            let (_x, x_vector) = bench.vector(&x);
            let memory = bench.upload(&vec![0xff; code.len()]);
            let at = memory.address();
            // SAFETY: all memory lives until the stream has been read, here and below.
            unsafe { bench.kernels.encode(&bench.stream, &coding, x_vector, (step, rank), at, &mut room) }
                .expect("a launch");
            assert!(bench.download(&memory) == code, "{codec} of {lengths:?}: other bytes");
            let mut expected = vec![T::default(); x.len()];
            coding.decode(&code, step, &mut expected);
            let (target, vector) = bench.vector(&x);
            // SAFETY: as above.
            unsafe { bench.kernels.decode(&bench.stream, &coding, at, step, vector, &mut room) }
                .expect("a launch");
            same(&expected, &bench.download(&target), &format!("{codec} of {lengths:?}, read"));
        }
    }
}
