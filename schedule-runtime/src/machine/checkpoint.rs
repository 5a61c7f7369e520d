//! A machine between two answers ⇄ bytes, so that a run goes on later with the same bits as if it had not stopped.
//!
//! ```text
//! "bfcckpt1"   SHA-256 of schedule, rank and tensors (32 bytes)   position (6 × u64)   inputs, registers, initial parameters
//! ```
//!
//! All numbers are little-endian. The position is the block (0 the initial one, 1 none, from 2 on those of a step) and the
//! instruction in it, the steps and the phases done, whether the first step has begun, and whether initial parameters follow.
//! All registers do, since what a delayed mix has received lies in no named state.

use super::{At, Machine};
use crate::error::RuntimeError;
use crate::execute::Clock;
use crate::memory::Buffer;
use crate::transport::Transport;
use bytemuck::cast_slice_mut;
use sha2::{Digest, Sha256};
use std::sync::Arc;

const MAGIC: &[u8; 8] = b"bfcckpt1";
const IDENTITY: usize = 32;
const POSITION: usize = 6;
const HEAD: usize = MAGIC.len() + IDENTITY + POSITION * size_of::<u64>();

impl<X: Transport + Send + 'static> Machine<X> {
    /// Everything that [`restore`](Self::restore) needs to go on from here. Waits for what is in flight.
    ///
    /// # Errors
    /// While a question is answered bucket by bucket; where a peer fails.
    pub fn save(&mut self) -> Result<Vec<u8>, RuntimeError> {
        self.call(Self::hold)?;
        let mut saved = [&MAGIC[..], &self.identity()].concat();
        saved.extend(self.position().iter().flat_map(|number| number.to_le_bytes()));
        self.each_part(&mut |part| saved.extend_from_slice(part));
        Ok(saved)
    }

    /// Goes on from where [`save`](Self::save) was called. All ranks restore what they have saved after the same steps.
    ///
    /// # Errors
    /// Where another schedule, rank or layout has saved it, or it is damaged: then nothing has changed. While a question is
    /// answered bucket by bucket; where a peer fails.
    pub fn restore(&mut self, saved: &[u8]) -> Result<(), RuntimeError> {
        self.call(Self::hold)?;
        let wrong =
            |reason: &str| RuntimeError::WrongCheckpoint { rank: self.rank, reason: reason.to_owned() };
        if !saved.starts_with(MAGIC) || saved.len() < HEAD {
            return Err(wrong("it is not a checkpoint of this version"));
        }
        let (head, mut parts) = saved.split_at(HEAD);
        let (identity, numbers) = head[MAGIC.len()..].split_at(IDENTITY);
        if *identity != self.identity() {
            return Err(wrong("another schedule, rank or list of tensors has saved it"));
        }
        let mut position = [0; POSITION];
        for (number, bytes) in position.iter_mut().zip(numbers.chunks_exact(size_of::<u64>())) {
            *number = bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
        }
        let Some((at, clock, initial)) = self.read_position(position) else {
            return Err(wrong("it is damaged: the program does not ask where it stands"));
        };
        let before = std::mem::replace(&mut self.initial, initial);
        let mut length = 0;
        self.each_part(&mut |part| length += part.len());
        if length != parts.len() {
            self.initial = before;
            let reason = format!("it is damaged: {} bytes of {length} are left", parts.len());
            return Err(RuntimeError::WrongCheckpoint { rank: self.rank, reason });
        }
        (self.at, self.clock, self.asked) = (at, clock, false);
        self.each_part(&mut |part| part.copy_from_slice(parts.split_off(..part.len()).unwrap_or_default()));
        Ok(())
    }

    /// Waits for what is in flight, unless a question is answered in part.
    fn hold(&mut self) -> Result<(), RuntimeError> {
        self.between_answers()?;
        self.land()
    }

    fn identity(&self) -> [u8; IDENTITY] {
        let layout = self.layout.describe();
        Sha256::digest([&self.digest.0[..], &self.rank.0.to_le_bytes(), layout.as_bytes()].concat()).into()
    }

    fn position(&self) -> [u64; POSITION] {
        let Clock { step, phase, begun } = self.clock;
        let (block, instruction) = match self.at {
            At::Initial(instruction) => (0, instruction),
            At::Rest => (1, 0),
            At::Step(block, instruction) => (2 + block, instruction),
        };
        [block as u64, instruction as u64, step, phase, begun.into(), (!self.initial.is_empty()).into()]
    }

    /// Where the program stands, if it can stand there, and room for the initial parameters.
    fn read_position(&self, numbers: [u64; POSITION]) -> Option<(At, Clock, Vec<Buffer>)> {
        let [block, instruction, step, phase, begun, initial] = numbers;
        let (block, instruction) = (usize::try_from(block).ok()?, usize::try_from(instruction).ok()?);
        let at = match block {
            0 => self.executable.initial.asks_at(instruction).then_some(At::Initial(instruction))?,
            1 => (instruction == 0).then_some(At::Rest)?,
            _ => {
                let known = self.executable.steps.get(block - 2)?;
                known.asks_at(instruction).then_some(At::Step(block - 2, instruction))?
            }
        };
        let initial = match initial {
            0 => vec![],
            _ => self.layout.zeros(),
        };
        Some((at, Clock { step, phase, begun: begun > 0 }, initial))
    }

    /// Gives all that changes while a program runs, apart from the position, in one order.
    fn each_part(&mut self, visit: &mut dyn FnMut(&mut [u8])) {
        let Self { inputs, registers, initial, .. } = self;
        visit(cast_slice_mut(inputs));
        visit(cast_slice_mut(&mut registers.scalars));
        registers.edge_scalars.iter_mut().for_each(|numbers| visit(cast_slice_mut(numbers)));
        for bucket in &mut registers.buckets {
            bucket.vectors.iter_mut().for_each(|vector| visit(vector.bytes_mut()));
            bucket.codes.iter_mut().for_each(|code| visit(Arc::<Vec<u8>>::make_mut(&mut code.bytes)));
        }
        initial.iter_mut().for_each(|buffer| visit(buffer.bytes_mut()));
    }
}
