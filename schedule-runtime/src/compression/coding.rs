//! Vectors of a bucket as codes, tensor by tensor.

use super::{Draw, decode, encode};
use crate::element::Element;
use crate::layout::Layout;
use crate::registers::BucketTensor;
use crate::storage::arithmetic;
use bfc_schedule::Codec;
use std::ops::Range;

/// How a codec writes the vectors of one bucket, tensor after tensor.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Coding(Vec<Part>);

/// One tensor of a code.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Part {
    pub(crate) codec: Codec,
    /// The tensor, by index.
    pub(crate) tensor: u32,
    /// Its elements in the bucket.
    pub(crate) elements: Range<usize>,
    /// Its bytes in the code.
    pub(crate) bytes: Range<usize>,
}

impl Coding {
    /// Of vectors in a bucket of a layout.
    pub fn of_bucket(codec: Codec, layout: &Layout, bucket: usize) -> Self {
        let bucket = &layout.buckets()[bucket];
        let tensors = bucket.tensors.iter().map(|&index| BucketTensor::new(layout, index));
        Self::new(codec, tensors, arithmetic(bucket.dtype).bytes())
    }

    /// Of vectors of these tensors, whose elements have this number of bytes where they are computed.
    pub(crate) fn new(codec: Codec, tensors: impl Iterator<Item = BucketTensor>, element: usize) -> Self {
        let mut end = 0;
        let part = |BucketTensor { index, elements, rows }| {
            let (start, codec) = (end, codec.of_shape(rows));
            end += codec.bytes(elements.len(), element);
            Part { codec, tensor: index as u32, elements, bytes: start..end }
        };
        Self(tensors.map(part).collect())
    }

    /// The tensors, in the order in which they are written.
    pub(crate) fn parts(&self) -> &[Part] {
        &self.0
    }

    /// The length of a code.
    pub fn bytes(&self) -> usize {
        self.0.last().map_or(0, |part| part.bytes.end)
    }

    /// The length of a vector.
    pub fn elements(&self) -> usize {
        self.0.iter().map(|part| part.elements.end).max().unwrap_or(0)
    }

    /// Writes a vector as the code of a rank, after this number of steps.
    ///
    /// # Panics
    /// Where vector or code have another length.
    pub fn encode<T: Element>(&self, x: &[T], step: u64, rank: u32, code: &mut [u8]) {
        for Part { codec, tensor, elements, bytes } in &self.0 {
            let draw = Draw { step, tensor: *tensor, rank };
            encode(*codec, &x[elements.clone()], draw, &mut code[bytes.clone()]);
        }
    }

    /// Reads a code that was written after this number of steps.
    ///
    /// # Panics
    /// As [`encode`](Self::encode).
    pub fn decode<T: Element>(&self, code: &[u8], step: u64, x: &mut [T]) {
        for Part { codec, tensor, elements, bytes } in &self.0 {
            let draw = Draw { step, tensor: *tensor, rank: 0 };
            decode(*codec, &code[bytes.clone()], draw, &mut x[elements.clone()]);
        }
    }
}
