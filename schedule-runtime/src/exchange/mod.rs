//! Exchanges: what a program mixes or averages, bucket by bucket, becomes rounds of a transport.
//!
//! An [`Exchange`] owns what it works on while it goes on: what it sends, which others may read meanwhile, and what it
//! receives. So it can run on the thread of its caller or [beside](lane) it. What all exchanges that carry pieces of vectors
//! have in common are [`messages`] and [`slices`].

mod average;
mod back;
mod collective;
mod lane;
mod messages;
mod mix;
mod slices;
mod sums;

pub(crate) use average::{add, divide};
pub(crate) use lane::{Begun, Done, Lane};
pub(crate) use messages::{Combine, Message, Target};
pub(crate) use slices::{Bounds, Cut, Members, gather_rounds, reduce_rounds};

use crate::compression::Coding;
use crate::error::{ExchangeKind, Place, RuntimeError};
use crate::memory::Buffer;
use crate::plan::Plan;
use crate::storage::Dtype;
use crate::trace::{Cause, Recorder, Round, TraceError, What, calibrate};
use crate::transport::{Chunk, Fault, Rounds, Tag, Ticket, Transport, rounds};
use bfc_schedule::program::Operator;
use bfc_schedule::{Average, Rank, visible};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// One bucket's part of an exchange, with all that it works on.
pub(crate) struct Exchange {
    pub(crate) place: Place,
    /// The longest wait for a peer.
    pub(crate) deadline: Duration,
    pub(crate) map: Map,
    /// Vectors, or vectors or factors per edge.
    pub(crate) vectors: Vec<Operand>,
    pub(crate) codes: Vec<Coded>,
    /// What is sent, and then what has come of it; for each neighbour its own, in order, where the map is [`Map::Back`].
    pub(crate) scalars: Vec<f64>,
}

/// A linear map over ranks, and the rounds that compute it.
#[derive(Clone)]
pub(crate) enum Map {
    /// A part of a phase's matrix, or its pattern.
    Mix(Arc<Plan>, Operator),
    /// What each neighbour holds for the edge to this rank.
    Back(Arc<Plan>),
    /// The average over all ranks.
    Average(Arc<Average>),
}

/// What is mapped, and where to.
pub(crate) struct Operand {
    /// `None` in place: then the target holds it.
    pub(crate) source: Option<Buffer>,
    pub(crate) target: Buffer,
}

/// A code that is mapped in place of a vector: it is what travels, and receivers read it.
pub(crate) struct Coded {
    pub(crate) coding: Arc<Coding>,
    /// What the vector is computed in.
    pub(crate) dtype: Dtype,
    pub(crate) source: Arc<Vec<u8>>,
    pub(crate) target: Buffer,
    /// Steps done, for codecs that draw.
    pub(crate) step: u64,
}

/// A transport and what is known about its use.
pub(crate) struct Wire<X> {
    pub(crate) transport: X,
    pub(crate) deadline: Duration,
    pub(crate) bytes_sent: u64,
    /// Calls of a communicator.
    pub(crate) calls: u64,
    exchanges: u64,
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) spares: Spares,
}

/// A fault and the round in which it happened.
type Broken = (u32, Fault);

impl<X: Transport> Wire<X> {
    pub(crate) fn new(transport: X, deadline: Duration) -> Self {
        let (recorder, spares) = (Recorder::new(), Spares::default());
        Self { transport, deadline, bytes_sent: 0, calls: 0, exchanges: 0, recorder, spares }
    }

    /// Does an exchange from its beginning to its end. After a fault, what was sent is as it was, except in place.
    pub(crate) fn exchange(&mut self, exchange: &mut Exchange) -> Result<(), RuntimeError> {
        let (number, place) = (self.exchanges, exchange.place);
        self.deadline = exchange.deadline;
        note(&self.recorder, place, number, What::ExchangeBegan);
        match exchange.map.clone() {
            Map::Mix(plan, operator) => self.mix(plan.part(operator), exchange),
            Map::Back(plan) => self.back(&plan, exchange),
            Map::Average(average) => self.average(&average, exchange),
        }?;
        note(&self.recorder, place, number, What::ExchangeEnded);
        Ok(())
    }

    /// Names an exchange.
    pub(crate) fn start(&mut self) -> u64 {
        self.exchanges += 1;
        self.exchanges - 1
    }

    /// The number of the next exchange.
    pub(crate) fn next_exchange(&self) -> u64 {
        self.exchanges
    }

