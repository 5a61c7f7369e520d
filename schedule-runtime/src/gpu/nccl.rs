//! NCCL between the GPUs of a group: one communicator, whose calls never block, and a deadline for everything.
//!
//! NCCL cannot say which peer it waits for, nor end a transfer without its communicator. Where a deadline passes or a peer has
//! failed, the communicator is aborted; the group goes on with a new one, of a new id ([`Communicator::new`]). RCCL has the
//! same functions and is opened where there is no NCCL, which nobody has tried.

use super::loader::{Source, table, text};
use super::waiting::Waiting;
use super::{Event, Gpu, GpuError, Graphs, Libraries, Stream};
use crate::transport::{Tag, Transport, rounds};
use bfc_schedule::Rank;
use std::ffi::{c_char, c_int, c_void};
use std::ptr;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

const SOURCE: Source = Source {
    name: "NCCL",
    variable: "BFC_NCCL",
    files: &["libnccl.so.2", "librccl.so.1"],
    remedy: "it comes with PyTorch; `pip install nvidia-nccl-cu12` has it alone",
};

/// The first version with communicators that do not block.
const OLDEST: c_int = 21400;
const IN_PROGRESS: c_int = 7;
/// Single bytes.
const BYTE: c_int = 1;

type Handle = *mut c_void;

/// What the ranks of a communicator have in common; made by one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Id([u8; 128]);

impl Id {
    /// From its bytes, as another rank has sent them.
    pub fn from_bytes(bytes: [u8; 128]) -> Self {
        Self(bytes)
    }

    /// Its bytes, for other ranks.
    pub fn to_bytes(self) -> [u8; 128] {
        self.0
    }
}

/// The first fields of `ncclConfig_t`, which later versions have extended: they read as many as `size` says.
#[repr(C)]
pub(super) struct Config {
    size: usize,
    magic: u32,
    version: u32,
    blocking: c_int,
}

table! {
    /// Functions of NCCL.
    Table {
        version = c"ncclGetVersion" (*mut c_int);
        unique_id = c"ncclGetUniqueId" (*mut Id);
        init = c"ncclCommInitRankConfig" (*mut Handle, c_int, Id, c_int, *mut Config);
        async_error = c"ncclCommGetAsyncError" (Handle, *mut c_int);
        abort = c"ncclCommAbort" (Handle);
        finalize = c"ncclCommFinalize" (Handle);
        destroy = c"ncclCommDestroy" (Handle);
        group_start = c"ncclGroupStart" ();
        group_end = c"ncclGroupEnd" ();
        send = c"ncclSend" (*const c_void, usize, c_int, c_int, Handle, Handle);
        receive = c"ncclRecv" (*mut c_void, usize, c_int, c_int, Handle, Handle);
    }
}

/// An NCCL that is open. Cheap to clone.
#[derive(Clone)]
pub struct Nccl(Arc<Loaded>);

struct Loaded {
    table: Table,
    explain: unsafe extern "C" fn(c_int) -> *const c_char,
}

impl Nccl {
    /// Opens the library.
    ///
    /// # Errors
    /// There is none, it lacks a function, or is too old.
    pub fn open(libraries: &Libraries) -> Result<Self, GpuError> {
        let open = SOURCE.open(libraries.nccl.clone())?;
        // SAFETY: the type is that of NCCL's header, and the table keeps the library open.
        let explain = unsafe { open.symbol(c"ncclGetErrorString")? };
        let nccl = Self(Arc::new(Loaded { table: Table::new(open)?, explain }));
        let version = nccl.version()?;
        if version < OLDEST {
            return Err(GpuError::TooOld {
                library: "NCCL",
                found: shown(version),
                needed: shown(OLDEST),
                why: " for calls that do not block",
                remedy: SOURCE.remedy,
            });
        }
        Ok(nccl)
    }

    /// Its version, as 22907 for 2.29.7.
    ///
    /// # Errors
    /// It does not say.
    pub fn version(&self) -> Result<c_int, GpuError> {
        let mut version = 0;
        // SAFETY: it writes one number.
        self.check("ncclGetVersion", unsafe { (self.0.table.version)(&mut version) })?;
        Ok(version)
    }

    /// An id for a new communicator. Its maker listens for the others, on the interface that NCCL chooses.
    ///
    /// # Errors
    /// NCCL finds no interface.
    pub fn id(&self) -> Result<Id, GpuError> {
        let mut id = Id([0; 128]);
        // SAFETY: it writes one id.
        self.check("ncclGetUniqueId", unsafe { (self.0.table.unique_id)(&mut id) })?;
        Ok(id)
    }

    fn check(&self, call: &'static str, code: c_int) -> Result<(), GpuError> {
        match code {
            0 | IN_PROGRESS => Ok(()),
            _ => Err(GpuError::Call { call, reason: self.explain(code) }),
        }
    }

    fn explain(&self, code: c_int) -> String {
        // SAFETY: it returns a constant text.
        format!("{} (NCCL error {code})", text(unsafe { (self.0.explain)(code) }))
    }
}

