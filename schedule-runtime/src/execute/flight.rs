//! What an exchange takes out of the registers, and puts back when it is over: at once, or after a flight.

use crate::error::RuntimeError;
use crate::exchange::{Begun, Done, Exchange};
use crate::registers::Registers;
use bfc_schedule::program::{Flight, Operator, Shape, Transfer};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The operands of an exchange by shape; pairs of (from, into), registers by index.
#[derive(Debug)]
pub(super) struct Operands {
    /// Vectors, or vectors or factors per edge.
    pub(super) vectors: Vec<(usize, usize)>,
    /// Codes, and the vectors that they become.
    pub(super) codes: Vec<(usize, usize)>,
    pub(super) scalars: Vec<(usize, usize)>,
}

/// What is in flight.
#[derive(Debug, Default)]
pub(crate) struct Flights {
    pub(super) open: BTreeMap<Flight, Vec<Flying>>,
    /// Of buckets whose answer was there before that of others.
    pub(super) ahead: Vec<Flying>,
}

/// One bucket's part of a flight.
#[derive(Debug)]
pub(super) struct Flying {
    pub(super) bucket: usize,
    pub(super) begun: Begun<Done>,
    pub(super) operands: Arc<Operands>,
    pub(super) operator: Operator,
}

impl Flights {
    /// Waits for all of them and drops what they worked on: the machine is lost.
    pub(crate) fn abandon(&mut self) {
        let open = std::mem::take(&mut self.open).into_values().flatten();
        open.chain(std::mem::take(&mut self.ahead)).for_each(|flying| flying.begun.abandon());
    }

    /// Waits for a flight, where it goes on.
    pub(super) fn finish(&mut self, flight: Flight, registers: &mut Registers) -> Result<(), RuntimeError> {
        finish(self.open.remove(&flight).unwrap_or_default(), registers)
    }

    /// Waits for all of them.
    pub(crate) fn finish_all(&mut self, registers: &mut Registers) -> Result<(), RuntimeError> {
        let open = std::mem::take(&mut self.open).into_values().flatten();
        finish(open.chain(std::mem::take(&mut self.ahead)), registers)
    }
}

/// Waits for exchanges, and puts what they worked on in its place; the first failure.
pub(super) fn finish(
    flying: impl IntoIterator<Item = Flying>,
    registers: &mut Registers,
) -> Result<(), RuntimeError> {
    let mut result = Ok(());
    for Flying { bucket, begun, operands, operator } in flying {
        let (exchange, done) = begun.finish();
        operands.put_back(exchange, bucket, operator, registers);
        result = result.and(done);
    }
    result
}

impl Operands {
    pub(super) fn new(transfers: &[Transfer], registers: &[Shape]) -> Self {
        let mut operands = Self { vectors: vec![], codes: vec![], scalars: vec![] };
        for transfer in transfers {
            let pair = (transfer.from.0 as usize, transfer.into.0 as usize);
            match registers[pair.0] {
                Shape::Vector | Shape::EdgeVector | Shape::EdgeFactor(_) => operands.vectors.push(pair),
                Shape::Scalar | Shape::EdgeScalar => operands.scalars.push(pair),
                Shape::Code(_) => operands.codes.push(pair),
            }
        }
        operands
    }

    /// The numbers that travel; those for one neighbour together, where each neighbour gets its own.
    pub(super) fn scalars_sent(&self, operator: Operator, registers: &Registers) -> Vec<f64> {
        let sources = self.scalars.iter().map(|&(from, _)| from);
        match operator {
            Operator::Back => {
                let edges = |at: usize| sources.clone().map(move |from| registers.edge_scalars[from][at]);
                let neighbours = sources.clone().map(|from| registers.edge_scalars[from].len()).max();
                (0..neighbours.unwrap_or(0)).flat_map(edges).collect()
            }
            _ => sources.map(|from| registers.scalars[from]).collect(),
        }
    }

    /// Puts what an exchange worked on in its place.
    pub(super) fn put_back(
        &self,
        exchange: Exchange,
        bucket: usize,
        operator: Operator,
        registers: &mut Registers,
    ) {
        let targets = self.vectors.iter().chain(&self.codes).map(|&(_, into)| into);
        let Exchange { vectors, codes, scalars, .. } = exchange;
        let buffers = vectors.into_iter().map(|operand| operand.target);
        for (into, buffer) in targets.zip(buffers.chain(codes.into_iter().map(|coded| coded.target))) {
            registers.buckets[bucket].vectors[into] = buffer;
        }
        if bucket > 0 {
            return;
        }
        let numbers = self.scalars.len();
        for (index, &(_, into)) in self.scalars.iter().enumerate() {
            match operator {
                Operator::Back => {
                    for (at, number) in registers.edge_scalars[into].iter_mut().enumerate() {
                        *number = scalars[at * numbers + index];
                    }
                }
                _ => registers.scalars[into] = scalars[index],
            }
        }
    }
}