    /// Numbers further exchanges from here on.
    pub(crate) fn go_on_at(&mut self, exchange: u64) {
        self.exchanges = exchange;
    }

    /// Runs `body` inside [`rounds`] and says where a fault happened.
    fn run<'env>(
        &mut self,
        exchange: u64,
        place: &Place,
        body: impl FnOnce(&mut Running<'_, '_, 'env, X>) -> Result<(), Broken>,
    ) -> Result<(), RuntimeError> {
        let Self { transport, deadline, bytes_sent, recorder, .. } = self;
        let result = rounds(transport, |rounds| {
            body(&mut Running { rounds, exchange, deadline: *deadline, bytes_sent, place, recorder })
        });
        result.map_err(|broken| self.error(place, exchange, broken))
    }

    fn error(&self, place: &Place, exchange: u64, (round, fault): Broken) -> RuntimeError {
        let place = Place { round, ..*place };
        note(&self.recorder, place, exchange, What::Failed(cause(&fault)));
        self.recorder.sync();
        let trace = |peer| Box::new(self.recorder.last(peer));
        match fault {
            Fault::Deadline { peer, waited } => {
                RuntimeError::Deadline { place, peer, waited, trace: trace(peer) }
            }
            Fault::Left { peer } => RuntimeError::PeerLeft { place, peer, trace: trace(peer) },
            Fault::Failed { peer, reason } => {
                RuntimeError::PeerFailed { place, peer, reason, trace: trace(peer) }
            }
            Fault::Mismatch { peer, expected, found } => {
                RuntimeError::Mismatch { place, peer, expected, found, trace: trace(peer) }
            }
            Fault::System { peer, reason } => {
                RuntimeError::System { place, peer, reason, trace: trace(peer) }
            }
            Fault::Collective { waited } => RuntimeError::Collective { place, waited },
            Fault::OtherUser { peer, theirs, mine } => RuntimeError::OtherUser { place, peer, theirs, mine },
        }
    }

    fn start_of_run(&self) -> Place {
        let rank = self.transport.rank();
        Place { rank, step: None, exchange: ExchangeKind::Greeting, bucket: None, round: 0 }
    }

    /// A fault before the first step.
    pub(crate) fn failed_at_start(&self, fault: Fault) -> RuntimeError {
        self.error(&self.start_of_run(), self.exchanges, (0, fault))
    }

    /// Keeps the events from now on in a file of this directory.
    pub(crate) fn trace_to(&mut self, directory: &Path) -> Result<(), RuntimeError> {
        let (rank, size) = (self.transport.rank(), self.transport.size());
        self.recorder = Recorder::in_file(directory, rank, size).map_err(|error| {
            let directory = visible::line(&directory.to_string_lossy()).into_owned();
            let error = TraceError::Unwritable { rank, directory, error };
            self.transport.abandon(&error.to_string());
            error
        })?;
        Ok(())
    }

    /// Compares the clocks of all ranks, for the trace. Collective.
    pub(crate) fn calibrate(&mut self) -> Result<(), RuntimeError> {
        let exchange = self.start();
        let calibrated = calibrate(&mut self.transport, exchange, self.deadline);
        self.recorder.set_calibration(calibrated.map_err(|fault| self.failed_at_start(fault))?);
        Ok(())
    }

    /// Sends `mine` to the next rank of the ring and returns what came from the one before, so many bytes.
    pub(crate) fn greet(&mut self, mine: &[u8], bytes: usize) -> Result<(Rank, Vec<u8>), RuntimeError> {
        let (rank, size) = (self.transport.rank(), self.transport.size());
        let (next, before) = (Rank((rank.0 + 1) % size), Rank((rank.0 + size - 1) % size));
        let mut theirs = vec![0; bytes];
        if size > 1 {
            let exchange = self.start();
            let place = self.start_of_run();
            self.run(exchange, &place, |running| {
                let ticket = running.begin(0, Some((next, &[mine])), Some((before, &[bytes])))?;
                running.finish(ticket, &mut |chunk| fill(&mut theirs, chunk))?;
                running.wait_sent(0)
            })?;
            // Not the algorithm's.
            self.bytes_sent = 0;
        } else {
            theirs.copy_from_slice(mine);
        }
        Ok((before, theirs))
    }
}

/// Buffers that no register holds, for sums whose targets are read meanwhile; their contents are unspecified.
#[derive(Default)]
pub(crate) struct Spares(Vec<Buffer>);

