//! Kernels that write vectors as codes and read them, tensor by tensor.

use super::super::stream::Grid;
use super::{Kernels, PART, Room, Vector, each};
use crate::compression::{Coding, Draw, Part, encode};
use crate::gpu::{GpuError, Stream};
use crate::storage::with_computed;
use bfc_schedule::Codec;
use bfc_schedule::compression::index_bytes;

impl Kernels {
    /// Writes a vector as a code, tensor by tensor, after this number of steps.
    ///
    /// # Safety
    /// As [`assign`](Self::assign); the code has the coding's length.
    pub(crate) unsafe fn encode(
        &self,
        stream: &Stream,
        coding: &Coding,
        x: Vector,
        (step, rank): (u64, u32),
        code: u64,
        room: &mut Room,
    ) -> Result<(), GpuError> {
        for Part { codec, tensor, elements, bytes } in coding.parts() {
            let (x, code) = (x.part(elements.clone()), code + bytes.start as u64);
            let draw = Draw { step, tensor: *tensor, rank };
            // SAFETY: the caller's.
            unsafe { self.encode_tensor(stream, *codec, x, draw, code, room)? };
        }
        Ok(())
    }

    unsafe fn encode_tensor(
        &self,
        stream: &Stream,
        codec: Codec,
        x: Vector,
        draw: Draw,
        code: u64,
        room: &mut Room,
    ) -> Result<(), GpuError> {
        let (n, size, computed) = (x.length as u64, x.dtype.bytes(), x.dtype.name());
        if n == 0 {
            // Of nothing there is a mean, of some bits.
            let mut bytes = vec![0; codec.bytes(0, size)];
            with_computed!(x.dtype, T => encode::<T>(codec, &[], draw, &mut bytes));
            // SAFETY: the caller's.
            return unsafe { stream.write_to(code, &bytes) };
        }
        let named = |kernel: &str| format!("{kernel}_{computed}");
        // SAFETY: the caller's, here and below; rooms are the kernels'.
        unsafe {
            match codec {
                Codec::Cast(float) if float.bytes() >= size => stream.copy(code, x.address, x.bytes()),
                Codec::Cast(float) => {
                    let name = format!("cast_{}_{computed}", float.name());
                    self.launch(stream, &name, each(x.length), &[n, x.address, code])
                }
                Codec::Quantize { bits, seed } => {
                    let largest = room.of(&self.gpu, 8)?.address();
                    stream.clear(largest, 8)?;
                    self.launch(stream, &named("largest"), each(x.length), &[n, x.address, largest])?;
                    let stream_of_draws = seed.map_or(0, |seed| draw.own_stream(seed));
                    let words =
                        [n, x.address, code, largest, bits.into(), seed.is_some().into(), stream_of_draws];
                    let bytes = (x.length * bits as usize).div_ceil(8);
                    self.launch(stream, &named("quantize"), each(bytes), &words)
                }
                Codec::Sign => {
                    let fields = |lanes| [n, x.address, lanes];
                    let sum = self.joined(stream, &named("magnitudes"), x.length, fields, room)?;
                    let sum = room.memory.part(sum..sum + 8);
                    let words = [n, x.address, code, sum];
                    self.launch(stream, &named("sign"), each(x.length.div_ceil(8)), &words)
                }
                Codec::TopK(_) | Codec::TopFraction { .. } => {
                    self.top(stream, codec.kept(x.length), x, code, room)
                }
                Codec::RandomK { seed, .. } => {
                    let (indices, count) = self.draw(stream, codec, x.length, draw, seed, room)?;
                    let words = [count as u64, x.address, indices, 8, code];
                    self.launch(stream, &named("take"), each(count), &words)
                }
                Codec::LowRank(low_rank) => self.thin_code(stream, low_rank.sizes(x.length), x, code, room),
            }
        }
    }

