//! Messages between GPUs through the memory of the host, over any transport: ranks on GPUs that NCCL does not join. The host
//! waits for the GPU before a message and for the message before the GPU goes on, so nothing overlaps.

use super::nccl::late;
use super::waiting::Waiting;
use super::{Event, Gpu, GpuError, Link, Piece, Stream};
use crate::transport::{Fault, Memory, Tag, Transport, rounds};
use bfc_schedule::Rank;
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

/// A link over a transport.
///
/// ```no_run
/// use bfc_runtime::World;
/// use bfc_runtime::gpu::{Gpu, Libraries, Staged};
/// use std::time::Duration;
///
/// let world = World::from_environment()?;
/// let gpu = Gpu::open(&Libraries::default(), world.local_rank())?;
/// let transport = world.join(Duration::from_secs(60))?;
/// let link = Staged::new(&gpu, transport, Duration::from_secs(30))?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct Staged<X> {
    transport: X,
    stream: Stream,
    deadline: Duration,
    /// What is sent, in memory of the transport.
    sending: Memory,
    /// Messages so far, to and from each rank.
    sent: Vec<u64>,
    received: Vec<u64>,
}

impl<X: Transport> Staged<X> {
    /// A link of a GPU over a transport that nothing else uses. A wait for a peer lasts for the deadline at most.
    ///
    /// # Errors
    /// The driver refuses a stream.
    pub fn new(gpu: &Gpu, transport: X, deadline: Duration) -> Result<Self, GpuError> {
        let none = vec![0; transport.size() as usize];
        let (stream, sending) = (gpu.stream()?, Memory::ordinary(0));
        Ok(Self { transport, stream, deadline, sending, sent: none.clone(), received: none })
    }

    /// Copies what is sent to the host; says where it lies, for each receiver.
    ///
    /// # Safety
    /// As [`Link::exchange`].
    unsafe fn fetch(&mut self, sent: &[Piece]) -> Result<BTreeMap<Rank, Vec<Range<usize>>>, GpuError> {
        let bytes = sent.iter().map(|piece| piece.bytes).sum();
        if self.sending.len() < bytes {
            self.sending = self.transport.allocate(bytes).map_err(failed)?;
        }
        // A copy would wait for the stream without a deadline.
        if !self.stream.wait_for(self.deadline)? {
            return Err(late("cuStreamQuery", self.deadline));
        }
        let (mut parts, mut at) = (BTreeMap::<Rank, Vec<_>>::new(), 0);
        for piece in sent {
            let part = at..at + piece.bytes;
            // SAFETY: the caller's.
            unsafe { self.stream.read_from(piece.address, &mut self.sending[part.clone()])? };
            at = part.end;
            parts.entry(piece.peer).or_default().push(part);
        }
        Ok(parts)
    }
}

fn failed(fault: Fault) -> GpuError {
    GpuError::Call { call: "exchange", reason: fault.to_string() }
}

impl<X: Transport> Link for Staged<X> {
    fn rank(&self) -> Rank {
        self.transport.rank()
    }

    fn size(&self) -> u32 {
        self.transport.size()
    }

    fn stream(&self) -> &Stream {
        &self.stream
    }

    unsafe fn exchange(&mut self, sent: &[Piece], received: &[Piece]) -> Result<(), GpuError> {
        // SAFETY: the caller's.
        let parts = unsafe { self.fetch(sent)? };
        let mut targets = BTreeMap::<Rank, Vec<Piece>>::new();
        received.iter().for_each(|piece| targets.entry(piece.peer).or_default().push(*piece));
        let Self { transport, stream, deadline, sending, sent, received } = self;
        let (sending, deadline) = (&*sending, *deadline);
        let mut written = Ok(());
        // Messages from one rank to another are numbered by both.
        let next = |counts: &mut [u64], peer: Rank| {
            let count = &mut counts[peer.index()];
            *count += 1;
            Tag { exchange: *count - 1, round: 0 }
        };
        let result = rounds(transport, |rounds| {
            let mut tickets = vec![];
            for (to, parts) in parts {
                let parts: Vec<&[u8]> = parts.into_iter().map(|part| &sending[part]).collect();
                tickets.push((rounds.begin(next(sent, to), Some((to, &parts)), None, deadline)?, &[][..]));
            }
            for (from, pieces) in &targets {
                let lengths: Vec<usize> = pieces.iter().map(|piece| piece.bytes).collect();
                let receive = Some((*from, &lengths[..]));
                tickets.push((rounds.begin(next(received, *from), None, receive, deadline)?, &pieces[..]));
            }
            for (ticket, pieces) in tickets {
                rounds.finish(ticket, deadline, &mut |chunk| {
                    let address = pieces[chunk.part].address + chunk.offset as u64;
                    if written.is_ok() {
                        // SAFETY: the caller's; the chunk lies within the piece.
                        written = unsafe { stream.write_to(address, chunk.bytes) };
                    }
                })?;
            }
            rounds.wait_sent(deadline)
        });
        result.map_err(failed).and(written)
    }

    fn wait_for(&mut self, event: &Event) -> Result<(), GpuError> {
        let mut waiting = Waiting::new(self.deadline);
        while !event.is_done()? {
            if !waiting.goes_on() {
                return Err(late("cuEventQuery", self.deadline));
            }
        }
        Ok(())
    }

    fn abort(&mut self) -> bool {
        self.transport.abandon("it gave up");
        self.stream.wait_for(self.deadline).unwrap_or(true)
    }
}
