//! An expression, chunk by chunk.

use super::loops::{Elementwise, Source, Term};
use super::{Applied, Operand, Place, Scope, VectorExpression, scalar};
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
    pub(crate) fn run_on<'a, S: Storage>(
        &self,
        into: &mut [S],
        edge: usize,
        vector: impl Fn(usize) -> Slice<'a>,
        scope: &Scope<'_>,
    ) {
        let mode = Mode::best(0);
        let length = into.len();
        let chunk = || vec![<S::Arithmetic>::default(); CHUNK.min(length)];
        let mut slots: Vec<_> = (0..self.slots).map(|_| chunk()).collect();
        let uniform = |expression: &Vec<_>| Number::from_f64(scalar(expression, scope));
        let mut sources = Sources {
            uniforms: self.uniforms.iter().map(uniform).collect(),
            vectors: self
                .vectors
                .iter()
                .map(|read| match (vector(read.register), read.per_edge) {
                    (edges, true) => edges.part(edge * length..(edge + 1) * length),
                    (vector, false) => vector,
                })
                .map(|vector| (vector, if is::<S::Arithmetic>(vector) { vec![] } else { chunk() }))
                .collect(),
            target: if self.reads_target { chunk() } else { vec![] },
            places: 0..0,
        };
        // Where numbers are stored as they are computed, chunks are computed in their places.
        let in_place = S::DTYPE == <S::Arithmetic>::DTYPE;
        let mut result = if in_place { vec![] } else { chunk() };
        for (start, into) in (0..).step_by(CHUNK).zip(into.chunks_mut(CHUNK)) {
            sources.load(start..start + into.len(), mode);
            if self.reads_target {
                mode.convert(&mut sources.target[..into.len()], into);
            }
            if in_place {
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
        sources: &Sources<'_, A>,
        mode: Mode,
    ) {
        let Some((last, others)) = self.operations.split_last() else {
            return match sources.term(self.result, slots).source {
                Source::One(value) => target.fill(value),
                Source::Each(values) => target.copy_from_slice(values),
            };
        };
        let run = |applied: &Applied, into: &mut [A], slots: &[Vec<A>]| {
            let operands = applied.operands.iter().map(|operand| sources.term(*operand, slots));
            mode.instructions.run(Elementwise::new(&applied.operation, operands, into));
        };
        for applied in others {
            let mut slot = std::mem::take(&mut slots[applied.into]);
            run(applied, &mut slot[..target.len()], slots);
            slots[applied.into] = slot;
        }
        run(last, target, slots);
    }
}

fn is<A: Element>(vector: Slice<'_>) -> bool {
    vector.dtype() == A::DTYPE
}

/// What a chunk is computed from, besides slots.
struct Sources<'a, A> {
    uniforms: Vec<A>,
    /// Vectors, each with room for a chunk of it if it has another type.
    vectors: Vec<(Slice<'a>, Vec<A>)>,
    /// The chunk of the target as it was.
    target: Vec<A>,
    /// The places of the chunk.
    places: Range<usize>,
}

impl<A: Element> Sources<'_, A> {
    /// Goes to the chunk at these places.
    fn load(&mut self, places: Range<usize>, mode: Mode) {
        for (vector, room) in &mut self.vectors {
            if !is::<A>(*vector) {
                mode.load(&mut room[..places.len()], vector.part(places.clone()));
            }
        }
        self.places = places;
    }

    fn term<'s>(&'s self, operand: Operand, slots: &'s [Vec<A>]) -> Term<'s, A> {
        let length = self.places.len();
        let source = match operand.place {
            Place::Target => Source::Each(&self.target[..length]),
            Place::Vector(index) => {
                let (vector, room) = &self.vectors[index];
                let numbers = vector.as_numbers().map(|numbers| &numbers[self.places.clone()]);
                Source::Each(numbers.unwrap_or_else(|| &room[..length]))
            }
            Place::Slot(slot) => Source::Each(&slots[slot][..length]),
            Place::Uniform(uniform) => Source::One(self.uniforms[uniform]),
        };
        Term { source, factor: operand.factor.map(|factor| self.uniforms[factor]) }
    }
}
