//! A mix: each rank's weighted sum of what its in-neighbours send.

use super::{Broken, Operands, Running, Wire};
use crate::element::Element;
use crate::error::{ExchangeKind, Place, RuntimeError, What};
use crate::kernel;
use crate::plan::{Plan, Weight};
use crate::registers::{Buffer, Registers};
use crate::transport::{Chunk, Tag, Transport};
use bytemuck::{cast_slice, cast_slice_mut};

impl<X: Transport> Wire<X> {
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
