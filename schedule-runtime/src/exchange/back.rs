//! What the neighbours hold for the edges to this rank: a message of its own for each of them.

use super::{Exchange, Wire, fill};
use crate::error::RuntimeError;
use crate::plan::Plan;
use crate::transport::Transport;
use bfc_schedule::Rank;
use bytemuck::{cast_slice, cast_slice_mut};

impl<X: Transport> Wire<X> {
    /// `target ←` for each neighbour what it holds in `source` for this rank.
    pub(super) fn back(&mut self, plan: &Plan, exchange: &mut Exchange) -> Result<(), RuntimeError> {
        let number = self.start();
        let Exchange { place, vectors, scalars, .. } = exchange;
        let places: Vec<Rank> = plan.neighbours().collect();
        let index = |rank: Rank| places.iter().position(|known| *known == rank);
        let neighbours = places.len().max(1);
        let sent = scalars.clone();
        let received: &mut [u8] = cast_slice_mut(scalars);
        let (sources, mut targets): (Vec<&[u8]>, Vec<&mut [u8]>) = vectors
            .iter_mut()
            .map(|operand| {
                let source = operand.source.as_ref().expect("what comes back goes to another register");
                (source.bytes(), operand.target.bytes_mut())
            })
            .chain([(cast_slice(&sent), received)])
            .unzip();
        // Each is the same number of bytes for every neighbour.
        let lengths: Vec<usize> = sources.iter().map(|source| source.len() / neighbours).collect();
        self.run(number, place, |running| {
            let mut tickets = vec![];
            for action in &plan.actions {
                let parts = action.send_to.and_then(index).map(|at| -> Vec<&[u8]> {
                    sources
                        .iter()
                        .zip(&lengths)
                        .map(|(source, bytes)| &source[at * bytes..][..*bytes])
                        .collect()
                });
                let send = action.send_to.zip(parts.as_deref());
                let receive = action.receive.map(|(from, _)| (from, lengths.as_slice()));
                tickets.push(running.begin(action.round, send, receive)?);
            }
            for (action, ticket) in plan.actions.iter().zip(tickets) {
                let Some(at) = action.receive.and_then(|(from, _)| index(from)) else { continue };
                running.finish(ticket, &mut |chunk| {
                    let bytes = lengths[chunk.part];
                    fill(&mut targets[chunk.part][at * bytes..][..bytes], chunk);
                })?;
            }
            running.wait_sent(plan.actions.last().map_or(0, |action| action.round))
        })
    }
}
