//! How a model's tensors lie in memory: buckets of one number type, the unit of messages and of overlap.

use crate::memory::Buffer;
use crate::storage::{Dtype, Storage};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// The bytes up to which tensors share a bucket; a larger tensor has its own.
pub const BUCKET_BYTES: usize = 8 << 20;

/// One tensor of a model.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tensor {
    /// Its name.
    pub name: String,
    /// Its sizes; none for a single number.
    pub shape: Vec<usize>,
    /// What its numbers are stored and sent in.
    pub dtype: Dtype,
}

impl Tensor {
    /// The number of elements.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }
}

impl fmt::Display for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`, {} {:?}", self.name.escape_debug(), self.dtype.name(), self.shape)
    }
}

/// A model's tensors and the buckets that they lie in; the same on all ranks. Cheap to clone.
///
/// Buckets are filled from the last tensor to the first, since gradients of the last layers are ready first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout(Arc<Buckets>);

#[derive(Debug, PartialEq, Eq)]
struct Buckets {
    tensors: Vec<Tensor>,
    /// For each tensor where it lies.
    places: Vec<TensorPlace>,
    buckets: Vec<Bucket>,
    /// Up to which tensors share a bucket.
    bytes: usize,
}

/// Where a tensor lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorPlace {
    /// The bucket, by index.
    pub bucket: usize,
    /// The elements of the bucket.
    pub elements: Range<usize>,
}

/// Tensors of one type, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// What its numbers are stored and sent in.
    pub dtype: Dtype,
    /// The number of elements.
    pub length: usize,
    /// The tensors, by index, in the order in which they lie.
    pub tensors: Vec<usize>,
}

impl Layout {
    /// Of tensors in the order of their registration, in buckets of [`BUCKET_BYTES`].
    pub fn new(tensors: Vec<Tensor>) -> Self {
        Self::with_buckets(tensors, BUCKET_BYTES)
    }

    /// Of tensors in buckets of another size.
    pub fn with_buckets(tensors: Vec<Tensor>, bytes: usize) -> Self {
        let mut buckets: Vec<Bucket> = vec![];
        let mut places = vec![TensorPlace { bucket: 0, elements: 0..0 }; tensors.len()];
        for (index, tensor) in tensors.iter().enumerate().rev() {
            let (dtype, elements) = (tensor.dtype, tensor.elements());
            // The last bucket of this type, if there is room: tensors of other types in between do not close it.
            let last = buckets.iter().rposition(|bucket| bucket.dtype == dtype);
            let room = last.filter(|&last| (buckets[last].length + elements) * dtype.bytes() <= bytes);
            let bucket = room.unwrap_or_else(|| {
                buckets.push(Bucket { dtype, length: 0, tensors: vec![] });
                buckets.len() - 1
            });
            let Bucket { length, tensors, .. } = &mut buckets[bucket];
            places[index] = TensorPlace { bucket, elements: *length..*length + elements };
            *length += elements;
            tensors.push(index);
        }
        Self(Arc::new(Buckets { tensors, places, buckets, bytes }))
    }

    /// Of one vector.
    pub fn flat<S: Storage>(length: usize) -> Self {
        Self::new(vec![Tensor { name: "model".to_owned(), shape: vec![length], dtype: S::DTYPE }])
    }

    /// The tensors, in the order of their registration.
    pub fn tensors(&self) -> &[Tensor] {
        &self.0.tensors
    }

    /// Where a tensor lies.
    pub fn place(&self, tensor: usize) -> &TensorPlace {
        &self.0.places[tensor]
    }

    /// The rows of the matrix that a tensor is for codecs of low rank: its first size, by the product of the others, so that
    /// a vector is a column, which travels whole. `None` where the model is one vector: then its length decides.
    pub fn rows(&self, tensor: usize) -> Option<u32> {
        match (self.0.tensors.len(), &self.0.tensors[tensor].shape[..]) {
            (1, [] | [_]) => None,
            (_, shape) => Some(shape.first().map_or(1, |&rows| rows.try_into().unwrap_or(u32::MAX))),
        }
    }

    /// The buckets, in the order in which they travel.
    pub fn buckets(&self) -> &[Bucket] {
        &self.0.buckets
    }

    /// The number of elements of all tensors.
    pub fn elements(&self) -> usize {
        self.0.tensors.iter().map(Tensor::elements).sum()
    }

    /// A buffer of zeros for each bucket.
    pub(crate) fn zeros(&self) -> Vec<Buffer> {
        self.0.buckets.iter().map(|bucket| Buffer::zeros(bucket.dtype, bucket.length)).collect()
    }

    /// What ranks compare before they start: a line for each tensor, and the size of buckets.
    pub fn describe(&self) -> String {
        let tensors: String = self.0.tensors.iter().map(|tensor| format!("{tensor}\n")).collect();
        format!("{tensors}buckets of {} bytes", self.0.bytes)
    }
}
