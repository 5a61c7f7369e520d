//! A mix: each rank's weighted sum of what its in-neighbours send, vectors, numbers or codes. What a code says is added
//! as a vector would be, so that compression changes messages and nothing else.

use super::{Broken, Coded, Operands, Running, Wire};
use crate::compression::decode;
use crate::element::Element;
use crate::error::{ExchangeKind, Place, RuntimeError, What};
use crate::kernel;
use crate::plan::{Part, Weight};
use crate::registers::{Buffer, Registers};
use crate::transport::{Chunk, Tag, Transport};
use bytemuck::{cast_slice, cast_slice_mut};

impl<X: Transport> Wire<X> {
    /// `into ← W from` for all operands, by the rounds of one phase.
    pub(crate) fn mix<T: Element>(
        &mut self,
        plan: Part<'_, T>,
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
        let mut arriving = Arriving::take(operands, registers, step.unwrap_or(0));
        let targets = || {
            operands.vectors.iter().copied().chain(operands.codes.iter().map(|code| (usize::MAX, code.into)))
        };
        let mut sums = Sums {
            vectors: targets()
                .map(|(from, into)| match from == into {
                    true => registers.take_spare(),
                    false => std::mem::take(&mut registers.vectors[into]),
                })
                .collect(),
            scalars: vec![0.0; scalars.len()],
            fresh: true,
        };
        let sources = Sources {
            vectors: operands.vectors.iter().map(|&(from, _)| &registers.vectors[from][..]).collect(),
            codes: operands.codes.iter().map(|code| &registers.small.codes[code.from][..]).collect(),
            scalars: &scalars,
        };
        let result =
            self.run(exchange, |running| weighted_sum(running, plan, &sources, &mut sums, &mut arriving));
        arriving.give_back(registers);
        for ((from, into), sum) in targets().zip(sums.vectors) {
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
        plan: Part<'_, T>,
        operands: &Operands,
        registers: &mut Registers<'_, T>,
    ) -> Result<bool, RuntimeError> {
        let Some((peer, [own, weight], round)) = plan.partner() else { return Ok(false) };
        let mut scalars = operands.read_scalars(registers);
        let mut taken: Vec<Buffer<'_, T>> =
            operands.vectors.iter().map(|&(from, _)| std::mem::take(&mut registers.vectors[from])).collect();
        let vectors = taken.len();
        let mut parts: Vec<&mut [u8]> = taken.iter_mut().map(|vector| cast_slice_mut(vector)).collect();
        if !scalars.is_empty() {
            parts.push(cast_slice_mut(&mut scalars));
        }
        let bytes: usize = parts.iter().map(|part| part.len()).sum();
        let tag = Tag { exchange, round };
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
    codes: Vec<&'a [u8]>,
    scalars: &'a [f64],
}

struct Sums<'a, T> {
    /// Of the vectors, then of what the codes say.
    vectors: Vec<Buffer<'a, T>>,
    scalars: Vec<f64>,
    /// Nothing has been received yet: the self term is still to come.
    fresh: bool,
}

fn weighted_sum<'env, T: Element, X: Transport>(
    running: &mut Running<'_, '_, 'env, X>,
    plan: Part<'_, T>,
    sources: &'env Sources<'_, T>,
    sums: &mut Sums<'_, T>,
    arriving: &mut Arriving<'_, '_, T>,
) -> Result<(), Broken> {
    let mut parts: Vec<&[u8]> = sources.vectors.iter().map(|vector| cast_slice(vector)).collect();
    parts.extend(&sources.codes);
    if !sources.scalars.is_empty() {
        parts.push(cast_slice(sources.scalars));
    }
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    let mut tickets = vec![];
    for action in plan.actions {
        let send = action.send_to.map(|to| (to, parts.as_slice()));
        let receive = action.receive.map(|(from, _)| (from, lengths.as_slice()));
        tickets.push(running.begin(action.round, send, receive)?);
    }
    for (action, ticket) in plan.actions.iter().zip(tickets) {
        let Some((_, weight)) = plan.receive(action) else { continue };
        running.finish(ticket, &mut |chunk| sums.take(plan.own, weight, sources, arriving, chunk))?;
        arriving.read(plan.own, weight, sources, sums);
        sums.fresh = false;
    }
    if sums.fresh {
        sums.keep(plan.own, sources, arriving);
    }
    running.wait_sent(plan.actions.last().map_or(0, |action| action.round))
}