impl Spares {
    /// A buffer that may become a register's: in memory of the transport, where there is any.
    pub(crate) fn take(&mut self, dtype: Dtype, length: usize, transport: &mut impl Transport) -> Buffer {
        let found = self.0.iter().position(|spare| spare.dtype() == dtype && spare.len() == length);
        match found {
            Some(index) => self.0.swap_remove(index),
            None => match transport.allocate(length * dtype.bytes()) {
                Ok(memory) => Buffer::in_memory(dtype, memory),
                Err(_) => Buffer::zeros(dtype, length),
            },
        }
    }

    pub(crate) fn give_back(&mut self, buffer: Buffer) {
        self.0.push(buffer);
    }

    /// Keeps the last few only, where lengths may change from exchange to exchange.
    pub(crate) fn trim(&mut self) {
        const KEPT: usize = 4;
        self.0.drain(..self.0.len().saturating_sub(KEPT));
    }
}

/// What is pending inside [`rounds`].
struct Running<'w, 'x, 'env, X: Transport> {
    rounds: &'w mut Rounds<'x, 'env, X>,
    exchange: u64,
    deadline: Duration,
    bytes_sent: &'w mut u64,
    place: &'w Place,
    recorder: &'w Recorder,
}

impl<'env, X: Transport> Running<'_, '_, 'env, X> {
    fn begin(
        &mut self,
        round: u32,
        send: Option<(Rank, &[&'env [u8]])>,
        receive: Option<(Rank, &[usize])>,
    ) -> Result<Ticket, Broken> {
        let bytes = send.map_or(0, |(_, parts)| parts.iter().map(|part| part.len() as u64).sum());
        let (to, from) = (send.map(|(to, _)| to), receive.map(|(from, _)| from));
        self.note(round, What::Began { to, from, bytes });
        let tag = Tag { exchange: self.exchange, round };
        let ticket = self.rounds.begin(tag, send, receive, self.deadline).map_err(|fault| (round, fault))?;
        *self.bytes_sent += bytes;
        Ok(ticket)
    }

    fn finish(&mut self, ticket: Ticket, sink: &mut dyn FnMut(Chunk<'_>)) -> Result<(), Broken> {
        let (round, deadline) = (ticket.tag.round, self.deadline);
        let Some(from) = ticket.from else {
            return self.rounds.finish(ticket, deadline, sink).map_err(|fault| (round, fault));
        };
        let bytes = ticket.lengths.iter().map(|bytes| *bytes as u64).sum();
        let Self { ref mut rounds, recorder, place, exchange, .. } = *self;
        let note = |what| note(recorder, Place { round, ..*place }, exchange, what);
        let mut arrived = false;
        note(What::Waiting(from));
        let finished = rounds.finish(ticket, deadline, &mut |chunk| {
            if !std::mem::replace(&mut arrived, true) {
                note(What::Arrived(from));
            }
            sink(chunk);
        });
        finished.map_err(|fault| (round, fault))?;
        note(What::Received { from, bytes });
        Ok(())
    }

    fn wait_sent(&mut self, round: u32) -> Result<(), Broken> {
        self.note(round, What::WaitingSent);
        self.rounds.wait_sent(self.deadline).map_err(|fault| (round, fault))?;
        self.note(round, What::Sent);
        Ok(())
    }

    fn note(&self, round: u32, what: What) {
        note(self.recorder, Place { round, ..*self.place }, self.exchange, what);
    }
}

/// An event of an exchange.
fn note(recorder: &Recorder, place: Place, exchange: u64, what: What) {
    let Place { step, exchange: kind, bucket, round, .. } = place;
    recorder.note(step, Some(Round { exchange, kind, bucket, round }), what);
}

/// What a trace says of a fault.
fn cause(fault: &Fault) -> Cause {
    match *fault {
        Fault::Deadline { peer, .. } => Cause::Deadline(peer),
        Fault::Left { peer } => Cause::Left(peer),
        Fault::Failed { peer, .. } => Cause::Peer(peer),
        Fault::Mismatch { peer, .. } => Cause::Mismatch(peer),
        Fault::Collective { .. } => Cause::Collective,
        Fault::System { peer, .. } | Fault::OtherUser { peer, .. } => Cause::System(peer),
    }
}

/// Where a piece of a message goes in a slice of its part.
fn fill(target: &mut [u8], chunk: Chunk<'_>) {
    target[chunk.offset..chunk.offset + chunk.bytes.len()].copy_from_slice(chunk.bytes);
}
