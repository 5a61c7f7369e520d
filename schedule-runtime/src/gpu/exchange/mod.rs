//! Mixes and averages of device buckets: all rounds of a phase and bucket are one group, and then one kernel sums what has come
//! from all neighbours. Averages have a group for each of their rounds.

mod average;
mod mix;

use super::kernels::{Kernels, Room, Vector};
use super::machine::GpuRegisters;
use super::{DeviceMemory, Event, GpuError, Link, Piece, Stream};
use crate::plan::Plan;
use crate::storage::arithmetic;
use bfc_schedule::Average;
use bfc_schedule::program::{Operator, Transfer};

/// Parts of what is received begin at multiples of this number of bytes.
const ALIGNED: usize = 256;

impl Flying {
    /// Its memory, which a GPU may still use.
    pub(super) fn into_memory(self) -> Option<DeviceMemory> {
        self.memory
    }
}

/// What kernels are queued with.
pub(super) type Context<'a> = (&'a Kernels, &'a Stream, &'a mut Room);

/// Exchanges over a link, with the memory that they receive in.
pub(super) struct Exchanger<L> {
    pub(super) link: L,
    /// The trainer's initial parameters.
    pub(super) parameters: Vec<DeviceMemory>,
    average: Option<Average>,
    /// For each topology and phase the weights of what is received: as single, as double, and ones.
    weights: Vec<Vec<DeviceMemory>>,
    /// Memory of exchanges that are over: what is queued next comes after them.
    spare: Vec<DeviceMemory>,
    /// A vector in what it is computed in.
    reading: Room,
    /// What codes say.
    decoded: Room,
    /// Bytes of messages that were queued.
    pub(super) bytes_sent: u64,
}

/// A bucket's exchange that has begun.
pub(super) struct Flying {
    bucket: usize,
    operator: Operator,
    phase: usize,
    step: u64,
    vectors: Vec<Arriving>,
    codes: Vec<Arriving>,
    /// Numbers: registers, and what was sent.
    scalars: Vec<(usize, usize)>,
    sent: Vec<f64>,
    /// Where the numbers of neighbours arrive.
    scalars_at: usize,
    memory: Option<DeviceMemory>,
    arrived: Option<Event>,
}

/// Where the vectors of one register arrive, neighbour after neighbour.
struct Arriving {
    from: usize,
    into: usize,
    at: usize,
    bytes: usize,
}

impl<L: Link> Exchanger<L> {
    pub(super) fn new(
        link: L,
        plans: &[Vec<Plan>],
        average: Option<Average>,
        parameters: Vec<DeviceMemory>,
        spare: Vec<DeviceMemory>,
    ) -> Result<Self, GpuError> {
        let gpu = link.stream().gpu().clone();
        let upload = |plan: &Plan| {
            let received = || plan.actions.iter().filter_map(|action| Some(action.receive?.1));
            let single = received().map(|weight| f64::from(weight.single));
            let words = single.chain(received().map(|weight| weight.double)).chain(received().map(|_| 1.0));
            let bytes: Vec<u8> = words.flat_map(f64::to_le_bytes).collect();
            let memory = gpu.allocate(bytes.len())?;
            link.stream().write(&memory, 0, &bytes)?;
            Ok(memory)
        };
        let weights = plans
            .iter()
            .map(|phases| phases.iter().map(upload).collect())
            .collect::<Result<_, GpuError>>()?;
        let (reading, decoded) = (Room::new(&gpu)?, Room::new(&gpu)?);
        Ok(Self { link, parameters, average, weights, spare, reading, decoded, bytes_sent: 0 })
    }

    /// Keeps all memory for ever: a GPU may still use it.
    pub(super) fn forget(&mut self) {
        self.spare.drain(..).chain(self.parameters.drain(..)).for_each(DeviceMemory::forget);
        [&mut self.reading, &mut self.decoded].into_iter().for_each(Room::forget);
    }

    /// Waits for all messages. The host does this before it waits for work that waits for messages: only this has a deadline.
    pub(super) fn wait(&mut self) -> Result<(), GpuError> {
        self.link.wait()
    }

