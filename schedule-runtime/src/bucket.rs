//! What a program does with the vectors of one bucket that concerns its rank alone. Numbers that are stored shorter than they
//! are computed are read into the longer type and rounded where they are written.

use crate::compression::Factors;
use crate::element::Element;
use crate::expression::{Scope, VectorExpression};
use crate::kernel;
use crate::memory::Buffer;
use crate::plan::Plan;
use crate::registers::{Bucket, BucketTensor};
use crate::storage::{Storage, with_computed, with_dtype};
use bfc_schedule::Rank;
use bfc_schedule::compression::{LowRank, Sizes};
use bfc_schedule::program::scalar::Number;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

impl Bucket {
    /// `into ← expression`.
    pub(crate) fn compute(&mut self, expression: &VectorExpression, into: usize, scope: &Scope<'_>) {
        let mut target = self.vectors[into].take();
        let all = 0..target.len();
        expression.run(&mut target, all, 0, &self.vectors, scope);
        self.vectors[into] = target;
    }

    /// The same for one edge of vectors per edge.
    pub(crate) fn compute_edge(
        &mut self,
        expression: &VectorExpression,
        into: usize,
        edge: usize,
        scope: &Scope<'_>,
    ) {
        let mut target = self.vectors[into].take();
        let start = edge * self.length;
        expression.run(&mut target, start..start + self.length, edge, &self.vectors, scope);
        self.vectors[into] = target;
    }

    /// For each tensor its index and its part of an inner product.
    pub(crate) fn dots(&self, a: usize, b: usize) -> Vec<(usize, f64)> {
        let (a, b) = (&self.vectors[a], &self.vectors[b]);
        let product = |elements: &Range<usize>| {
            with_dtype!(a.dtype(), S => with_dtype!(b.dtype(), R => {
                kernel::dot(&a.values::<S>()[elements.clone()], &b.values::<R>()[elements.clone()])
            }))
        };
        self.tensors.iter().map(|tensor| (tensor.index, product(&tensor.elements))).collect()
    }

    /// `into ← Σ` over the edges.
    pub(crate) fn gather(&mut self, from: usize, into: usize) {
        with_computed!(self.dtype, T => {
            let mut sum = vec![T::default(); self.length];
            let edges = self.vectors[from].values::<T>().chunks_exact(self.length.max(1));
            edges.for_each(|edge| kernel::add(&mut sum, edge));
            self.write(into, &sum);
        });
    }

    /// Writes a vector as a code.
    pub(crate) fn encode<T: Element>(&mut self, from: usize, into: usize, step: u64, rank: u32) {
        let code = std::mem::take(&mut self.codes[into].bytes);
        let mut bytes = Arc::unwrap_or_clone(code);
        let x = self.read::<T>(from);
        self.codes[into].coding.encode(&x, step, rank, &mut bytes);
        self.codes[into].bytes = Arc::new(bytes);
    }

    /// Reads a code.
    pub(crate) fn decode<T: Element>(&mut self, from: usize, into: usize, step: u64) {
        let mut x = vec![T::default(); self.length];
        let code = &self.codes[from];
        code.coding.decode(&code.bytes, step, &mut x);
        self.write(into, &x);
    }

    /// The first factors of all edges.
    pub(crate) fn start<T: Element>(&mut self, low_rank: LowRank, into: usize) {
        let factors = Factors::new(low_rank, &self.tensors);
        let target = self.vectors[into].values_mut::<T>();
        factors.edges(target.len()).for_each(|edge| factors.start(&mut target[edge]));
    }

    /// For each edge the model's matrices times the factors.
    pub(crate) fn project<T: Element>(&mut self, low_rank: LowRank, [from, factor]: [usize; 2], into: usize) {
        let factors = Factors::new(low_rank, &self.tensors);
        let mut target = self.vectors[into].take();
        let x = self.read::<T>(from);
        let known = self.vectors[factor].values::<T>();
        for edge in factors.edges(known.len()) {
            factors.project(&x, &known[edge.clone()], &mut target.values_mut()[edge]);
        }
        self.vectors[into] = target;
    }

    /// For each edge what the end with the higher rank has found less what the other has.
    pub(crate) fn difference<T: Element>(
        &mut self,
        low_rank: LowRank,
        (rank, plan): (Rank, &Plan),
        [mine, theirs]: [usize; 2],
        into: usize,
    ) {
        let factors = Factors::new(low_rank, &self.tensors);
        let mut target = self.vectors[into].take();
        let [mine, theirs] = [mine, theirs].map(|from| self.vectors[from].values::<T>());
        for (edge, peer) in factors.edges(mine.len()).zip(plan.neighbours()) {
            let found = [&mine[edge.clone()], &theirs[edge.clone()]];
            factors.difference(rank > peer, found, &mut target.values_mut()[edge]);
        }
        self.vectors[into] = target;
    }

    /// `into ← at` less the weighted differences, as far as the factors contain them.
    pub(crate) fn correct<T: Element>(
        &mut self,
        low_rank: LowRank,
        (rank, plan): (Rank, &Plan),
        [at, factor, difference]: [usize; 3],
        into: usize,
    ) {
        let factors = Factors::new(low_rank, &self.tensors);
        let mut corrected = self.read::<T>(at).into_owned();
        let [known, differences] = [factor, difference].map(|from| self.vectors[from].values::<T>());
        let received = plan.actions.iter().filter_map(|action| action.receive);
        for (edge, (peer, weight)) in factors.edges(known.len()).zip(received) {
            let weight = weight.get::<T>().to_f64();
            let weight = if rank > peer { weight } else { -weight };
            factors.correct(weight, [&known[edge.clone()], &differences[edge]], &mut corrected);
        }
        self.write(into, &corrected);
    }

    /// The elements of a register in what they are computed in.
    fn read<T: Element>(&self, from: usize) -> Cow<'_, [T]> {
        let buffer = &self.vectors[from];
        if buffer.dtype() == T::DTYPE {
            return Cow::Borrowed(buffer.values());
        }
        let mut read = Buffer::zeros(T::DTYPE, buffer.len());
        read.copy_from(buffer);
        Cow::Owned(read.values().to_vec())
    }

    fn write<T: Element>(&mut self, into: usize, values: &[T]) {
        with_dtype!(self.vectors[into].dtype(), S => {
            let target = self.vectors[into].values_mut::<S>();
            target.iter_mut().zip(values).for_each(|(to, from)| *to = S::store(Number::from_f64(from.to_f64())));
        });
    }
}

/// The factor of one tensor for one edge.
pub(crate) struct Piece {
    pub(crate) edge: usize,
    /// The tensor's elements in a vector.
    pub(crate) elements: Range<usize>,
    /// The factor's in a register.
    pub(crate) factor: Range<usize>,
    pub(crate) sizes: Sizes,
}

impl Piece {
    /// For each edge, tensor after tensor.
    pub(crate) fn of_edges(tensors: &[BucketTensor], low_rank: LowRank, edges: usize) -> Vec<Self> {
        let mut end = 0;
        let mut pieces = vec![];
        for edge in 0..edges {
            for tensor in tensors {
                let sizes = tensor.sizes(low_rank);
                let factor = end..end + sizes.factor();
                end = factor.end;
                pieces.push(Self { edge, elements: tensor.elements.clone(), factor, sizes });
            }
        }
        pieces
    }
}