/// A version for people.
fn shown(version: c_int) -> String {
    format!("{}.{}.{}", version / 10_000, version / 100 % 100, version % 100)
}

/// Bytes on the GPU that are sent to a rank, or received from it.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    /// The other rank.
    pub peer: Rank,
    /// The address on the GPU.
    pub address: u64,
    /// The number of bytes, the same at both ends.
    pub bytes: usize,
}

/// This rank's end of a communicator. Its work is queued on one stream of its own.
pub struct Communicator {
    nccl: Nccl,
    handle: Handle,
    stream: Stream,
    rank: Rank,
    size: u32,
    /// How long anything may take.
    deadline: Duration,
    /// Whether the abort came to an end, if there was one.
    has_ended: bool,
    graphs: Graphs,
}

// SAFETY: NCCL's handle may be used by any thread, by one at a time.
unsafe impl Send for Communicator {}

impl Communicator {
    /// Joins the ranks that have the same id; collective.
    ///
    /// # Errors
    /// NCCL refuses, or the others do not come in time; then nothing is left of it.
    pub fn new(
        nccl: &Nccl,
        gpu: &Gpu,
        id: Id,
        (rank, size): (Rank, u32),
        deadline: Duration,
    ) -> Result<Self, GpuError> {
        const MAGIC: u32 = 0xcafe_beef;
        let stream = gpu.stream()?;
        gpu.enter()?;
        let mut config =
            Config { size: size_of::<Config>(), magic: MAGIC, version: OLDEST as u32, blocking: 0 };
        let mut handle = ptr::null_mut();
        // SAFETY: the configuration is one of this version, and says its size.
        let code =
            unsafe { (nccl.0.table.init)(&mut handle, size as c_int, id, rank.0 as c_int, &mut config) };
        nccl.check("ncclCommInitRankConfig", code)?;
        let mut communicator = Self {
            nccl: nccl.clone(),
            handle,
            stream,
            rank,
            size,
            deadline,
            has_ended: true,
            graphs: Graphs::default(),
        };
        communicator.settle("ncclCommInitRankConfig")?;
        Ok(communicator)
    }

    /// Joins the ranks of a transport, over which rank 0 sends an id to all others: that of [`World::join`](crate::World::join),
    /// or one of the caller's. After an abort, the same transport brings the ranks together again. Collective.
    ///
    /// # Errors
    /// As [`new`](Self::new), and where the transport fails.
    pub fn over<X: Transport + ?Sized>(
        nccl: &Nccl,
        gpu: &Gpu,
        transport: &mut X,
        deadline: Duration,
    ) -> Result<Self, GpuError> {
        let (rank, size) = (transport.rank(), transport.size());
        let mut id = if rank.0 == 0 { nccl.id()? } else { Id([0; 128]) };
        let own = id.to_bytes();
        let exchanged = rounds(transport, |rounds| {
            let tag = |peer: Rank| Tag { exchange: 0, round: peer.0 };
            if rank.0 > 0 {
                let ticket = rounds.begin(tag(rank), None, Some((Rank(0), &[own.len()])), deadline)?;
                return rounds.finish(ticket, deadline, &mut |chunk| {
                    id.0[chunk.offset..][..chunk.bytes.len()].copy_from_slice(chunk.bytes);
                });
            }
            for peer in (1..size).map(Rank) {
                let ticket = rounds.begin(tag(peer), Some((peer, &[&own])), None, deadline)?;
                rounds.finish(ticket, deadline, &mut |_| ())?;
            }
            rounds.wait_sent(deadline)
        });
        exchanged
            .map_err(|fault| GpuError::Call { call: "exchange of NCCL's id", reason: fault.to_string() })?;
        Self::new(nccl, gpu, id, (rank, size), deadline)
    }

    /// The stream on which its work is queued.
    pub fn stream(&self) -> &Stream {
        &self.stream
    }

    /// This rank.
    pub fn rank(&self) -> Rank {
        self.rank
    }

    /// The number of ranks.
    pub fn size(&self) -> u32 {
        self.size
    }

    /// Queues messages that go on at once: all rounds of a phase. Peers group the same messages.
    ///
    /// # Safety
    /// The bytes are valid until the stream has done it, and those that are received nobody else's.
    ///
    /// # Errors
    /// NCCL refuses; then the communicator is aborted.
    pub unsafe fn exchange(&mut self, sent: &[Piece], received: &[Piece]) -> Result<(), GpuError> {
        self.stream.gpu().enter()?;
        let (table, stream) = (&self.nccl.0.table, self.stream.handle());
        // SAFETY: the caller's.
        let result = unsafe {
            self.nccl.check("ncclGroupStart", (table.group_start)()).and_then(|()| {
                // A group that has begun is ended, whatever happens in it.
                let sends = sent.iter().filter(|piece| piece.bytes > 0).try_for_each(|piece| {
                    let (from, peer) = (piece.address as *const c_void, piece.peer.0 as c_int);
                    let code = (table.send)(from, piece.bytes, BYTE, peer, self.handle, stream);
                    self.nccl.check("ncclSend", code)
                });
                let receives = received.iter().filter(|piece| piece.bytes > 0).try_for_each(|piece| {
                    let (to, peer) = (piece.address as *mut c_void, piece.peer.0 as c_int);
                    let code = (table.receive)(to, piece.bytes, BYTE, peer, self.handle, stream);
                    self.nccl.check("ncclRecv", code)
                });
                let end = self.nccl.check("ncclGroupEnd", (table.group_end)());
                sends.and(receives).and(end)
            })
        };
        match result {
            // Until NCCL has taken the group over, nothing may be queued behind it.
            Ok(()) => self.settle("ncclGroupEnd"),
            Err(error) => Err(self.fail(error)),
        }
    }

