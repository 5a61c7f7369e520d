//! Exchanges: what a program mixes or averages becomes rounds of a transport.

use crate::element::Element;
use crate::error::{ExchangeKind, Place, RuntimeError, Trace, What};
use crate::kernel;
use crate::plan::{Plan, Weight};
use crate::registers::{Buffer, Registers};
use crate::transport::{Chunk, Fault, Rounds, Tag, Ticket, Transport, rounds};
use bfc_schedule::Rank;
use bfc_schedule::average::{Average, SliceRound};
use bfc_schedule::program::{Shape, Transfer};
use bytemuck::{cast_slice, cast_slice_mut};
use std::ops::Range;
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
    pub(crate) vectors: Vec<(usize, usize)>,
    pub(crate) scalars: Vec<(usize, usize)>,
}

impl Operands {
    pub(crate) fn new(transfers: &[Transfer], registers: &[Shape]) -> Self {
        let of = |shape| {
            let own = transfers.iter().filter(|transfer| registers[transfer.from.0 as usize] == shape);
            own.map(|transfer| (transfer.from.0 as usize, transfer.into.0 as usize)).collect()
        };
        Self { vectors: of(Shape::Vector), scalars: of(Shape::Scalar) }
    }

    fn in_place(&self) -> bool {
        self.vectors.iter().chain(&self.scalars).all(|(from, into)| from == into)
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
                running.settle(0)
            })?;
            // Not the algorithm's.
            self.bytes_sent = 0;
        } else {
            theirs.copy_from_slice(mine);
        }
        Ok((before, theirs))
    }

    /// `into ← W from` for all operands, by the rounds of one phase.
    pub(crate) fn mix<T: Element>(
        &mut self,
        plan: &Plan<T>,
        operands: &Operands,
        registers: &mut Registers<'_, T>,
        step: Option<u64>,
        exchange: ExchangeKind,
    ) -> Result<(), RuntimeError> {
        let exchange = self.start(step, exchange);
        let in_place = operands.in_place();
        if in_place && (plan.is_identity() || self.pair(exchange, plan, operands, registers)?) {
            return Ok(());
        }
        let scalars = operands.read_scalars(registers);
        let mut sums = Sums {
            vectors: operands
                .vectors
                .iter()
                .map(|&(from, into)| match from == into {
                    true => registers.take_spare(),
                    false => std::mem::take(&mut registers.vectors[into]),
                })
                .collect(),
            scalars: vec![0.0; scalars.len()],
            fresh: true,
        };
        let sources = operands.vectors.iter().map(|&(from, _)| &registers.vectors[from][..]).collect();
        let sources = Sources { vectors: sources, scalars: &scalars };
        let result = self.run(exchange, |running| weighted_sum(running, plan, &sources, &mut sums));
        for (&(from, into), sum) in operands.vectors.iter().zip(sums.vectors) {
            match (from == into, &result) {
                (true, Ok(())) => {
                    registers.spare.push(std::mem::replace(&mut registers.vectors[into], sum));
                }
                // What was sent is as it was before the failure.
                (true, Err(_)) => registers.spare.push(sum),
                (false, _) => registers.vectors[into] = sum,
            }
        }
        result?;
        operands.write_scalars(registers, &sums.scalars);
        Ok(())
    }

    /// The exchange in place with one partner, where that is possible.
    fn pair<T: Element>(
        &mut self,
        exchange: u64,
        plan: &Plan<T>,
        operands: &Operands,
        registers: &mut Registers<'_, T>,
    ) -> Result<bool, RuntimeError> {
        let Some((peer, weight, round)) = plan.partner() else { return Ok(false) };
        let mut scalars = operands.read_scalars(registers);
        let mut taken: Vec<Buffer<'_, T>> =
            operands.vectors.iter().map(|&(from, _)| std::mem::take(&mut registers.vectors[from])).collect();
        let vectors = taken.len();
        let mut parts: Vec<&mut [u8]> = taken.iter_mut().map(|vector| cast_slice_mut(vector)).collect();
        if !scalars.is_empty() {
            parts.push(cast_slice_mut(&mut scalars));
        }
        let bytes: usize = parts.iter().map(|part| part.len()).sum();
        let (own, tag) = (plan.self_weight, Tag { exchange, round });
        let mine = [own.vector.to_f64(), weight.vector.to_f64(), own.scalar, weight.scalar];
        let done = self.transport.pair(tag, peer, &mut parts, mine, self.deadline, &mut |chunk| {
            let theirs = chunk.their_weights;
            if chunk.part < vectors {
                let round = |weights: &[f64]| [T::from_f64(weights[0]), T::from_f64(weights[1])];
                let (x, y) = (cast_slice_mut(chunk.mine), cast_slice_mut(chunk.theirs));
                kernel::pair::<T>(x, y, round(&mine[..2]), round(&theirs[..2]));
            } else {
                let (x, y) = (cast_slice_mut(chunk.mine), cast_slice_mut(chunk.theirs));
                kernel::pair::<f64>(x, y, [mine[2], mine[3]], [theirs[2], theirs[3]]);
            }
        });
        for (&(from, _), vector) in operands.vectors.iter().zip(taken) {
            registers.vectors[from] = vector;
        }
        let done = done.map_err(|fault| self.error((round, fault)))?;
        if done {
            operands.write_scalars(registers, &scalars);
            self.bytes_sent += bytes as u64;
            self.trace.note(Place { round, ..self.place.clone() }, What::Paired(peer));
        }
        Ok(done)
    }

    /// `into ←` the average of `from` over all ranks, by rounds that carry slices.
    pub(crate) fn average<T: Element>(
        &mut self,
        average: &Average,
        operands: &Operands,
        registers: &mut Registers<'_, T>,
        step: Option<u64>,
    ) -> Result<(), RuntimeError> {
        let exchange = self.start(step, ExchangeKind::Average);
        let mut vectors = vec![];
        for &(from, into) in &operands.vectors {
            let mut target = std::mem::take(&mut registers.vectors[into]);
            if from != into {
                target.copy_from_slice(&registers.vectors[from]);
            }
            vectors.push(target);
        }
        let mut scalars = operands.read_scalars(registers);
        let result = self.slices(exchange, average, &mut vectors, &mut scalars);
        for (&(_, into), vector) in operands.vectors.iter().zip(vectors) {
            registers.vectors[into] = vector;
        }
        operands.write_scalars(registers, &scalars);
        result
    }

    fn slices<T: Element>(
        &mut self,
        exchange: u64,
        average: &Average,
        vectors: &mut [Buffer<'_, T>],
        scalars: &mut [f64],
    ) -> Result<(), RuntimeError> {
        let (rank, size) = (self.transport.rank(), average.size);
        let reduce = average.reduce.iter().map(|round| (round, true));
        let gather = average.gather.iter().map(|round| (round, false));
        for ((slices, adds), round) in reduce.chain(gather).zip(0..) {
            if round == average.reduce.len() as u32 {
                own_block(rank, size, vectors, scalars);
            }
            let exchanged = Exchanged::new(rank, size, slices, vectors, scalars);
            self.run(exchange, |running| exchanged.run(running, round, adds))?;
        }
        if average.gather.is_empty() {
            own_block(rank, size, vectors, scalars);
        }
        Ok(())
    }
}

