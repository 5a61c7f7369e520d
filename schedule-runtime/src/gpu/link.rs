//! How ranks exchange bytes of GPUs: by NCCL, or as threads that share one GPU.

use super::nccl::late;
use super::waiting::Waiting;
use super::{Communicator, Event, Gpu, GpuError, Graphs, Piece, Stream};
use bfc_schedule::Rank;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Exchanges bytes of GPUs, in groups, on a stream of its own. Ranks make the same groups in the same order.
pub trait Link {
    /// This rank.
    fn rank(&self) -> Rank;

    /// The number of ranks.
    fn size(&self) -> u32;

    /// The stream on which messages are queued.
    fn stream(&self) -> &Stream;

    /// Queues messages that go on at once.
    ///
    /// # Safety
    /// The bytes are valid until the stream has done it, and those that are received nobody else's.
    ///
    /// # Errors
    /// A peer has failed or did not come in time; then the link is dead.
    unsafe fn exchange(&mut self, sent: &[Piece], received: &[Piece]) -> Result<(), GpuError>;

    /// Waits for an event, which may wait for messages.
    ///
    /// # Errors
    /// As [`exchange`](Self::exchange).
    fn wait_for(&mut self, event: &Event) -> Result<(), GpuError>;

    /// Whether an event has come, for a caller that has a deadline of its own. Does not wait.
    ///
    /// # Errors
    /// As [`exchange`](Self::exchange), as far as is known by now.
    fn is_done(&mut self, event: &Event) -> Result<bool, GpuError> {
        event.is_done()
    }

    /// Waits until the stream has done all that was queued.
    ///
    /// # Errors
    /// As [`exchange`](Self::exchange).
    fn wait(&mut self) -> Result<(), GpuError> {
        let event = self.stream().gpu().event()?;
        event.record(self.stream())?;
        self.wait_for(&event)
    }

    /// The graphs in which its messages stand, which end before the link does. None where its messages cannot be captured.
    fn graphs(&mut self) -> Option<&mut Graphs> {
        None
    }

    /// Ends everything. Says whether a GPU has stopped to use the memory of what was queued.
    fn abort(&mut self) -> bool;
}

impl<L: Link + ?Sized> Link for Box<L> {
    fn rank(&self) -> Rank {
        (**self).rank()
    }

    fn size(&self) -> u32 {
        (**self).size()
    }

    fn stream(&self) -> &Stream {
        (**self).stream()
    }

    unsafe fn exchange(&mut self, sent: &[Piece], received: &[Piece]) -> Result<(), GpuError> {
        // SAFETY: the caller's.
        unsafe { (**self).exchange(sent, received) }
    }

    fn wait_for(&mut self, event: &Event) -> Result<(), GpuError> {
        (**self).wait_for(event)
    }

    fn is_done(&mut self, event: &Event) -> Result<bool, GpuError> {
        (**self).is_done(event)
    }

    fn graphs(&mut self) -> Option<&mut Graphs> {
        (**self).graphs()
    }

    fn abort(&mut self) -> bool {
        (**self).abort()
    }
}

impl Link for Communicator {
    fn rank(&self) -> Rank {
        Communicator::rank(self)
    }

    fn size(&self) -> u32 {
        Communicator::size(self)
    }

    fn stream(&self) -> &Stream {
        Communicator::stream(self)
    }

    unsafe fn exchange(&mut self, sent: &[Piece], received: &[Piece]) -> Result<(), GpuError> {
        // SAFETY: the caller's.
        unsafe { Communicator::exchange(self, sent, received) }
    }

    fn wait_for(&mut self, event: &Event) -> Result<(), GpuError> {
        Communicator::wait_for(self, event)
    }

    fn is_done(&mut self, event: &Event) -> Result<bool, GpuError> {
        Communicator::is_done(self, event)
    }

    fn graphs(&mut self) -> Option<&mut Graphs> {
        Some(Communicator::graphs(self))
    }

    fn abort(&mut self) -> bool {
        Communicator::abort(self)
    }
}

/// One of several threads that are ranks on one GPU: a receiver copies from where the sender's bytes lie. Several ranks on a
/// GPU need no NCCL, which has allowed this since 2.30 only.
pub struct Threads {
    rank: Rank,
    hub: Arc<Hub>,
    stream: Stream,
    deadline: Duration,
    size: u32,
}

