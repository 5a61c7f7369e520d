//! What the neighbours hold for the edges to this rank: a message of its own for each of them.

use super::{Operands, Wire};
use crate::element::Element;
use crate::error::{ExchangeKind, RuntimeError};
use crate::plan::Plan;
use crate::registers::{Buffer, Registers};
use crate::transport::{Chunk, Transport};
use bfc_schedule::Rank;
use bytemuck::{cast_slice, cast_slice_mut};

impl<X: Transport> Wire<X> {
    /// `into ←` for each neighbour what it holds in `from` for this rank.
    pub(crate) fn back<T: Element>(
        &mut self,
        plan: &Plan<T>,
        operands: &Operands,
        registers: &mut Registers<'_, T>,
        step: Option<u64>,
    ) -> Result<(), RuntimeError> {
        let exchange = self.start(step, ExchangeKind::Mix { topology: 0, phase: 0 });
        let places: Vec<Rank> = plan.neighbours().collect();
        let place = |rank: Rank| places.iter().position(|known| *known == rank);
        // Elements of a register for one neighbour.
        let block = |register: &[T]| register.len() / places.len().max(1);
        let mut targets: Vec<Buffer<'_, T>> =
            operands.vectors.iter().map(|&(_, into)| std::mem::take(&mut registers.vectors[into])).collect();
        // The numbers for a neighbour travel together.
        let number = |at: usize| operands.scalars.iter().map(move |(from, _)| (*from, at));
        let sent: Vec<f64> = (0..places.len())
            .flat_map(number)
            .map(|(from, at)| registers.small.edge_scalars[from][at])
            .collect();
        let mut received = vec![0.0; sent.len()];
        let sources: Vec<&[T]> =
            operands.vectors.iter().map(|&(from, _)| &registers.vectors[from][..]).collect();
        let numbers = operands.scalars.len();
        let result = self.run(exchange, |running| {
            let mut tickets = vec![];
            for action in &plan.actions {
                let parts = action.send_to.and_then(place).map(|at| {
                    let mut parts: Vec<&[u8]> = sources
                        .iter()
                        .map(|source| {
                            let block = block(source);
                            cast_slice(&source[at * block..][..block])
                        })
                        .collect();
                    parts.push(cast_slice(&sent[at * numbers..][..numbers]));
                    parts
                });
                let lengths: Vec<usize> = sources
                    .iter()
                    .map(|source| block(source) * size_of::<T>())
                    .chain([numbers * size_of::<f64>()])
                    .collect();
                let send = action.send_to.zip(parts.as_deref());
                let receive = action.receive.map(|(from, _)| (from, lengths.as_slice()));
                tickets.push(running.begin(action.round, send, receive)?);
            }
            for (action, ticket) in plan.actions.iter().zip(tickets) {
                let Some(at) = action.receive.and_then(|(from, _)| place(from)) else { continue };
                running.finish(ticket, &mut |chunk| match targets.get_mut(chunk.part) {
                    Some(target) => {
                        let block = block(target);
                        fill(cast_slice_mut(&mut target[at * block..][..block]), chunk);
                    }
                    None => fill(cast_slice_mut(&mut received[at * numbers..][..numbers]), chunk),
                })?;
            }
            running.wait_sent(plan.actions.last().map_or(0, |action| action.round))
        });
        for (&(_, into), target) in operands.vectors.iter().zip(targets) {
            registers.vectors[into] = target;
        }
        result?;
        for (index, &(_, into)) in operands.scalars.iter().enumerate() {
            for (at, number) in registers.small.edge_scalars[into].iter_mut().enumerate() {
                *number = received[at * numbers + index];
            }
        }
        Ok(())
    }
}

fn fill(target: &mut [u8], chunk: Chunk<'_>) {
    target[chunk.offset..chunk.offset + chunk.bytes.len()].copy_from_slice(chunk.bytes);
}