    /// The elements of the largest magnitude. Everything stays on the GPU: the host does not wait.
    unsafe fn top(
        &self,
        stream: &Stream,
        count: usize,
        x: Vector,
        code: u64,
        room: &mut Room,
    ) -> Result<(), GpuError> {
        let (n, computed) = (x.length as u64, x.dtype.name());
        let parts = x.length.div_ceil(PART);
        let state = room.of(&self.gpu, (2 + 256 + 2 * parts) * 8)?;
        let (counts, places) = (state.part(16..16), state.part((2 + 256) * 8..state.len()));
        stream.write(state, 0, [0, count as u64].map(u64::to_le_bytes).as_flattened())?;
        let state = state.address();
        // SAFETY: the caller's.
        unsafe {
            stream.clear(counts, 256 * 8)?;
            for byte in (0..x.dtype.bytes() as u64).rev() {
                let words = [n, x.address, state, counts, 8 * byte];
                self.launch(stream, &format!("top_count_{computed}"), each(x.length), &words)?;
                self.launch(stream, "top_choose", Grid::Block, &[state, counts, 8 * byte])?;
            }
            let words = [n, x.address, state, places];
            self.launch(stream, &format!("top_parts_{computed}"), each(parts), &words)?;
            self.launch(stream, "top_places", Grid::Block, &[parts as u64, places, state])?;
            let width = index_bytes(x.length) as u64;
            let words = [n, x.address, state, places, count as u64, code, width];
            self.launch(stream, &format!("top_write_{computed}"), each(parts), &words)
        }
    }

    /// The indices that a random codec draws, which depend on no vector: the host draws them.
    fn draw(
        &self,
        stream: &Stream,
        codec: Codec,
        length: usize,
        draw: Draw,
        seed: u64,
        room: &mut Room,
    ) -> Result<(u64, usize), GpuError> {
        let indices = draw.indices(length, codec.kept(length), seed);
        let bytes: Vec<u8> = indices.iter().flat_map(|&index| (index as u64).to_le_bytes()).collect();
        let memory = room.of(&self.gpu, bytes.len())?;
        stream.write(memory, 0, &bytes)?;
        Ok((memory.address(), indices.len()))
    }

    /// Reads a code that was written after this number of steps.
    ///
    /// # Safety
    /// As [`encode`](Self::encode).
    pub(crate) unsafe fn decode(
        &self,
        stream: &Stream,
        coding: &Coding,
        code: u64,
        step: u64,
        x: Vector,
        room: &mut Room,
    ) -> Result<(), GpuError> {
        for Part { codec, tensor, elements, bytes } in coding.parts() {
            let (x, code) = (x.part(elements.clone()), code + bytes.start as u64);
            // SAFETY: the caller's.
            unsafe {
                self.decode_tensor(stream, *codec, code, Draw { step, tensor: *tensor, rank: 0 }, x, room)?
            };
        }
        Ok(())
    }

    unsafe fn decode_tensor(
        &self,
        stream: &Stream,
        codec: Codec,
        code: u64,
        draw: Draw,
        x: Vector,
        room: &mut Room,
    ) -> Result<(), GpuError> {
        let (n, size, computed) = (x.length as u64, x.dtype.bytes(), x.dtype.name());
        if n == 0 {
            return Ok(());
        }
        let named = |kernel: &str| format!("{kernel}_{computed}");
        let all = each(x.length);
        // SAFETY: the caller's.
        unsafe {
            match codec {
                Codec::Cast(float) if float.bytes() >= size => stream.copy(x.address, code, x.bytes()),
                Codec::Cast(float) => {
                    let name = format!("uncast_{}_{computed}", float.name());
                    self.launch(stream, &name, all, &[n, code, x.address])
                }
                Codec::Quantize { bits, .. } => {
                    self.launch(stream, &named("unquantize"), all, &[n, code, x.address, bits.into()])
                }
                Codec::Sign => self.launch(stream, &named("unsign"), all, &[n, code, x.address]),
                Codec::TopK(_) | Codec::TopFraction { .. } => {
                    let count = codec.kept(x.length);
                    let indices = code + (count * size) as u64;
                    let width = index_bytes(x.length) as u64;
                    stream.clear(x.address, x.bytes())?;
                    let words = [count as u64, n, code, indices, width, x.address];
                    self.launch(stream, &named("scatter"), each(count), &words)
                }
                Codec::RandomK { seed, .. } => {
                    let (indices, count) = self.draw(stream, codec, x.length, draw, seed, room)?;
                    stream.clear(x.address, x.bytes())?;
                    let words = [count as u64, n, code, indices, 8, x.address];
                    self.launch(stream, &named("scatter"), each(count), &words)
                }
                Codec::LowRank(low_rank) => self.thin_product(stream, low_rank.sizes(x.length), code, x),
            }
        }
    }
}
