//! Calls that reduce vectors of all ranks to one.

use super::descriptor::{Descriptor, Operation};
use super::number::COPY;
use super::operand::Bytes;
use super::{Call, CommunicateError, Communicator, NumberType, Numeric, Operand, SHORT};
use crate::error::RuntimeError;
use crate::exchange::{Bounds, Cut, Members, Wire, divide, gather_rounds, reduce_rounds};
use crate::kernel::{self, Mode};
use crate::storage::{Dtype, Storage};
use crate::transport::{FloatsMut, ReduceOp, Transport};
use bytemuck::cast_slice_mut;
use half::{bf16, f16};
use std::fmt;
use std::ops::Range;

/// What becomes of the elements that ranks have at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Reduction {
    /// Their sum.
    Sum,
    /// Their sum, divided by the number of ranks; not of integers.
    Mean,
    /// The least.
    Min,
    /// The greatest.
    Max,
}

impl Reduction {
    pub(super) fn from_code(code: u8) -> Self {
        [Self::Sum, Self::Mean, Self::Min, Self::Max][usize::from(code % 4)]
    }

    fn check(self, number: NumberType) -> Result<(), CommunicateError> {
        match self {
            Self::Mean => float("the mean", number).map(|_| ()),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Reduction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sum => "sum",
            Self::Mean => "mean",
            Self::Min => "min",
            Self::Max => "max",
        })
    }
}

/// A type that can be divided and weighted.
pub(super) fn float(what: &'static str, number: NumberType) -> Result<Dtype, CommunicateError> {
    number.float().ok_or(CommunicateError::Integers { what, number })
}

impl<X: Transport + Send + 'static> Communicator<X> {
    /// `x ←` the reduction of all ranks' vectors, element by element. Lengths are equal on all ranks.
    ///
    /// # Errors
    /// Where a mean of integers is asked for, ranks disagree, or a peer fails.
    pub fn allreduce<'a, T: Numeric>(
        &mut self,
        x: impl Into<Operand<'a, T>>,
        reduction: Reduction,
    ) -> Result<(), CommunicateError> {
        self.allreduce_of(x.into().bytes(), reduction, false)
    }

    /// [`allreduce`](Self::allreduce) by whatever is fastest, with other bits: where the transport has a collective of its own for
    /// `f32` or `f64`, as MPI has, that reduces, in an order of its own. On other transports, and for other types, this is
    /// `allreduce`. All ranks ask for it, or none.
    ///
    /// # Errors
    /// As there. The library does not name a rank that is late: [`RuntimeError::Collective`].
    pub fn allreduce_fast<'a, T: Numeric>(
        &mut self,
        x: impl Into<Operand<'a, T>>,
        reduction: Reduction,
    ) -> Result<(), CommunicateError> {
        self.allreduce_of(x.into().bytes(), reduction, true)
    }

    fn allreduce_of(
        &mut self,
        mut x: Bytes<'_>,
        reduction: Reduction,
        fast: bool,
    ) -> Result<(), CommunicateError> {
        let mine = Descriptor::new(Operation::Allreduce, x.number, x.len());
        let valid = x.check().and_then(|()| reduction.check(x.number));
        self.call(Descriptor { reduction: Some(reduction), fast, ..mine }, valid, |call, _| {
            let (everyone, number, x) = (call.everyone(), x.number, x.in_place());
            match fast && call.reduce_by_transport(number, x, reduction)? {
                true => Ok(()),
                false => Ok(call.allreduce(everyone, number, x, reduction)?),
            }
        })
    }

    /// Reduces as [`allreduce`](Self::allreduce) does, and leaves block `rank` of the result in `x`: the elements `rank·len/size
    /// .. (rank + 1)·len/size`, which it returns. What the others hold afterwards is unspecified.
    ///
    /// # Errors
    /// As there.
    pub fn reduce_scatter<'a, T: Numeric>(
        &mut self,
        x: impl Into<Operand<'a, T>>,
        reduction: Reduction,
    ) -> Result<Range<usize>, CommunicateError> {
        let mut x = x.into().bytes();
        let mine = Descriptor::new(Operation::ReduceScatter, x.number, x.len());
        let valid = x.check().and_then(|()| reduction.check(x.number));
        let own = Bounds::even(x.len(), 1, self.size).block(self.rank.0);
        self.call(Descriptor { reduction: Some(reduction), ..mine }, valid, |call, _| {
            let everyone = call.everyone();
            if is_short(everyone, x.number, x.target) {
                call.reduce_all(everyone, x.number, x.in_place(), reduction)?;
            } else {
                call.reduce_blocks(everyone, x.number, x.in_place(), reduction)?;
            }
            Ok(own)
        })
    }
}

/// Whether all vectors together are short.
fn is_short(members: Members<'_>, number: NumberType, x: &[u8]) -> bool {
    x.len() / number.bytes() * number.arithmetic().bytes() * members.size as usize <= SHORT
}