/// What is under way inside [`rounds`].
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

    fn settle(&mut self, round: u32) -> Result<(), Broken> {
        self.rounds.settle(self.deadline).map_err(|fault| (round, fault))?;
        self.note(round, What::Settled);
        Ok(())
    }

    fn note(&mut self, round: u32, what: What) {
        self.trace.note(Place { round, ..self.place.clone() }, what);
    }
}

struct Sources<'a, T> {
    vectors: Vec<&'a [T]>,
    scalars: &'a [f64],
}

struct Sums<'a, T> {
    vectors: Vec<Buffer<'a, T>>,
    scalars: Vec<f64>,
    /// Nothing has been received yet: the self term is still to come.
    fresh: bool,
}

fn weighted_sum<'env, T: Element, X: Transport>(
    running: &mut Running<'_, '_, 'env, X>,
    plan: &Plan<T>,
    sources: &'env Sources<'_, T>,
    sums: &mut Sums<'_, T>,
) -> Result<(), Broken> {
    let mut parts: Vec<&[u8]> = sources.vectors.iter().map(|vector| cast_slice(vector)).collect();
    if !sources.scalars.is_empty() {
        parts.push(cast_slice(sources.scalars));
    }
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    let mut tickets = vec![];
    for action in &plan.actions {
        let send = action.send_to.map(|to| (to, parts.as_slice()));
        let receive = action.receive.map(|(from, _)| (from, lengths.as_slice()));
        tickets.push(running.begin(action.round, send, receive)?);
    }
    for (action, ticket) in plan.actions.iter().zip(tickets) {
        let Some((_, weight)) = action.receive else { continue };
        running.finish(ticket, &mut |chunk| sums.take(plan.self_weight, weight, sources, chunk))?;
        sums.fresh = false;
    }
    if sums.fresh {
        sums.keep(plan.self_weight, sources);
    }
    running.settle(plan.actions.last().map_or(0, |action| action.round))
}

impl<T: Element> Sums<'_, T> {
    fn take(&mut self, own: Weight<T>, weight: Weight<T>, sources: &Sources<'_, T>, chunk: Chunk<'_>) {
        match self.vectors.get_mut(chunk.part) {
            Some(sum) => {
                let source = sources.vectors[chunk.part];
                term(sum, source, own.vector, weight.vector, self.fresh, chunk);
            }
            None => term(&mut self.scalars, sources.scalars, own.scalar, weight.scalar, self.fresh, chunk),
        }
    }

    fn keep(&mut self, own: Weight<T>, sources: &Sources<'_, T>) {
        for (sum, source) in self.vectors.iter_mut().zip(&sources.vectors) {
            kernel::scale(sum, own.vector, source);
        }
        kernel::scale(&mut self.scalars, own.scalar, sources.scalars);
    }
}

