//! The buffers of a program while it runs: owned by the machine, or lent by the caller for the length of a call.

use bfc_schedule::program::Shape;
use std::ops::{Deref, DerefMut};

/// The memory of a vector register.
#[derive(Debug)]
pub(crate) enum Buffer<'a, T> {
    /// The machine's.
    Own(Vec<T>),
    /// The caller's.
    Lent(&'a mut [T]),
}

impl<T> Default for Buffer<'_, T> {
    fn default() -> Self {
        Self::Own(vec![])
    }
}

impl<T> Deref for Buffer<'_, T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        match self {
            Self::Own(own) => own,
            Self::Lent(lent) => lent,
        }
    }
}

impl<T> DerefMut for Buffer<'_, T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match self {
            Self::Own(own) => own,
            Self::Lent(lent) => lent,
        }
    }
}

/// All registers, by index: each has a place in every list, and uses that of its shape.
#[derive(Debug)]
pub(crate) struct Registers<'a, T> {
    /// Vectors, and vectors and factors per edge, edge after edge.
    pub(crate) vectors: Vec<Buffer<'a, T>>,
    pub(crate) scalars: Vec<f64>,
    /// Scalars per edge, and codes.
    pub(crate) small: Small,
    /// Vectors for sums whose target is read meanwhile.
    pub(crate) spare: Vec<Buffer<'a, T>>,
    length: usize,
}

/// Registers of shapes that are never lent.
#[derive(Debug, Default)]
pub(crate) struct Small {
    pub(crate) edge_scalars: Vec<Vec<f64>>,
    pub(crate) codes: Vec<Vec<u8>>,
    /// Room for codes that arrive.
    pub(crate) arriving: Vec<Vec<u8>>,
}

/// Registers between calls.
#[derive(Debug, Default)]
pub(crate) struct Memory<T> {
    pub(crate) vectors: Vec<Vec<T>>,
    pub(crate) scalars: Vec<f64>,
    pub(crate) small: Small,
    pub(crate) spare: Vec<Vec<T>>,
}

impl<T: Copy + Default> Memory<T> {
    /// Registers of these shapes for a model of that length, all zero, on a rank with this number of neighbours.
    pub(crate) fn new(shapes: &[Shape], length: usize, neighbours: usize) -> Self {
        let vector = |shape: &Shape| match shape {
            Shape::Vector => length,
            Shape::EdgeVector => neighbours * length,
            Shape::EdgeFactor(low_rank) => neighbours * low_rank.sizes(length).factor(),
            _ => 0,
        };
        let numbers = |shape: &Shape| if *shape == Shape::EdgeScalar { neighbours } else { 0 };
        let code = |shape: &Shape| match shape {
            Shape::Code(codec) => codec.bytes(length, size_of::<T>()),
            _ => 0,
        };
        Self {
            vectors: shapes.iter().map(|shape| vec![T::default(); vector(shape)]).collect(),
            scalars: vec![0.0; shapes.len()],
            small: Small {
                edge_scalars: shapes.iter().map(|shape| vec![0.0; numbers(shape)]).collect(),
                codes: shapes.iter().map(|shape| vec![0; code(shape)]).collect(),
                arriving: vec![],
            },
            spare: vec![],
        }
    }

    /// Takes everything for a call; `lent` stands in for the vector of register `home`.
    pub(crate) fn borrow<'a>(
        &mut self,
        length: usize,
        lent: Option<(usize, &'a mut [T])>,
    ) -> Registers<'a, T> {
        // In place: a step that exchanges little allocates nothing for it.
        let own = |vectors: &mut Vec<Vec<T>>| {
            std::mem::take(vectors).into_iter().map(Buffer::Own).collect::<Vec<_>>()
        };
        let mut registers = Registers {
            vectors: own(&mut self.vectors),
            spare: own(&mut self.spare),
            scalars: std::mem::take(&mut self.scalars),
            small: std::mem::take(&mut self.small),
            length,
        };
        if let Some((home, memory)) = lent {
            registers.vectors[home] = Buffer::Lent(memory);
        }
        registers
    }

    /// Takes everything back; what register `home` holds ends up in the caller's memory.
    pub(crate) fn restore(&mut self, mut registers: Registers<'_, T>, home: Option<usize>) {
        if let Some(home) = home {
            registers.bring_home(home);
        }
        let own = |buffers: Vec<Buffer<'_, T>>| buffers.into_iter().map(Buffer::into_own).collect();
        self.vectors = own(registers.vectors);
        self.spare = own(registers.spare);
        self.scalars = registers.scalars;
        self.small = registers.small;
    }
}

impl<T> Buffer<'_, T> {
    fn is_lent(&self) -> bool {
        matches!(self, Self::Lent(_))
    }

    fn into_own(self) -> Vec<T> {
        match self {
            Self::Own(own) => own,
            Self::Lent(_) => vec![],
        }
    }
}

impl<'a, T: Copy + Default> Registers<'a, T> {
    /// The model's length.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// Exchanges the contents of two registers.
    pub(crate) fn swap(&mut self, a: usize, b: usize) {
        self.vectors.swap(a, b);
        self.scalars.swap(a, b);
        self.small.edge_scalars.swap(a, b);
        self.small.codes.swap(a, b);
    }

    /// The scalars, with those of an edge in the places of scalars per edge.
    pub(crate) fn scalars_at(&self, edge: usize) -> Vec<f64> {
        let own = |(scalar, edges): (&f64, &Vec<f64>)| edges.get(edge).copied().unwrap_or(*scalar);
        self.scalars.iter().zip(&self.small.edge_scalars).map(own).collect()
    }

    /// A vector that no register holds; its contents are unspecified.
    pub(crate) fn take_spare(&mut self) -> Buffer<'a, T> {
        self.spare.pop().unwrap_or_else(|| Buffer::Own(vec![T::default(); self.length]))
    }

    /// Moves the lent memory to `home`, exchanging contents with what stands there.
    fn bring_home(&mut self, home: usize) {
        if self.vectors[home].is_lent() {
            return;
        }
        let mut mine = std::mem::take(&mut self.vectors[home]);
        let mut all = self.vectors.iter_mut().chain(&mut self.spare);
        if let Some(elsewhere) = all.find(|buffer| buffer.is_lent()) {
            elsewhere.swap_with_slice(&mut mine);
            std::mem::swap(elsewhere, &mut mine);
        }
        self.vectors[home] = mine;
    }
}
