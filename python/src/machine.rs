//! A rank's machine on a model of many tensors, driven from Python bucket by bucket: tensors are copied in and out.

use crate::arguments::wrong_value;
use crate::array::{self, Element};
use crate::dlpack::{Memory, Parameters};
use crate::error;
use crate::interrupt::Worker;
use crate::schedule::Schedule;
use crate::tensors::{self, Span};
use crate::world::{AnyTransport, Seat, World};
use bfc_runtime::{Dtype, Layout, RuntimeError, State, Storage, Tensor, Values, ValuesMut, Wanted};
use bfc_schedule::Rank;
use half::{bf16, f16};
use miette::Diagnostic;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PySequence};
use std::ops::Range;
use thiserror::Error;

/// One rank's algorithm at work on a model of many tensors.
#[pyclass(frozen, module = "bfc")]
pub struct Machine {
    worker: Worker<Seated>,
    /// Whether its calls wait for other ranks.
    waits: bool,
    layout: Layout,
    /// All tensors, by index.
    tensors: Vec<usize>,
    rank: Rank,
}

/// A machine that gives the transport back.
struct Seated {
    machine: Option<bfc_runtime::Machine<AnyTransport>>,
    seat: Seat,
}

impl Drop for Seated {
    fn drop(&mut self) {
        self.seat.put(self.machine.take().map(bfc_runtime::Machine::into_transport));
    }
}

/// Does something with the type of numbers that are computed in `f32`.
macro_rules! with_short {
    ($dtype:expr, $S:ident => $body:expr) => {
        match $dtype {
            Dtype::Bf16 => {
                type $S = bf16;
                $body
            }
            Dtype::F16 => {
                type $S = f16;
                $body
            }
            _ => {
                type $S = f32;
                $body
            }
        }
    };
}