/// Where threads meet.
struct Hub {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// What is offered, from one rank to another.
    offers: BTreeMap<(Rank, Rank), VecDeque<Offer>>,
    /// Who failed first, and why.
    failed: Option<(Rank, String)>,
}

struct Offer {
    piece: Piece,
    /// The bytes are there.
    ready: Arc<Event>,
    /// Set when the copy is queued: the bytes have been read.
    read: Arc<Mutex<Option<Event>>>,
}

impl Threads {
    /// The ends of this number of ranks on a GPU. Waits between them last for the deadline at most.
    ///
    /// # Errors
    /// The driver refuses a stream.
    pub fn group(gpu: &Gpu, size: u32, deadline: Duration) -> Result<Vec<Self>, GpuError> {
        let hub = Arc::new(Hub { state: Mutex::default(), changed: Condvar::new() });
        let end =
            |rank| Ok(Self { rank: Rank(rank), hub: hub.clone(), stream: gpu.stream()?, deadline, size });
        (0..size).map(end).collect()
    }

    /// Waits until others have done something.
    fn wait_until<R>(&self, mut ready: impl FnMut(&mut State) -> Option<R>) -> Result<R, GpuError> {
        let end = Instant::now() + self.deadline;
        let mut state = self.hub.lock();
        loop {
            if let Some((rank, reason)) = &state.failed {
                let reason = format!("rank {rank} failed: {reason}");
                return Err(GpuError::Call { call: "exchange", reason });
            }
            if let Some(found) = ready(&mut state) {
                return Ok(found);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                drop(state);
                let error = late("exchange", self.deadline);
                self.hub.fail(self.rank, &error.to_string());
                return Err(error);
            }
            let waited = self.hub.changed.wait_timeout(state, left);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Hub {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fail(&self, rank: Rank, reason: &str) {
        let mut state = self.lock();
        state.failed.get_or_insert_with(|| (rank, reason.to_owned()));
        state.offers.clear();
        self.changed.notify_all();
    }
}

impl Link for Threads {
    fn rank(&self) -> Rank {
        self.rank
    }

    fn size(&self) -> u32 {
        self.size
    }

    fn stream(&self) -> &Stream {
        &self.stream
    }

    unsafe fn exchange(&mut self, sent: &[Piece], received: &[Piece]) -> Result<(), GpuError> {
        let gpu = self.stream.gpu().clone();
        let ready = Arc::new(gpu.event()?);
        ready.record(&self.stream)?;
        let mut reads = vec![];
        {
            let mut state = self.hub.lock();
            for piece in sent {
                let read = Arc::new(Mutex::new(None));
                reads.push(read.clone());
                let offer = Offer { piece: *piece, ready: ready.clone(), read };
                state.offers.entry((self.rank, piece.peer)).or_default().push_back(offer);
            }
            self.hub.changed.notify_all();
        }
        for piece in received {
            let ends = (piece.peer, self.rank);
            let offer = self.wait_until(|state| state.offers.get_mut(&ends)?.pop_front())?;
            if offer.piece.bytes != piece.bytes {
                let (found, expected) = (offer.piece.bytes, piece.bytes);
                let reason = format!("rank {} sent {found} bytes, expected {expected}", piece.peer);
                self.hub.fail(self.rank, &reason);
                return Err(GpuError::Call { call: "exchange", reason });
            }
            self.stream.wait_event(&offer.ready)?;
            // SAFETY: the caller's, and the sender's, whose stream waits for the event.
            unsafe { self.stream.copy(piece.address, offer.piece.address, piece.bytes)? };
            let done = gpu.event()?;
            done.record(&self.stream)?;
            *offer.read.lock().unwrap_or_else(PoisonError::into_inner) = Some(done);
            let _order = self.hub.lock();
            self.hub.changed.notify_all();
        }
        for read in reads {
            let take = || read.lock().unwrap_or_else(PoisonError::into_inner).take();
            let done = self.wait_until(|_| take())?;
            self.stream.wait_event(&done)?;
        }
        Ok(())
    }

    fn wait_for(&mut self, event: &Event) -> Result<(), GpuError> {
        let mut waiting = Waiting::new(self.deadline);
        while !event.is_done()? {
            if !waiting.goes_on() {
                let error = late("cuEventQuery", self.deadline);
                self.hub.fail(self.rank, &error.to_string());
                return Err(error);
            }
        }
        Ok(())
    }

    fn abort(&mut self) -> bool {
        self.hub.fail(self.rank, "it gave up");
        self.stream.wait_for(self.deadline).unwrap_or(true)
    }
}