    /// Waits for an event, which may wait for messages.
    ///
    /// # Errors
    /// A peer has failed, or the deadline has passed; then the communicator is aborted.
    pub fn wait_for(&mut self, event: &Event) -> Result<(), GpuError> {
        let mut waiting = Waiting::new(self.deadline);
        while !self.is_done(event)? {
            if !waiting.goes_on() {
                return Err(self.fail(late("cuEventQuery", self.deadline)));
            }
        }
        Ok(())
    }

    /// Whether an event has come. Does not wait.
    ///
    /// # Errors
    /// A peer has failed, as far as NCCL knows; then the communicator is aborted.
    pub fn is_done(&mut self, event: &Event) -> Result<bool, GpuError> {
        let is_done = event.is_done();
        // What NCCL has noticed by now comes first: an event of an aborted kernel is done as well.
        self.progress("ncclCommGetAsyncError")?;
        is_done.map_err(|error| self.fail(error))
    }

    pub(super) fn graphs(&mut self) -> &mut Graphs {
        &mut self.graphs
    }

    /// Whether it has been aborted.
    pub fn is_aborted(&self) -> bool {
        self.handle.is_null()
    }

    /// Ends all transfers of this rank. Peers notice by their deadlines. Says whether NCCL and the stream came to an end in time:
    /// otherwise a GPU may still use the memory of what was queued, which is then kept for ever.
    pub fn abort(&mut self) -> bool {
        self.graphs.clear();
        let handle = std::mem::replace(&mut self.handle, ptr::null_mut());
        if handle.is_null() {
            return self.has_ended;
        }
        // An abort may hang itself.
        struct Address(Handle);
        // SAFETY: the handle is nobody else's any more.
        unsafe impl Send for Address {}
        let (nccl, address, (done, is_done)) = (self.nccl.clone(), Address(handle), mpsc::channel());
        std::thread::spawn(move || {
            let Address(handle) = { address };
            // SAFETY: the communicator is open, and nobody uses it afterwards.
            unsafe { (nccl.0.table.abort)(handle) };
            let _ = done.send(());
        });
        let ended = is_done.recv_timeout(self.deadline).is_ok();
        self.has_ended = ended && self.stream.wait_for(self.deadline).unwrap_or(true);
        self.has_ended
    }

    /// Waits until NCCL has done what a call has begun.
    fn settle(&mut self, call: &'static str) -> Result<(), GpuError> {
        let mut waiting = Waiting::new(self.deadline);
        while !self.progress(call)? {
            if !waiting.goes_on() {
                return Err(self.fail(late(call, self.deadline)));
            }
        }
        Ok(())
    }

    /// Whether NCCL has done what calls have begun.
    fn progress(&mut self, call: &'static str) -> Result<bool, GpuError> {
        if self.is_aborted() {
            let reason = "the communicator has been aborted".to_owned();
            return Err(GpuError::Call { call, reason });
        }
        let mut state = 0;
        // SAFETY: the communicator is open; it writes one number.
        let code = unsafe { (self.nccl.0.table.async_error)(self.handle, &mut state) };
        let result =
            self.nccl.check("ncclCommGetAsyncError", code).and_then(|()| self.nccl.check(call, state));
        result.map_err(|error| self.fail(error)).map(|()| state != IN_PROGRESS)
    }

    fn fail(&mut self, error: GpuError) -> GpuError {
        self.abort();
        error
    }
}

pub(super) fn late(call: &'static str, deadline: Duration) -> GpuError {
    GpuError::Call { call, reason: format!("a peer did not come within {deadline:?}") }
}

impl Drop for Communicator {
    fn drop(&mut self) {
        if self.is_aborted() {
            return;
        }
        self.graphs.clear();
        // Destruction waits for peers, for as long as it likes: only what has nothing queued is destroyed.
        let is_idle = !std::thread::panicking() && self.stream.is_done() == Ok(true);
        // SAFETY: the communicator is open, and nobody uses it afterwards.
        let finalized =
            is_idle && self.nccl.check("", unsafe { (self.nccl.0.table.finalize)(self.handle) }).is_ok();
        if finalized && self.settle("ncclCommFinalize").is_ok() {
            // SAFETY: as above.
            unsafe { (self.nccl.0.table.destroy)(self.handle) };
        } else {
            self.abort();
        }
    }
}
