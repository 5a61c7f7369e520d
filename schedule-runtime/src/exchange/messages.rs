//! Messages that are pending at the same time, and where their parts go.

use super::Wire;
use crate::error::{Place, RuntimeError};
use crate::kernel::Mode;
use crate::transport::Transport;
use bfc_schedule::Rank;

/// What becomes of bytes of a target and those that arrive for them.
pub(crate) type Combine = fn(Mode, &mut [u8], &[u8]);

/// This rank's part of a round.
#[derive(Default)]
pub(crate) struct Message<'a> {
    pub(crate) round: u32,
    pub(crate) send: Option<(Rank, Vec<&'a [u8]>)>,
    /// The targets of the parts, by index.
    pub(crate) receive: Option<(Rank, Vec<usize>)>,
}

/// Where parts of messages go.
pub(crate) struct Target<'a> {
    pub(crate) bytes: &'a mut [u8],
    pub(crate) combine: Combine,
}

impl Target<'_> {
    /// Bytes that are written over.
    pub(crate) fn copy(bytes: &mut [u8]) -> Target<'_> {
        Target { bytes, combine: Mode::copy }
    }
}

impl<X: Transport> Wire<X> {
    /// Begins all messages of an exchange, receives them in order, and returns when all that was sent is taken.
    pub(crate) fn messages<'a>(
        &mut self,
        (exchange, place): (u64, &Place),
        messages: &[Message<'a>],
        targets: &mut [Target<'_>],
    ) -> Result<(), RuntimeError> {
        self.run(exchange, place, |running| {
            let mut tickets = vec![];
            for Message { round, send, receive } in messages {
                let length = |&target: &usize| targets[target].bytes.len();
                let lengths: Option<(Rank, Vec<usize>)> =
                    receive.as_ref().map(|(from, parts)| (*from, parts.iter().map(length).collect()));
                let send = send.as_ref().map(|(to, parts)| (*to, parts.as_slice()));
                let receive = lengths.as_ref().map(|(from, lengths)| (*from, lengths.as_slice()));
                tickets.push(running.begin(*round, send, receive)?);
            }
            for (message, ticket) in messages.iter().zip(tickets) {
                let Some((_, parts)) = &message.receive else { continue };
                running.finish(ticket, &mut |chunk| {
                    let Target { bytes, combine } = &mut targets[parts[chunk.part]];
                    let mode = Mode::best(bytes.len());
                    combine(mode, &mut bytes[chunk.offset..][..chunk.bytes.len()], chunk.bytes);
                })?;
            }
            running.wait_sent(messages.last().map_or(0, |message| message.round))
        })
    }
}
