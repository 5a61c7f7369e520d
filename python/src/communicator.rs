//! Calls without a schedule on arrays of Python: a thin layer over the runtime's communicator.

use crate::arguments::wrong_value;
use crate::array::{self, ArrayError};
use crate::dlpack::{Memory, Parameters};
use crate::error;
use crate::interrupt::Worker;
use crate::library::Library;
use crate::schedule::Schedule;
use crate::world::{AnyTransport, Seat, World};
use bfc_runtime::communicator::Gathered;
use bfc_runtime::{CommunicateError, Communicator, NumberType, Numeric, Operand, Operation, Reduction};
use bfc_schedule::Rank;
use half::{bf16, f16};
use miette::Diagnostic;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::collections::BTreeMap;
use std::time::Duration;
use thiserror::Error;

/// One rank that communicates.
#[pyclass(frozen, module = "bfc._bfc")]
pub struct Calls {
    worker: Worker<Seated>,
    rank: Rank,
}

/// A communicator that gives the transport back to its seat, if it has one.
struct Seated {
    communicator: Option<Communicator<AnyTransport>>,
    seat: Option<Seat>,
}

impl Drop for Seated {
    fn drop(&mut self) {
        let transport = self.communicator.take().map(Communicator::into_transport);
        if let Some(seat) = &self.seat {
            seat.put(transport);
        }
    }
}

/// The edges of a rank in one call.
#[pyclass(frozen, module = "bfc")]
pub struct Neighbours(bfc_runtime::Neighbours);

#[pymethods]
impl Neighbours {
    /// Edges with weights.
    #[staticmethod]
    fn weighted(self_weight: f64, sources: BTreeMap<u32, f64>, destinations: BTreeMap<u32, f64>) -> Self {
        let list = |edges: BTreeMap<u32, f64>| -> Vec<(Rank, f64)> {
            edges.into_iter().map(|(rank, weight)| (Rank(rank), weight)).collect()
        };
        Self(bfc_runtime::Neighbours::weighted(self_weight, &list(sources), &list(destinations)))
    }

    /// Those of a rank in a phase of a compiled topology.
    #[staticmethod]
    #[pyo3(signature = (schedule, rank, step, topology=0))]
    fn compiled(
        py: Python<'_>,
        schedule: &Schedule,
        rank: u32,
        step: u64,
        topology: usize,
    ) -> PyResult<Self> {
        let size = schedule.inner.size();
        if rank >= size {
            let (found, expected) = (rank.to_string(), format!("expected one of {size} ranks"));
            return Err(wrong_value(py, "Neighbours.compiled", "rank", &found, &expected));
        }
        let part = schedule.inner.rank(Rank(rank));
        bfc_runtime::Neighbours::compiled(&part, topology, step)
            .map(Self)
            .map_err(|failure| raise(py, &failure))
    }
}

/// Does something with a type of numbers.
macro_rules! with_number {
    ($number:expr, $T:ident => $body:expr) => {
        with_number!(@ $number, $T, $body, F64 f64, F32 f32, Bf16 bf16, F16 f16, I8 i8, I16 i16, I32 i32, I64 i64,
            U8 u8, U16 u16, U32 u32, U64 u64)
    };
    (@ $number:expr, $T:ident, $body:expr, $($name:ident $type:ty),*) => {
        match $number {
            $(NumberType::$name => {
                type $T = $type;
                $body
            })*
        }
    };
}

/// Makes a call on `x`, or from `x` into another array, of whatever number type they have; the other ranks learn it where that
/// cannot be.
macro_rules! call_on {
    ($self:ident, $py:ident, $operation:ident, $x:ident, $into:expr, |$calls:ident, $operand:ident| $body:expr) => {{
        let arrays = $self.or_refuse($py, Operation::$operation, Arrays::new($x, $into))?;
        // SAFETY: of the type that `number` says; that nobody else touches the arrays is asked of the caller.
        $self.call($py, move |$calls| unsafe {
            with_number!(arrays.target.number, T => {
                let $operand = arrays.operand::<T>();
                $body
            })
        })
    }};
}

/// What a call replaces, or reads beside what it writes.
struct Arrays {
    source: Option<Memory>,
    target: Memory,
}

impl Arrays {
    fn new(x: &Bound<'_, PyAny>, into: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let target = array::in_place(into.unwrap_or(x), Parameters::Taken)?;
        let source = into.map(|_| array::readable_numbers(x, Parameters::Taken)).transpose()?;
        match &source {
            Some(source) if source.number != target.number => {
                let (found, expected) =
                    (array::number_name(target.number), array::number_name(source.number));
                Err(ArrayError::WrongType { library: target.library, found: found.to_owned(), expected }
                    .into())
            }
            _ => Ok(Self { source, target }),
        }
    }

