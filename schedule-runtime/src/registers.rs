//! The registers of a program while it runs: numbers, and for each bucket of the model the vectors and codes.

use crate::compression::Coding;
use crate::execute::Question;
use crate::layout::Layout;
use crate::memory::Buffer;
use crate::storage::{Dtype, arithmetic};
use crate::transport::{Fault, Transport};
use bfc_schedule::compression::{LowRank, Sizes};
use bfc_schedule::program::{Program, Shape};
use std::ops::Range;
use std::sync::Arc;

/// All registers, by index: each has a place in every list, and uses that of its shape.
#[derive(Debug)]
pub(crate) struct Registers {
    pub(crate) scalars: Vec<f64>,
    /// Numbers per edge.
    pub(crate) edge_scalars: Vec<Vec<f64>>,
    pub(crate) buckets: Vec<Bucket>,
    edges: usize,
}

/// The registers of one bucket.
#[derive(Debug)]
pub(crate) struct Bucket {
    /// What its vectors are computed in.
    pub(crate) dtype: Dtype,
    /// The elements of a vector.
    pub(crate) length: usize,
    pub(crate) tensors: Vec<BucketTensor>,
    /// Vectors, and vectors and factors per edge, edge after edge.
    pub(crate) vectors: Vec<Buffer>,
    pub(crate) codes: Vec<Code>,
}

/// A tensor of a bucket.
#[derive(Clone, Debug)]
pub(crate) struct BucketTensor {
    pub(crate) index: usize,
    /// Its elements in a vector.
    pub(crate) elements: Range<usize>,
    /// As [`Layout::rows`] says.
    pub(crate) rows: Option<u32>,
}

/// A vector as its codec writes it, tensor after tensor.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub(crate) coding: Arc<Coding>,
    pub(crate) bytes: Arc<Vec<u8>>,
}

impl Registers {
    /// The registers of a program, all zero, on a rank with this number of neighbours, in memory of its transport.
    ///
    /// # Errors
    /// Where there is no memory.
    pub(crate) fn new(
        program: &Program,
        layout: &Layout,
        neighbours: usize,
        transport: &mut impl Transport,
    ) -> Result<Self, Fault> {
        let points = program.points();
        let numbers = |shape: &Shape| vec![0.0; if *shape == Shape::EdgeScalar { neighbours } else { 0 }];
        let mut bucket = |bucket: &crate::layout::Bucket| {
            let tensors = bucket.tensors.iter().map(|&index| BucketTensor::new(layout, index));
            let mut registers = Bucket {
                dtype: arithmetic(bucket.dtype),
                length: bucket.length,
                tensors: tensors.collect(),
                vectors: vec![],
                codes: vec![],
            };
            for (shape, is_point) in program.registers.iter().zip(&points) {
                let dtype = if *is_point { bucket.dtype } else { registers.dtype };
                let elements = match *shape {
                    Shape::Vector => bucket.length,
                    Shape::EdgeVector => neighbours * bucket.length,
                    Shape::EdgeFactor(low_rank) => neighbours * registers.factors(low_rank),
                    Shape::Scalar | Shape::EdgeScalar | Shape::Code(_) => 0,
                };
                let memory = transport.allocate(elements * dtype.bytes())?;
                registers.vectors.push(Buffer::in_memory(dtype, memory));
                registers.codes.push(registers.code(*shape));
            }
            Ok(registers)
        };
        Ok(Self {
            scalars: vec![0.0; program.registers.len()],
            edge_scalars: program.registers.iter().map(numbers).collect(),
            buckets: layout.buckets().iter().map(&mut bucket).collect::<Result<_, Fault>>()?,
            edges: neighbours,
        })
    }

    /// Exchanges the contents of two registers.
    pub(crate) fn swap(&mut self, a: usize, b: usize) {
        self.scalars.swap(a, b);
        self.edge_scalars.swap(a, b);
        for bucket in &mut self.buckets {
            bucket.vectors.swap(a, b);
            bucket.codes.swap(a, b);
        }
    }

    /// Takes the buffers out in which the trainer answers; a step of its optimizer starts where they hold the point.
    pub(crate) fn take_answer(&mut self, question: Question) -> Vec<Buffer> {
        let take = |bucket: &mut Bucket| {
            let mut answer = bucket.vectors[question.answer()].take();
            if let Question::Adapt { at, into, .. } = question
                && at != into
            {
                answer.copy_from(&bucket.vectors[at]);
            }
            answer
        };
        self.buckets.iter_mut().map(take).collect()
    }

    /// Puts them back.
    pub(crate) fn put_answer(&mut self, question: Question, answers: Vec<Buffer>) {
        for (bucket, answer) in self.buckets.iter_mut().zip(answers) {
            bucket.vectors[question.answer()] = answer;
        }
    }

    /// The number of edges.
    pub(crate) fn edges(&self) -> usize {
        self.edges
    }

    /// The inner product of two vectors: of each tensor, added up in the order of their registration.
    pub(crate) fn dot(&self, a: usize, b: usize) -> f64 {
        let mut products: Vec<(usize, f64)> =
            self.buckets.iter().flat_map(|bucket| bucket.dots(a, b)).collect();
        products.sort_by_key(|(tensor, _)| *tensor);
        products.into_iter().map(|(_, product)| product).sum()
    }

    /// The scalars, with those of an edge in the places of scalars per edge.
    pub(crate) fn scalars_at(&self, edge: usize) -> Vec<f64> {
        let own = |(scalar, edges): (&f64, &Vec<f64>)| edges.get(edge).copied().unwrap_or(*scalar);
        self.scalars.iter().zip(&self.edge_scalars).map(own).collect()
    }
}

impl BucketTensor {
    pub(crate) fn new(layout: &Layout, index: usize) -> Self {
        Self { index, elements: layout.place(index).elements.clone(), rows: layout.rows(index) }
    }

    /// Its sizes as a matrix.
    pub(crate) fn sizes(&self, low_rank: LowRank) -> Sizes {
        low_rank.of_shape(self.rows).sizes(self.elements.len())
    }
}

impl Bucket {
    /// Elements of the factors of all tensors, for one edge.
    pub(crate) fn factors(&self, low_rank: LowRank) -> usize {
        self.tensors.iter().map(|tensor| tensor.sizes(low_rank).factor()).sum()
    }

    fn code(&self, shape: Shape) -> Code {
        let coding = match shape {
            Shape::Code(codec) => Coding::new(codec, self.tensors.iter().cloned(), self.dtype.bytes()),
            _ => Coding::default(),
        };
        Code { bytes: Arc::new(vec![0; coding.bytes()]), coding: coding.into() }
    }
}
