//! The kernels of programs by what they compute. Vectors are addresses on the GPU with a type and a length; all work is queued
//! on a stream.

mod codes;
mod thin;

pub(super) use thin::Factor;

use super::device::Kernel;
use super::stream::Grid;
use super::text::{Assignment, Text};
use super::{DeviceMemory, Gpu, GpuError, Module, Stream};
use crate::expression::Scope;
use crate::storage::Dtype;
use bfc_schedule::program::Program;
use std::collections::BTreeMap;

/// Elements of a block of an inner product, and its sums.
const BLOCK: usize = 4096;
const LANES: usize = 8;
/// Elements of a part in the search for the largest.
const PART: usize = 1024;

/// The kernels of programs, loaded on a GPU.
pub struct Kernels {
    /// Keeps the kernels loaded.
    _module: Module,
    by_name: BTreeMap<String, Kernel>,
    text: Text,
    gpu: Gpu,
}

/// A vector on a GPU.
#[derive(Clone, Copy, Debug)]
pub struct Vector {
    /// Its address on the GPU.
    pub address: u64,
    /// The number of elements.
    pub length: usize,
    /// What they are stored in.
    pub dtype: Dtype,
}

/// Terms of a weighted sum: vectors that lie `stride` elements apart, and the address of their weights, as `f64`.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// The first vector.
    pub first: Vector,
    /// Elements from the beginning of one to that of the next.
    pub stride: usize,
    /// The address of the weights.
    pub weights: u64,
    /// How many there are.
    pub count: usize,
}

/// Memory that kernels work in, which grows with what is asked of it. Nothing is freed before the room is: a driver that frees
/// waits for all streams of the GPU, and one of them may wait for what this rank has yet to do.
#[derive(Debug)]
pub(crate) struct Room {
    memory: DeviceMemory,
    outgrown: Vec<DeviceMemory>,
}

impl Room {
    pub(crate) fn new(gpu: &Gpu) -> Result<Self, GpuError> {
        Ok(Self { memory: gpu.allocate(0)?, outgrown: vec![] })
    }

    /// Keeps the memory for ever.
    pub(crate) fn forget(&mut self) {
        let empty = DeviceMemory::empty(self.memory.gpu());
        self.outgrown.push(std::mem::replace(&mut self.memory, empty));
        self.outgrown.drain(..).for_each(DeviceMemory::forget);
    }

    /// So many bytes. What was there before may be lost.
    pub(crate) fn of(&mut self, gpu: &Gpu, bytes: usize) -> Result<&DeviceMemory, GpuError> {
        if self.memory.len() < bytes {
            let larger = gpu.allocate(bytes.next_power_of_two())?;
            self.outgrown.push(std::mem::replace(&mut self.memory, larger));
        }
        Ok(&self.memory)
    }
}

impl Vector {
    /// These elements.
    ///
    /// # Panics
    /// Where it has fewer.
    #[must_use]
    pub fn part(self, elements: std::ops::Range<usize>) -> Self {
        assert!(elements.end <= self.length, "{elements:?} of {} elements", self.length);
        let address = self.address + (elements.start * self.dtype.bytes()) as u64;
        Self { address, length: elements.len(), ..self }
    }

    /// The number of bytes.
    pub fn bytes(self) -> usize {
        self.length * self.dtype.bytes()
    }
}

impl Kernels {
    /// Compiles and loads them for buckets of these types.
    ///
    /// # Errors
    /// NVRTC or the driver refuses.
    pub fn new(gpu: &Gpu, programs: &[&Program], dtypes: &[Dtype]) -> Result<Self, GpuError> {
        let text = Text::new(programs, dtypes);
        let module = gpu.load(text.source())?;
        let kernel = |name: &str| Ok((name.to_owned(), module.kernel(name)?));
        let by_name = text.kernels().map(kernel).collect::<Result<_, GpuError>>()?;
        Ok(Self { _module: module, by_name, text, gpu: gpu.clone() })
    }

    /// The text that they were compiled from.
    pub fn text(&self) -> &Text {
        &self.text
    }

    /// Queues a kernel of this text.
    ///
    /// # Safety
    /// As [`Stream::launch`].
    unsafe fn launch(&self, stream: &Stream, name: &str, grid: Grid, words: &[u64]) -> Result<(), GpuError> {
        let kernel = self.by_name.get(name).unwrap_or_else(|| panic!("no kernel `{name}` in the text"));
        // SAFETY: the caller's.
        unsafe { stream.launch(*kernel, grid, words) }
    }

    /// `into ← expression`; `vector` gives the registers that it reads, where per edge the edge's part.
    ///
    /// # Safety
    /// The vectors are valid until the stream has done it.
    pub(crate) unsafe fn assign(
        &self,
        stream: &Stream,
        assignment: &Assignment,
        into: Vector,
        vector: impl Fn(usize, bool) -> Vector,
        scope: &Scope<'_>,
    ) -> Result<(), GpuError> {
        let mut words = vec![into.length as u64, into.address];
        words.extend(
            assignment.expression.reads().map(|(register, per_edge)| vector(register, per_edge).address),
        );
        words.extend(assignment.expression.uniforms(scope).into_iter().map(f64::to_bits));
        // SAFETY: the caller's; these are the fields of the expression's text.
        unsafe { self.launch(stream, &assignment.name, each(into.length), &words) }
    }

