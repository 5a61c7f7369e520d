//! Checks and measures a GPU; `check.sh` builds and starts it. Every check prints one line.

use bfc_runtime::Dtype;
use bfc_runtime::conformance::{Law, gpu as machines, kernels};
use bfc_runtime::gpu::{
    Communicator, DeviceMemory, Gpu, GpuError, Kernels, Libraries, Link, Nccl, Piece, Stream, Terms, Threads,
    Vector,
};
use bfc_schedule::Rank;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);
/// The first NCCL that has several ranks on one GPU.
const MULTI_RANK: i32 = 23000;

fn main() -> ExitCode {
    let gpu = match Gpu::open(&Libraries::default(), 0) {
        Ok(gpu) => gpu,
        Err(error) => {
            println!("no GPU: {error}");
            return ExitCode::from(2);
        }
    };
    let (major, minor) = gpu.driver_version().unwrap_or_default();
    println!("{}, compute capability {}, driver of CUDA {major}.{minor}", gpu.name(), gpu.capability());
    let mut table = Table::default();
    table.row("kernels have the host's bits", || run(&kernels::laws(), |law| law.run(gpu.clone())));
    for size in [1, 3] {
        table.row(&format!("machines, {size} threads on one GPU"), || {
            run(&machines::laws(size), |law| {
                let links = Threads::group(&gpu, size, PATIENCE).expect("links");
                on_threads(links, |link| law.run(link));
            })
        });
    }
    table.row("sums of neighbours, 64 MB", || speed(&gpu).map_err(|error| error.to_string()));
    nccl(&gpu, &mut table);
    table.end()
}

/// Several ranks on this GPU by NCCL, where it can.
fn nccl(gpu: &Gpu, table: &mut Table) {
    let nccl = match Nccl::open(&Libraries::default()) {
        Ok(nccl) => nccl,
        Err(error) => return table.skipped("machines, 2 ranks over NCCL", &error.to_string()),
    };
    let version = nccl.version().unwrap_or_default();
    if version < MULTI_RANK {
        let (major, minor) = (version / 10_000, version / 100 % 100);
        return table.skipped("machines, 2 ranks over NCCL", &format!("NCCL {major}.{minor}"));
    }
    let communicators = || {
        let id = nccl.id().expect("an id");
        let join =
            |rank| Communicator::new(&nccl, gpu, id, (Rank(rank), 2), PATIENCE).expect("a communicator");
        on_threads(vec![0, 1], join)
    };
    table.row("machines, 2 ranks over NCCL", || {
        run(&machines::laws(2), |law| {
            on_threads(communicators(), |link| law.run(link));
        })
    });
    table.row("abort, new communicator, first message", || {
        let memory = gpu.allocate(16).expect("memory");
        let mut old = communicators();
        let piece = [Piece { peer: Rank(1), address: memory.address(), bytes: 8 }];
        // SAFETY: the abort ends what is queued before the memory goes.
        unsafe { old[0].exchange(&piece, &[]) }.expect("a send that nobody receives");
        let start = Instant::now();
        let ended = on_threads(old, |mut link| link.abort());
        on_threads(communicators(), |mut link| message(&mut link, &memory).expect("a message"));
        assert!(ended.into_iter().all(|ended| ended), "an abort did not end");
        Ok(format!("{:.2?} (bar: 2 s)", start.elapsed()))
    });
}

/// From rank 0 to rank 1.
fn message(link: &mut Communicator, memory: &DeviceMemory) -> Result<(), GpuError> {
    let rank = link.rank();
    let address = memory.part(rank.index() * 8..rank.index() * 8 + 8);
    let piece = [Piece { peer: Rank(1 - rank.0), address, bytes: 8 }];
    let (sent, received) = if rank.0 == 0 { (&piece[..], &[][..]) } else { (&[][..], &piece[..]) };
    // SAFETY: each rank has its half of the memory, which outlives the wait.
    unsafe { link.exchange(sent, received)? };
    link.wait()
}

