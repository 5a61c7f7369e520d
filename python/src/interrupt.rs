//! A computation that may take long → its result, without the interpreter's lock, and an interrupt that is heard meanwhile.

use bfc_predict::Progress;
use pyo3::prelude::*;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// Between two looks at whether the user has interrupted.
const SLICE: Duration = Duration::from_millis(50);
/// What a main thread has, and some.
const STACK: usize = 16 << 20;

/// What a computation looks at to see whether anybody waits for it.
pub struct Watch(Arc<AtomicBool>);

impl Progress for Watch {
    fn begin(&mut self, _stage: &'static str, _count: u64, _unit: &'static str) {}

    fn advance(&mut self, _done: u64) {}

    fn end(&mut self) {}

    fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Computes on a thread of its own, because only the thread of Python can hear an interrupt. After one, the computation is
/// cancelled and left to itself: it ends when it next looks, or with the analysis or the compilation that it is in.
///
/// # Errors
/// `KeyboardInterrupt`, or what else a handler of signals raises.
pub fn interruptible<T: Send + 'static>(
    py: Python<'_>,
    compute: impl FnOnce(&mut Watch) -> T + Send + 'static,
) -> PyResult<T> {
    let cancelled = Arc::new(AtomicBool::new(false));
    let mut watch = Watch(cancelled.clone());
    // Nothing is sent: the channel is closed when the computation ends, also by a panic.
    let (alive, mut ended) = channel::<()>();
    let work = move || {
        let _alive = alive;
        compute(&mut watch)
    };
    let worker = thread::Builder::new().name("bfc".into()).stack_size(STACK).spawn(work)?;
    loop {
        let ended = &mut ended;
        match py.detach(move || ended.recv_timeout(SLICE)) {
            Err(RecvTimeoutError::Timeout) => {
                py.check_signals().inspect_err(|_| cancelled.store(true, Ordering::Relaxed))?;
            }
            _ => return Ok(worker.join().unwrap_or_else(|panic| resume_unwind(panic))),
        }
    }
}