#[pymethods]
impl Machine {
    #[new]
    fn new(
        py: Python<'_>,
        world: &World,
        schedule: &Schedule,
        names: Vec<String>,
        arrays: Vec<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let (expected, size) = (world.size(), schedule.inner.size());
        if size != expected {
            let (found, expected) = (format!("for {size} ranks"), format!("expected one for {expected}"));
            return Err(wrong_value(py, "Machine", "schedule", &found, &expected));
        }
        let arrays: Vec<Memory> = arrays
            .iter()
            .map(|array| array::readable_floats(array, Parameters::Taken))
            .collect::<PyResult<_>>()?;
        let tensors = names.into_iter().zip(&arrays);
        let tensors =
            tensors.map(|(name, array)| Tensor { name, shape: array.shape.clone(), dtype: array.dtype() });
        let layout = Layout::new(tensors.collect());
        let rank = Rank(world.rank());
        let transport = world.seat.take().map_err(|vacant| error::raise(py, [&vacant as &dyn Diagnostic]))?;
        let (schedule, deadline, seat) = (schedule.inner.clone(), world.deadline, world.seat.clone());
        let of_machine = layout.clone();
        let waits = size > 1;
        let worker = Worker::start(py, waits, move || {
            // Until there is a machine, nobody gives the transport back.
            let mut seated = Seated { machine: None, seat };
            let fill = |values: &mut ValuesMut<'_>| {
                arrays.iter().enumerate().for_each(|(tensor, array)| write(Span::of(array), values, tensor));
            };
            let part = schedule.rank(rank);
            let machine = bfc_runtime::Machine::with_deadline(part, transport, of_machine, fill, deadline)?;
            seated.machine = Some(machine);
            Ok(seated)
        })?;
        let worker =
            worker.map_err(|failure: RuntimeError| error::raise(py, [&failure as &dyn Diagnostic]))?;
        Ok(Self { worker, waits, tensors: (0..layout.tensors().len()).collect(), layout, rank })
    }

    /// The tensors of each bucket, by index.
    #[getter]
    fn buckets(&self) -> Vec<Vec<usize>> {
        self.layout.buckets().iter().map(|bucket| bucket.tensors.clone()).collect()
    }

    /// Steps done.
    #[getter]
    fn steps(&self, py: Python<'_>) -> PyResult<u64> {
        self.call(py, |machine| Ok(machine.steps()))
    }

    /// Bytes sent, without headers. Waits for what is in flight.
    #[getter]
    fn bytes_sent(&self, py: Python<'_>) -> PyResult<u64> {
        self.call(py, |machine| Ok(machine.bytes_sent()))
    }

    /// Sets a run-time input, alike on all ranks.
    fn set_input(&self, py: Python<'_>, name: String, value: f64) -> PyResult<()> {
        self.call(py, move |machine| machine.set_input(&name, value))
    }

    /// What is wanted next, or `None`.
    fn wanted(&self, py: Python<'_>) -> PyResult<Option<&'static str>> {
        self.call(py, |machine| Ok(machine.wanted()?.map(name)))
    }

    /// Answers, one array for each tensor, and goes on to the next question, whose point it copies into arrays; copies the model
    /// into others wherever a step is complete. With `buckets`, the answers are for their tensors alone, one bucket after
    /// another. Whether a step is complete, and what is wanted.
    #[pyo3(signature = (answers, point, model=None, buckets=None))]
    fn turn(
        &self,
        py: Python<'_>,
        answers: Bound<'_, PySequence>,
        point: Bound<'_, PySequence>,
        model: Option<Bound<'_, PySequence>>,
        buckets: Option<Vec<usize>>,
    ) -> PyResult<(bool, &'static str)> {
        let of_buckets = buckets.iter().flatten().map(|&bucket| self.of_bucket(py, bucket));
        let of_buckets: Vec<&[usize]> = of_buckets.collect::<PyResult<_>>()?;
        let tensors = buckets.as_ref().map(|_| of_buckets.concat());
        let lengths: Vec<usize> = of_buckets.iter().map(|tensors| tensors.len()).collect();
        // What answers in place is looked at once.
        let in_place = buckets.is_none() && answers.is(&point);
        let answers = match in_place {
            true => None,
            false => {
                let tensors = tensors.as_deref().unwrap_or(&self.tensors);
                Some(self.memory(py, tensors, &answers, array::readable_floats)?)
            }
        };
        let point = self.memory(py, &self.tensors, &point, array::writable_floats)?;
        let model = model.map(|model| self.memory(py, &self.tensors, &model, array::writable_floats));
        let model = model.transpose()?;
        self.call(py, move |machine| {
            let keep = |machine: &mut bfc_runtime::Machine<AnyTransport>| match &model {
                Some(model) => machine.model().map(|values| read_all(&values, model)),
                None => Ok(()),
            };
            let answers = answers.as_ref().unwrap_or(&point);
            let mut done = false;
            match (buckets, tensors) {
                (Some(buckets), Some(tensors)) => {
                    let mut its = tensors.iter().zip(&answers.spans);
                    for (bucket, length) in buckets.into_iter().zip(lengths) {
                        let mut values = machine.answer()?;
                        its.by_ref()
                            .take(length)
                            .for_each(|(&tensor, answer)| write(*answer, &mut values, tensor));
                        done = machine.ready(bucket)?;
                    }
                }
                _ => {
                    // All at once, the exchange goes on in this thread: another one costs more than a short message.
                    write_all(answers, &mut machine.answer()?);
                    done = machine.next()?;
                }
            }
            if done {
                keep(machine)?;
            }
            let wanted = loop {
                if let Some(wanted) = machine.wanted()? {
                    break name(wanted);
                }
                machine.next()?;
                keep(machine)?;
            };
            read_all(&machine.point()?, &point);
            Ok((done, wanted))
        })
    }

    /// Copies the point of the next question into arrays, one for each tensor.
    fn point(&self, py: Python<'_>, into: Bound<'_, PySequence>) -> PyResult<()> {
        let into = self.memory(py, &self.tensors, &into, array::writable_floats)?;
        self.call(py, move |machine| machine.point().map(|point| read_all(&point, &into)))
    }

    /// Copies the answers for the tensors of one bucket, which may travel from now on.
    fn ready(&self, py: Python<'_>, bucket: usize, answer: Bound<'_, PySequence>) -> PyResult<bool> {
        let tensors = self.of_bucket(py, bucket)?.to_vec();
        let answer = self.memory(py, &tensors, &answer, array::readable_floats)?;
        self.call(py, move |machine| {
            let mut values = machine.answer()?;
            tensors.iter().zip(&answer.spans).for_each(|(&tensor, array)| write(*array, &mut values, tensor));
            machine.ready(bucket)
        })
    }

    /// Does a step that asks nothing, or goes on past a question whose answer is one array for each tensor.
    #[pyo3(signature = (answer=None))]
    fn next(&self, py: Python<'_>, answer: Option<Bound<'_, PySequence>>) -> PyResult<bool> {
        let answer = answer
            .map(|answer| self.memory(py, &self.tensors, &answer, array::readable_floats))
            .transpose()?;
        self.call(py, move |machine| {
            if let Some(answer) = &answer {
                let mut values = machine.answer()?;
                write_all(answer, &mut values);
            }
            machine.next()
        })
    }

    /// Copies the model into arrays, one for each tensor.
    fn model(&self, py: Python<'_>, into: Bound<'_, PySequence>) -> PyResult<()> {
        let into = self.memory(py, &self.tensors, &into, array::writable_floats)?;
        self.call(py, move |machine| machine.model().map(|model| read_all(&model, &into)))
    }

    /// Copies of a state: an array for each tensor, with one entry for each neighbour first where it is a state per edge;
    /// an array for each bucket where it is a factor; or a number, or an array of one for each neighbour.
    fn state<'py>(&self, py: Python<'py>, name: String) -> PyResult<Bound<'py, PyAny>> {
        let shown = self.call(py, move |machine| {
            let edges = machine.neighbours().len();
            Ok(match machine.state(&name)? {
                State::Scalar(number) => Shown::Number(number),
                State::EdgeScalar(numbers) => Shown::Numbers(numbers),
                State::Vector(values) => Shown::Parts(Part::of_tensors(&values, None)),
                State::EdgeVector(values) => Shown::Parts(Part::of_tensors(&values, Some(edges))),
                State::EdgeFactor(values) => Shown::Parts(Part::of_buckets(&values)),
            })
        })?;
        match shown {
            Shown::Number(number) => Ok(number.into_pyobject(py)?.into_any()),
            Shown::Numbers(numbers) => {
                let shape = vec![numbers.len()];
                array::owned(py, numbers, f64::CODE, shape)
            }
            Shown::Parts(parts) => {
                let arrays: Vec<_> =
                    parts.into_iter().map(|part| part.into_array(py)).collect::<PyResult<_>>()?;
                Ok(PyList::new(py, arrays)?.into_any())
            }
        }
    }

    /// Averages an array of float32 or float64 over all ranks, in place.
    fn average(&self, py: Python<'_>, values: &Bound<'_, PyAny>) -> PyResult<()> {
        let memory = array::writable(values)?.not_short()?;
        // SAFETY: `writable` gives contiguous memory of this type; that nobody else touches it is asked of the caller.
        self.call(py, move |machine| unsafe {
            match memory.dtype() {
                Dtype::F32 => machine.average(memory.slice_mut::<f32>()),
                _ => machine.average(memory.slice_mut::<f64>()),
            }
        })
    }

    /// Lets the waits of the other ranks for this one fail.
    fn abandon(&self, py: Python<'_>, reason: String) -> PyResult<()> {
        self.call(py, move |machine| {
            machine.abandon(&reason);
            Ok(())
        })
    }

    /// Everything that `restore` needs to go on from here.
    fn save<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.call(py, bfc_runtime::Machine::save)?))
    }

    /// Goes on from where `save` was called; all ranks do this together.
    fn restore(&self, py: Python<'_>, saved: Vec<u8>) -> PyResult<()> {
        self.call(py, move |machine| machine.restore(&saved))
    }

    /// Ends the machine; another one can be made then.
    fn close(&self, py: Python<'_>) {
        self.worker.end(py);
    }

    fn __repr__(&self) -> String {
        format!(
            "<bfc.Machine of rank {}: {} tensors in {} buckets>",
            self.rank,
            self.layout.tensors().len(),
            self.layout.buckets().len()
        )
    }
}

