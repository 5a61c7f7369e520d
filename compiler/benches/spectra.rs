//! `cargo bench -p bfc-compiler --bench spectra`: all numbers of a topology, inside of one process, beside one Fourier
//! transform of the first row, the least that any program needs for the eigenvalues of a circulant matrix.
//!
//! benches/peers/spectra.py measures whole processes beside numpy and scipy.

use bfc_compiler::model::topology::Topology;
use bfc_compiler::{Entry, NoFiles, Request, analysis};
use bfc_schedule::{CayleyMatrix, Group, MixingMatrix, Rank, Rational};
use criterion::{Criterion, criterion_group, criterion_main};
use rustfft::FftPlanner;
use rustfft::num_complex::Complex;
use std::hint::black_box;

const SIZE: u32 = 4096;

/// The hops of the exponential graph, and their weight.
fn hops() -> (Vec<u32>, u32) {
    let hops: Vec<u32> =
        std::iter::successors(Some(1), |hop| Some(2 * hop)).take_while(|hop| *hop < SIZE).collect();
    let parts = hops.len() as u32 + 1;
    (hops, parts)
}

fn exponential() -> Topology {
    let (hops, parts) = hops();
    let weight = Rational::new(1, parts);
    let hops = hops.into_iter().map(|hop| (Rank(hop), weight.clone())).collect();
    let matrix = CayleyMatrix::new(Group::cyclic(SIZE), weight, hops).expect("hops of the group");
    let phases = vec![MixingMatrix::Cayley(matrix)];
    Topology {
        name: "exponential".into(),
        size: SIZE,
        phases,
        is_drawn: false,
        optimised: vec![],
        names: None,
        places: [].into(),
        ensures: vec![],
    }
}

fn request(name: &str, size: u32, parameters: &[(&str, &str)]) -> Request {
    let parameters = parameters.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
    Request { parameters, ..Request::new(Entry::Library(name.into()), size) }
}

fn spectra(criterion: &mut Criterion) {
    let topology = exponential();
    criterion.bench_function("exponential at 4096, all numbers", |bencher| {
        bencher.iter(|| analysis::of_topology(black_box(&topology)));
    });
    let (hops, parts) = hops();
    let mut row = vec![Complex::new(0.0, 0.0); SIZE as usize];
    hops.into_iter().chain([0]).for_each(|hop| row[hop as usize].re = 1.0 / f64::from(parts));
    let transform = FftPlanner::new().plan_fft_forward(SIZE as usize);
    criterion.bench_function("one Fourier transform of 4096", |bencher| {
        bencher.iter(|| {
            let mut values = black_box(&row).clone();
            transform.process(&mut values);
            values
        });
    });
    let random = request("topology::random_regular", 1000, &[("degree", "8")]);
    criterion.bench_function("random_regular of 1000, from its source", |bencher| {
        bencher.iter(|| bfc_compiler::analyze(black_box(&random), &NoFiles).expect("defined"));
    });
}

criterion_group!(benches, spectra);
criterion_main!(benches);
