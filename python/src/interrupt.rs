//! A computation that may take long → its result, without the interpreter's lock, and an interrupt that is heard meanwhile.

use bfc_predict::Progress;
use pyo3::prelude::*;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
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
    let (alive, ended) = channel::<()>();
    let work = move || {
        let _alive = alive;
        compute(&mut watch)
    };
    let worker = Builder::new().name("bfc".into()).stack_size(STACK).spawn(work)?;
    wait(py, ended).inspect_err(|_| cancelled.store(true, Ordering::Relaxed))?;
    Ok(worker.join().unwrap_or_else(|panic| resume_unwind(panic)))
}

/// What is sent; `None` where the sender has ended without a word.
fn wait<T: Send>(py: Python<'_>, mut sent: Receiver<T>) -> PyResult<Option<T>> {
    loop {
        let sent = &mut sent;
        match py.detach(move || sent.recv_timeout(SLICE)) {
            Ok(sent) => return Ok(Some(sent)),
            Err(RecvTimeoutError::Disconnected) => return Ok(None),
            Err(RecvTimeoutError::Timeout) => py.check_signals()?,
        }
    }
}

/// Something whose calls may wait long, on a thread of its own. After an interrupt it ends with the call that it is in, and
/// takes no further ones. What never waits lives on the threads of its callers, which saves two switches of threads a call.
pub struct Worker<T>(Mutex<Option<Running<T>>>);

type Call<T> = Box<dyn FnOnce(&mut T) + Send>;

enum Running<T> {
    Beside { calls: Sender<Call<T>>, thread: JoinHandle<()> },
    Here(Box<T>),
}

impl<T: Send + 'static> Worker<T> {
    /// What `make` makes; `waits` says whether its calls may.
    ///
    /// # Errors
    /// As [`interruptible`]; inside, those of `make`.
    pub fn start<E: Send + 'static>(
        py: Python<'_>,
        waits: bool,
        make: impl FnOnce() -> Result<T, E> + Send + 'static,
    ) -> PyResult<Result<Self, E>> {
        if !waits {
            let made = py.detach(make);
            return Ok(made.map(|made| Self(Mutex::new(Some(Running::Here(Box::new(made)))))));
        }
        let (calls, queue) = channel::<Call<T>>();
        let (send, made) = channel();
        let work = move || match make() {
            Ok(mut it) => {
                let _ = send.send(Ok(()));
                queue.into_iter().for_each(|call| call(&mut it));
            }
            Err(error) => drop(send.send(Err(error))),
        };
        let thread = Builder::new().name("bfc machine".into()).spawn(work)?;
        Ok(match wait(py, made)? {
            Some(made) => made.map(|()| Self(Mutex::new(Some(Running::Beside { calls, thread })))),
            None => thread
                .join()
                .map(|()| unreachable!("it says how it went"))
                .unwrap_or_else(|panic| resume_unwind(panic)),
        })
    }

    /// Does something with it; `None` where it has ended.
    ///
    /// # Errors
    /// As [`interruptible`].
    pub fn call<R: Send + 'static>(
        &self,
        py: Python<'_>,
        body: impl FnOnce(&mut T) -> R + Send + 'static,
    ) -> PyResult<Option<R>> {
        let done = match &mut *self.running() {
            None => return Ok(None),
            // The interpreter's lock is kept: another thread that has it could wait for this one.
            Some(Running::Here(it)) => return Ok(Some(body(it))),
            Some(Running::Beside { calls, .. }) => {
                let (send, done) = channel();
                let call = move |it: &mut T| drop(send.send(body(it)));
                if calls.send(Box::new(call)).is_err() {
                    return Ok(None);
                }
                done
            }
        };
        let done = wait(py, done).inspect_err(|_| drop(self.running().take()))?;
        if done.is_none() {
            self.end(py);
        }
        Ok(done)
    }

    /// Waits for its calls, and for its end.
    pub fn end(&self, py: Python<'_>) {
        let Some(running) = self.running().take() else { return };
        let Running::Beside { calls, thread } = running else { return };
        drop(calls);
        if let Err(panic) = py.detach(|| thread.join()) {
            resume_unwind(panic);
        }
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Option<Running<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Drop for Worker<T> {
    /// Waits for the end, if the interpreter still runs.
    fn drop(&mut self) {
        let running = self.0.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Running::Beside { calls, thread }) = running else { return };
        drop(calls);
        // A panic has been reported by the call that it ended.
        let _ = Python::try_attach(|py| py.detach(|| thread.join()));
    }
}
