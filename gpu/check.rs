//! Checks and measures a GPU; `check.sh` builds and starts it. Every check prints one line.

mod speed;

use bfc_runtime::conformance::{Law, Leaving, gpu as machines, kernels, laws};
use bfc_runtime::gpu::{Communicator, Gpu, GpuTransport, Libraries, Nccl, Piece, Threads};
use bfc_runtime::local::{self, LocalTransport};
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
    table.row("sums of neighbours, 64 MB", || speed::sums(&gpu).map_err(|error| error.to_string()));
    table.row("exchange and average, 100 MB, threads", || {
        let links = Threads::group(&gpu, 2, PATIENCE).expect("links");
        speed::exchange(links).map_err(|error| error.to_string())
    });
    nccl(&gpu, &mut table);
    table.end()
}

/// Several ranks on this GPU by NCCL, where it can.
fn nccl(gpu: &Gpu, table: &mut Table) {
    let nccl = match Nccl::open(&Libraries::default()) {
        Ok(nccl) => nccl,
        Err(error) => return table.skipped("2 ranks over NCCL", &error.to_string()),
    };
    let version = nccl.version().unwrap_or_default();
    if version < MULTI_RANK {
        let (major, minor) = (version / 10_000, version / 100 % 100);
        return table.skipped("2 ranks over NCCL", &format!("NCCL {major}.{minor}"));
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
    table.row("exchange and average, 100 MB, NCCL", || {
        speed::exchange(communicators()).map_err(|error| error.to_string())
    });
    table.row("abort, new communicator, averaged step", || {
        let memory = gpu.allocate(8).expect("memory");
        let mut old = communicators();
        let piece = [Piece { peer: Rank(1), address: memory.address(), bytes: 8 }];
        // SAFETY: the abort ends what is queued before the memory goes.
        unsafe { old[0].exchange(&piece, &[]) }.expect("a send that nobody receives");
        let start = Instant::now();
        let ended = on_threads(old, |mut link| link.abort());
        on_threads(communicators(), speed::first_step)
            .into_iter()
            .collect::<Result<(), _>>()
            .map_err(|error| error.to_string())?;
        if !ended.into_iter().all(|ended| ended) {
            return Err("an abort did not end".to_owned());
        }
        Ok(format!("{:.2?} (bar: 2 s)", start.elapsed()))
    });
    table.row("transport of the host, 2 ranks over NCCL", || {
        // Machines of the host are long, and nothing in them is a GPU's.
        let mut laws = laws::<GpuTransport<Communicator, LocalTransport>>(2, Leaving::IsNotSeen);
        laws.retain(|law| !law.name().starts_with("a machine"));
        run(&laws, |law| {
            let ends = communicators().into_iter().zip(local::group(2)).collect();
            on_threads(ends, |(link, side)| law.run(GpuTransport::new(link, side).expect("a transport")));
        })
    });
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
