//! Messages of the host over a link between GPUs: a [`Transport`] whose bytes travel as those of GPUs do, such as by NCCL.
//!
//! A message is copied to pinned memory when it begins, from there to the GPU, and at the other end back in the same way. NCCL
//! matches sends and receives by their order, wants both to have one length, and does not say what comes: so the head of a
//! message, its tag and its length, travels in a frame that is equally long for all messages, and what does not fit in the
//! frame follows when the receiver has read the head:
//!
//! ```text
//! exchange: u64   round: u32   bytes: u64   the parts, one after the other, as far as the frame goes
//! the rest of the parts                                                                            … if there is one
//! ```
//!
//! Rounds are done in the order in which they were begun, when the rank waits for one of them: the frames of all rounds up to
//! the first one with a rest are one group, and the rests another. Hence ranks that do their rounds in the order of their tags, as
//! machines and communicators do, never wait in a circle. A wait includes what was begun before it: `finish` waits also for the
//! receivers of what was sent earlier.
//!
//! NCCL cannot say who failed, nor why. Therefore a second transport, the one over which the ranks have met, carries nothing
//! but failures.

use super::message::{FRAME, HEAD, Message, Round};
use super::staging::Staging;
use super::waiting::Waiting;
use super::{Event, GpuError, Link, Piece};
use crate::transport::{Chunk, Envelope, Fault, Tag, Ticket, Transport, revoked};
use bfc_schedule::Rank;
use std::collections::VecDeque;
use std::time::Duration;

/// How long the reason of a failure may be behind the failure itself.
const HEARSAY: Duration = Duration::from_secs(1);

/// One rank of a group whose messages lie on the host and travel between GPUs. Each wait has the caller's deadline, except for those
/// of the link itself: NCCL's are short once all ranks are connected, those of [`Threads`](super::Threads) are for a peer.
pub struct GpuTransport<L: Link, X: Transport> {
    link: L,
    /// Carries failures.
    side: X,
    /// Rounds that have begun, and not been done.
    begun: VecDeque<Round>,
    /// Messages that have come, in the order of their tickets.
    arrived: VecDeque<Message>,
    staging: Staging,
    failed: Option<Fault>,
}

impl<L: Link, X: Transport> GpuTransport<L, X> {
    /// A transport over a link that nothing else uses, and another transport of the same ranks, which carries their failures: for a
    /// [`Communicator`](super::Communicator), the one over which it was made. Connects every rank with every other; collective.
    ///
    /// # Errors
    /// The two have other ranks, a peer does not come by the link's deadline, or memory is short.
    pub fn new(mut link: L, side: X) -> Result<Self, GpuError> {
        let (rank, size) = (link.rank(), link.size());
        if (side.rank(), side.size()) != (rank, size) {
            let reason =
                format!("it is rank {} of {} there, {rank} of {size} here", side.rank(), side.size());
            return Err(GpuError::Different { rank, reason });
        }
        let mut staging = Staging::default();
        let staged = staging.take(&link.stream().gpu().clone(), 2 * FRAME)?;
        let piece = |peer, at: usize| Piece { peer, address: staged.address(at..at + 8), bytes: 8 };
        let peers = || (0..size).map(Rank).filter(|peer| *peer != rank);
        let (sent, received): (Vec<_>, Vec<_>) = peers().map(|peer| (piece(peer, 0), piece(peer, 8))).unzip();
        // SAFETY: the memory is kept where the link does not end; any bytes will do, from whomever.
        let connected = unsafe { link.exchange(&sent, &received) }.and_then(|()| link.wait());
        staging.give_back(staged);
        let mut transport =
            Self { link, side, begun: VecDeque::new(), arrived: VecDeque::new(), staging, failed: None };
        match connected {
            Ok(()) => Ok(transport),
            Err(error) => {
                transport.end();
                Err(error)
            }
        }
    }

