//! Mixes and averages of device buckets: all rounds of a phase and bucket are one group, and then one kernel sums what has come
//! from all neighbours. Averages have a group for each of their rounds.

use super::kernels::{Kernels, Room, Terms, Vector};
use super::machine::GpuRegisters;
use super::{DeviceMemory, Event, GpuError, Link, Piece, Stream};
use crate::exchange::Bounds;
use crate::plan::{Part, Plan, Weight};
use crate::storage::{Dtype, arithmetic};
use bfc_schedule::average::SliceRound;
use bfc_schedule::program::{Operator, Transfer};
use bfc_schedule::{Average, Rank};

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
        match self.spare.iter().position(|memory| memory.len() >= bytes) {
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

    fn begin_mix(
        &mut self,
        mut flying: Flying,
        plan: Part<'_>,
        registers: &GpuRegisters,
        stream: &Stream,
    ) -> Result<Flying, GpuError> {
        let froms: Vec<Rank> = plan.actions.iter().filter_map(|action| Some(action.receive?.0)).collect();
        flying.sent = flying.scalars.iter().map(|&(from, _)| registers.scalars[from]).collect();
        let mut end = 0;
        for arriving in flying.vectors.iter_mut().chain(&mut flying.codes) {
            arriving.at = end;
            end = (end + froms.len() * arriving.bytes).next_multiple_of(ALIGNED);
        }
        let numbers = flying.sent.len() * size_of::<f64>();
        flying.scalars_at = end;
        let memory = self.memory(end + (froms.len() + 1) * numbers)?;
        let own_numbers = end + froms.len() * numbers;
        let bytes: Vec<u8> = flying.sent.iter().flat_map(|number| number.to_le_bytes()).collect();
        stream.write(&memory, own_numbers, &bytes)?;
        let (mut sent, mut received) = (vec![], vec![]);
        for peer in plan.actions.iter().filter_map(|action| action.send_to) {
            let mut piece = |address, bytes| sent.push(Piece { peer, address, bytes });
            let vector = |arriving: &Arriving| registers.vectors[arriving.from][flying.bucket].address;
            let code = |arriving: &Arriving| registers.codes[arriving.from][flying.bucket].0.address();
            flying.vectors.iter().for_each(|arriving| piece(vector(arriving), arriving.bytes));
            flying.codes.iter().for_each(|arriving| piece(code(arriving), arriving.bytes));
            piece(memory.part(own_numbers..own_numbers + numbers), numbers);
        }
        for (index, &peer) in froms.iter().enumerate() {
            let mut piece = |at: usize, bytes: usize| {
                let start = at + index * bytes;
                received.push(Piece { peer, address: memory.part(start..start + bytes), bytes });
            };
            let parts = flying.vectors.iter().chain(&flying.codes);
            parts.for_each(|arriving| piece(arriving.at, arriving.bytes));
            piece(end, numbers);
        }
        // SAFETY: what travels stays as it is, and the memory is the flight's; both live as long as the machine.
        let group = unsafe { self.group(stream, &sent, &received) };
        self.begun(flying, memory, group)
    }

    fn begun(
        &mut self,
        mut flying: Flying,
        memory: DeviceMemory,
        group: Result<Event, GpuError>,
    ) -> Result<Flying, GpuError> {
        match group {
            Ok(arrived) => {
                flying.memory = Some(memory);
                flying.arrived = Some(arrived);
                Ok(flying)
            }
            Err(error) => {
                // Kept until it is known whether a GPU still uses it.
                self.spare.push(memory);
                Err(error)
            }
        }
    }

    /// What the neighbours hold for this rank goes where it belongs at once.
    fn begin_back(
        &mut self,
        mut flying: Flying,
        plan: &Plan,
        registers: &GpuRegisters,
        stream: &Stream,
    ) -> Result<Flying, GpuError> {
        let neighbours: Vec<Rank> = plan.neighbours().collect();
        let place = |rank: Rank| neighbours.iter().position(|known| *known == rank);
        let numbers = flying.scalars.len();
        let own = |at: usize| flying.scalars.iter().map(move |&(from, _)| registers.edge_scalars[from][at]);
        flying.sent = (0..if numbers > 0 { neighbours.len() } else { 0 }).flat_map(own).collect();
        let bytes: Vec<u8> = flying.sent.iter().flat_map(|number| number.to_le_bytes()).collect();
        let (each, all) = (numbers * size_of::<f64>(), bytes.len());
        let memory = self.memory(2 * all)?;
        stream.write(&memory, all, &bytes)?;
        let (mut sent, mut received) = (vec![], vec![]);
        let part = |register: usize, at: usize| {
            let vector: Vector = registers.vectors[register][flying.bucket];
            let length = vector.length / neighbours.len().max(1);
            vector.part(at * length..(at + 1) * length)
        };
        for action in &plan.actions {
            if let Some((peer, at)) = action.send_to.and_then(|peer| Some((peer, place(peer)?))) {
                for arriving in &flying.vectors {
                    let vector = part(arriving.from, at);
                    sent.push(Piece { peer, address: vector.address, bytes: vector.bytes() });
                }
                let address = memory.part(all + at * each..all + (at + 1) * each);
                sent.push(Piece { peer, address, bytes: each });
            }
            if let Some((peer, at)) = action.receive.and_then(|(peer, _)| Some((peer, place(peer)?))) {
                for arriving in &flying.vectors {
                    let vector = part(arriving.into, at);
                    received.push(Piece { peer, address: vector.address, bytes: vector.bytes() });
                }
                let address = memory.part(at * each..(at + 1) * each);
                received.push(Piece { peer, address, bytes: each });
            }
        }
        // SAFETY: as in `begin_mix`; what arrives is left alone until the flight is over.
        let group = unsafe { self.group(stream, &sent, &received) };
        self.begun(flying, memory, group)
    }

    /// Ends the exchange of a bucket: one kernel for each vector.
    pub(super) fn finish(
        &mut self,
        flying: Flying,
        plans: &[Vec<Plan>],
        registers: &mut GpuRegisters,
        (kernels, stream, room): Context<'_>,
    ) -> Result<(), GpuError> {
        let (Some(memory), Some(arrived)) = (&flying.memory, &flying.arrived) else { return Ok(()) };
        stream.wait_event(arrived)?;
        match flying.operator {
            Operator::Back => self.finish_back(&flying, registers, memory)?,
            operator => {
                let topology = operator.topology().unwrap_or(0) as usize;
                let plan = plans[topology][flying.phase].part(operator);
                let weights = self.weights[topology][flying.phase].address();
                self.finish_vectors(&flying, plan, weights, registers, (kernels, stream, room))?;
                self.finish_scalars(&flying, plan, registers, memory)?;
            }
        }
        self.spare.extend(flying.memory);
        Ok(())
    }

    fn finish_vectors(
        &mut self,
        flying: &Flying,
        plan: Part<'_>,
        weights: u64,
        registers: &GpuRegisters,
        (kernels, stream, room): Context<'_>,
    ) -> Result<(), GpuError> {
        let count = plan.actions.iter().filter(|action| action.receive.is_some()).count();
        let memory = flying.memory.as_ref().map_or(0, DeviceMemory::address);
        let weights = |dtype: Dtype| {
            let list = match (flying.operator, dtype) {
                (Operator::Incoming(_), _) => 2,
                (_, Dtype::F64) => 1,
                _ => 0,
            };
            weights + (list * count * size_of::<f64>()) as u64
        };
        let own = |dtype: Dtype| {
            let number = |own: Weight| if dtype == Dtype::F64 { own.double } else { own.single.into() };
            plan.own.map(number)
        };
        for arriving in &flying.vectors {
            let [x, target] =
                [arriving.from, arriving.into].map(|register| registers.vectors[register][flying.bucket]);
            let first = Vector { address: memory + arriving.at as u64, ..x };
            let dtype = arithmetic(target.dtype);
            let terms = Terms { first, stride: x.length, weights: weights(dtype), count };
            // SAFETY: registers and the flight's memory live as long as the machine.
            unsafe { kernels.sum(stream, target, own(dtype).map(|own| (own, x)), terms)? };
        }
        for arriving in &flying.codes {
            let (code, coding) = &registers.codes[arriving.from][flying.bucket];
            let target = registers.vectors[arriving.into][flying.bucket];
            let dtype = arithmetic(target.dtype);
            let bytes = target.length * dtype.bytes();
            let said = self.decoded.of(stream.gpu(), (count + 1) * bytes)?.address();
            let said = |index: usize| Vector { address: said + (index * bytes) as u64, dtype, ..target };
            // SAFETY: as above.
            unsafe {
                if plan.own.is_some() {
                    kernels.decode(stream, coding, code.address(), flying.step, said(count), room)?;
                }
                for index in 0..count {
                    let code = memory + (arriving.at + index * arriving.bytes) as u64;
                    kernels.decode(stream, coding, code, flying.step, said(index), room)?;
                }
                let terms = Terms { first: said(0), stride: target.length, weights: weights(dtype), count };
                kernels.sum(stream, target, own(dtype).map(|own| (own, said(count))), terms)?;
            }
        }
        Ok(())
    }

    /// Numbers are the host's, which waits for them.
    fn finish_scalars(
        &mut self,
        flying: &Flying,
        plan: Part<'_>,
        registers: &mut GpuRegisters,
        memory: &DeviceMemory,
    ) -> Result<(), GpuError> {
        if flying.scalars.is_empty() {
            return Ok(());
        }
        let weights: Vec<f64> =
            plan.actions.iter().filter_map(|action| Some(plan.receive(action)?.1.double)).collect();
        let received = self.numbers(memory, flying.scalars_at, weights.len() * flying.sent.len())?;
        for (index, &(_, into)) in flying.scalars.iter().enumerate() {
            let own = plan.own.map(|own| own.double * flying.sent[index]);
            let others = weights.iter().zip(received.iter().skip(index).step_by(flying.sent.len()));
            let products = own.into_iter().chain(others.map(|(weight, number)| weight * number));
            registers.scalars[into] = products.reduce(|sum, product| sum + product).unwrap_or(0.0);
        }
        Ok(())
    }

    fn finish_back(
        &mut self,
        flying: &Flying,
        registers: &mut GpuRegisters,
        memory: &DeviceMemory,
    ) -> Result<(), GpuError> {
        let each = flying.scalars.len();
        if each == 0 {
            return Ok(());
        }
        let received = self.numbers(memory, 0, flying.sent.len())?;
        for (index, &(_, into)) in flying.scalars.iter().enumerate() {
            let own = received.iter().skip(index).step_by(each);
            registers.edge_scalars[into].iter_mut().zip(own).for_each(|(into, number)| *into = *number);
        }
        Ok(())
    }

    /// Numbers that have arrived.
    fn numbers(&mut self, memory: &DeviceMemory, at: usize, count: usize) -> Result<Vec<f64>, GpuError> {
        self.link.wait()?;
        let mut bytes = vec![0; count * size_of::<f64>()];
        self.link.stream().read(memory, at, &mut bytes)?;
        Ok(bytes.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect())
    }

    /// The average over all ranks: sums of blocks go round, and then the averages.
    fn average(
        &mut self,
        flying: Flying,
        registers: &mut GpuRegisters,
        (kernels, stream): (&Kernels, &Stream),
    ) -> Result<Flying, GpuError> {
        let average = self.average.clone().unwrap_or(Average::circulant(self.link.size()));
        let (bucket, numbers) = (flying.bucket, flying.scalars.len());
        // Vectors that are stored shorter than they are computed are summed elsewhere.
        let is_whole = |vector: &Vector| vector.dtype == arithmetic(vector.dtype);
        let targets: Vec<Vector> =
            flying.vectors.iter().map(|arriving| registers.vectors[arriving.into][bucket]).collect();
        let elsewhere = |vector: &Vector| match is_whole(vector) {
            true => 0,
            false => (vector.length * arithmetic(vector.dtype).bytes()).next_multiple_of(ALIGNED),
        };
        let bytes: usize = targets.iter().map(elsewhere).sum();
        let memory = self.memory(bytes + numbers * size_of::<f64>())?;
        let mut end = 0;
        let mut sums = vec![];
        for (arriving, target) in flying.vectors.iter().zip(&targets) {
            let source = registers.vectors[arriving.from][bucket];
            let sum = match is_whole(target) {
                true => *target,
                false => Vector {
                    address: memory.address() + end as u64,
                    dtype: arithmetic(target.dtype),
                    ..*target
                },
            };
            end += elsewhere(target);
            if sum.address != source.address {
                // SAFETY: registers and the memory live as long as the machine, here and below.
                unsafe { kernels.convert(stream, sum, source)? };
            }
            sums.push(sum);
        }
        let own: Vec<u8> =
            flying.scalars.iter().flat_map(|&(from, _)| registers.scalars[from].to_le_bytes()).collect();
        stream.write(&memory, bytes, &own)?;
        if numbers > 0 {
            let address = memory.part(bytes..bytes + own.len());
            sums.push(Vector { address, length: numbers, dtype: Dtype::F64 });
        }
        average.reduce.iter().try_for_each(|round| self.slices(round, &sums, true, (kernels, stream)))?;
        for sum in &sums {
            let block = Bounds::even(sum.length, 1, average.size).block(self.link.rank().0);
            // SAFETY: as above.
            unsafe { kernels.divide(stream, sum.part(block), average.size)? };
        }
        average.gather.iter().try_for_each(|round| self.slices(round, &sums, false, (kernels, stream)))?;
        for (target, sum) in targets.iter().zip(&sums) {
            if target.address != sum.address {
                // SAFETY: as above.
                unsafe { kernels.convert(stream, *target, *sum)? };
            }
        }
        if numbers > 0 {
            self.link.wait()?;
            let mut read = vec![0; own.len()];
            stream.read(&memory, bytes, &mut read)?;
            for (&(_, into), bytes) in flying.scalars.iter().zip(read.as_chunks().0) {
                registers.scalars[into] = f64::from_le_bytes(*bytes);
            }
        }
        self.spare.push(memory);
        Ok(flying)
    }

    /// One round: blocks of all vectors, which are added or written where they arrive.
    fn slices(
        &mut self,
        round: &SliceRound,
        vectors: &[Vector],
        adds: bool,
        (kernels, stream): (&Kernels, &Stream),
    ) -> Result<(), GpuError> {
        let (rank, size) = (self.link.rank().0, self.link.size());
        let behind = (rank + size - round.hop % size) % size;
        let (to, from) = (Rank((rank + round.hop) % size), Rank(behind));
        let ranges = |vector: &Vector, of: u32| {
            let first = (u64::from(of) + u64::from(round.first)) % u64::from(size);
            let bounds = Bounds::even(vector.length, 1, size);
            bounds.blocks(first as u32, round.count, size).map(|range| vector.part(range))
        };
        let sent: Vec<Piece> = vectors
            .iter()
            .flat_map(|vector| ranges(vector, rank))
            .map(|part| Piece { peer: to, address: part.address, bytes: part.bytes() })
            .collect();
        let targets: Vec<Vector> = vectors.iter().flat_map(|vector| ranges(vector, behind)).collect();
        let bytes: usize = targets.iter().map(|part| part.bytes().next_multiple_of(ALIGNED)).sum();
        let memory = self.memory(bytes)?;
        let mut end = 0;
        let mut received = vec![];
        for target in &targets {
            let address = memory.address() + end as u64;
            received.push(Piece { peer: from, address, bytes: target.bytes() });
            end += target.bytes().next_multiple_of(ALIGNED);
        }
        // SAFETY: registers and memory live as long as the machine; what is sent is written by later rounds only, which
        // wait for this one.
        unsafe {
            let arrived = self.group(stream, &sent, &received);
            let arrived = match arrived {
                Ok(arrived) => arrived,
                Err(error) => {
                    self.spare.push(memory);
                    return Err(error);
                }
            };
            stream.wait_event(&arrived)?;
            for (target, piece) in targets.iter().zip(&received) {
                let part = Vector { address: piece.address, ..*target };
                match adds {
                    true => kernels.add(stream, *target, part)?,
                    false => stream.copy(target.address, part.address, part.bytes())?,
                }
            }
        }
        self.spare.push(memory);
        Ok(())
    }
}
