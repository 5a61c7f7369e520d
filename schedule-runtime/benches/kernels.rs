use bfc_runtime::kernel::{self, Instructions, Mode};
use bfc_runtime::Storage;
use half::{bf16, f16};
use std::time::Instant; use bfc_schedule::program::scalar::Number; fn num<A: Number>(x: f64) -> A { A::from_f64(x) }
use std::hint::black_box;

fn time(n: usize, mut f: impl FnMut()) -> f64 {
    let t = Instant::now();
    for _ in 0..n { f() }
    t.elapsed().as_secs_f64() / n as f64
}

fn main() {
    go::<bf16>(); go::<f16>(); go::<f32>(); go::<f64>();
}
fn go<S: Storage>() {
    let n = 65536 / size_of::<S>();
    let one = S::store(num(1.0));
    let mut t = vec![one; n];
    let x: Vec<Vec<S>> = (0..9).map(|_| vec![one; n]).collect();
    for mode in [Mode::best(0), Mode { instructions: Instructions::PORTABLE, streamed: false }] {
    print!("{:?} {}: ", S::DTYPE, mode.instructions == Instructions::PORTABLE);
    for k in [0, 1, 2, 4, 6, 7, 8] {
        let terms: Vec<_> = x[..k + 1].iter().map(|x| (num(0.3), &x[..])).collect();
        let mut best = f64::MAX;
        for _ in 0..100 { best = best.min(time(30, || mode.fused(black_box(&mut t), black_box(&terms)))); }
        print!("{:.1} ", (k + 2) as f64 * 65536. / best / 1e9);
    }
    let mut y = x[0].clone();
    let mut best = f64::MAX;
    for _ in 0..100 { best = best.min(time(30, || mode.pair(black_box(&mut t), black_box(&mut y), [num(0.5);2], [num(0.5); 2]))); }
    print!("pair {:.1} ", 4. * 65536. / best / 1e9);
    let mut y = vec![num::<S::Arithmetic>(0.0); n];
    let mut best = f64::MAX;
    for _ in 0..100 { best = best.min(time(30, || mode.accumulate(black_box(&mut y), num(0.5), &t))); }
    print!("accumulate {:.1} ", (size_of_val(&t[..]) + 2 * size_of_val(&y[..])) as f64 / best / 1e9);
    let mut best = f64::MAX;
    for _ in 0..100 { best = best.min(time(30, || {black_box(mode.dot(black_box(&x[0]), black_box(&x[1])));})); }
    println!("dot {:.1}", 2. * size_of_val(&t[..]) as f64 / best / 1e9);
    }
}
