//! The exact average in rounds that carry slices: a reduce-scatter and an all-gather.

use super::{Broken, Operands, Running, Wire};
use crate::element::Element;
use crate::error::{ExchangeKind, RuntimeError};
use crate::kernel;
use crate::registers::{Buffer, Registers};
use crate::transport::{Chunk, Transport};
use bfc_schedule::Rank;
use bfc_schedule::average::{Average, SliceRound};
use bytemuck::cast_slice;
use std::ops::Range;

impl<X: Transport> Wire<X> {
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
        running.wait_sent(round)
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
