//! Vectors as codes and back. What a code says depends on nothing but the vector, the codec and the number of steps done,
//! so that every rank reads the same; arithmetic between the two is in `f64`.

mod bits;
mod coding;
mod factors;
mod float;
pub(crate) mod gossip;
mod low_rank;
mod select;
mod thin;

pub use coding::Coding;
pub(crate) use coding::Part;
pub use factors::Factors;

use crate::element::Element;
use crate::kernel::Mode;
use bfc_schedule::Codec;
use bfc_schedule::compression::Float;
use bfc_schedule::random::{output, unit};
use bits::{pack, unpack};
use bytemuck::{bytes_of, cast_slice, pod_read_unaligned};

/// What random codecs draw from besides their seed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draw {
    /// Steps done, the same on all ranks.
    pub(crate) step: u64,
    /// The tensor, by index.
    pub(crate) tensor: u32,
    /// The rank that writes; not needed to read.
    pub(crate) rank: u32,
}

impl Draw {
    /// The stream of a seed for this step and tensor, the same on all ranks.
    fn stream(self, seed: u64) -> u64 {
        let step = output(seed, self.step);
        if self.tensor == 0 { step } else { output(step, u64::MAX - u64::from(self.tensor)) }
    }

    /// The stream of this rank alone.
    pub(crate) fn own_stream(self, seed: u64) -> u64 {
        output(self.stream(seed), self.rank.into())
    }

    /// `count` of the indices below `length`, the same on all ranks.
    pub(crate) fn indices(self, length: usize, count: usize, seed: u64) -> Vec<usize> {
        select::drawn(length, count, self.stream(seed))
    }
}

/// Writes `x` to `code`, whose length is [`Codec::bytes`].
pub(crate) fn encode<T: Element>(codec: Codec, x: &[T], draw: Draw, code: &mut [u8]) {
    match codec {
        Codec::Cast(format) => cast(format, x, code),
        Codec::Quantize { bits, seed } => {
            let stream = seed.map(|seed| draw.own_stream(seed));
            quantize(bits, stream, x, code);
        }
        Codec::TopK(_) | Codec::TopFraction { .. } => {
            let indices = select::largest(x, codec.kept(x.len()));
            let (values, places) = code.split_at_mut(indices.len() * size_of::<T>());
            put(values, indices.iter().map(|&index| x[index]));
            select::write_indices(places, &indices, x.len());
        }
        Codec::RandomK { seed, .. } => {
            let indices = draw.indices(x.len(), codec.kept(x.len()), seed);
            put(code, indices.iter().map(|&index| x[index]));
        }
        Codec::Sign => {
            let sum = Mode::best(0).magnitude(x);
            let (mean, signs) = code.split_at_mut(size_of::<T>());
            put(mean, [T::from_f64(sum / x.len() as f64)]);
            pack(signs, 1, x.iter().map(|x| (*x < T::default()) as u32));
        }
        Codec::LowRank(low_rank) => low_rank::encode(low_rank.sizes(x.len()), x, code),
    }
}

/// Reads `code` into `x`; a code that no rank would write gives some vector.
pub(crate) fn decode<T: Element>(codec: Codec, code: &[u8], draw: Draw, x: &mut [T]) {
    match codec {
        Codec::Cast(format) if format.bytes() >= size_of::<T>() => fill(x, elements(code)),
        Codec::Cast(Float::F32) => fill(x, numbers::<f32>(code).map(|x| T::from_f64(x as f64))),
        Codec::Cast(Float::F16) => fill(x, numbers::<u16>(code).map(|x| T::from_f64(float::F16.read(x)))),
        Codec::Cast(_) => fill(x, numbers::<u16>(code).map(|x| T::from_f64(float::BF16.read(x)))),
        Codec::Quantize { bits, .. } => {
            let (scale, levels) = code.split_at(size_of::<T>());
            let (scale, top) = (pod_read_unaligned::<T>(scale).to_f64(), top_level(bits));
            let value = |level: u32| T::from_f64(scale * ((level as f64 - top) / top));
            unpack(levels, bits, x, value);
        }
        Codec::TopK(_) | Codec::TopFraction { .. } => {
            let kept = codec.kept(x.len());
            let (values, places) = code.split_at(kept * size_of::<T>());
            let indices = select::read_indices(places, x.len());
            select::scatter(x, indices, elements(values));
        }
        Codec::RandomK { seed, .. } => {
            let indices = draw.indices(x.len(), codec.kept(x.len()), seed);
            select::scatter(x, indices.into_iter(), elements(code));
        }
        Codec::Sign => {
            let (mean, signs) = code.split_at(size_of::<T>());
            let mean: T = pod_read_unaligned(mean);
            unpack(signs, 1, x, |negative| [mean, -mean][negative as usize]);
        }
        Codec::LowRank(low_rank) => low_rank::decode(low_rank.sizes(x.len()), code, x),
    }
}

fn cast<T: Element>(format: Float, x: &[T], code: &mut [u8]) {
    match format {
        _ if format.bytes() >= size_of::<T>() => code.copy_from_slice(cast_slice(x)),
        Float::F32 => put(code, x.iter().map(|x| float::to_f32(x.to_f64()))),
        Float::F16 => put(code, x.iter().map(|x| float::F16.write(x.to_f64()))),
        _ => put(code, x.iter().map(|x| float::BF16.write(x.to_f64()))),
    }
}

/// Levels go from minus this to this.
fn top_level(bits: u8) -> f64 {
    ((1u32 << (bits - 1)) - 1) as f64
}

fn quantize<T: Element>(bits: u8, stream: Option<u64>, x: &[T], code: &mut [u8]) {
    // The bits of magnitudes have the order of their values, and values that are not numbers come above all others.
    let magnitudes = x.iter().map(|x| x.abs().to_f64().to_bits());
    let (scale, top) = (f64::from_bits(magnitudes.fold(0, u64::max)), top_level(bits));
    let exact = |x: &T| if scale == 0.0 { 0.0 } else { x.to_f64() / scale * top };
    // Through `i64`: that is one instruction.
    let level = |exact: f64| (exact + top) as i64 as u32;
    let (start, levels) = code.split_at_mut(size_of::<T>());
    put(start, [T::from_f64(scale)]);
    match stream {
        Some(stream) => {
            let drawn = |(x, index): (&T, u64)| level(exact(x) + unit(stream, index)).min(2 * top as u32);
            pack(levels, bits, x.iter().zip(0..).map(drawn));
        }
        None => pack(levels, bits, x.iter().map(|x| level(nearest(exact(x))))),
    }
}

/// The nearest integer, ties to even, of a number below 2^51: far out there are integers only.
fn nearest(x: f64) -> f64 {
    const FAR: f64 = (3u64 << 51) as f64;
    (x + FAR) - FAR
}

/// Writes numbers one after another.
fn put<N: bytemuck::Pod>(bytes: &mut [u8], values: impl IntoIterator<Item = N>) {
    for (place, value) in bytes.chunks_exact_mut(size_of::<N>()).zip(values) {
        place.copy_from_slice(bytes_of(&value));
    }
}

/// Numbers that stand one after another, wherever they begin.
fn numbers<N: bytemuck::Pod>(bytes: &[u8]) -> impl Iterator<Item = N> + '_ {
    bytes.chunks_exact(size_of::<N>()).map(pod_read_unaligned)
}

fn elements<T: Element>(bytes: &[u8]) -> impl Iterator<Item = T> + '_ {
    numbers(bytes)
}

fn fill<T>(x: &mut [T], values: impl Iterator<Item = T>) {
    x.iter_mut().zip(values).for_each(|(x, value)| *x = value);
}
