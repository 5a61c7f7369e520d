//! Averages within machines, and weighted sums between them: messages between machines are as few as machines have edges.

use super::collective::in_range;
use super::descriptor::{Descriptor, Operation};
use super::neighbours::split;
use super::reduce::float;
use super::{Call, CommunicateError, Communicator, Neighbours, NumberType, Numeric, Operand, Reduction};
use crate::error::RuntimeError;
use crate::exchange::{Members, Operand as Mixed};
use crate::kernel::Mode;
use crate::memory::Buffer;
use crate::plan::Plan;
use crate::storage::{Dtype, Storage, arithmetic, with_dtype};
use crate::transport::Transport;
use bfc_schedule::Rank;
use bytemuck::{cast_slice, cast_slice_mut};
use std::sync::Arc;

/// Exchange numbers that are kept for what one machine does, which differs by its size.
const RESERVED: u64 = 4;

impl<X: Transport + Send + 'static> Communicator<X> {
    /// `x ← self_weight · m + Σ weight · m of the source`, where m is the mean of a machine's vectors, and neighbours are
    /// machines: of `machines`, numbered from 0, this rank is on `machine`. A machine has any number of ranks, in any order;
    /// its first speaks for it, and all of them pass the same neighbours. Short numbers are rounded at the end.
    ///
    /// # Errors
    /// As [`neighbor_allreduce`](Self::neighbor_allreduce), or where a machine has no rank or divided ones.
    pub fn hierarchical_neighbor_allreduce<'a, T: Numeric>(
        &mut self,
        x: impl Into<Operand<'a, T>>,
        (machine, machines): (u32, u32),
        neighbours: &Neighbours,
    ) -> Result<(), CommunicateError> {
        let x = x.into().bytes();
        let number = x.number;
        let dtype = float("a weighted sum", number);
        let mine = Descriptor::new(Operation::HierarchicalNeighborAllreduce, number, x.len());
        let mine = Descriptor { root: machines, machine, ..neighbours.describe(Rank(machine), mine) };
        let valid = x.check().and(dtype).and_then(|dtype| {
            in_range("machine", machine, machines)?;
            neighbours.check(Rank(machine), machines).map(|()| dtype)
        });
        let (dtype, valid) = split(valid);
        self.call(mine, valid, |call, said| {
            let places = Machines::new(call.number, machine, machines, said)?;
            let leaders: Vec<Descriptor> = places.leaders.iter().map(|leader| said[leader.index()]).collect();
            call.compare_edges("machine", said, &leaders, neighbours)?;
            let wire = &mut call.wire;
            let wide = arithmetic(dtype);
            let mut sum = wire.spares.take(wide, x.len(), &mut wire.transport);
            let source = x.source.unwrap_or(x.target);
            let mode = Mode::best(source.len());
            with_dtype!(dtype, S => mode.convert::<_, S>(computed::<S>(&mut sum), cast_slice(source)));
            let mut sum = call.between(&places, said, neighbours, sum)?;
            with_dtype!(dtype, S => mode.round::<S>(cast_slice_mut(x.target), computed::<S>(&mut sum)));
            call.wire.spares.give_back(sum);
            Ok(())
        })
    }
}

/// The numbers in which those of `S` are computed.
fn computed<S: Storage>(sum: &mut Buffer) -> &mut [S::Arithmetic] {
    sum.values_mut()
}

/// Which ranks are where.
struct Machines {
    machine: Rank,
    /// The first rank of each machine.
    leaders: Vec<Rank>,
    /// The ranks of this rank's machine.
    members: Vec<Rank>,
}

impl Machines {
    fn new(call: u64, machine: u32, machines: u32, said: &[Descriptor]) -> Result<Self, CommunicateError> {
        let on =
            |machine: u32| said.iter().zip((0..).map(Rank)).filter(move |(said, _)| said.machine == machine);
        let mut leaders = vec![];
        for machine in 0..machines {
            let Some((leader, first)) = on(machine).next() else {
                return Err(CommunicateError::EmptyMachine { call, machine, machines });
            };
            let neighbours = |said: &Descriptor| (said.edges, said.sources, said.destinations, said.scales);
            if let Some((_, second)) = on(machine).find(|(said, _)| neighbours(said) != neighbours(leader)) {
                return Err(CommunicateError::DividedMachine { call, machine, first, second });
            }
            leaders.push(first);
        }
        let members = on(machine).map(|(_, rank)| rank).collect();
        Ok(Self { machine: Rank(machine), leaders, members })
    }
}

impl<X: Transport> Call<'_, X> {
    /// The mean within the machine, its leader's sum over machines, and that for all of its ranks.
    fn between(
        &mut self,
        places: &Machines,
        said: &[Descriptor],
        neighbours: &Neighbours,
        mut x: Buffer,
    ) -> Result<Buffer, RuntimeError> {
        let Machines { machine, leaders, members } = places;
        let index = members.iter().position(|rank| *rank == self.place.rank).unwrap_or_default();
        let within = Members::of(members, index);
        let number = if x.dtype() == Dtype::F64 { NumberType::F64 } else { NumberType::F32 };
        self.reserved(|call| call.allreduce(within, number, x.bytes_mut(), Reduction::Mean))?;
        let mut x = self.reserved(|call| {
            if index > 0 {
                return Ok(x);
            }
            let leader = |machine: Rank| leaders[machine.index()];
            let size = leaders.len() as u32;
            let scales = call.scales(*machine, size, said, neighbours, leader)?;
            let plan: Plan = neighbours.plan(*machine, size, &scales).renamed(&leader);
            call.mix_buffers(Arc::new(plan), Mixed { source: None, target: x })
        })?;
        self.reserved(|call| call.broadcast(within, 0, number, x.bytes_mut()))?;
        Ok(x)
    }

    /// Does something that takes a number of exchanges of its own on each machine; afterwards all ranks count alike.
    fn reserved<R>(&mut self, body: impl FnOnce(&mut Self) -> R) -> R {
        let next = self.wire.next_exchange() + RESERVED;
        let result = body(self);
        self.wire.go_on_at(next);
        result
    }
}