/// Bandwidth of a copy, and of sums of k neighbours, in bytes read and written.
fn speed(gpu: &Gpu) -> Result<String, GpuError> {
    const ELEMENTS: usize = 16 << 20;
    const BYTES: usize = 4 * ELEMENTS;
    const NEIGHBOURS: usize = 4;
    let kernels = Kernels::new(gpu, &[], &[Dtype::F32])?;
    let stream = gpu.stream()?;
    let (target, x) = (gpu.allocate(BYTES)?, gpu.allocate(BYTES)?);
    let y = gpu.allocate(BYTES * NEIGHBOURS)?;
    let weights = gpu.allocate(8 * NEIGHBOURS)?;
    stream.write(&weights, 0, [0.2f64.to_le_bytes(); NEIGHBOURS].as_flattened())?;
    let vector =
        |memory: &DeviceMemory| Vector { address: memory.address(), length: ELEMENTS, dtype: Dtype::F32 };
    // SAFETY: all memory outlives the wait in `best`, here and below.
    let copy = best(gpu, &stream, || unsafe { stream.copy(target.address(), x.address(), BYTES) })?;
    let copied = 2.0 * BYTES as f64 / copy.as_secs_f64();
    let mut found = vec![format!("copy {:.0} GB/s", copied / 1e9)];
    for count in [1, 2, NEIGHBOURS] {
        let terms = Terms { first: vector(&y), stride: ELEMENTS, weights: weights.address(), count };
        let own = Some((0.2, vector(&x)));
        // SAFETY: as above.
        let time = best(gpu, &stream, || unsafe { kernels.sum(&stream, vector(&target), own, terms) })?;
        let summed = (count + 2) as f64 * BYTES as f64 / time.as_secs_f64();
        found.push(format!("k = {count}: {:.0} GB/s, {:.0} %", summed / 1e9, 100.0 * summed / copied));
    }
    Ok(format!("{} (bar: 90 %)", found.join("; ")))
}

/// The shortest of some runs, by the GPU's clock.
fn best(gpu: &Gpu, stream: &Stream, run: impl Fn() -> Result<(), GpuError>) -> Result<Duration, GpuError> {
    let (before, after) = (gpu.event()?, gpu.event()?);
    let mut best = Duration::MAX;
    for _ in 0..10 {
        before.record(stream)?;
        run()?;
        after.record(stream)?;
        stream.wait()?;
        best = best.min(after.since(&before)?);
    }
    Ok(best.max(Duration::from_nanos(1)))
}

fn run<X>(laws: &[Law<X>], keep: impl Fn(&Law<X>)) -> Result<String, String> {
    laws.iter().for_each(keep);
    Ok(format!("{} laws", laws.len()))
}

fn on_threads<T: Send, R: Send>(ranks: Vec<T>, body: impl Fn(T) -> R + Sync) -> Vec<R> {
    std::thread::scope(|scope| {
        let body = &body;
        let threads: Vec<_> = ranks.into_iter().map(|rank| scope.spawn(move || body(rank))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    })
}

/// One line for each check.
#[derive(Default)]
struct Table {
    failed: usize,
}

impl Table {
    fn row(&mut self, name: &str, check: impl FnOnce() -> Result<String, String>) {
        let start = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(check));
        let time = format!("{:.1} s", start.elapsed().as_secs_f64());
        let (verdict, detail) = match result {
            Ok(Ok(detail)) => ("ok", detail),
            Ok(Err(reason)) => ("FAILED", reason),
            Err(panic) => ("FAILED", panic.downcast_ref::<String>().cloned().unwrap_or_default()),
        };
        self.failed += usize::from(verdict != "ok");
        println!("{name:<40} {verdict:<8} {time:>8}  {detail}");
    }

    fn skipped(&mut self, name: &str, reason: &str) {
        println!("{name:<40} skipped            {reason}");
    }

    fn end(self) -> ExitCode {
        if self.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
