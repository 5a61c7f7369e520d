//! The exact average in rounds that carry slices: a reduce-scatter and an all-gather.

use super::slices::one_by_one;
use super::{Bounds, Cut, Exchange, Members, Wire};
use crate::element::Element;
use crate::error::{Place, RuntimeError};
use crate::kernel::Mode;
use crate::memory::Buffer;
use crate::storage::{Dtype, arithmetic, with_computed};
use crate::transport::Transport;
use bfc_schedule::average::Average;
use bytemuck::{cast_slice, cast_slice_mut};

impl<X: Transport> Wire<X> {
    /// `target ←` the average of `source` over all ranks, by rounds that carry slices, in the type that it is computed in.
    pub(super) fn average(&mut self, average: &Average, exchange: &mut Exchange) -> Result<(), RuntimeError> {
        let number = self.start();
        let Exchange { place, vectors, scalars, .. } = exchange;
        let mut sums = vec![];
        for operand in &mut *vectors {
            let dtype = arithmetic(operand.target.dtype());
            let sum = match (&operand.source, operand.target.dtype() == dtype) {
                (None, true) => operand.target.take(),
                (source, is_whole) => {
                    let mut sum = match is_whole {
                        true => operand.target.take(),
                        false => self.spares.take(dtype, operand.target.len(), &mut self.transport),
                    };
                    sum.copy_from(source.as_ref().unwrap_or(&operand.target));
                    sum
                }
            };
            sums.push(sum);
        }
        let result = self.reduce_and_gather((number, place), average, &mut sums, scalars);
        for (operand, sum) in vectors.iter_mut().zip(sums) {
            if operand.target.dtype() == sum.dtype() {
                operand.target = sum;
            } else {
                if result.is_ok() {
                    operand.target.copy_from(&sum);
                }
                self.spares.give_back(sum);
            }
        }
        result
    }

    fn reduce_and_gather(
        &mut self,
        (exchange, place): (u64, &Place),
        average: &Average,
        vectors: &mut [Buffer],
        scalars: &mut [f64],
    ) -> Result<(), RuntimeError> {
        let members = Members::all(self.transport.rank(), average.size);
        let reduce = (&*one_by_one(&average.reduce), 0);
        let gather = (&*one_by_one(&average.gather), average.reduce.len() as u32);
        let cuts = &mut cuts(average.size, vectors, scalars, true);
        self.slices((exchange, place), members, reduce, cuts, None)?;
        own_block(members, vectors, scalars);
        let cuts = &mut self::cuts(average.size, vectors, scalars, false);
        self.slices((exchange, place), members, gather, cuts, None)
    }
}

/// Vectors and numbers in blocks that are added to, or written.
fn cuts<'a>(size: u32, vectors: &'a mut [Buffer], scalars: &'a mut [f64], adds: bool) -> Vec<Cut<'a>> {
    let vectors = vectors.iter_mut().map(|vector| (vector.dtype(), vector.bytes_mut()));
    let cut = |(dtype, bytes): (Dtype, &'a mut [u8])| Cut {
        bounds: Bounds::even(bytes.len(), dtype.bytes(), size),
        bytes,
        combine: match (adds, dtype) {
            (false, _) => Mode::copy,
            (true, Dtype::F64) => add::<f64>,
            (true, _) => add::<f32>,
        },
    };
    vectors.chain([(Dtype::F64, cast_slice_mut(scalars))]).map(cut).collect()
}

/// `sum ← sum + received`.
pub(crate) fn add<T: Element>(mode: Mode, sum: &mut [u8], received: &[u8]) {
    mode.add::<T>(cast_slice_mut(sum), cast_slice(received));
}

/// Divides this rank's own block of sums by the number of ranks.
fn own_block(members: Members<'_>, vectors: &mut [Buffer], scalars: &mut [f64]) {
    let Members { index, size, .. } = members;
    for vector in vectors {
        let own = Bounds::even(vector.len(), 1, size).block(index);
        with_computed!(vector.dtype(), T => divide(&mut vector.values_mut::<T>()[own], size));
    }
    let own = Bounds::even(scalars.len(), 1, size).block(index);
    divide(&mut scalars[own], size);
}

/// `values ← values / count`.
pub(crate) fn divide<T: Element>(values: &mut [T], count: u32) {
    let divisor = T::from_f64(count.into());
    values.iter_mut().for_each(|value| *value = *value / divisor);
}
