//! Views of a model's tensors, as a trainer sees them.

use super::Ask;
use crate::execute::Question;
use crate::layout::{Layout, TensorPlace};
use crate::memory::Buffer;
use crate::registers::Registers;
use crate::storage::{Dtype, Storage, with_dtype};
use bfc_schedule::program::scalar::Number;

/// A question about a model of many tensors.
pub type ModelAsk<'a> = Ask<Values<'a>, ValuesMut<'a>>;

/// Numbers in the shape of a model, or of a model for each neighbour.
#[derive(Clone, Debug)]
pub struct Values<'a> {
    layout: &'a Layout,
    buffers: Vec<&'a Buffer>,
}

/// Numbers in the shape of a model, to be written.
#[derive(Debug)]
pub struct ValuesMut<'a> {
    layout: &'a Layout,
    buffers: Vec<&'a mut Buffer>,
}

impl<'a> Values<'a> {
    pub(crate) fn new(layout: &'a Layout, buffers: impl Iterator<Item = &'a Buffer>) -> Self {
        Self { layout, buffers: buffers.collect() }
    }

    /// The model's tensors.
    pub fn layout(&self) -> &'a Layout {
        self.layout
    }

    /// What a bucket's numbers are stored in: as its tensors are where this is a point, else in what they are computed in.
    pub fn dtype(&self, bucket: usize) -> Dtype {
        self.buffers[bucket].dtype()
    }

    /// The elements of a tensor.
    ///
    /// # Panics
    /// Where there is no such tensor, or its numbers are stored in another type.
    pub fn tensor<S: Storage>(&self, tensor: usize) -> &'a [S] {
        let TensorPlace { bucket, elements } = self.layout.place(tensor);
        &self.bucket(*bucket)[elements.clone()]
    }

    /// The elements of a tensor as `f64`, whatever they are stored in.
    ///
    /// # Panics
    /// Where there is no such tensor.
    pub fn to_f64(&self, tensor: usize) -> Vec<f64> {
        let TensorPlace { bucket, elements } = self.layout.place(tensor);
        with_dtype!(self.dtype(*bucket), S => {
            self.bucket::<S>(*bucket)[elements.clone()].iter().map(|x| x.load().to_f64()).collect()
        })
    }

    /// The elements of a bucket; for each neighbour, one after another, where this is a state per edge.
    ///
    /// # Panics
    /// Where there is no such bucket, or its numbers are stored in another type.
    pub fn bucket<S: Storage>(&self, bucket: usize) -> &'a [S] {
        self.buffers[bucket].values()
    }
}

impl<'a> ValuesMut<'a> {
    pub(crate) fn new(layout: &'a Layout, buffers: impl Iterator<Item = &'a mut Buffer>) -> Self {
        Self { layout, buffers: buffers.collect() }
    }

    /// The model's tensors.
    pub fn layout(&self) -> &'a Layout {
        self.layout
    }

    /// As [`Values::dtype`].
    pub fn dtype(&self, bucket: usize) -> Dtype {
        self.buffers[bucket].dtype()
    }

    /// The elements of a tensor.
    ///
    /// # Panics
    /// As [`Values::tensor`].
    pub fn tensor<S: Storage>(&mut self, tensor: usize) -> &mut [S] {
        let TensorPlace { bucket, elements } = self.layout.place(tensor);
        &mut self.bucket(*bucket)[elements.clone()]
    }

    /// As [`Values::to_f64`].
    ///
    /// # Panics
    /// As there.
    pub fn to_f64(&self, tensor: usize) -> Vec<f64> {
        Values { layout: self.layout, buffers: self.buffers.iter().map(|buffer| &**buffer).collect() }
            .to_f64(tensor)
    }

    /// Writes a tensor, each number rounded to what it is stored in.
    ///
    /// # Panics
    /// Where there is no such tensor, or it has another number of elements.
    pub fn write_f64(&mut self, tensor: usize, values: impl ExactSizeIterator<Item = f64>) {
        let TensorPlace { bucket, elements } = self.layout.place(tensor);
        assert_eq!(elements.len(), values.len(), "the elements of a tensor");
        with_dtype!(self.dtype(*bucket), S => {
            let tensor = &mut self.bucket::<S>(*bucket)[elements.clone()];
            tensor.iter_mut().zip(values).for_each(|(x, value)| *x = S::store(Number::from_f64(value)));
        });
    }

    /// The elements of a bucket.
    ///
    /// # Panics
    /// As [`Values::bucket`].
    pub fn bucket<S: Storage>(&mut self, bucket: usize) -> &mut [S] {
        self.buffers[bucket].values_mut()
    }

    /// The same for as long as the view lasts.
    pub(super) fn into_bucket<S: Storage>(mut self, bucket: usize) -> &'a mut [S] {
        self.buffers.swap_remove(bucket).values_mut()
    }
}

/// Asks the trainer, who writes where the answer goes.
pub(super) fn ask<A>(
    question: Question,
    layout: &Layout,
    registers: &mut Registers,
    trainer: &mut impl FnMut(ModelAsk<'_>) -> A,
) -> A {
    let mut answers = registers.take_answer(question);
    let written = ValuesMut::new(layout, answers.iter_mut());
    let read = |register: usize| {
        Values::new(layout, registers.buckets.iter().map(|bucket| &bucket.vectors[register]))
    };
    let answer = trainer(match question {
        Question::Gradient { at, .. } => Ask::Gradient { point: read(at), gradient: written },
        Question::Adapt { direction, .. } => Ask::Adapt { point: written, direction: direction.map(read) },
        Question::Prox { at, rho, .. } => {
            Ask::Prox { point: read(at), rho: registers.scalars[rho], minimizer: written }
        }
    });
    registers.put_answer(question, answers);
    answer
}
