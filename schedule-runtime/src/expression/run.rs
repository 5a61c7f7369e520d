//! An expression, chunk by chunk.

use super::loops::{Applied as Loops, Source, Term};
use super::{Operand, Place, Scope, VectorExpression, scalar};
use crate::element::Element;
use crate::kernel::Mode;
use crate::memory::Buffer;
use crate::storage::{Slice, Storage, with_dtype};
use bfc_schedule::program::scalar::Number;
use bytemuck::cast_slice_mut;
use std::ops::Range;

/// Elements in a chunk: three or four of them fit the first-level cache.
const CHUNK: usize = 1024;

impl VectorExpression {
    /// Computes these elements of `target`, the part of that edge where it is a vector per edge; `vectors` are all registers,
    /// the target's taken out.
    pub(crate) fn run(
        &self,
        target: &mut Buffer,
        elements: Range<usize>,
        edge: usize,
        vectors: &[Buffer],
        scope: &Scope<'_>,
    ) {
        with_dtype!(target.dtype(), S => {
            let into = &mut target.values_mut::<S>()[elements];
            self.run_on(into, edge, |register| vectors[register].slice(), scope);
        });
    }

    /// The same on a slice, where each vector has a storage type of its own.
    pub(super) fn run_on<'a, S: Storage>(
        &self,
        into: &mut [S],
        edge: usize,
        vector: impl Fn(usize) -> Slice<'a>,
        scope: &Scope<'_>,
    ) {
        let mode = Mode::best(0);
        // Chunks are computed where they are stored, or in a place of their own.
        let direct = S::DTYPE == <S::Arithmetic>::DTYPE;
        let length = into.len();
        let chunk = |needed: bool| match needed {
            true => vec![<S::Arithmetic>::default(); CHUNK.min(length)],
            false => vec![],
        };
        let (mut own, mut result) = (chunk(self.reads_target), chunk(!direct));
        let mut slots: Vec<_> = (0..self.slots).map(|_| chunk(true)).collect();
        let uniform = |expression: &Vec<_>| Number::from_f64(scalar(expression, scope));
        let uniforms: Vec<S::Arithmetic> = self.uniforms.iter().map(uniform).collect();
        let vectors: Vec<Slice> = self
            .vectors
            .iter()
            .map(|read| match (vector(read.register), read.per_edge) {
                (edges, true) => edges.part(edge * length..(edge + 1) * length),
                (vector, false) => vector,
            })
            .collect();
        let is_converted = |vector: &Slice| vector.dtype() != <S::Arithmetic>::DTYPE;
        let mut loaded: Vec<_> = vectors.iter().map(|vector| chunk(is_converted(vector))).collect();
        for (start, into) in (0..).step_by(CHUNK).zip(into.chunks_mut(CHUNK)) {
            let range = start..start + into.len();
            for (vector, loaded) in vectors.iter().zip(&mut loaded) {
                if is_converted(vector) {
                    mode.load(&mut loaded[..into.len()], vector.part(range.clone()));
                }
            }
            if self.reads_target {
                mode.convert(&mut own[..into.len()], into);
            }
            let sources =
                Sources { vectors: &vectors, loaded: &loaded, own: &own, uniforms: &uniforms, range };
            if direct {
                self.chunk(cast_slice_mut(into), &mut slots, &sources, mode);
            } else {
                let result = &mut result[..into.len()];
                self.chunk(result, &mut slots, &sources, mode);
                mode.convert(into, result);
            }
        }
    }

    /// Computes a chunk of the target.
    fn chunk<A: Element>(
        &self,
        target: &mut [A],
        slots: &mut [Vec<A>],
        sources: &Sources<'_, '_, A>,
        mode: Mode,
    ) {
        let Some((last, others)) = self.operations.split_last() else {
            return match sources.term(self.result, slots).source {
                Source::One(value) => target.fill(value),
                Source::Each(values) => target.copy_from_slice(values),
            };
        };
        let run = |applied: &super::Applied, into: &mut [A], slots: &[Vec<A>]| {
            let operands = applied.operands.iter().map(|operand| sources.term(*operand, slots));
            mode.instructions.run(Loops::new(&applied.operation, operands, into));
        };
        for applied in others {
            let mut slot = std::mem::take(&mut slots[applied.into]);
            run(applied, &mut slot[..target.len()], slots);
            slots[applied.into] = slot;
        }
        run(last, target, slots);
    }
}

/// What a chunk is computed from, besides slots.
struct Sources<'s, 'a, A> {
    vectors: &'s [Slice<'a>],
    /// Chunks of the vectors that have another type.
    loaded: &'s [Vec<A>],
    /// The chunk of the target as it was.
    own: &'s [A],
    uniforms: &'s [A],
    /// The places of the chunk.
    range: Range<usize>,
}

impl<'s, A: Element> Sources<'s, '_, A> {
    fn term(&self, operand: Operand, slots: &'s [Vec<A>]) -> Term<'s, A> {
        let length = self.range.len();
        let source = match operand.place {
            Place::Target => Source::Each(&self.own[..length]),
            Place::Vector(index) => Source::Each(match self.vectors[index].as_numbers() {
                Some(numbers) => &numbers[self.range.clone()],
                None => &self.loaded[index][..length],
            }),
            Place::Slot(slot) => Source::Each(&slots[slot][..length]),
            Place::Uniform(uniform) => Source::One(self.uniforms[uniform]),
        };
        Term { source, factor: operand.factor.map(|factor| self.uniforms[factor]) }
    }
}