    /// Does what has begun, up to the first round with a rest.
    fn advance(&mut self, peer: Rank, deadline: Duration) -> Result<(), Fault> {
        let has_rest = |round: &Round| round.messages().any(|message| message.rest().is_some());
        let count = self.begun.iter().position(has_rest).map_or(self.begun.len(), |last| last + 1);
        let mut rounds: Vec<Round> = self.begun.drain(..count).collect();
        let done = self.exchange(&mut rounds, peer, deadline);
        for Round { sent, received } in rounds {
            self.arrived.extend(received);
            sent.into_iter().for_each(|message| self.staging.give_back(message.staged));
        }
        done
    }

    fn exchange(&mut self, rounds: &mut [Round], peer: Rank, deadline: Duration) -> Result<(), Fault> {
        for message in rounds.iter().filter_map(|round| round.sent.as_ref()) {
            let uploaded = message.staged.upload(self.link.stream(), message.end());
            uploaded.map_err(|error| self.broken(peer, &error))?;
        }
        self.group(rounds, |message| Some(message.frame()), peer, deadline)?;
        for message in rounds.iter_mut().filter_map(|round| round.received.as_mut()) {
            let found = message.head(self.link.stream()).map_err(|error| self.broken(peer, &error))?;
            if found != message.envelope {
                return Err(Fault::Mismatch { peer: message.peer, expected: message.envelope, found });
            }
        }
        self.group(rounds, Message::rest, peer, deadline)
    }

    /// Moves a piece of each message, and waits for that.
    fn group(
        &mut self,
        rounds: &[Round],
        piece: impl Fn(&Message) -> Option<Piece>,
        peer: Rank,
        deadline: Duration,
    ) -> Result<(), Fault> {
        let pieces = |of: fn(&Round) -> &Option<Message>| -> Vec<Piece> {
            rounds.iter().filter_map(|round| piece(of(round).as_ref()?)).collect()
        };
        let (sent, received) = (pieces(|round| &round.sent), pieces(|round| &round.received));
        if sent.is_empty() && received.is_empty() {
            return Ok(());
        }
        let done = self.queue(&sent, &received).map_err(|error| self.broken(peer, &error))?;
        let mut waiting = Waiting::new(deadline);
        while !self.link.is_done(&done).map_err(|error| self.broken(peer, &error))? {
            self.side.listen()?;
            if !waiting.goes_on() {
                return Err(Fault::Deadline { peer, waited: deadline });
            }
        }
        Ok(())
    }

    fn queue(&mut self, sent: &[Piece], received: &[Piece]) -> Result<Event, GpuError> {
        // SAFETY: messages have their memory until this has been done, or for ever.
        unsafe { self.link.exchange(sent, received)? };
        let done = self.link.stream().gpu().event()?;
        done.record(self.link.stream())?;
        Ok(done)
    }

    /// The fault behind an error of the link: what a peer says, where one has failed, which may come a little later.
    fn broken(&mut self, peer: Rank, error: &GpuError) -> Fault {
        let mut waiting = Waiting::new(HEARSAY);
        while waiting.goes_on() {
            if let Err(fault) = self.side.listen() {
                return fault;
            }
        }
        Fault::System { peer, reason: error.to_string() }
    }

    fn fail(&mut self, fault: Fault) -> Fault {
        // What another rank has said reaches all by itself.
        if !matches!(fault, Fault::Failed { .. } | Fault::Left { .. }) {
            self.side.abandon(&fault.to_string());
        }
        self.end();
        self.failed.get_or_insert(fault).clone()
    }

    /// Fails for a reason of this rank's own.
    fn die(&mut self, reason: &str) {
        self.side.abandon(reason);
        self.end();
        self.failed.get_or_insert(Fault::Failed { peer: self.link.rank(), reason: reason.to_owned() });
    }

    /// Ends the link, and keeps the memory of what it has not ended.
    fn end(&mut self) {
        let rounds = self.begun.drain(..).flat_map(|Round { sent, received }| [sent, received]);
        let messages = rounds.flatten().chain(self.arrived.drain(..));
        messages.for_each(|message| self.staging.give_back(message.staged));
        if !self.link.abort() {
            self.staging.forget();
        }
    }

    fn alive(&self) -> Result<(), Fault> {
        self.failed.clone().map_or(Ok(()), Err)
    }

