//! The registers of a program on a GPU.

use crate::compression::Coding;
use crate::gpu::{DeviceMemory, Gpu, GpuError, Vector};
use crate::layout::Layout;
use crate::registers::BucketTensor;
use crate::storage::arithmetic;
use bfc_schedule::compression::LowRank;
use bfc_schedule::program::{Program, Shape};

/// Registers by index, and within one by bucket.
pub(in crate::gpu) struct GpuRegisters {
    pub(in crate::gpu) vectors: Vec<Vec<Vector>>,
    pub(in crate::gpu) codes: Vec<Vec<(DeviceMemory, Coding)>>,
    pub(in crate::gpu) scalars: Vec<f64>,
    pub(in crate::gpu) edge_scalars: Vec<Vec<f64>>,
    shapes: Vec<Shape>,
    /// For each register the one whose memory it has.
    pub(super) places: Vec<usize>,
    /// The number of edges.
    pub(super) edges: usize,
    /// The memory of the vectors.
    memory: Vec<DeviceMemory>,
}

impl GpuRegisters {
    pub(super) fn new(gpu: &Gpu, program: &Program, layout: &Layout, edges: usize) -> Result<Self, GpuError> {
        let points = program.points();
        let (mut vectors, mut codes, mut memory) = (vec![], vec![], vec![]);
        for (shape, is_point) in program.registers.iter().zip(points) {
            let (mut by_bucket, mut codes_by_bucket) = (vec![], vec![]);
            for (index, bucket) in layout.buckets().iter().enumerate() {
                let dtype = if is_point { bucket.dtype } else { arithmetic(bucket.dtype) };
                let length = match shape {
                    Shape::Vector => bucket.length,
                    Shape::EdgeVector => edges * bucket.length,
                    Shape::EdgeFactor(low_rank) => edges * factors(layout, index, *low_rank),
                    Shape::Scalar | Shape::EdgeScalar | Shape::Code(_) => 0,
                };
                let bytes = gpu.allocate(length * dtype.bytes())?;
                by_bucket.push(Vector { address: bytes.address(), length, dtype });
                memory.push(bytes);
                if let Shape::Code(codec) = shape {
                    let coding = Coding::of_bucket(*codec, layout, index);
                    codes_by_bucket.push((gpu.allocate(coding.bytes())?, coding));
                }
            }
            vectors.push(by_bucket);
            codes.push(codes_by_bucket);
        }
        let numbers = |shape: &Shape| vec![0.0; if *shape == Shape::EdgeScalar { edges } else { 0 }];
        Ok(Self {
            vectors,
            codes,
            memory,
            edges,
            places: (0..program.registers.len()).collect(),
            shapes: program.registers.clone(),
            scalars: vec![0.0; program.registers.len()],
            edge_scalars: program.registers.iter().map(numbers).collect(),
        })
    }

    /// Keeps all memory for ever.
    pub(super) fn forget(&mut self) {
        let codes = self.codes.drain(..).flatten().map(|(memory, _)| memory);
        self.memory.drain(..).chain(codes).for_each(DeviceMemory::forget);
    }

    pub(in crate::gpu) fn is_scalar(&self, register: usize) -> bool {
        self.shapes[register] == Shape::Scalar || self.shapes[register] == Shape::EdgeScalar
    }

    pub(super) fn swap(&mut self, a: usize, b: usize) {
        self.vectors.swap(a, b);
        self.codes.swap(a, b);
        self.places.swap(a, b);
        self.scalars.swap(a, b);
        self.edge_scalars.swap(a, b);
    }

    pub(super) fn scalars_at(&self, edge: usize) -> Vec<f64> {
        let own = |(scalar, edges): (&f64, &Vec<f64>)| edges.get(edge).copied().unwrap_or(*scalar);
        self.scalars.iter().zip(&self.edge_scalars).map(own).collect()
    }
}

/// Elements of the factors of all tensors of a bucket, for one edge.
fn factors(layout: &Layout, bucket: usize, low_rank: LowRank) -> usize {
    tensors(layout, bucket).iter().map(|tensor| tensor.sizes(low_rank).factor()).sum()
}

/// The tensors of a bucket.
pub(super) fn tensors(layout: &Layout, bucket: usize) -> Vec<BucketTensor> {
    layout.buckets()[bucket].tensors.iter().map(|&index| BucketTensor::new(layout, index)).collect()
}
