//! The exact average in rounds that carry slices: a reduce-scatter and an all-gather.

use super::{Broken, Exchange, Running, Wire};
use crate::element::Element;
use crate::error::{Place, RuntimeError};
use crate::kernel;
use crate::memory::Buffer;
use crate::storage::{Dtype, arithmetic};
use crate::transport::{Chunk, Transport};
use bfc_schedule::Rank;
use bfc_schedule::average::{Average, SliceRound};
use bytemuck::{cast_slice, cast_slice_mut};
use std::ops::Range;

impl<X: Transport> Wire<X> {
    /// `target ←` the average of `source` over all ranks, by rounds that carry slices, in the type that it is computed in.
    pub(super) fn average(&mut self, average: &Average, exchange: &mut Exchange) -> Result<(), RuntimeError> {
        let number = self.start();
        let Exchange { place, vectors, scalars, .. } = exchange;
        let mut sums = vec![];
        for operand in &mut *vectors {
            let dtype = arithmetic(operand.target.dtype());
            let sum = match (&operand.source, operand.target.dtype() == dtype) {
                (None, true) => operand.target.take(),
                (source, is_whole) => {
                    let mut sum = match is_whole {
                        true => operand.target.take(),
                        false => self.spares.take(dtype, operand.target.len(), &mut self.transport),
                    };
                    sum.copy_from(source.as_ref().unwrap_or(&operand.target));
                    sum
                }
            };
            sums.push(sum);
        }
        let result = self.slices((number, place), average, &mut sums, scalars);
        for (operand, sum) in vectors.iter_mut().zip(sums) {
            if operand.target.dtype() == sum.dtype() {
                operand.target = sum;
            } else {
                if result.is_ok() {
                    operand.target.copy_from(&sum);
                }
                self.spares.give_back(sum);
            }
        }
        result
    }

    fn slices(
        &mut self,
        (exchange, place): (u64, &Place),
        average: &Average,
        vectors: &mut [Buffer],
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
            self.run(exchange, place, |running| exchanged.run(running, round, adds))?;
        }
        if average.gather.is_empty() {
            own_block(rank, size, vectors, scalars);
        }
        Ok(())
    }
}

/// The slices of one round of an average: what is sent and what is received, two pieces of each vector.
struct Exchanged<'a> {
    to: Rank,
    from: Rank,
    sent: Vec<&'a [u8]>,
    received: Vec<(Dtype, &'a mut [u8])>,
}

impl<'a> Exchanged<'a> {
    fn new(
        rank: Rank,
        size: u32,
        round: &SliceRound,
        vectors: &'a mut [Buffer],
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
        let mut exchanged = Self { to, from, sent: vec![], received: vec![] };
        let vectors = vectors.iter_mut().map(|vector| (vector.dtype(), vector.bytes_mut()));
        for (dtype, values) in vectors.chain([(Dtype::F64, cast_slice_mut(scalars))]) {
            let element = dtype.bytes();
            let ranges =
                cut(values.len() / element).map(|Range { start, end }| start * element..end * element);
            let [a, b, c, d] = split(values, ranges);
            exchanged.sent.extend([&*a, &*b]);
            exchanged.received.extend([(dtype, c), (dtype, d)]);
        }
        exchanged
    }

    fn run<X: Transport>(
        mut self,
        running: &mut Running<'_, '_, 'a, X>,
        round: u32,
        adds: bool,
    ) -> Result<(), Broken> {
        let lengths: Vec<_> = self.received.iter().map(|(_, piece)| piece.len()).collect();
        let ticket = running.begin(round, Some((self.to, &self.sent)), Some((self.from, &lengths)))?;
        running.finish(ticket, &mut |chunk| {
            let (dtype, piece) = &mut self.received[chunk.part];
            match dtype {
                Dtype::F64 => self::place::<f64>(cast_slice_mut(piece), chunk, adds),
                _ => self::place::<f32>(cast_slice_mut(piece), chunk, adds),
            }
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
fn own_block(rank: Rank, size: u32, vectors: &mut [Buffer], scalars: &mut [f64]) {
    fn divide<T: Element>(values: &mut [T], rank: Rank, size: u32) {
        let [own, _] = blocks(values.len(), size, rank.0 as u64, 1);
        let divisor = T::from_f64(size as f64);
        values[own].iter_mut().for_each(|value| *value = *value / divisor);
    }
    for vector in vectors {
        match vector.dtype() {
            Dtype::F64 => divide::<f64>(vector.values_mut(), rank, size),
            _ => divide::<f32>(vector.values_mut(), rank, size),
        }
    }
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
