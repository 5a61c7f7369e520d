//! Mixes, and what neighbours hold for each other: one group for all rounds, then one kernel for each vector.

use super::{ALIGNED, Arriving, Context, Exchanger, Flying};
use crate::gpu::kernels::Terms;
use crate::gpu::machine::GpuRegisters;
use crate::gpu::{DeviceMemory, Event, GpuError, Link, Piece, Stream, Vector};
use crate::plan::{Part, Plan, Weight};
use crate::storage::{Dtype, arithmetic};
use bfc_schedule::Rank;
use bfc_schedule::program::Operator;

impl<L: Link> Exchanger<L> {
    pub(super) fn begin_mix(
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
    pub(super) fn begin_back(
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
    pub(in crate::gpu) fn finish(
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
}