    /// # Safety
    /// The numbers are of this type, and nobody else touches them during the call.
    unsafe fn operand<T: Numeric>(&self) -> Operand<'_, T> {
        // SAFETY: imported as contiguous and, the target, as writable; the rest is the caller's promise.
        unsafe {
            match &self.source {
                Some(source) => (source.slice(), self.target.slice_mut()).into(),
                None => self.target.slice_mut::<T>().into(),
            }
        }
    }
}

#[pymethods]
impl Calls {
    #[new]
    fn new(py: Python<'_>, world: &World) -> PyResult<Self> {
        let transport = world.seat.take().map_err(|vacant| error::raise(py, [&vacant as &dyn Diagnostic]))?;
        Self::over(py, transport, Some(world.seat.clone()), world.deadline)
    }

    fn barrier(&self, py: Python<'_>) -> PyResult<()> {
        self.call(py, |calls| calls.barrier())
    }

    fn broadcast(&self, py: Python<'_>, x: &Bound<'_, PyAny>, root: u32) -> PyResult<()> {
        let arrays = self.or_refuse(py, Operation::Broadcast, Arrays::new(x, None))?;
        // SAFETY: as in `call_on`.
        self.call(py, move |calls| unsafe {
            with_number!(arrays.target.number, T => calls.broadcast::<T>(arrays.target.slice_mut(), Rank(root)))
        })
    }

    fn allreduce(
        &self,
        py: Python<'_>,
        x: &Bound<'_, PyAny>,
        reduction: &str,
        into: Option<&Bound<'_, PyAny>>,
        fast: bool,
    ) -> PyResult<()> {
        let reduction = self.or_refuse(py, Operation::Allreduce, reduction_of(py, "allreduce", reduction))?;
        call_on!(self, py, Allreduce, x, into, |calls, operand| match fast {
            true => calls.allreduce_fast(operand, reduction),
            false => calls.allreduce(operand, reduction),
        })
    }

    /// Returns the bounds of this rank's block.
    fn reduce_scatter(
        &self,
        py: Python<'_>,
        x: &Bound<'_, PyAny>,
        reduction: &str,
        into: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<(usize, usize)> {
        let reduction = reduction_of(py, "reduce_scatter", reduction);
        let reduction = self.or_refuse(py, Operation::ReduceScatter, reduction)?;
        let block = call_on!(self, py, ReduceScatter, x, into, |calls, operand| calls
            .reduce_scatter(operand, reduction))?;
        Ok((block.start, block.end))
    }

    fn allgather<'py>(&self, py: Python<'py>, x: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let imported = array::readable_numbers(x, Parameters::Taken);
        let memory = self.or_refuse(py, Operation::Allgather, imported)?;
        let row = row_of(&memory);
        // SAFETY: as in `call_on`.
        let rows = self.call(py, move |calls| unsafe {
            with_number!(memory.number, T => calls.allgather::<T>(memory.slice(), row).map(Rows::from))
        })?;
        rows.into_arrays(x, row)
    }

    fn all_to_all(
        &self,
        py: Python<'_>,
        x: &Bound<'_, PyAny>,
        into: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        call_on!(self, py, AllToAll, x, into, |calls, operand| calls.all_to_all(operand))
    }

    fn neighbor_allreduce(
        &self,
        py: Python<'_>,
        x: &Bound<'_, PyAny>,
        neighbours: &Neighbours,
        into: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let edges = neighbours.0.clone();
        call_on!(self, py, NeighborAllreduce, x, into, |calls, operand| calls
            .neighbor_allreduce(operand, &edges))
    }

    fn neighbor_allgather<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
        neighbours: &Neighbours,
    ) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let imported = array::readable_numbers(x, Parameters::Taken);
        let memory = self.or_refuse(py, Operation::NeighborAllgather, imported)?;
        let (row, neighbours) = (row_of(&memory), neighbours.0.clone());
        // SAFETY: as in `call_on`.
        let rows = self.call(py, move |calls| unsafe {
            with_number!(memory.number, T => {
                calls.neighbor_allgather::<T>(memory.slice(), row, &neighbours).map(Rows::from)
            })
        })?;
        rows.into_arrays(x, row)
    }

    fn pair_average(
        &self,
        py: Python<'_>,
        x: &Bound<'_, PyAny>,
        partner: Option<u32>,
        into: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let partner = partner.map(Rank);
        call_on!(self, py, PairAverage, x, into, |calls, operand| calls.pair_average(operand, partner))
    }

    fn hierarchical_neighbor_allreduce(
        &self,
        py: Python<'_>,
        x: &Bound<'_, PyAny>,
        machine: (u32, u32),
        neighbours: &Neighbours,
        into: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let edges = neighbours.0.clone();
        call_on!(self, py, HierarchicalNeighborAllreduce, x, into, |calls, operand| calls
            .hierarchical_neighbor_allreduce(operand, machine, &edges))
    }

    #[getter]
    fn bytes_sent(&self, py: Python<'_>) -> PyResult<u64> {
        self.call(py, |calls| Ok(calls.bytes_sent()))
    }

    fn close(&self, py: Python<'_>) {
        self.worker.end(py);
    }
}

