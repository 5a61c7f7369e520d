//! Kernels of matrices and thin matrices: the codec `low_rank`, and the factors of edges that PowerGossip keeps. Sums have the
//! host's order.

use super::super::stream::Grid;
use super::{Kernels, Room, Vector, each};
use crate::gpu::{GpuError, Stream};
use bfc_schedule::compression::Sizes;

/// The factor of a tensor for an edge, in what it is computed in.
#[derive(Clone, Copy)]
pub(in crate::gpu) struct Factor {
    pub(in crate::gpu) sizes: Sizes,
    pub(in crate::gpu) vector: Vector,
}

impl Kernels {
    /// Writes a tensor as the product of two thin matrices.
    ///
    /// # Safety
    /// As [`encode`](Self::encode).
    pub(super) unsafe fn thin_code(
        &self,
        stream: &Stream,
        sizes: Sizes,
        x: Vector,
        code: u64,
        room: &mut Room,
    ) -> Result<(), GpuError> {
        let Sizes { rows, columns, rank } = sizes;
        let named = |kernel: &str| format!("{kernel}_{}", x.dtype.name());
        // The thin matrices one after the other, then the norms of rows, then the places of the largest.
        let thin = (rows + columns) * rank;
        let numbers = room.of(&self.gpu, 8 * (thin + rows + rank))?;
        let [left, right, norms, largest] =
            [0, rows * rank, thin, thin + rows].map(|number| numbers.part(8 * number..8 * number));
        let matrix = [rows as u64, columns as u64, x.length as u64, x.address];
        // SAFETY: the caller's; rooms are the kernels'.
        unsafe {
            let words = [&matrix[..], &[norms]].concat();
            self.launch(stream, &named("row_norms"), each(rows), &words)?;
            let words = [rows as u64, norms, rank as u64, largest];
            self.launch(stream, "largest_rows", Grid::Block, &words)?;
            let words = [&matrix[..], &[rank as u64, largest, left]].concat();
            self.launch(stream, &named("times_rows"), each(rows * rank), &words)?;
            let words = [rows as u64, rank as u64, left];
            self.launch(stream, &named("orthonormal"), Grid::Block, &words)?;
            let words = [&matrix[..], &[rank as u64, left, right]].concat();
            self.launch(stream, &named("transposed_times"), each(columns * rank), &words)?;
            self.launch(stream, &named("write_thin"), each(thin), &[thin as u64, left, code])
        }
    }

    /// Reads such a code.
    ///
    /// # Safety
    /// As [`decode`](Self::decode).
    pub(super) unsafe fn thin_product(
        &self,
        stream: &Stream,
        Sizes { rows, columns, rank }: Sizes,
        code: u64,
        x: Vector,
    ) -> Result<(), GpuError> {
        let words = [rows as u64, columns as u64, x.length as u64, rank as u64, code, x.address];
        // SAFETY: the caller's.
        unsafe { self.launch(stream, &format!("thin_product_{}", x.dtype.name()), each(x.length), &words) }
    }

    /// The first factor of an edge.
    ///
    /// # Safety
    /// As [`assign`](Self::assign), here and below.
    pub(in crate::gpu) unsafe fn start(&self, stream: &Stream, into: Vector) -> Result<(), GpuError> {
        let words = [into.length as u64, into.address];
        // SAFETY: the caller's.
        unsafe { self.launch(stream, &format!("start_{}", into.dtype.name()), each(into.length), &words) }
    }

    /// The matrix `x` times the factor, from its side.
    ///
    /// # Safety
    /// As there.
    pub(in crate::gpu) unsafe fn project(
        &self,
        stream: &Stream,
        x: Vector,
        factor: Factor,
        into: u64,
        room: &mut Room,
    ) -> Result<(), GpuError> {
        // SAFETY: the caller's.
        unsafe {
            let basis = self.basis(stream, factor, room)?;
            let words = [&factor.words(x)[..], &[basis, into]].concat();
            let name = format!("project_{}", x.dtype.name());
            self.launch(stream, &name, each(factor.sizes.factor()), &words)
        }
    }

    /// What the end with the higher rank has found less what the other has.
    ///
    /// # Safety
    /// As there.
    pub(in crate::gpu) unsafe fn difference(
        &self,
        stream: &Stream,
        mine_is_higher: bool,
        [mine, theirs, into]: [Vector; 3],
    ) -> Result<(), GpuError> {
        let words = [into.length as u64, mine.address, theirs.address, mine_is_higher.into(), into.address];
        let name = format!("difference_{}", into.dtype.name());
        // SAFETY: the caller's.
        unsafe { self.launch(stream, &name, each(into.length), &words) }
    }

    /// `x` less the weighted difference along the factor.
    ///
    /// # Safety
    /// As there.
    pub(in crate::gpu) unsafe fn correct(
        &self,
        stream: &Stream,
        weight: f64,
        factor: Factor,
        difference: u64,
        x: Vector,
        room: &mut Room,
    ) -> Result<(), GpuError> {
        // SAFETY: the caller's.
        unsafe {
            let basis = self.basis(stream, factor, room)?;
            let words = [&factor.words(x)[..], &[basis, difference, weight.to_bits()]].concat();
            self.launch(stream, &format!("correct_{}", x.dtype.name()), each(x.length), &words)
        }
    }

    /// The address of the number of orthonormal directions of a factor, and of these.
    unsafe fn basis(&self, stream: &Stream, factor: Factor, room: &mut Room) -> Result<u64, GpuError> {
        let Sizes { rows, columns, rank } = factor.sizes;
        let basis = room.of(&self.gpu, 8 * factor.sizes.factor())?.address();
        let words = [rows as u64, columns as u64, rank as u64, factor.vector.address, basis];
        let name = format!("basis_{}", factor.vector.dtype.name());
        // SAFETY: the caller's; rooms are the kernels'.
        unsafe { self.launch(stream, &name, Grid::Block, &words)? };
        Ok(basis)
    }
}

impl Factor {
    /// The sizes of the matrix, the matrix, and the factor.
    fn words(self, x: Vector) -> [u64; 6] {
        let Sizes { rows, columns, rank } = self.sizes;
        [rows as u64, columns as u64, x.length as u64, rank as u64, x.address, self.vector.address]
    }
}