impl<X: Transport> Call<'_, X> {
    pub(super) fn allreduce(
        &mut self,
        members: Members<'_>,
        number: NumberType,
        x: &mut [u8],
        reduction: Reduction,
    ) -> Result<(), RuntimeError> {
        if is_short(members, number, x) {
            return self.reduce_all(members, number, x, reduction);
        }
        self.reduce_blocks(members, number, x, reduction)?;
        let bounds = Bounds::even(x.len(), number.bytes(), members.size);
        self.slices(members, &gather_rounds(members.size), Cut { bytes: x, bounds, combine: COPY }, None)
    }

    /// All ranks reduce by the transport's own collective, if it has one for these numbers.
    fn reduce_by_transport(
        &mut self,
        number: NumberType,
        x: &mut [u8],
        reduction: Reduction,
    ) -> Result<bool, RuntimeError> {
        let values = match number {
            NumberType::F32 => FloatsMut::F32(cast_slice_mut(x)),
            NumberType::F64 => FloatsMut::F64(cast_slice_mut(x)),
            _ => return Ok(false),
        };
        let operation = match reduction {
            Reduction::Sum | Reduction::Mean => ReduceOp::Sum,
            Reduction::Min => ReduceOp::Min,
            Reduction::Max => ReduceOp::Max,
        };
        let is_reduced = self.wire.allreduce(&self.place, values, operation)?;
        if is_reduced {
            finish(reduction, number, x, self.wire.transport.size());
        }
        Ok(is_reduced)
    }

    /// Each member gets all vectors, and reduces them in the order of the members.
    fn reduce_all(
        &mut self,
        members: Members<'_>,
        number: NumberType,
        x: &mut [u8],
        reduction: Reduction,
    ) -> Result<(), RuntimeError> {
        let Members { index, size, .. } = members;
        let whole = 0..x.len() / number.bytes();
        self.in_arithmetic(number, x, whole, |call, x| {
            let bounds = Bounds::Even { length: size as usize, element: x.len(), size };
            // Aligned to every type of numbers.
            let mut all = vec![0u64; (x.len() * size as usize).div_ceil(size_of::<u64>())];
            let all: &mut [u8] = &mut cast_slice_mut(&mut all)[..x.len() * size as usize];
            all[bounds.block(index)].copy_from_slice(x);
            let cut = Cut { bytes: all, bounds: bounds.clone(), combine: COPY };
            call.slices(members, &gather_rounds(size), cut, None)?;
            x.copy_from_slice(&all[bounds.block(0)]);
            let (combine, mode) = (number.combine(reduction), Mode::best(x.len()));
            (1..size).for_each(|member| combine(mode, x, &all[bounds.block(member)]));
            finish(reduction, number, x, size);
            Ok(())
        })
    }

    /// Each member gets its block of the reduction.
    fn reduce_blocks(
        &mut self,
        members: Members<'_>,
        number: NumberType,
        x: &mut [u8],
        reduction: Reduction,
    ) -> Result<(), RuntimeError> {
        let Members { index, size, .. } = members;
        let own = Bounds::even(x.len() / number.bytes(), 1, size).block(index);
        self.in_arithmetic(number, x, own, |call, x| {
            let bounds = Bounds::even(x.len(), number.arithmetic().bytes(), size);
            let own = bounds.block(index);
            let cut = Cut { bytes: x, bounds, combine: number.combine(reduction) };
            call.slices(members, &reduce_rounds(size), cut, None)?;
            finish(reduction, number, &mut x[own], size);
            Ok(())
        })
    }

    /// Does something to numbers in the type that they are reduced in; those at `rounded` come back.
    fn in_arithmetic(
        &mut self,
        number: NumberType,
        x: &mut [u8],
        rounded: Range<usize>,
        body: impl FnOnce(&mut Self, &mut [u8]) -> Result<(), RuntimeError>,
    ) -> Result<(), RuntimeError> {
        match number {
            NumberType::Bf16 => self.widened::<bf16>(cast_slice_mut(x), rounded, body),
            NumberType::F16 => self.widened::<f16>(cast_slice_mut(x), rounded, body),
            _ => body(self, x),
        }
    }

    fn widened<S: Storage<Arithmetic = f32>>(
        &mut self,
        x: &mut [S],
        rounded: Range<usize>,
        body: impl FnOnce(&mut Self, &mut [u8]) -> Result<(), RuntimeError>,
    ) -> Result<(), RuntimeError> {
        let Wire { spares, transport, .. } = &mut *self.wire;
        let mut wide = spares.take(Dtype::F32, x.len(), transport);
        Mode::best(size_of_val(x)).convert::<f32, S>(wide.values_mut(), x);
        let result = body(self, wide.bytes_mut());
        if result.is_ok() {
            kernel::round::<S>(&mut x[rounded.clone()], &wide.values()[rounded]);
        }
        self.wire.spares.give_back(wide);
        result
    }
}

/// What a mean still lacks.
fn finish(reduction: Reduction, number: NumberType, sums: &mut [u8], size: u32) {
    match (reduction, number) {
        (Reduction::Mean, NumberType::F64) => divide::<f64>(cast_slice_mut(sums), size),
        (Reduction::Mean, _) => divide::<f32>(cast_slice_mut(sums), size),
        _ => {}
    }
}
