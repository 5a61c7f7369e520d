use bfc_runtime::kernel::{self, Instructions, Mode};
use bfc_runtime::Storage;
use half::{bf16, f16};
use std::time::Instant;
use std::hint::black_box;

fn time(n: usize, mut f: impl FnMut()) -> f64 {
    let t = Instant::now();
    for _ in 0..n { f() }
    t.elapsed().as_secs_f64() / n as f64
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let bytes: usize = args.iter().find_map(|a| a.strip_prefix("bytes=")).map_or(100_000_000, |a| a.parse().unwrap());
    let only: Option<usize> = args.iter().find_map(|a| a.strip_prefix("k=")).map(|a| a.parse().unwrap());
    run::<f32>(bytes, only);
    run::<bf16>(bytes / 2, only);
    run::<f16>(bytes / 2, only);
    run::<f64>(bytes, only);
}

use bfc_schedule::program::scalar::Number;
fn num<A: Number>(x: f64) -> A { A::from_f64(x) }
fn run<S: Storage>(bytes: usize, only: Option<usize>) {
    let n = bytes / size_of::<S>();
    let reps = (200_000_000 / bytes / 4).max(1);
    let one = S::store(num(0.3));
    let mut t = vec![one; n];
    let x: Vec<Vec<S>> = (0..9).map(|_| vec![one; n]).collect();
    let mut a = vec![3f32; bytes / 4];
    let (b, c) = (vec![1f32; bytes / 4], vec![2f32; bytes / 4]);
    let zero = one.load();
    let modes = [("best", Mode::best(bytes)), ("cached", Mode{streamed:false,..Mode::best(0)}), ("streamed", Mode { streamed: true, ..Mode::best(0) }), ("portable", Mode { instructions: Instructions::PORTABLE, streamed: false })];
    for k in 0..=8 {
        if only.is_some_and(|o| o != k) { continue }
        let mut best = [f64::MAX; 4];
        let mut triad = f64::MAX; let mut copy = f64::MAX; let mut ours = [f64::MAX; 2]; let mut pair = f64::MAX;
        let terms: Vec<_> = x[..k + 1].iter().map(|x| (zero, &x[..])).collect();
        for _ in 0..7 {
            for (m, mode) in modes.iter().enumerate() {
                best[m] = best[m].min(time(reps, || mode.1.fused(black_box(&mut t), black_box(&terms))));
            }
            triad = triad.min(time(reps, || { let (a, b, c) = (black_box(&mut a), black_box(&b), black_box(&c));
               for ((a, b), c) in a.iter_mut().zip(b).zip(c) { *a = *b + 3.0 * *c } }));
            copy = copy.min(time(reps, || black_box(&mut a).copy_from_slice(black_box(&b))));
            if k == 0 {
            for (m, o) in ours.iter_mut().enumerate() { *o = o.min(time(reps, || modes[m + 1].1.copy(black_box(&mut a), black_box(&b)))); }
            let mut y = x[1].clone();
            pair = pair.min(time(reps, || kernel::pair(black_box(&mut t), black_box(&mut y), [num(0.5); 2], [num(0.5); 2])));
            }
        }
        let gb = |t: f64| (k + 2) as f64 * bytes as f64 / t / 1e9;
        println!("{:?} k={k}: best {:.1} cached {:.1} streamed {:.1} portable {:.1} GB/s | triad {:.1} copy {:.1} own copy cached {:.1} streamed {:.1} pair {:.1}", S::DTYPE, gb(best[0]), gb(best[1]), gb(best[2]), gb(best[3]), 3.0 * bytes as f64 / triad / 1e9, 2.0 * bytes as f64 / copy / 1e9, 2.0 * bytes as f64 / ours[0] / 1e9, 2.0 * bytes as f64 / ours[1] / 1e9, 4.0 * bytes as f64 / pair / 1e9);
    }
}
