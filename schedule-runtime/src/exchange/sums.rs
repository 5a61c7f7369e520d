//! The sums of a mix, term by term: the own one first, then those of the rounds in order. They grow in the type that they
//! are computed in and are rounded to the target's at the end.

use super::{Coded, Operand, Spares, fill};
use crate::element::Element;
use crate::kernel::Mode;
use crate::memory::Buffer;
use crate::plan::Weight;
use crate::storage::{Dtype, Storage, arithmetic, with_computed, with_dtype};
use crate::transport::Chunk;
use bytemuck::cast_slice;

/// What a rank sends; taken out of an exchange, so that its targets can be written meanwhile.
pub(super) struct Sources<'a> {
    pub(super) vectors: Vec<Buffer>,
    pub(super) codes: &'a [Coded],
    pub(super) scalars: &'a [f64],
}

/// What becomes of it and of what arrives.
pub(super) struct Sums<'a> {
    vectors: Vec<Buffer>,
    codes: Vec<Reading>,
    scalars: &'a mut [f64],
    /// Nothing has been received yet: the own term is still to come.
    fresh: bool,
}

/// What codes say, summed up.
struct Reading {
    sum: Buffer,
    /// The code that arrives, and what it says.
    code: Vec<u8>,
    vector: Buffer,
    /// What the own code says.
    own: Buffer,
}

impl Sources<'_> {
    pub(super) fn take<'a>(vectors: &mut [Operand], codes: &'a [Coded], scalars: &'a [f64]) -> Sources<'a> {
        let source = |operand: &mut Operand| match &mut operand.source {
            Some(source) => source.take(),
            None => operand.target.take(),
        };
        Sources { vectors: vectors.iter_mut().map(source).collect(), codes, scalars }
    }
}

impl<'a> Sums<'a> {
    pub(super) fn new(
        vectors: &mut [Operand],
        sources: &Sources<'_>,
        scalars: &'a mut [f64],
        mut spare: impl FnMut(Dtype, usize) -> Buffer,
    ) -> Self {
        let sum = |(operand, source): (&mut Operand, &Buffer)| {
            let dtype = operand.target.dtype();
            match operand.source {
                Some(_) if dtype == arithmetic(dtype) => operand.target.take(),
                _ => spare(arithmetic(dtype), source.len()),
            }
        };
        let sums = vectors.iter_mut().zip(&sources.vectors).map(sum).collect();
        let reading = |coded: &Coded| {
            let length = coded.coding.elements();
            let mut vector = || spare(coded.dtype, length);
            Reading { sum: vector(), code: vec![0; coded.source.len()], vector: vector(), own: vector() }
        };
        Self { vectors: sums, codes: sources.codes.iter().map(reading).collect(), scalars, fresh: true }
    }

    /// A piece of a message.
    pub(super) fn take(
        &mut self,
        own: Option<Weight>,
        weight: Weight,
        sources: &Sources<'_>,
        chunk: Chunk<'_>,
    ) {
        let (part, own) = (chunk.part, own.filter(|_| self.fresh));
        if let Some(source) = sources.vectors.get(part) {
            let sum = &mut self.vectors[part];
            let mode = Mode::best(sum.bytes().len());
            with_dtype!(source.dtype(), S => {
                let own = own.map(|own| (own.get(), source.values::<S>()));
                term::<S>(mode, sum.values_mut(), own, weight.get(), self.fresh, chunk);
            });
        } else if let Some(reading) = self.codes.get_mut(part - sources.vectors.len()) {
            fill(&mut reading.code, chunk);
        } else {
            let own = own.map(|own| (own.get(), sources.scalars));
            term::<f64>(Mode::best(0), self.scalars, own, weight.get(), self.fresh, chunk);
        }
    }

    /// A whole message has come: what its codes say is added.
    pub(super) fn received(&mut self, own: Option<Weight>, weight: Weight, sources: &Sources<'_>) {
        for (reading, coded) in self.codes.iter_mut().zip(sources.codes) {
            let own = own.filter(|_| self.fresh);
            with_computed!(coded.dtype, T => reading.add::<T>(coded, own, weight, self.fresh));
        }
        self.fresh = false;
    }

