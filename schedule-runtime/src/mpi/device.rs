//! Messages between GPUs by an MPI that reads and writes their memory itself. To any other MPI they go through the memory of the
//! host.

use super::{Endpoint, MpiTransport};
use crate::gpu::{Event, Gpu, GpuError, Link, Piece, Staged, Stream};
use crate::transport::{Fault, Transport};
use bfc_schedule::Rank;
use std::ffi::c_int;
use std::ptr::{with_exposed_provenance, with_exposed_provenance_mut};
use std::time::{Duration, Instant};

/// The tag of what lies on GPUs.
const DEVICE: c_int = 3;
/// Bytes of a message of MPI, which counts in ints.
const PIECE: usize = 1 << 30;

impl MpiTransport {
    /// Whether MPI says that it takes addresses of GPUs, by `MPIX_Query_cuda_support`.
    pub fn reaches_gpus(&self) -> bool {
        self.endpoint.library.knows_cuda()
    }

    /// A link between GPUs, of which this rank has one. MPI gets the addresses of vectors if it [reaches](Self::reaches_gpus) them;
    /// otherwise the link is [`Staged`]. A wait for a peer lasts for the deadline at most.
    ///
    /// # Errors
    /// The driver refuses a stream.
    pub fn into_link(self, gpu: &Gpu, deadline: Duration) -> Result<Box<dyn Link + Send>, GpuError> {
        if !self.reaches_gpus() {
            return Ok(Box::new(Staged::new(gpu, self, deadline)?));
        }
        Ok(Box::new(DeviceLink { stream: gpu.stream()?, transport: self, deadline, is_pending: false }))
    }
}

struct DeviceLink {
    transport: MpiTransport,
    stream: Stream,
    deadline: Duration,
    /// Whether MPI may still use memory of the GPU.
    is_pending: bool,
}

impl DeviceLink {
    /// # Safety
    /// As [`Link::exchange`].
    unsafe fn transfer(&mut self, sent: &[Piece], received: &[Piece]) -> Result<(), Fault> {
        self.transport.alive()?;
        let Endpoint { library, communicator, .. } = self.transport.endpoint;
        let mut pending = vec![];
        self.is_pending = true;
        for (address, bytes, peer) in received.iter().flat_map(parts) {
            let place = (with_exposed_provenance_mut(address), bytes);
            // SAFETY: the caller's; where this fails, the memory is kept.
            let request = unsafe { library.receive(communicator, place, Some(peer), DEVICE)? };
            pending.push((peer, request));
        }
        for (address, bytes, peer) in sent.iter().flat_map(parts) {
            let place = (with_exposed_provenance(address), bytes);
            // SAFETY: as above.
            pending.push((peer, unsafe { library.send(communicator, place, peer, DEVICE)? }));
        }
        for (peer, mut request) in pending {
            self.transport.drive(|_| Some(peer), self.deadline, |_| library.test(peer, &mut request))?;
        }
        self.is_pending = false;
        Ok(())
    }

    /// Waits for the GPU alone.
    fn wait_until(&self, mut is_done: impl FnMut(&Stream) -> Result<bool, GpuError>) -> Result<(), GpuError> {
        let since = Instant::now();
        while !is_done(&self.stream)? {
            if since.elapsed() >= self.deadline {
                let reason = format!("the GPU has not come to its end within {:?}", self.deadline);
                return Err(GpuError::Call { call: "cuStreamQuery", reason });
            }
            std::thread::yield_now();
        }
        Ok(())
    }
}

/// What of a piece goes in one message.
fn parts(piece: &Piece) -> impl Iterator<Item = (usize, usize, Rank)> {
    let Piece { address, bytes, peer } = *piece;
    let starts = (0..bytes).step_by(PIECE);
    starts.map(move |start| (address as usize + start, PIECE.min(bytes - start), peer))
}

impl Link for DeviceLink {
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
        // MPI knows nothing of streams.
        self.wait_until(Stream::is_done)?;
        // SAFETY: the caller's.
        let result = unsafe { self.transfer(sent, received) };
        result.map_err(|fault| {
            let reason = self.transport.fail(fault).to_string();
            GpuError::Call { call: "exchange", reason }
        })
    }

    fn wait_for(&mut self, event: &Event) -> Result<(), GpuError> {
        self.wait_until(|_| event.is_done())
    }

    fn abort(&mut self) -> bool {
        self.transport.abandon("it gave up");
        self.stream.wait_for(self.deadline).unwrap_or(true) && !self.is_pending
    }
}