impl<T: Element> Sums<'_, T> {
    fn take(
        &mut self,
        own: Option<Weight<T>>,
        weight: Weight<T>,
        sources: &Sources<'_, T>,
        arriving: &mut Arriving<'_, '_, T>,
        chunk: Chunk<'_>,
    ) {
        let (part, fresh) = (chunk.part, self.fresh);
        if let Some(source) = sources.vectors.get(part) {
            let own = own.filter(|_| fresh).map(|own| (own.vector, *source));
            term(&mut self.vectors[part], own, weight.vector, fresh, chunk);
        } else if let Some(code) = arriving.codes.get_mut(part - sources.vectors.len()) {
            code[chunk.offset..chunk.offset + chunk.bytes.len()].copy_from_slice(chunk.bytes);
        } else {
            let own = own.filter(|_| fresh).map(|own| (own.scalar, sources.scalars));
            term(&mut self.scalars, own, weight.scalar, fresh, chunk);
        }
    }

    /// What is left where nothing is received.
    fn keep(&mut self, own: Option<Weight<T>>, sources: &Sources<'_, T>, arriving: &mut Arriving<'_, '_, T>) {
        let Some(own) = own else {
            self.vectors.iter_mut().for_each(|sum| sum.fill(T::default()));
            return self.scalars.fill(0.0);
        };
        for (sum, source) in self.vectors.iter_mut().zip(&sources.vectors) {
            kernel::scale(sum, own.vector, source);
        }
        for (code, sum) in self.vectors.iter_mut().skip(sources.vectors.len()).enumerate() {
            kernel::scale(sum, own.vector, arriving.own(code, sources));
        }
        kernel::scale(&mut self.scalars, own.scalar, sources.scalars);
    }
}

/// One term of a sum, after the self term where that is still to come.
fn term<T: Element>(sum: &mut [T], own: Option<(T, &[T])>, weight: T, fresh: bool, chunk: Chunk<'_>) {
    let received: &[T] = cast_slice(chunk.bytes);
    let start = chunk.offset / size_of::<T>();
    let range = start..start + received.len();
    match own {
        Some((own, source)) => kernel::first(&mut sum[range.clone()], own, &source[range], weight, received),
        None if fresh => kernel::scale(&mut sum[range], weight, received),
        None => kernel::accumulate(&mut sum[range], weight, received),
    }
}

/// Codes on their way, and vectors to read them into: room that stays with the registers from mix to mix.
struct Arriving<'o, 'm, T> {
    operands: &'o [Coded],
    codes: Vec<Vec<u8>>,
    theirs: Buffer<'m, T>,
    mine: Buffer<'m, T>,
    step: u64,
}

impl<'o, 'm, T: Element> Arriving<'o, 'm, T> {
    fn take(operands: &'o Operands, registers: &mut Registers<'m, T>, step: u64) -> Self {
        let operands = &operands.codes[..];
        let mut arriving =
            Self { operands, codes: vec![], theirs: Buffer::default(), mine: Buffer::default(), step };
        if !operands.is_empty() {
            arriving.codes = std::mem::take(&mut registers.small.arriving);
            arriving.codes.resize_with(operands.len(), Vec::new);
            for (code, operand) in arriving.codes.iter_mut().zip(operands) {
                code.resize(registers.small.codes[operand.from].len(), 0);
            }
            (arriving.theirs, arriving.mine) = (registers.take_spare(), registers.take_spare());
        }
        arriving
    }

    fn give_back(self, registers: &mut Registers<'m, T>) {
        if !self.operands.is_empty() {
            registers.small.arriving = self.codes;
            registers.spare.extend([self.theirs, self.mine]);
        }
    }

    /// What this rank's own code says.
    fn own(&mut self, code: usize, sources: &Sources<'_, T>) -> &[T] {
        decode(self.operands[code].codec, sources.codes[code], self.step, &mut self.mine);
        &self.mine
    }

    /// Adds what the codes that have arrived say.
    fn read(
        &mut self,
        own: Option<Weight<T>>,
        weight: Weight<T>,
        sources: &Sources<'_, T>,
        sums: &mut Sums<'_, T>,
    ) {
        for code in 0..self.codes.len() {
            decode(self.operands[code].codec, &self.codes[code], self.step, &mut self.theirs);
            let sum = &mut sums.vectors[sources.vectors.len() + code];
            match own.filter(|_| sums.fresh) {
                Some(own) => {
                    self.own(code, sources);
                    kernel::first(sum, own.vector, &self.mine, weight.vector, &self.theirs);
                }
                None if sums.fresh => kernel::scale(sum, weight.vector, &self.theirs),
                None => kernel::accumulate(sum, weight.vector, &self.theirs),
            }
        }
    }
}