/// The machine has ended.
#[derive(Debug, Error, Diagnostic)]
#[error("the machine of rank {rank} has ended: it was closed, or interrupted in a call")]
#[diagnostic(
    code(bfc::execute::ended),
    help("make another one; all ranks do so together, from their last checkpoints or models")
)]
struct Ended {
    rank: Rank,
}

impl Machine {
    fn call<R: Send + 'static>(
        &self,
        py: Python<'_>,
        body: impl FnOnce(&mut bfc_runtime::Machine<AnyTransport>) -> Result<R, RuntimeError> + Send + 'static,
    ) -> PyResult<R> {
        let body = |seated: &mut Seated| body(seated.machine.as_mut().expect("it is there until the end"));
        match self.worker.call(py, body)? {
            Some(result) => result.map_err(|failure| error::raise(py, [&failure as &dyn Diagnostic])),
            None => Err(error::raise(py, [&Ended { rank: self.rank } as &dyn Diagnostic])),
        }
    }

    /// The tensors of a bucket.
    fn of_bucket(&self, py: Python<'_>, bucket: usize) -> PyResult<&[usize]> {
        let buckets = self.layout.buckets();
        let not_wanted = || {
            let failure = RuntimeError::NotWanted { bucket, buckets: buckets.len() };
            error::raise(py, [&failure as &dyn Diagnostic])
        };
        buckets.get(bucket).map(|bucket| bucket.tensors.as_slice()).ok_or_else(not_wanted)
    }

    /// The memory of one array for each of these tensors. Where the machine's calls are done before anything else of Python runs,
    /// tensors of torch lend theirs.
    fn memory<E>(
        &self,
        py: Python<'_>,
        tensors: &[usize],
        arrays: &Bound<'_, PySequence>,
        import: impl Fn(&Bound<'_, PyAny>, Parameters) -> Result<Memory, E>,
    ) -> PyResult<Arrays>
    where
        PyErr: From<E>,
    {
        let arrays = arrays.to_list()?;
        if arrays.len() != tensors.len() {
            let (found, expected) = (arrays.len(), tensors.len());
            let (found, expected) =
                (format!("a list of {found}"), format!("expected {expected} arrays, one for each tensor"));
            return Err(wrong_value(py, "Machine", "arrays", &found, &expected));
        }
        // Short numbers are computed in `f32`, and rounded where they are stored.
        let are_alike = |found, dtype| found == dtype || ![found, dtype].contains(&Dtype::F64);
        let of_model = |&tensor: &usize| &self.layout.tensors()[tensor];
        if !self.waits {
            let lend = |(tensor, array): (&Tensor, Bound<'_, PyAny>)| {
                tensors::lend(&array, &tensor.shape).filter(|span| are_alike(span.dtype, tensor.dtype))
            };
            if let Some(spans) = tensors.iter().map(of_model).zip(&arrays).map(lend).collect() {
                return Ok(Arrays { spans, _owners: vec![] });
            }
        }
        let fitting = |(&Tensor { dtype, ref shape, .. }, array): (&Tensor, Bound<'_, PyAny>)| {
            let memory = import(&array, Parameters::Taken)?;
            let alike = are_alike(memory.dtype(), dtype);
            memory.fits(if alike { memory.dtype() } else { dtype }, shape)?;
            Ok(memory)
        };
        let owners: Vec<Memory> =
            tensors.iter().map(of_model).zip(&arrays).map(fitting).collect::<PyResult<_>>()?;
        Ok(Arrays { spans: owners.iter().map(Span::of).collect(), _owners: owners })
    }
}