    /// A vector in what it is computed in, until the next one is read.
    ///
    /// # Safety
    /// The vector is valid until the stream has done it.
    pub(super) unsafe fn computed(
        &mut self,
        kernels: &Kernels,
        stream: &Stream,
        x: Vector,
    ) -> Result<Vector, GpuError> {
        let read = self.read_into(x)?;
        if read.address != x.address {
            // SAFETY: the caller's; the room is this machine's.
            unsafe { kernels.convert(stream, read, x)? };
        }
        Ok(read)
    }

    /// Room for a vector in what it is computed in: itself, where that is its type.
    pub(super) fn read_into(&mut self, x: Vector) -> Result<Vector, GpuError> {
        let dtype = arithmetic(x.dtype);
        if x.dtype == dtype {
            return Ok(x);
        }
        let memory = self.reading.of(self.link.stream().gpu(), x.length * dtype.bytes())?;
        Ok(Vector { address: memory.address(), dtype, ..x })
    }

    /// Memory for what is received. What used it before is over when work that is queued now begins.
    fn memory(&mut self, bytes: usize) -> Result<DeviceMemory, GpuError> {
        // The smallest: what was enough once is so again.
        let fitting = self.spare.iter().enumerate().filter(|(_, memory)| memory.len() >= bytes);
        match fitting.min_by_key(|(_, memory)| memory.len()).map(|(index, _)| index) {
            Some(index) => Ok(self.spare.swap_remove(index)),
            None => self.link.stream().gpu().allocate(bytes),
        }
    }

    /// Queues a group behind what is on the stream; the event stands after it.
    ///
    /// # Safety
    /// As [`Link::exchange`].
    unsafe fn group(
        &mut self,
        stream: &Stream,
        sent: &[Piece],
        received: &[Piece],
    ) -> Result<Event, GpuError> {
        let gpu = stream.gpu();
        let (ready, arrived) = (gpu.event()?, gpu.event()?);
        ready.record(stream)?;
        self.link.stream().wait_event(&ready)?;
        // SAFETY: the caller's.
        unsafe { self.link.exchange(sent, received)? };
        self.bytes_sent += sent.iter().map(|piece| piece.bytes as u64).sum::<u64>();
        arrived.record(self.link.stream())?;
        Ok(arrived)
    }

    /// Begins the exchange of a bucket. What travels stays as it is until [`finish`](Self::finish).
    #[expect(clippy::too_many_arguments, reason = "the parts of a machine, which owns them side by side")]
    pub(super) fn begin(
        &mut self,
        operator: Operator,
        (plan, phase): (Option<&Plan>, usize),
        transfers: &[Transfer],
        registers: &mut GpuRegisters,
        bucket: usize,
        step: u64,
        (kernels, stream, _): Context<'_>,
    ) -> Result<Flying, GpuError> {
        let mut flying = Flying {
            bucket,
            operator,
            phase,
            step,
            vectors: vec![],
            codes: vec![],
            scalars: vec![],
            sent: vec![],
            scalars_at: 0,
            memory: None,
            arrived: None,
        };
        for transfer in transfers {
            let (from, into) = (transfer.from.0 as usize, transfer.into.0 as usize);
            let arriving = |bytes| Arriving { from, into, at: 0, bytes };
            match registers.codes[from].get(bucket) {
                Some((code, _)) => flying.codes.push(arriving(code.len())),
                None if registers.vectors[from][bucket].length > 0 => {
                    flying.vectors.push(arriving(registers.vectors[from][bucket].bytes()));
                }
                None if bucket == 0 && registers.is_scalar(from) => flying.scalars.push((from, into)),
                None => {}
            }
        }
        match (operator, plan) {
            (Operator::Average, _) => self.average(flying, registers, (kernels, stream)),
            (Operator::Back, Some(plan)) => self.begin_back(flying, plan, registers, stream),
            (_, Some(plan)) => self.begin_mix(flying, plan.part(operator), registers, stream),
            (_, None) => unreachable!("an operator has a topology"),
        }
    }
}