    /// `target ← own · x + Σ_k weight_k · y_k`, rounded once, in one launch; `x` may be the target.
    ///
    /// # Safety
    /// All vectors and the weights are valid on the GPU of the stream until it has done it.
    ///
    /// # Errors
    /// The driver refuses.
    ///
    /// # Panics
    /// Where the text has no kernel for these types.
    pub unsafe fn sum(
        &self,
        stream: &Stream,
        target: Vector,
        own: Option<(f64, Vector)>,
        terms: Terms,
    ) -> Result<(), GpuError> {
        let Terms { first, stride, weights, count } = terms;
        let name = format!("sum_{}_{}", first.dtype.name(), target.dtype.name());
        let (has_own, (own, x)) = (own.is_some(), own.map_or((0.0, 0), |(own, x)| (own, x.address)));
        let words = [
            target.length as u64,
            target.address,
            x,
            has_own.into(),
            own.to_bits(),
            first.address,
            stride as u64,
            weights,
            count as u64,
        ];
        // SAFETY: the caller's.
        unsafe { self.launch(stream, &name, each(target.length), &words) }
    }

    /// `target ← Σ_k y_k` of vectors one after the other.
    ///
    /// # Safety
    /// As [`assign`](Self::assign).
    pub(crate) unsafe fn gather(
        &self,
        stream: &Stream,
        target: Vector,
        first: Vector,
        count: usize,
    ) -> Result<(), GpuError> {
        let name = format!("gather_{}_{}", first.dtype.name(), target.dtype.name());
        let length = target.length as u64;
        let words = [length, target.address, first.address, length, count as u64];
        // SAFETY: the caller's.
        unsafe { self.launch(stream, &name, each(target.length), &words) }
    }

    /// `target ← x`.
    ///
    /// # Safety
    /// As [`assign`](Self::assign).
    pub(crate) unsafe fn convert(&self, stream: &Stream, target: Vector, x: Vector) -> Result<(), GpuError> {
        // SAFETY: the caller's.
        unsafe {
            if target.dtype == x.dtype {
                return stream.copy(target.address, x.address, x.bytes());
            }
            let name = format!("convert_{}_{}", x.dtype.name(), target.dtype.name());
            self.launch(stream, &name, each(x.length), &[x.length as u64, target.address, x.address])
        }
    }

    /// `sum ← sum + y`, in what they are computed in.
    ///
    /// # Safety
    /// As [`assign`](Self::assign).
    pub(crate) unsafe fn add(&self, stream: &Stream, sum: Vector, y: Vector) -> Result<(), GpuError> {
        let words = [sum.length as u64, sum.address, y.address];
        // SAFETY: the caller's.
        unsafe { self.launch(stream, &format!("add_{}", sum.dtype.name()), each(sum.length), &words) }
    }

    /// `x ← x / count`.
    ///
    /// # Safety
    /// As [`assign`](Self::assign).
    pub(crate) unsafe fn divide(&self, stream: &Stream, x: Vector, count: u32) -> Result<(), GpuError> {
        let words = [x.length as u64, x.address, f64::from(count).to_bits()];
        // SAFETY: the caller's.
        unsafe { self.launch(stream, &format!("divide_{}", x.dtype.name()), each(x.length), &words) }
    }

    /// `Σ_k x_k y_k`, in the host's order of additions; waits for it.
    ///
    /// # Safety
    /// As [`assign`](Self::assign).
    pub(crate) unsafe fn dot(
        &self,
        stream: &Stream,
        x: Vector,
        y: Vector,
        room: &mut Room,
    ) -> Result<f64, GpuError> {
        if x.length == 0 {
            return Ok(0.0);
        }
        let name = format!("dot_{}_{}", x.dtype.name(), y.dtype.name());
        // SAFETY: the caller's; the room is the kernels'.
        let result = unsafe {
            let fields = |lanes| [x.length as u64, x.address, y.address, lanes];
            self.joined(stream, &name, x.length, fields, room)?
        };
        let mut bytes = [0; 8];
        stream.read(&room.memory, result, &mut bytes)?;
        Ok(f64::from_le_bytes(bytes))
    }

    /// Sums by lanes and blocks; returns where in the room the result will be, in bytes.
    ///
    /// # Safety
    /// As [`launch`](Self::launch).
    unsafe fn joined<const N: usize>(
        &self,
        stream: &Stream,
        name: &str,
        length: usize,
        fields: impl Fn(u64) -> [u64; N],
        room: &mut Room,
    ) -> Result<usize, GpuError> {
        let blocks = length.div_ceil(BLOCK);
        let lanes = room.of(&self.gpu, blocks * (LANES + 1) * 8)?.address();
        let sums = blocks * LANES * 8;
        // SAFETY: the caller's.
        unsafe {
            self.launch(stream, name, each(blocks * LANES), &fields(lanes))?;
            let words = [blocks as u64, lanes, lanes + sums as u64];
            self.launch(stream, "join", Grid::Block, &words)?;
        }
        Ok(sums)
    }
}

fn each(elements: usize) -> Grid {
    Grid::Each(elements as u64)
}