/// Where arrays lie, and what keeps them alive unless they are lent.
struct Arrays {
    spans: Vec<Span>,
    _owners: Vec<Memory>,
}

/// What a trainer calls an answer.
fn name(wanted: Wanted) -> &'static str {
    match wanted {
        Wanted::Gradient => "gradient",
        Wanted::Adapted => "adapted",
        Wanted::Minimizer { .. } => "minimizer",
    }
}

/// Copies all tensors into arrays.
fn read_all(values: &Values<'_>, into: &Arrays) {
    into.spans.iter().enumerate().for_each(|(tensor, into)| read(values, tensor, *into));
}

/// Copies a tensor into an array.
fn read(values: &Values<'_>, tensor: usize, into: Span) {
    let stored = values.dtype(values.layout().place(tensor).bucket);
    // SAFETY: `Machine::memory` has checked that it is writable, contiguous and as long as the tensor; that no other thread
    // touches it during the call is asked of the caller.
    unsafe {
        match stored {
            Dtype::F64 => into.slice_mut::<f64>().copy_from_slice(values.tensor(tensor)),
            _ => {
                with_short!(stored, S => with_short!(into.dtype, R => convert::<S, R>(values.tensor(tensor), into.slice_mut())))
            }
        }
    }
}

/// Copies an array into a tensor.
fn write(from: Span, values: &mut ValuesMut<'_>, tensor: usize) {
    let stored = values.dtype(values.layout().place(tensor).bucket);
    // SAFETY: `Machine::memory` has checked that it is contiguous, of this type and as long as the tensor.
    unsafe {
        match stored {
            Dtype::F64 => values.tensor::<f64>(tensor).copy_from_slice(from.slice()),
            _ => {
                with_short!(from.dtype, S => with_short!(stored, R => convert::<S, R>(from.slice(), values.tensor(tensor))))
            }
        }
    }
}

