//! A mix: each rank's weighted sum of what its in-neighbours send, vectors, numbers or codes. What a code says is added
//! as a vector would be, so that compression changes messages and nothing else.

use super::sums::{Sources, Sums};
use super::{Broken, Exchange, Running, Wire, note};
use crate::error::{Place, RuntimeError};
use crate::kernel::Mode;
use crate::memory::Buffer;
use crate::plan::Part;
use crate::storage::{Dtype, Storage, arithmetic, with_dtype};
use crate::trace::What;
use crate::transport::{Tag, Transport};
use bfc_schedule::program::scalar::Number;
use bytemuck::{cast_slice, cast_slice_mut};

impl<X: Transport> Wire<X> {
    /// The rounds of one phase.
    pub(super) fn mix(&mut self, plan: Part<'_>, exchange: &mut Exchange) -> Result<(), RuntimeError> {
        let number = self.start();
        let in_place =
            exchange.codes.is_empty() && exchange.vectors.iter().all(|operand| operand.source.is_none());
        if in_place && (plan.is_identity() || self.pair(number, plan, exchange)?) {
            return Ok(());
        }
        let Exchange { place, vectors, codes, scalars, .. } = exchange;
        let sent = scalars.clone();
        let sources = Sources::take(vectors, codes, &sent);
        let Self { spares, transport, .. } = self;
        let spare = |dtype, length| spares.take(dtype, length, transport);
        let mut sums = Sums::new(vectors, &sources, scalars, spare);
        let result = self.run(number, place, |running| weighted_sum(running, plan, &sources, &mut sums));
        let buffers = sources.vectors;
        sums.settle(result.is_ok(), buffers, vectors, codes, &mut self.spares);
        if result.is_err() {
            exchange.scalars = sent;
        }
        result
    }

    /// In place with the only partner of a symmetric round, where the transport does that.
    fn pair(&mut self, number: u64, plan: Part<'_>, exchange: &mut Exchange) -> Result<bool, RuntimeError> {
        let Some((peer, [own, weight], round)) = plan.partner() else { return Ok(false) };
        let Exchange { place, vectors, scalars, .. } = exchange;
        let dtypes: Vec<_> = vectors.iter().map(|operand| operand.target.dtype()).collect();
        let mut parts: Vec<&mut [u8]> =
            vectors.iter_mut().map(|operand| operand.target.bytes_mut()).collect();
        if !scalars.is_empty() {
            parts.push(cast_slice_mut(scalars));
        }
        let bytes: usize = parts.iter().map(|part| part.len()).sum();
        let tag = Tag { exchange: number, round };
        let mine = [own.get(), weight.get(), own.get::<f32>().into(), weight.get::<f32>().into()];
        let mode = Mode::best(bytes);
        let recorder = self.recorder.clone();
        let note = |what| note(&recorder, Place { round, ..*place }, number, what);
        let mut arrived = false;
        note(What::Offered(peer));
        let done = self.transport.pair(tag, peer, &mut parts, mine, self.deadline, &mut |chunk| {
            if !std::mem::replace(&mut arrived, true) {
                note(What::Arrived(peer));
            }
            let theirs = chunk.their_weights;
            let Some(dtype) = dtypes.get(chunk.part) else {
                let (x, y) = (cast_slice_mut(chunk.mine), cast_slice_mut(chunk.theirs));
                return mode.pair::<f64>(x, y, [mine[0], mine[1]], [theirs[0], theirs[1]]);
            };
            with_dtype!(*dtype, S => {
                let at = if arithmetic(*dtype) == Dtype::F64 { 0 } else { 2 };
                let weights = |from: &[f64; 4]| [from[at], from[at + 1]].map(<S as Storage>::Arithmetic::from_f64);
                let (x, y) = (cast_slice_mut(chunk.mine), cast_slice_mut(chunk.theirs));
                mode.pair::<S>(x, y, weights(&mine), weights(&theirs));
            });
        });
        let done = done.map_err(|fault| self.error(place, number, (round, fault)))?;
        if done {
            self.bytes_sent += bytes as u64;
            note(What::Paired { with: peer, bytes: bytes as u64 });
        }
        Ok(done)
    }
}

fn weighted_sum<'env, X: Transport>(
    running: &mut Running<'_, '_, 'env, X>,
    plan: Part<'_>,
    sources: &'env Sources<'_>,
    sums: &mut Sums<'_>,
) -> Result<(), Broken> {
    let mut parts: Vec<&[u8]> = sources.vectors.iter().map(Buffer::bytes).collect();
    parts.extend(sources.codes.iter().map(|coded| coded.source.as_slice()));
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
        running.finish(ticket, &mut |chunk| sums.take(plan.own, weight, sources, chunk))?;
        sums.received(plan.own, weight, sources);
    }
    sums.keep(plan.own, sources);
    running.wait_sent(plan.actions.last().map_or(0, |action| action.round))
}
