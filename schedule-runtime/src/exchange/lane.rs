//! Where a rank's jobs go: on the caller's thread, or beside it on a thread of ours. Either way they go one after the
//! other, in the order in which they began, which is the same on all ranks: no cycle of ranks can wait.

use super::{Exchange, Wire};
use crate::error::RuntimeError;
use crate::trace::{Cause, Recorder, Track, What};
use crate::transport::Transport;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The jobs of one rank.
pub(crate) struct Lane<X> {
    wire: SharedWire<X>,
    /// Whether jobs go on beside other work; if not, those that begin are done at once.
    overlaps: bool,
    /// Started with the first job that goes on beside other work.
    worker: Option<Worker<X>>,
    /// How many have begun beside other work, and how many of them are over.
    begun: u64,
    over: Arc<AtomicU64>,
    recorder: Arc<Recorder>,
    /// Whether the rank ends with it.
    is_outermost: bool,
}

/// A wire that is used by one thread at a time.
pub(crate) struct SharedWire<X>(Arc<Mutex<Wire<X>>>);

/// A job that may go on beside other work; it leaves an `R`.
pub(crate) struct Begun<R> {
    result: Receiver<thread::Result<R>>,
    received: Option<thread::Result<R>>,
    recorder: Arc<Recorder>,
}

/// An exchange that is over, and how it went.
pub(crate) type Done = (Exchange, Result<(), RuntimeError>);

type Job<X> = Box<dyn FnOnce(&SharedWire<X>) + Send>;

struct Worker<X> {
    jobs: Sender<Job<X>>,
    thread: JoinHandle<()>,
}

impl<X> SharedWire<X> {
    /// The wire, as soon as no job uses it.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Wire<X>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<X> Clone for SharedWire<X> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<X: Transport + Send + 'static> Lane<X> {
    pub(crate) fn new(wire: Wire<X>) -> Self {
        let overlaps = wire.transport.may_overlap();
        let mut lane = Self::within(&SharedWire(Arc::new(Mutex::new(wire))));
        (lane.overlaps, lane.is_outermost) = (overlaps, true);
        lane
    }

    /// A lane for what a job does on its wire: at once.
    pub(crate) fn within(wire: &SharedWire<X>) -> Self {
        let (recorder, over) = (wire.lock().recorder.clone(), Arc::default());
        let wire = wire.clone();
        Self { wire, overlaps: false, worker: None, begun: 0, over, recorder, is_outermost: false }
    }

    /// The ring of events of this rank.
    pub(crate) fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Keeps the events from now on in a file, and compares the clocks of all ranks; where nothing is in flight.
    pub(crate) fn trace_to(&mut self, directory: &Path, deadline: Duration) -> Result<(), RuntimeError> {
        let mut wire = self.wire.lock();
        wire.deadline = deadline;
        wire.trace_to(directory)?;
        self.recorder = wire.recorder.clone();
        wire.calibrate()
    }

    /// The wire, as soon as no job uses it.
    pub(crate) fn wire(&self) -> MutexGuard<'_, Wire<X>> {
        self.wire.lock()
    }

    /// The wire, once what is in flight has come to its end.
    pub(crate) fn into_wire(self) -> Wire<X> {
        let wire = self.wire.0.clone();
        drop(self);
        let wire = Arc::into_inner(wire).expect("the worker has ended");
        wire.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// The wire after the jobs in flight.
    pub(crate) fn idle_wire(&mut self) -> MutexGuard<'_, Wire<X>> {
        if self.over.load(Ordering::Acquire) < self.begun {
            self.begin(|_| ()).finish();
        }
        self.wire()
    }

    /// Does an exchange on this thread, after the jobs in flight.
    pub(crate) fn exchange(&mut self, exchange: &mut Exchange) -> Result<(), RuntimeError> {
        self.idle_wire().exchange(exchange)
    }

    /// Begins an exchange beside other work.
    pub(crate) fn begin_exchange(&mut self, mut exchange: Exchange) -> Begun<Done> {
        self.begin(move |wire| {
            let result = wire.lock().exchange(&mut exchange);
            (exchange, result)
        })
    }

    /// Begins a job beside other work.
    pub(crate) fn begin<R: Send + 'static>(
        &mut self,
        job: impl FnOnce(&SharedWire<X>) -> R + Send + 'static,
    ) -> Begun<R> {
        let (sender, result) = channel();
        self.begun += 1;
        let over = self.over.clone();
        // Nobody may want to know how it went.
        let end = move |done| {
            over.fetch_add(1, Ordering::Release);
            let _ = sender.send(done);
        };
        if self.overlaps {
            let worker = self.worker.get_or_insert_with(|| Worker::start(self.wire.clone()));
            let job = move |wire: &SharedWire<X>| end(catch_unwind(AssertUnwindSafe(|| job(wire))));
            worker.jobs.send(Box::new(job)).expect("the worker lives as long as its lane");
        } else {
            end(Ok(job(&self.wire)));
        }
        Begun { result, received: None, recorder: self.recorder.clone() }
    }
}

impl<R> Begun<R> {
    /// Whether it is over.
    pub(crate) fn is_over(&mut self) -> bool {
        self.received = self.received.take().or_else(|| self.result.try_recv().ok());
        self.received.is_some()
    }

    /// Waits until it is over, however it ended.
    pub(crate) fn abandon(self) {
        if self.received.is_none() {
            let _ = self.result.recv();
        }
    }

    /// Waits until it is over, and unwinds where it has.
    pub(crate) fn finish(self) -> R {
        let received = self.received.unwrap_or_else(|| {
            self.recorder.note_here(What::WaitingWorker);
            let received = self.result.recv().expect("a job leaves a result");
            self.recorder.note_here(What::WorkerDone);
            received
        });
        received.unwrap_or_else(|panic| resume_unwind(panic))
    }
}

impl<R> fmt::Debug for Begun<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Begun").finish_non_exhaustive()
    }
}

impl<X: Transport + Send + 'static> Worker<X> {
    fn start(wire: SharedWire<X>) -> Self {
        let (jobs, queue) = channel::<Job<X>>();
        let thread = thread::spawn(move || {
            Track::set_worker();
            queue.into_iter().for_each(|job| job(&wire));
        });
        Self { jobs, thread }
    }
}

impl<X> Drop for Lane<X> {
    /// Lets what is in flight come to its end: peers take part in it, and its memory is theirs to read until then.
    fn drop(&mut self) {
        if let Some(Worker { jobs, thread }) = self.worker.take() {
            drop(jobs);
            let _ = thread.join();
        }
        if self.is_outermost {
            let panics = thread::panicking();
            self.recorder.note_here(if panics { What::Failed(Cause::Panic) } else { What::Ended });
            self.recorder.sync();
        }
    }
}