    /// What is left where nothing was received.
    pub(super) fn keep(&mut self, own: Option<Weight>, sources: &Sources<'_>) {
        if !self.fresh {
            return;
        }
        let Some(own) = own else {
            let sums = self.vectors.iter_mut().chain(self.codes.iter_mut().map(|reading| &mut reading.sum));
            sums.for_each(|sum| sum.bytes_mut().fill(0));
            return self.scalars.fill(0.0);
        };
        for (sum, source) in self.vectors.iter_mut().zip(&sources.vectors) {
            let mode = Mode::best(sum.bytes().len());
            with_dtype!(source.dtype(), S => mode.scale::<S>(sum.values_mut(), own.get(), source.values()));
        }
        for (reading, coded) in self.codes.iter_mut().zip(sources.codes) {
            with_computed!(coded.dtype, T => reading.keep::<T>(coded, own));
        }
        Mode::best(0).scale::<f64>(self.scalars, own.get(), sources.scalars);
    }

    /// Puts everything in its place; targets get their sums if all went `well`.
    pub(super) fn settle(
        self,
        well: bool,
        sources: Vec<Buffer>,
        vectors: &mut [Operand],
        codes: &mut [Coded],
        spares: &mut Spares,
    ) {
        for ((operand, source), mut sum) in vectors.iter_mut().zip(sources).zip(self.vectors) {
            let Operand { source: place, target } = operand;
            let is_whole = sum.dtype() == target.dtype();
            match place {
                Some(place) => {
                    *place = source;
                    if is_whole {
                        // It has grown where it belongs.
                        *target = sum;
                        continue;
                    }
                }
                None => *target = source,
            }
            match is_whole && !target.is_lent() {
                _ if !well => {}
                true => std::mem::swap(target, &mut sum),
                false => target.copy_from(&sum),
            }
            spares.give_back(sum);
        }
        for (coded, reading) in codes.iter_mut().zip(self.codes) {
            if well {
                coded.target.copy_from(&reading.sum);
            }
            [reading.sum, reading.vector, reading.own].into_iter().for_each(|spare| spares.give_back(spare));
        }
    }
}

impl Reading {
    fn add<T: Element>(&mut self, coded: &Coded, own: Option<Weight>, weight: Weight, fresh: bool) {
        read::<T>(coded, &self.code, &mut self.vector);
        let mode = Mode::best(self.sum.bytes().len());
        let sum = self.sum.values_mut::<T>();
        match own {
            Some(own) => {
                read::<T>(coded, &coded.source, &mut self.own);
                mode.first::<T>(sum, own.get(), self.own.values(), weight.get(), self.vector.values());
            }
            None if fresh => mode.scale::<T>(sum, weight.get(), self.vector.values()),
            None => mode.accumulate::<T>(sum, weight.get(), self.vector.values()),
        }
    }

    fn keep<T: Element>(&mut self, coded: &Coded, own: Weight) {
        read::<T>(coded, &coded.source, &mut self.own);
        let mode = Mode::best(self.sum.bytes().len());
        mode.scale::<T>(self.sum.values_mut(), own.get(), self.own.values());
    }
}

/// What a code says, tensor by tensor.
fn read<T: Element>(coded: &Coded, code: &[u8], vector: &mut Buffer) {
    coded.coding.decode(code, coded.step, vector.values_mut::<T>());
}

/// One term of a sum, after the own term where that is still to come.
fn term<S: Storage>(
    mode: Mode,
    sum: &mut [S::Arithmetic],
    own: Option<(S::Arithmetic, &[S])>,
    weight: S::Arithmetic,
    fresh: bool,
    chunk: Chunk<'_>,
) {
    let received: &[S] = cast_slice(chunk.bytes);
    let start = chunk.offset / size_of::<S>();
    let range = start..start + received.len();
    match own {
        Some((own, source)) => mode.first(&mut sum[range.clone()], own, &source[range], weight, received),
        None if fresh => mode.scale(&mut sum[range], weight, received),
        None => mode.accumulate(&mut sum[range], weight, received),
    }
}