fn term<T: Element>(sum: &mut [T], source: &[T], own: T, weight: T, fresh: bool, chunk: Chunk<'_>) {
    let received: &[T] = cast_slice(chunk.bytes);
    let start = chunk.offset / size_of::<T>();
    let range = start..start + received.len();
    match fresh {
        true => kernel::first(&mut sum[range.clone()], own, &source[range], weight, received),
        false => kernel::accumulate(&mut sum[range], weight, received),
    }
}

/// The slices of one round of an average: what is sent and what is received, two pieces of each vector.
struct Exchanged<'a, T> {
    to: Rank,
    from: Rank,
    sent: Vec<&'a [u8]>,
    vectors: Vec<&'a mut [T]>,
    scalars: Vec<&'a mut [f64]>,
}

impl<'a, T: Element> Exchanged<'a, T> {
    fn new(
        rank: Rank,
        size: u32,
        round: &SliceRound,
        vectors: &'a mut [Buffer<'_, T>],
        scalars: &'a mut [f64],
    ) -> Self {
        let ahead = |offset: u32| Rank(((rank.0 as u64 + offset as u64) % size as u64) as u32);
        let (to, from) = (ahead(round.hop), ahead(size - round.hop % size));
        let cut = |length: usize| {
            let blocks = |rank: Rank| {
                blocks(length, size, (rank.0 as u64 + round.first as u64) % size as u64, round.count)
            };
            let ([a, b], [c, d]) = (blocks(rank), blocks(from));
            [a, b, c, d]
        };
        let mut exchanged = Self { to, from, sent: vec![], vectors: vec![], scalars: vec![] };
        for vector in vectors {
            let ranges = cut(vector.len());
            let [a, b, c, d] = split(vector, ranges);
            exchanged.sent.extend([cast_slice(a), cast_slice(b)]);
            exchanged.vectors.extend([c, d]);
        }
        let ranges = cut(scalars.len());
        let [a, b, c, d] = split(scalars, ranges);
        exchanged.sent.extend([cast_slice(a), cast_slice(b)]);
        exchanged.scalars.extend([c, d]);
        exchanged
    }

    fn run<X: Transport>(
        mut self,
        running: &mut Running<'_, '_, 'a, X>,
        round: u32,
        adds: bool,
    ) -> Result<(), Broken> {
        let vectors = self.vectors.iter().map(|piece| size_of_val(*piece));
        let lengths: Vec<_> = vectors.chain(self.scalars.iter().map(|piece| size_of_val(*piece))).collect();
        let ticket = running.begin(round, Some((self.to, &self.sent)), Some((self.from, &lengths)))?;
        running.finish(ticket, &mut |chunk| match chunk.part.checked_sub(self.vectors.len()) {
            None => place(self.vectors[chunk.part], chunk, adds),
            Some(part) => place(self.scalars[part], chunk, adds),
        })?;
        running.settle(round)
    }
}

fn place<T: Element>(piece: &mut [T], chunk: Chunk<'_>, adds: bool) {
    let received: &[T] = cast_slice(chunk.bytes);
    let start = chunk.offset / size_of::<T>();
    let piece = &mut piece[start..start + received.len()];
    if adds { kernel::add(piece, received) } else { piece.copy_from_slice(received) }
}

/// Where block `block` of `size` begins in a vector.
fn boundary(length: usize, size: u32, block: u64) -> usize {
    (length as u128 * block as u128 / size as u128) as usize
}

/// The elements of `count` blocks from `first` on, modulo `size`: up to the end, and from the beginning.
fn blocks(length: usize, size: u32, first: u64, count: u32) -> [Range<usize>; 2] {
    let end = first + count as u64;
    let to = |block| boundary(length, size, block);
    let wrapped = end.saturating_sub(size as u64);
    [to(first)..to(end.min(size as u64)), 0..to(wrapped)]
}

/// Divides this rank's own block of sums by the number of ranks.
fn own_block<T: Element>(rank: Rank, size: u32, vectors: &mut [Buffer<'_, T>], scalars: &mut [f64]) {
    fn divide<T: Element>(values: &mut [T], rank: Rank, size: u32) {
        let [own, _] = blocks(values.len(), size, rank.0 as u64, 1);
        let divisor = T::from_f64(size as f64);
        values[own].iter_mut().for_each(|value| *value = *value / divisor);
    }
    vectors.iter_mut().for_each(|vector| divide(vector, rank, size));
    divide(scalars, rank, size);
}

/// Disjoint pieces of a slice.
///
/// # Panics
/// Where they overlap; what a verified round sends and what it receives do not.
fn split<T, const N: usize>(slice: &mut [T], ranges: [Range<usize>; N]) -> [&mut [T]; N] {
    let mut order: Vec<usize> = (0..N).collect();
    order.sort_by_key(|&index| (ranges[index].start, ranges[index].end));
    let mut pieces = std::array::from_fn(|_| Default::default());
    let (mut rest, mut at) = (slice, 0);
    for index in order {
        let Range { start, end } = ranges[index].clone();
        if start == end {
            continue;
        }
        let (_, from) = rest.split_at_mut(start - at);
        let (piece, after) = from.split_at_mut(end - start);
        (pieces[index], rest, at) = (piece, after, end);
    }
    pieces
}
