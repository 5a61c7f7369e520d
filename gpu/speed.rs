//! What a GPU does in how much time, beside what it could do.

use crate::on_threads;
use bfc_runtime::conformance::schedules::{averaging, one_peer, schedule};
use bfc_runtime::gpu::{
    DeviceMemory, Gpu, GpuAsk, GpuError, GpuMachine, Kernels, Link, Piece, Stream, Terms, Vector,
};
use bfc_runtime::{Dtype, Layout};
use bfc_schedule::Rank;
use std::convert::Infallible;
use std::time::{Duration, Instant};

const RUNS: usize = 10;

fn vector(memory: &DeviceMemory, length: usize) -> Vector {
    Vector { address: memory.address(), length, dtype: Dtype::F32 }
}

/// Bandwidth of a copy, and of sums of k neighbours, in bytes read and written.
pub fn sums(gpu: &Gpu) -> Result<String, GpuError> {
    const ELEMENTS: usize = 16 << 20;
    const BYTES: usize = 4 * ELEMENTS;
    const NEIGHBOURS: usize = 4;
    let kernels = Kernels::new(gpu, &[], &[Dtype::F32])?;
    let stream = gpu.stream()?;
    let (target, x) = (gpu.allocate(BYTES)?, gpu.allocate(BYTES)?);
    let y = gpu.allocate(BYTES * NEIGHBOURS)?;
    let weights = gpu.allocate(8 * NEIGHBOURS)?;
    stream.write(&weights, 0, [0.2f64.to_le_bytes(); NEIGHBOURS].as_flattened())?;
    let vector = |memory| vector(memory, ELEMENTS);
    // SAFETY: all memory outlives the wait in `fastest`, here and below.
    let copy = fastest(gpu, &stream, || unsafe { stream.copy(target.address(), x.address(), BYTES) })?;
    let copied = 2.0 * BYTES as f64 / copy.as_secs_f64();
    let mut found = vec![format!("copy {:.0} GB/s", copied / 1e9)];
    for count in [1, 2, NEIGHBOURS] {
        let terms = Terms { first: vector(&y), stride: ELEMENTS, weights: weights.address(), count };
        let own = Some((0.2, vector(&x)));
        // SAFETY: as above.
        let time = fastest(gpu, &stream, || unsafe { kernels.sum(&stream, vector(&target), own, terms) })?;
        let summed = (count + 2) as f64 * BYTES as f64 / time.as_secs_f64();
        found.push(format!("k = {count}: {:.0} GB/s, {:.0} %", summed / 1e9, 100.0 * summed / copied));
    }
    Ok(format!("{} (bar: 90 %)", found.join("; ")))
}

/// The shortest of some runs, by the GPU's clock.
fn fastest(gpu: &Gpu, stream: &Stream, run: impl Fn() -> Result<(), GpuError>) -> Result<Duration, GpuError> {
    let (before, after) = (gpu.event()?, gpu.event()?);
    let mut best = Duration::MAX;
    for _ in 0..RUNS {
        before.record(stream)?;
        run()?;
        after.record(stream)?;
        stream.wait()?;
        best = best.min(after.since(&before)?);
    }
    Ok(best.max(Duration::from_nanos(1)))
}

/// The shortest of some runs of all ranks, by the host's clock.
fn fastest_step(mut run: impl FnMut() -> Result<(), GpuError>) -> Result<Duration, GpuError> {
    let mut best = Duration::MAX;
    for _ in 0..RUNS {
        let start = Instant::now();
        run()?;
        best = best.min(start.elapsed());
    }
    Ok(best)
}

/// The exchange of 100 MB between two ranks, and the average: a machine's step, and a group with one kernel behind it.
pub fn exchange<L: Link + Send>(links: Vec<L>) -> Result<String, GpuError> {
    const ELEMENTS: usize = 25_000_000;
    let times = on_threads(links, |mut link| {
        let by_hand = by_hand(&mut link, ELEMENTS)?;
        let mut machine = machine(link, ELEMENTS)?;
        let step = fastest_step(|| {
            step(&mut machine)?;
            machine.stream().wait()
        })?;
        Ok::<_, GpuError>((step, by_hand))
    });
    let (step, by_hand) = times.into_iter().collect::<Result<Vec<_>, _>>()?[0];
    let ratio = step.as_secs_f64() / by_hand.as_secs_f64();
    Ok(format!("{step:.2?}, by hand {by_hand:.2?}: {ratio:.2} × (bar: 1.05 ×)"))
}

fn by_hand<L: Link>(link: &mut L, elements: usize) -> Result<Duration, GpuError> {
    let gpu = link.stream().gpu().clone();
    let kernels = Kernels::new(&gpu, &[], &[Dtype::F32])?;
    let stream = gpu.stream()?;
    let (x, y, weights) = (gpu.allocate(4 * elements)?, gpu.allocate(4 * elements)?, gpu.allocate(8)?);
    stream.write(&weights, 0, &0.5f64.to_le_bytes())?;
    let peer = Rank(1 - link.rank().0);
    let piece = |memory: &DeviceMemory| [Piece { peer, address: memory.address(), bytes: memory.len() }];
    let terms = Terms { first: vector(&y, elements), stride: elements, weights: weights.address(), count: 1 };
    let (ready, arrived) = (gpu.event()?, gpu.event()?);
    fastest_step(|| {
        ready.record(&stream)?;
        link.stream().wait_event(&ready)?;
        // SAFETY: the memory outlives the wait, here and below.
        unsafe { link.exchange(&piece(&x), &piece(&y))? };
        arrived.record(link.stream())?;
        stream.wait_event(&arrived)?;
        let x = vector(&x, elements);
        // SAFETY: as above.
        unsafe { kernels.sum(&stream, x, Some((0.5, x)), terms)? };
        stream.wait()
    })
}

/// A machine that averages.
fn machine<L: Link>(link: L, elements: usize) -> Result<GpuMachine<L>, GpuError> {
    let schedule = schedule(averaging(), 2, vec![one_peer(2)]);
    GpuMachine::new(schedule.rank(link.rank()), link, Layout::flat::<f32>(elements), &[vec![0; 4 * elements]])
}

fn step<L: Link>(machine: &mut GpuMachine<L>) -> Result<(), GpuError> {
    machine.step(&mut |_: GpuAsk<'_>, _: &Stream| Ok::<_, Infallible>(()))
}

/// From a link to the end of its first averaged step.
pub fn first_step<L: Link>(link: L) -> Result<(), GpuError> {
    let mut machine = machine(link, 1000)?;
    step(&mut machine)?;
    machine.model().map(|_| ())
}
