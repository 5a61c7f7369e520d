//! What a call works on: memory in place, or a source and a target.

use super::{CommunicateError, NumberType, Numeric};
use bytemuck::{cast_slice, cast_slice_mut};

/// A vector that a call replaces, or one that it reads beside one that it writes: `&mut x`, or `(&x, &mut y)`.
pub struct Operand<'a, T> {
    source: Option<&'a [T]>,
    target: &'a mut [T],
}

impl<'a, T> From<&'a mut [T]> for Operand<'a, T> {
    fn from(target: &'a mut [T]) -> Self {
        Self { source: None, target }
    }
}

impl<'a, T> From<&'a mut Vec<T>> for Operand<'a, T> {
    fn from(target: &'a mut Vec<T>) -> Self {
        Self { source: None, target }
    }
}

impl<'a, T, const N: usize> From<&'a mut [T; N]> for Operand<'a, T> {
    fn from(target: &'a mut [T; N]) -> Self {
        Self { source: None, target }
    }
}

impl<'a, T> From<(&'a [T], &'a mut [T])> for Operand<'a, T> {
    fn from((source, target): (&'a [T], &'a mut [T])) -> Self {
        Self { source: Some(source), target }
    }
}

impl<'a, T> From<(&'a Vec<T>, &'a mut Vec<T>)> for Operand<'a, T> {
    fn from((source, target): (&'a Vec<T>, &'a mut Vec<T>)) -> Self {
        Self { source: Some(source), target }
    }
}

/// The same, of a type that is known at run time.
pub(super) struct Bytes<'a> {
    pub(super) number: NumberType,
    pub(super) source: Option<&'a [u8]>,
    pub(super) target: &'a mut [u8],
}

impl<'a, T: Numeric> Operand<'a, T> {
    pub(super) fn bytes(self) -> Bytes<'a> {
        let source = self.source.map(cast_slice);
        Bytes { number: T::TYPE, source, target: cast_slice_mut(self.target) }
    }
}

impl Bytes<'_> {
    /// The number of elements.
    pub(super) fn len(&self) -> usize {
        self.target.len() / self.number.bytes()
    }

    /// Source and target have one length.
    pub(super) fn check(&self) -> Result<(), CommunicateError> {
        match self.source {
            Some(source) if source.len() != self.target.len() => Err(CommunicateError::DifferentLengths {
                source_length: source.len() / self.number.bytes(),
                target_length: self.len(),
            }),
            _ => Ok(()),
        }
    }

    /// The target, with what is in the source.
    pub(super) fn in_place(&mut self) -> &mut [u8] {
        if let Some(source) = self.source.take() {
            crate::kernel::copy(self.target, source);
        }
        self.target
    }
}