/// The communicator was closed.
#[derive(Debug, Error, Diagnostic)]
#[error("the communicator of rank {rank} has ended: it was closed, or interrupted in a call")]
#[diagnostic(
    code(bfc::execute::ended),
    help("make calls inside of the `with` block, or make another communicator, on all ranks")
)]
struct Ended {
    rank: Rank,
}

impl Calls {
    /// Over a transport, which goes to a seat afterwards.
    pub fn over(
        py: Python<'_>,
        transport: AnyTransport,
        seat: Option<Seat>,
        deadline: Duration,
    ) -> PyResult<Self> {
        let (rank, size) = (transport.rank(), transport.size());
        let make = move || {
            let communicator = Some(Communicator::with_deadline(transport, deadline));
            Ok::<_, CommunicateError>(Seated { communicator, seat })
        };
        let worker = Worker::start(py, size > 1, make)?.map_err(|failure| raise(py, &failure))?;
        Ok(Self { worker, rank })
    }

    fn call<R: Send + 'static>(
        &self,
        py: Python<'_>,
        body: impl FnOnce(&mut Communicator<AnyTransport>) -> Result<R, CommunicateError> + Send + 'static,
    ) -> PyResult<R> {
        let body =
            |seated: &mut Seated| body(seated.communicator.as_mut().expect("it is there until the end"));
        match self.worker.call(py, body)? {
            Some(result) => result.map_err(|failure| raise(py, &failure)),
            None => Err(error::raise(py, [&Ended { rank: self.rank } as &dyn Diagnostic])),
        }
    }

    /// What a call works on; if that is wrong, the other ranks get an error, too, instead of waiting for this one.
    fn or_refuse<T>(&self, py: Python<'_>, operation: Operation, imported: PyResult<T>) -> PyResult<T> {
        imported.inspect_err(|_| {
            let _ = self.call(py, move |calls| calls.refuse(operation));
        })
    }
}

fn raise(py: Python<'_>, failure: &CommunicateError) -> PyErr {
    error::raise(py, [failure as &dyn Diagnostic])
}

fn reduction_of(py: Python<'_>, function: &str, name: &str) -> PyResult<Reduction> {
    Ok(match name {
        "sum" => Reduction::Sum,
        "mean" => Reduction::Mean,
        "min" => Reduction::Min,
        "max" => Reduction::Max,
        _ => {
            let (function, found) = (format!("Communicator.{function}"), format!("{name:?}"));
            let expected = r#"expected "sum", "mean", "min" or "max""#;
            return Err(wrong_value(py, &function, "reduction", &found, expected));
        }
    })
}

/// The elements of a row.
fn row_of(memory: &Memory) -> usize {
    memory.shape.iter().skip(1).product()
}

/// Vectors of several ranks as bytes.
struct Rows {
    bytes: Vec<u8>,
    lengths: Vec<usize>,
    element: usize,
}

impl<T: Numeric> From<Gathered<T>> for Rows {
    fn from(gathered: Gathered<T>) -> Self {
        Self { bytes: gathered.bytes().to_vec(), lengths: gathered.lengths, element: size_of::<T>() }
    }
}

impl Rows {
    /// New arrays of the library and the type of `x`.
    fn into_arrays<'py>(self, x: &Bound<'py, PyAny>, row: usize) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let py = x.py();
        let shape: Vec<usize> = x.getattr("shape")?.extract()?;
        let rest: Vec<usize> = shape.get(1..).unwrap_or_default().to_vec();
        let mut bytes = self.bytes.as_slice();
        let part = |&length: &usize| -> PyResult<Bound<'py, PyAny>> {
            let rows = length.checked_div(row).unwrap_or(0);
            let shape = PyTuple::new(py, [&[rows], rest.as_slice()].concat())?;
            let array = match Library::detect(x) {
                Library::Torch => x.call_method1("new_empty", (shape,))?,
                _ => py.import("numpy")?.call_method1("empty", (shape, x.getattr("dtype")?))?,
            };
            let its = bytes.split_off(..length * self.element).unwrap_or_default();
            let memory = array::in_place(&array, Parameters::Refused)?;
            if !its.is_empty() {
                // SAFETY: the array is new, contiguous and has as many elements of this type.
                unsafe { std::ptr::copy_nonoverlapping(its.as_ptr(), memory.data.cast(), its.len()) };
            }
            Ok(array)
        };
        self.lengths.iter().map(part).collect()
    }
}
