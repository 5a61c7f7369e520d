//! Where a rank's exchanges go: on the caller's thread, or beside it on a thread of ours. Either way they go one after the
//! other, in the order in which they began, which is the same on all ranks: no cycle of ranks can wait.

use super::{Exchange, Wire};
use crate::error::RuntimeError;
use crate::trace::{Cause, Recorder, Track, What};
use crate::transport::Transport;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

/// The exchanges of one rank.
pub(crate) struct Lane<X> {
    wire: Arc<Mutex<Wire<X>>>,
    recorder: Arc<Recorder>,
    /// Whether exchanges go on beside other work; if not, those that begin are done at once.
    overlaps: bool,
    /// Started with the first exchange that goes on beside other work.
    worker: Option<Worker>,
    /// How many have begun beside other work, and how many of them are over.
    begun: u64,
    over: u64,
    /// Those that are over and that nobody has asked for.
    waiting: VecDeque<(Begun, Done)>,
}

/// An exchange that goes on beside other work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Begun(u64);

/// An exchange that is over, and how it went.
type Done = (Exchange, Result<(), RuntimeError>);

struct Worker {
    exchanges: Sender<Exchange>,
    done: Receiver<Done>,
    thread: JoinHandle<()>,
}

impl<X: Transport + Send + 'static> Lane<X> {
    pub(crate) fn new(wire: Wire<X>) -> Self {
        let overlaps = wire.transport.may_overlap();
        let (recorder, wire) = (wire.recorder.clone(), Arc::new(Mutex::new(wire)));
        Self { wire, recorder, overlaps, worker: None, begun: 0, over: 0, waiting: VecDeque::new() }
    }

    /// The ring of events of this rank.
    pub(crate) fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Keeps the events from now on in a file, and compares the clocks of all ranks; where nothing is in flight.
    pub(crate) fn trace_to(&mut self, directory: &Path, deadline: Duration) -> Result<(), RuntimeError> {
        let mut wire = lock(&self.wire);
        wire.deadline = deadline;
        wire.trace_to(directory)?;
        self.recorder = wire.recorder.clone();
        wire.calibrate()
    }

    /// The wire, as soon as no exchange uses it.
    pub(crate) fn wire(&self) -> MutexGuard<'_, Wire<X>> {
        lock(&self.wire)
    }

    /// Does an exchange on this thread, after those in flight.
    pub(crate) fn exchange(&mut self, exchange: &mut Exchange) -> Result<(), RuntimeError> {
        while self.over < self.begun {
            self.receive();
        }
        self.wire().exchange(exchange)
    }

    /// Begins an exchange beside other work.
    pub(crate) fn begin(&mut self, mut exchange: Exchange) -> Begun {
        self.begun += 1;
        if self.overlaps {
            let wire = &self.wire;
            let worker = self.worker.get_or_insert_with(|| Worker::start(wire.clone()));
            worker.exchanges.send(exchange).expect(WORKER);
        } else {
            let result = self.wire().exchange(&mut exchange);
            self.over += 1;
            self.waiting.push_back((Begun(self.over), (exchange, result)));
        }
        Begun(self.begun)
    }

    /// Waits until an exchange is over, and gives back what it worked on.
    pub(crate) fn finish(&mut self, begun: Begun) -> Done {
        while self.over < begun.0 {
            self.receive();
        }
        let index = self.waiting.iter().position(|(waiting, _)| *waiting == begun);
        let (_, done) = index.and_then(|index| self.waiting.remove(index)).expect("each is finished once");
        done
    }

    fn receive(&mut self) {
        let worker = self.worker.as_ref().expect("what is in flight has a worker");
        self.over += 1;
        self.recorder.note_here(What::WaitingWorker);
        self.waiting.push_back((Begun(self.over), worker.done.recv().expect(WORKER)));
        self.recorder.note_here(What::WorkerDone);
    }
}

const WORKER: &str = "the worker lives as long as its lane";

fn lock<X>(wire: &Mutex<Wire<X>>) -> MutexGuard<'_, Wire<X>> {
    wire.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Worker {
    fn start<X: Transport + Send + 'static>(wire: Arc<Mutex<Wire<X>>>) -> Self {
        let (exchanges, queue) = channel::<Exchange>();
        let (send, done) = channel();
        let thread = std::thread::spawn(move || {
            Track::set_worker();
            for mut exchange in queue {
                let result = lock(&wire).exchange(&mut exchange);
                if send.send((exchange, result)).is_err() {
                    break;
                }
            }
        });
        Self { exchanges, done, thread }
    }
}

impl<X> Drop for Lane<X> {
    /// Lets what is in flight come to its end: peers take part in it, and its memory is theirs to read until then.
    fn drop(&mut self) {
        if let Some(Worker { exchanges, done, thread }) = self.worker.take() {
            drop((exchanges, done));
            let _ = thread.join();
        }
        let panics = std::thread::panicking();
        self.recorder.note_here(if panics { What::Failed(Cause::Panic) } else { What::Ended });
        self.recorder.sync();
    }
}
