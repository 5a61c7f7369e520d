//! Factors of edges: thin matrices that the two ends of an edge know, along which they compare theirs.

use super::GpuMachine;
use super::registers::tensors;
use crate::bucket::Piece;
use crate::gpu::kernels::{Factor, Vector};
use crate::gpu::{GpuError, Link};
use crate::storage::Dtype;
use bfc_schedule::Rank;
use bfc_schedule::program::Shape;

impl<L: Link> GpuMachine<L> {
    /// The pieces of a register of factors in a bucket.
    fn pieces(&self, register: usize, bucket: usize) -> Vec<Piece> {
        let Shape::EdgeFactor(low_rank) = self.program.registers[register] else {
            unreachable!("a checked program finds factors there")
        };
        Piece::of_edges(&tensors(&self.layout, bucket), low_rank, self.registers.edges)
    }

    /// The neighbours, and the weights of what they send.
    fn ends(&self, dtype: Dtype) -> Vec<(Rank, f64)> {
        let received = self.plans[0][0].actions.iter().filter_map(|action| action.receive);
        let weight = |(peer, weight): (Rank, crate::Weight)| match dtype {
            Dtype::F64 => (peer, weight.double),
            _ => (peer, weight.single.into()),
        };
        received.map(weight).collect()
    }

    pub(super) fn start(&mut self, into: usize) -> Result<(), GpuError> {
        for bucket in 0..self.layout.buckets().len() {
            let target = self.registers.vectors[into][bucket];
            for piece in self.pieces(into, bucket) {
                // SAFETY: registers have their memory as long as the machine lives, here and below.
                unsafe { self.kernels.start(&self.stream, target.part(piece.factor))? };
            }
        }
        Ok(())
    }

    pub(super) fn project(&mut self, [from, factor, into]: [usize; 3]) -> Result<(), GpuError> {
        for bucket in 0..self.layout.buckets().len() {
            let [x, factors, target] =
                [from, factor, into].map(|register| self.registers.vectors[register][bucket]);
            // SAFETY: as above; what the vector is read into lives as long, too.
            let x = unsafe { self.exchanger.computed(&self.kernels, &self.stream, x)? };
            for Piece { elements, factor: place, sizes, .. } in self.pieces(factor, bucket) {
                let factor = Factor { sizes, vector: factors.part(place.clone()) };
                let (x, target) = (x.part(elements), target.part(place).address);
                // SAFETY: as above.
                unsafe { self.kernels.project(&self.stream, x, factor, target, &mut self.room)? };
            }
        }
        Ok(())
    }

    pub(super) fn difference(&mut self, [mine, theirs, into]: [usize; 3]) -> Result<(), GpuError> {
        for bucket in 0..self.layout.buckets().len() {
            let vectors = [mine, theirs, into].map(|register| self.registers.vectors[register][bucket]);
            let ends = self.ends(vectors[0].dtype);
            for Piece { edge, factor, .. } in self.pieces(into, bucket) {
                let parts = vectors.map(|vector| vector.part(factor.clone()));
                // SAFETY: as above.
                unsafe { self.kernels.difference(&self.stream, self.rank > ends[edge].0, parts)? };
            }
        }
        Ok(())
    }

    pub(super) fn correct(&mut self, [at, factor, difference, into]: [usize; 4]) -> Result<(), GpuError> {
        for bucket in 0..self.layout.buckets().len() {
            let [x, factors, differences, target] =
                [at, factor, difference, into].map(|register| self.registers.vectors[register][bucket]);
            let corrected: Vector = self.exchanger.read_into(target)?;
            if corrected.address != x.address {
                // SAFETY: as above.
                unsafe { self.kernels.convert(&self.stream, corrected, x)? };
            }
            let ends = self.ends(corrected.dtype);
            for Piece { edge, elements, factor: place, sizes } in self.pieces(factor, bucket) {
                let (peer, weight) = ends[edge];
                let weight = if self.rank > peer { weight } else { -weight };
                let factor = Factor { sizes, vector: factors.part(place.clone()) };
                let (x, difference) = (corrected.part(elements), differences.part(place).address);
                // SAFETY: as above.
                unsafe {
                    self.kernels.correct(&self.stream, weight, factor, difference, x, &mut self.room)?;
                }
            }
            if corrected.address != target.address {
                // SAFETY: as above.
                unsafe { self.kernels.convert(&self.stream, target, corrected)? };
            }
        }
        Ok(())
    }
}
