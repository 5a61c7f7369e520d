//! Numbers in memory of a transport.

use super::{Communicator, Numeric};
use crate::transport::{Fault, Memory, Transport};
use bytemuck::{cast_slice, cast_slice_mut};
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

/// A vector in memory that peers may read where it lies, zeros at first: calls on it do not copy it on its way where the
/// transport can share memory.
pub struct Array<T> {
    memory: Memory,
    number: PhantomData<T>,
}

impl<X: Transport + Send + 'static> Communicator<X> {
    /// A vector of `length` zeros in memory of the transport. Waits for what is pending.
    ///
    /// # Errors
    /// Where there is no memory.
    pub fn allocate<T: Numeric>(&mut self, length: usize) -> Result<Array<T>, Fault> {
        let memory = self.lane.idle_wire().transport.allocate(length * size_of::<T>())?;
        Ok(Array { memory, number: PhantomData })
    }
}

impl<T: Numeric> Deref for Array<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        cast_slice(&self.memory)
    }
}

impl<T: Numeric> DerefMut for Array<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        cast_slice_mut(&mut self.memory)
    }
}
