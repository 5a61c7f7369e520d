//! Exchanges: what a program mixes or averages becomes rounds of a transport.

mod average;
mod back;
mod mix;

use crate::error::{ExchangeKind, Place, RuntimeError, Trace, What};
use crate::registers::Registers;
use crate::transport::{Chunk, Fault, Rounds, Tag, Ticket, Transport, rounds};
use bfc_schedule::program::{Shape, Transfer};
use bfc_schedule::{Codec, Rank};
use std::time::Duration;

/// A transport and what is known about its use.
pub(crate) struct Wire<X> {
    pub(crate) transport: X,
    pub(crate) deadline: Duration,
    pub(crate) bytes_sent: u64,
    exchanges: u64,
    place: Place,
    trace: Trace,
}

/// A fault and the round in which it happened.
type Broken = (u32, Fault);

/// The operands of an exchange by shape; pairs of (from, into), registers by index.
#[derive(Debug)]
pub(crate) struct Operands {
    /// Vectors, or vectors or factors per edge.
    pub(crate) vectors: Vec<(usize, usize)>,
    /// Scalars, with or without one per edge.
    pub(crate) scalars: Vec<(usize, usize)>,
    pub(crate) codes: Vec<Coded>,
}

/// A code that is read where it arrives.
#[derive(Debug)]
pub(crate) struct Coded {
    pub(crate) codec: Codec,
    pub(crate) from: usize,
    pub(crate) into: usize,
}

impl Operands {
    pub(crate) fn new(transfers: &[Transfer], registers: &[Shape]) -> Self {
        let mut operands = Self { vectors: vec![], scalars: vec![], codes: vec![] };
        for transfer in transfers {
            let (from, into) = (transfer.from.0 as usize, transfer.into.0 as usize);
            match registers[from] {
                Shape::Vector | Shape::EdgeVector | Shape::EdgeFactor(_) => {
                    operands.vectors.push((from, into))
                }
                Shape::Scalar | Shape::EdgeScalar => operands.scalars.push((from, into)),
                Shape::Code(codec) => operands.codes.push(Coded { codec, from, into }),
            }
        }
        operands
    }

    fn in_place(&self) -> bool {
        self.codes.is_empty() && self.vectors.iter().chain(&self.scalars).all(|(from, into)| from == into)
    }

    fn read_scalars<T>(&self, registers: &Registers<'_, T>) -> Vec<f64> {
        self.scalars.iter().map(|&(from, _)| registers.scalars[from]).collect()
    }

    fn write_scalars<T>(&self, registers: &mut Registers<'_, T>, values: &[f64]) {
        for (&(_, into), &value) in self.scalars.iter().zip(values) {
            registers.scalars[into] = value;
        }
    }
}

impl<X: Transport> Wire<X> {
    pub(crate) fn new(transport: X, deadline: Duration) -> Self {
        let place = Place { rank: transport.rank(), step: None, exchange: ExchangeKind::Greeting, round: 0 };
        Self { transport, deadline, bytes_sent: 0, exchanges: 0, place, trace: Trace::default() }
    }

    /// Starts an exchange and names it.
    fn start(&mut self, step: Option<u64>, exchange: ExchangeKind) -> u64 {
        self.exchanges += 1;
        self.place = Place { rank: self.place.rank, step, exchange, round: 0 };
        self.exchanges - 1
    }

    /// Runs `body` inside [`rounds`] and says where a fault happened.
    fn run<'env>(
        &mut self,
        exchange: u64,
        body: impl FnOnce(&mut Running<'_, '_, 'env, X>) -> Result<(), Broken>,
    ) -> Result<(), RuntimeError> {
        let Self { transport, deadline, bytes_sent, place, trace, .. } = self;
        let result = rounds(transport, |rounds| {
            body(&mut Running { rounds, exchange, deadline: *deadline, bytes_sent, place, trace })
        });
        result.map_err(|broken| self.error(broken))
    }

    fn error(&self, (round, fault): Broken) -> RuntimeError {
        let place = Place { round, ..self.place.clone() };
        let trace = Box::new(self.trace.clone());
        match fault {
            Fault::Deadline { peer, waited } => RuntimeError::Deadline { place, peer, waited, trace },
            Fault::Left { peer } => RuntimeError::PeerLeft { place, peer, trace },
            Fault::Failed { peer, reason } => RuntimeError::PeerFailed { place, peer, reason, trace },
            Fault::Mismatch { peer, expected, found } => {
                RuntimeError::Mismatch { place, peer, expected, found, trace }
            }
            Fault::System { peer, reason } => RuntimeError::System { place, peer, reason, trace },
            Fault::OtherUser { peer, theirs, mine } => RuntimeError::OtherUser { place, peer, theirs, mine },
        }
    }

    /// Sends `mine` to the next rank of the ring and returns what came from the one before, as many bytes.
    pub(crate) fn greet(&mut self, mine: &[u8]) -> Result<(Rank, Vec<u8>), RuntimeError> {
        let (rank, size) = (self.transport.rank().0, self.transport.size());
        let (next, before) = (Rank((rank + 1) % size), Rank((rank + size - 1) % size));
        let mut theirs = vec![0; mine.len()];
        if size > 1 {
            let exchange = self.start(None, ExchangeKind::Greeting);
            self.run(exchange, |running| {
                let ticket = running.begin(0, Some((next, &[mine])), Some((before, &[mine.len()])))?;
                running.finish(ticket, &mut |chunk| {
                    theirs[chunk.offset..chunk.offset + chunk.bytes.len()].copy_from_slice(chunk.bytes);
                })?;
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

/// What is pending inside [`rounds`].
struct Running<'w, 'x, 'env, X: Transport> {
    rounds: &'w mut Rounds<'x, 'env, X>,
    exchange: u64,
    deadline: Duration,
    bytes_sent: &'w mut u64,
    place: &'w Place,
    trace: &'w mut Trace,
}

impl<'env, X: Transport> Running<'_, '_, 'env, X> {
    fn begin(
        &mut self,
        round: u32,
        send: Option<(Rank, &[&'env [u8]])>,
        receive: Option<(Rank, &[usize])>,
    ) -> Result<Ticket, Broken> {
        self.note(round, What::Began(send.map(|(to, _)| to), receive.map(|(from, _)| from)));
        let tag = Tag { exchange: self.exchange, round };
        let ticket = self.rounds.begin(tag, send, receive, self.deadline).map_err(|fault| (round, fault))?;
        let sent = send.map_or(0, |(_, parts)| parts.iter().map(|part| part.len() as u64).sum());
        *self.bytes_sent += sent;
        Ok(ticket)
    }

    fn finish(&mut self, ticket: Ticket, sink: &mut dyn FnMut(Chunk<'_>)) -> Result<(), Broken> {
        let (round, from) = (ticket.tag.round, ticket.from);
        self.rounds.finish(ticket, self.deadline, sink).map_err(|fault| (round, fault))?;
        if let Some(from) = from {
            self.note(round, What::Received(from));
        }
        Ok(())
    }

    fn wait_sent(&mut self, round: u32) -> Result<(), Broken> {
        self.rounds.wait_sent(self.deadline).map_err(|fault| (round, fault))?;
        self.note(round, What::Settled);
        Ok(())
    }

    fn note(&mut self, round: u32, what: What) {
        self.trace.note(Place { round, ..self.place.clone() }, what);
    }
}