    fn message(&mut self, peer: Rank, envelope: Envelope) -> Result<Message, Fault> {
        let gpu = self.link.stream().gpu().clone();
        let staged = self.staging.take(&gpu, Message::room(envelope));
        let staged = staged.map_err(|error| Fault::System { peer, reason: error.to_string() })?;
        Ok(Message { peer, envelope, staged })
    }

    fn outgoing(&mut self, tag: Tag, (to, parts): (Rank, &[&[u8]])) -> Result<Message, Fault> {
        let bytes = parts.iter().map(|part| part.len() as u64).sum();
        let mut message = self.message(to, Envelope { tag, bytes })?;
        message.write(parts);
        Ok(message)
    }

    fn round(&mut self, ticket: &Ticket, send: Option<(Rank, &[&[u8]])>) -> Result<Round, Fault> {
        let sent = send.map(|send| self.outgoing(ticket.tag, send)).transpose()?;
        let bytes = ticket.lengths.iter().map(|&bytes| bytes as u64).sum();
        let envelope = Envelope { tag: ticket.tag, bytes };
        let received = ticket.from.map(|from| self.message(from, envelope)).transpose()?;
        Ok(Round { sent, received })
    }

    fn receive(
        &mut self,
        ticket: &Ticket,
        from: Rank,
        deadline: Duration,
        sink: &mut dyn FnMut(Chunk<'_>),
    ) -> Result<(), Fault> {
        while self.arrived.is_empty() {
            self.advance(from, deadline)?;
        }
        // It stays there until it has been read: memory is not freed where a sink unwinds.
        let Some(message) = self.arrived.front_mut() else { return Ok(()) };
        let mut end = HEAD;
        for (part, &bytes) in ticket.lengths.iter().enumerate().filter(|(_, bytes)| **bytes > 0) {
            match message.staged.download(self.link.stream(), end..end + bytes) {
                Ok(bytes) => sink(Chunk { part, offset: 0, bytes }),
                Err(error) => return Err(self.broken(from, &error)),
            }
            end += bytes;
        }
        let read = self.arrived.pop_front();
        read.into_iter().for_each(|message| self.staging.give_back(message.staged));
        Ok(())
    }
}

// SAFETY: `begin` copies what is sent.
unsafe impl<L: Link, X: Transport> Transport for GpuTransport<L, X> {
    fn rank(&self) -> Rank {
        self.link.rank()
    }

    fn size(&self) -> u32 {
        self.link.size()
    }

    unsafe fn begin(
        &mut self,
        tag: Tag,
        send: Option<(Rank, &[&[u8]])>,
        receive: Option<(Rank, &[usize])>,
        _deadline: Duration,
    ) -> Result<Ticket, Fault> {
        self.alive()?;
        let ticket = Ticket::new(tag, receive);
        let round = self.round(&ticket, send).map_err(|fault| self.fail(fault))?;
        self.begun.push_back(round);
        Ok(ticket)
    }

    fn finish(
        &mut self,
        ticket: Ticket,
        deadline: Duration,
        sink: &mut dyn FnMut(Chunk<'_>),
    ) -> Result<(), Fault> {
        self.alive()?;
        match ticket.from {
            Some(from) => self.receive(&ticket, from, deadline, sink).map_err(|fault| self.fail(fault)),
            None => Ok(()),
        }
    }

    fn wait_sent(&mut self, deadline: Duration) -> Result<(), Fault> {
        self.alive()?;
        while let Some(round) = self.begun.front() {
            let peer = round.messages().next().map_or(self.link.rank(), |message| message.peer);
            self.advance(peer, deadline).map_err(|fault| self.fail(fault))?;
        }
        Ok(())
    }

    fn revoke(&mut self) {
        if !self.begun.is_empty() || !self.arrived.is_empty() {
            self.die(revoked());
        }
    }

    fn abandon(&mut self, reason: &str) {
        self.die(reason);
    }

    fn listen(&mut self) -> Result<(), Fault> {
        self.alive()?;
        self.side.listen().map_err(|fault| self.fail(fault))
    }
}

impl<L: Link, X: Transport> Drop for GpuTransport<L, X> {
    fn drop(&mut self) {
        if std::thread::panicking() && self.failed.is_none() {
            self.die("it panicked");
        }
    }
}