/// Copies arrays into all tensors.
fn write_all(from: &Arrays, values: &mut ValuesMut<'_>) {
    from.spans.iter().enumerate().for_each(|(tensor, from)| write(*from, values, tensor));
}

/// The numbers in another type, rounded to nearest where it is shorter.
fn convert<S: Storage<Arithmetic = f32>, R: Storage<Arithmetic = f32>>(from: &[S], into: &mut [R]) {
    into.iter_mut().zip(from).for_each(|(into, from)| *into = R::store(from.load()));
}

/// A state on its way to Python.
enum Shown {
    Number(f64),
    Numbers(Vec<f64>),
    Parts(Vec<Part>),
}

/// The numbers of one tensor or bucket, and their shape.
struct Part {
    numbers: Numbers,
    shape: Vec<usize>,
}

enum Numbers {
    F32(Vec<f32>),
    F64(Vec<f64>),
}

impl Part {
    /// For each tensor, with an entry for each edge first.
    fn of_tensors(values: &Values<'_>, edges: Option<usize>) -> Vec<Self> {
        let layout = values.layout();
        let part = |(index, tensor): (usize, &Tensor)| {
            let place = layout.place(index);
            let length = layout.buckets()[place.bucket].length;
            let ranges = (0..edges.unwrap_or(1)).map(|edge| edge * length + place.elements.start);
            let ranges = ranges.map(|start| start..start + place.elements.len());
            Self {
                numbers: Numbers::of(values, place.bucket, ranges),
                shape: edges.into_iter().chain(tensor.shape.iter().copied()).collect(),
            }
        };
        layout.tensors().iter().enumerate().map(|(index, tensor)| part((index, tensor))).collect()
    }

    fn of_buckets(values: &Values<'_>) -> Vec<Self> {
        let whole = |bucket| {
            let length = match values.dtype(bucket) {
                Dtype::F64 => values.bucket::<f64>(bucket).len(),
                dtype => with_short!(dtype, S => values.bucket::<S>(bucket).len()),
            };
            Self { numbers: Numbers::of(values, bucket, std::iter::once(0..length)), shape: vec![length] }
        };
        (0..values.layout().buckets().len()).map(whole).collect()
    }

    fn into_array(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        match self.numbers {
            Numbers::F32(numbers) => array::owned(py, numbers, f32::CODE, self.shape),
            Numbers::F64(numbers) => array::owned(py, numbers, f64::CODE, self.shape),
        }
    }
}

impl Numbers {
    /// Some elements of a bucket; short ones as `f32`.
    fn of(values: &Values<'_>, bucket: usize, ranges: impl Iterator<Item = Range<usize>>) -> Self {
        match values.dtype(bucket) {
            Dtype::F64 => {
                Self::F64(ranges.flat_map(|range| &values.bucket::<f64>(bucket)[range]).copied().collect())
            }
            dtype => with_short!(dtype, S => {
                let numbers = ranges.flat_map(|range| &values.bucket::<S>(bucket)[range]);
                Self::F32(numbers.map(|number| number.load()).collect())
            }),
        }
    }
}
