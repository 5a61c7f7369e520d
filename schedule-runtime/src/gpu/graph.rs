//! CUDA graphs: work of a stream, and of the streams that it waits for, which is captured once and then queued by one call.
//!
//! The communicator owns the graphs in which its messages stand, and destroys them before it ends itself: NCCL does not end a
//! communicator, nor abort it, while there is such a graph. One that still runs goes on until it is done.

use super::driver::Handle;
use super::{Gpu, GpuError, Stream};
use std::collections::VecDeque;
use std::ffi::c_int;
use std::ptr;

/// Work that was captured.
struct Graph {
    gpu: Gpu,
    handle: Handle,
    bytes_sent: u64,
}

// SAFETY: handles of the driver may be used by any thread, those of graphs by one at a time.
unsafe impl Send for Graph {}

impl Drop for Graph {
    fn drop(&mut self) {
        if self.gpu.enter().is_ok() {
            // SAFETY: nobody uses it afterwards; where it still runs, the driver frees it later.
            unsafe { (self.gpu.driver().graph_exec_destroy)(self.handle) };
        }
    }
}

/// A stream whose work is being captured; it outlives the capture.
struct Capture {
    gpu: Gpu,
    stream: Handle,
    is_open: bool,
}

// SAFETY: as `Graph`; a capture of this mode may be ended by any thread.
unsafe impl Send for Capture {}

impl Capture {
    fn begin(stream: &Stream) -> Result<Self, GpuError> {
        // Forbids no calls of other threads, such as NCCL's and the trainer's.
        const RELAXED: c_int = 2;
        let gpu = stream.gpu().clone();
        gpu.enter()?;
        // SAFETY: the stream is open.
        let code = unsafe { (gpu.driver().capture_begin)(stream.handle(), RELAXED) };
        gpu.driver().check("cuStreamBeginCapture", code)?;
        Ok(Self { gpu, stream: stream.handle(), is_open: true })
    }

    /// Ends it, whether or not it is valid; returns the description of a graph.
    fn end(&mut self) -> Result<Handle, GpuError> {
        self.is_open = false;
        self.gpu.enter()?;
        let mut description = ptr::null_mut();
        // SAFETY: it writes one handle.
        let code = unsafe { (self.gpu.driver().capture_end)(self.stream, &mut description) };
        self.gpu.driver().check("cuStreamEndCapture", code).map(|()| description)
    }

    fn into_graph(mut self, bytes_sent: u64) -> Result<Graph, GpuError> {
        let (description, mut handle) = (self.end()?, ptr::null_mut());
        let driver = self.gpu.driver();
        // SAFETY: it writes one handle, and nobody uses the description afterwards.
        let code = unsafe {
            let code = (driver.graph_instantiate)(&mut handle, description, 0);
            (driver.graph_destroy)(description);
            code
        };
        driver.check("cuGraphInstantiateWithFlags", code)?;
        Ok(Graph { gpu: self.gpu.clone(), handle, bytes_sent })
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        if let Some(description) = self.is_open.then(|| self.end().ok()).flatten() {
            // SAFETY: nobody uses it afterwards.
            unsafe { (self.gpu.driver().graph_destroy)(description) };
        }
    }
}

/// What is known of work that has a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// It was not queued before, or too long ago.
    New,
    /// It was queued once: what it needs has been allocated, and its peers are connected.
    Seen,
    /// There is a graph, whose messages have so many bytes.
    Captured {
        /// Of this rank.
        bytes_sent: u64,
    },
}

/// Graphs by what their work depends on. All ranks have the same keys in the same order, since a message is captured, and a
/// graph launched, by its sender and its receiver alike.
#[derive(Default)]
pub struct Graphs {
    /// The latest comes last.
    entries: VecDeque<(Vec<u64>, Option<Graph>)>,
    capture: Option<Capture>,
}

impl Graphs {
    /// The most keys; the one that was not used for longest gives way.
    const MOST: usize = 64;

    /// Looks a key up, which becomes the latest.
    pub(super) fn find(&mut self, key: Vec<u64>) -> Known {
        let place = self.entries.iter().position(|(known, _)| *known == key);
        let entry = place.and_then(|place| self.entries.remove(place));
        let known = match &entry {
            None => Known::New,
            Some((_, None)) => Known::Seen,
            Some((_, Some(graph))) => Known::Captured { bytes_sent: graph.bytes_sent },
        };
        self.entries.push_back(entry.unwrap_or((key, None)));
        if self.entries.len() > Self::MOST {
            self.entries.pop_front();
        }
        known
    }

    /// Captures what is queued on the stream from now on.
    pub(super) fn begin(&mut self, stream: &Stream) -> Result<(), GpuError> {
        self.capture = Some(Capture::begin(stream)?);
        Ok(())
    }

    /// Makes a graph of what was queued, for the latest key.
    pub(super) fn end(&mut self, bytes_sent: u64) -> Result<(), GpuError> {
        if let (Some(capture), Some((_, graph))) = (self.capture.take(), self.entries.back_mut()) {
            *graph = Some(capture.into_graph(bytes_sent)?);
        }
        Ok(())
    }

    /// Queues the graph of the latest key.
    pub(super) fn launch(&self, stream: &Stream) -> Result<(), GpuError> {
        let Some((_, Some(graph))) = self.entries.back() else { return Ok(()) };
        graph.gpu.enter()?;
        // SAFETY: both are open; what the graph's work uses lives as long as the machine.
        let code = unsafe { (graph.gpu.driver().graph_launch)(graph.handle, stream.handle()) };
        graph.gpu.driver().check("cuGraphLaunch", code)
    }

    /// Destroys all graphs, and ends a capture, of which nothing is kept.
    pub(super) fn clear(&mut self) {
        self.capture = None;
        self.entries.clear();
    }
}
