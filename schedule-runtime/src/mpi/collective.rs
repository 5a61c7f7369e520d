//! Reductions by MPI itself: `MPI_Iallreduce`, so that a wait has its deadline and hears of failures.
//!
//! A vector is reduced in pieces, in memory of ours: after a failure MPI may still write there, and the caller's memory must be
//! the caller's again. Pieces are so short that they lie in the caches when they are copied, and several are pending, as in
//! messages.

use super::MpiTransport;
use super::message::{PIECE, WINDOW};
use crate::storage::Dtype;
use crate::transport::{Fault, FloatsMut, ReduceOp};
use bytemuck::cast_slice_mut;
use std::collections::VecDeque;
use std::time::Duration;

impl MpiTransport {
    pub(super) fn reduce(
        &mut self,
        values: FloatsMut<'_>,
        operation: ReduceOp,
        deadline: Duration,
    ) -> Result<(), Fault> {
        let (dtype, bytes): (Dtype, &mut [u8]) = match values {
            FloatsMut::F32(values) => (Dtype::F32, cast_slice_mut(values)),
            FloatsMut::F64(values) => (Dtype::F64, cast_slice_mut(values)),
        };
        let endpoint = self.endpoint;
        let (mut pieces, mut pending) = (bytes.chunks_mut(PIECE), VecDeque::with_capacity(WINDOW));
        loop {
            for piece in pieces.by_ref().take(WINDOW - pending.len()) {
                let mut staged = self.staging.take(piece.len());
                staged.bytes_mut().copy_from_slice(piece);
                pending.push_back((piece, endpoint.allreduce(staged, dtype, operation)?));
            }
            let Some((piece, mut reducing)) = pending.pop_front() else { return Ok(()) };
            self.drive(|_| None, deadline, |_| reducing.is_done(&endpoint))?;
            piece.copy_from_slice(reducing.bytes());
            self.staging.give_back(reducing.into_staging());
        }
    }
}
