//! What a rank says of a call before anything else moves. All ranks gather what all say: so each knows that they agree, or
//! who does not, and the sizes that may differ. After a disagreement nobody waits for anybody: the next call can go on.

use super::{Call, CommunicateError, NumberType, Reduction};
use crate::exchange::{Bounds, Cut, Members, gather_rounds};
use crate::transport::Transport;
use bfc_schedule::Rank;
use bytemuck::{cast_slice, cast_slice_mut};
use std::fmt;

/// What a call of a [`Communicator`](super::Communicator) does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
#[repr(u8)]
pub enum Operation {
    Barrier,
    Broadcast,
    Allgather,
    ReduceScatter,
    Allreduce,
    AllToAll,
    NeighborAllreduce,
    NeighborAllgather,
    HierarchicalNeighborAllreduce,
    PairAverage,
}

impl Operation {
    pub(crate) const ALL: [Self; 10] = [
        Self::Barrier,
        Self::Broadcast,
        Self::Allgather,
        Self::ReduceScatter,
        Self::Allreduce,
        Self::AllToAll,
        Self::NeighborAllreduce,
        Self::NeighborAllgather,
        Self::HierarchicalNeighborAllreduce,
        Self::PairAverage,
    ];

    /// Whether ranks may have different numbers of rows.
    fn is_ragged(self) -> bool {
        matches!(self, Self::Allgather | Self::NeighborAllgather)
    }

    /// Whether ranks choose whom they hear from.
    fn has_edges(self) -> bool {
        matches!(
            self,
            Self::NeighborAllreduce | Self::NeighborAllgather | Self::HierarchicalNeighborAllreduce
        )
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Barrier => "barrier",
            Self::Broadcast => "broadcast",
            Self::Allgather => "allgather",
            Self::ReduceScatter => "reduce_scatter",
            Self::Allreduce => "allreduce",
            Self::AllToAll => "all_to_all",
            Self::NeighborAllreduce => "neighbor_allreduce",
            Self::NeighborAllgather => "neighbor_allgather",
            Self::HierarchicalNeighborAllreduce => "hierarchical_neighbor_allreduce",
            Self::PairAverage => "pair_average",
        })
    }
}

/// A phase of a compiled topology.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CompiledPhase {
    /// The first bytes of the schedule's digest.
    pub(super) digest: u64,
    pub(super) topology: u32,
    pub(super) phase: u32,
}

/// One rank's side of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Descriptor {
    pub(super) operation: Operation,
    pub(super) number: NumberType,
    pub(super) reduction: Option<Reduction>,
    /// Whether a collective of the transport's own may reduce.
    pub(super) fast: bool,
    /// The number of elements.
    pub(super) length: u64,
    /// The elements of a row, where ranks may have different numbers of rows.
    pub(super) row: u64,
    /// The root, or the number of machines.
    pub(super) root: u32,
    /// The machine of the rank.
    pub(super) machine: u32,
    /// Where the edges come from; `None` for those of the call.
    pub(super) compiled: Option<CompiledPhase>,
    /// The edges of this rank: those that it sends over less those that it receives over, as numbers drawn for each. The
    /// sum over all ranks is 0 where both ends of all edges say the same.
    pub(super) edges: u64,
    pub(super) sources: u32,
    pub(super) destinations: u32,
    /// Whether weights of destinations differ from 1.
    pub(super) scales: bool,
    /// Whether the rank's arguments are wrong, so that it does not go on.
    pub(super) refuses: bool,
    /// Whether it refuses without saying more than the operation.
    pub(super) is_silent: bool,
}

impl Descriptor {
    const WORDS: usize = 8;

    pub(super) fn new(operation: Operation, number: NumberType, length: usize) -> Self {
        Self {
            operation,
            number,
            reduction: None,
            fast: false,
            length: length as u64,
            row: 0,
            root: 0,
            machine: 0,
            compiled: None,
            edges: 0,
            sources: 0,
            destinations: 0,
            scales: false,
            refuses: false,
            is_silent: false,
        }
    }

    fn to_words(self) -> [u64; Self::WORDS] {
        let reduction = self.reduction.map_or(0, |reduction| reduction as u8 + 1);
        let flags = [self.scales, self.refuses, self.compiled.is_some(), self.is_silent, self.fast];
        let flags = (0..).zip(flags).map(|(bit, flag)| u8::from(flag) << bit).sum();
        let kind = [self.operation as u8, self.number as u8, reduction, flags, 0, 0, 0, 0];
        let pair = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
        [
            u64::from_le_bytes(kind),
            self.length,
            self.row,
            pair(self.root, self.machine),
            self.edges,
            pair(self.sources, self.destinations),
            self.compiled.map_or(0, |compiled| compiled.digest),
            self.compiled.map_or(0, |compiled| pair(compiled.topology, compiled.phase)),
        ]
    }

    fn from_words(words: &[u64]) -> Self {
        let [operation, number, reduction, flags, ..] = words[0].to_le_bytes();
        let pair = |word: u64| (word as u32, (word >> 32) as u32);
        let [(root, machine), (sources, destinations)] = [3, 5].map(|word| pair(words[word]));
        let (topology, phase) = pair(words[7]);
        let compiled = CompiledPhase { digest: words[6], topology, phase };
        Self {
            operation: Operation::ALL[usize::from(operation) % Operation::ALL.len()],
            number: NumberType::from_code(number),
            reduction: reduction.checked_sub(1).map(Reduction::from_code),
            fast: flags & 16 > 0,
            length: words[1],
            row: words[2],
            root,
            machine,
            compiled: (flags & 4 > 0).then_some(compiled),
            edges: words[4],
            sources,
            destinations,
            scales: flags & 1 > 0,
            refuses: flags & 2 > 0,
            is_silent: flags & 8 > 0,
        }
    }

    /// What has to be equal on all ranks.
    fn common(&self) -> Self {
        let length = if self.operation.is_ragged() { 0 } else { self.length };
        let own = Self::new(self.operation, self.number, 0);
        let Self { reduction, fast, row, root, compiled, .. } = *self;
        Self { length, reduction, fast, row, root, compiled, ..own }
    }
}

/// What differs where ranks disagree.
impl fmt::Display for Descriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, number, length, row, root, compiled, .. } = self;
        write!(f, "`{operation}`")?;
        if *operation == Operation::Barrier {
            return Ok(());
        }
        match self.reduction {
            Some(reduction) => {
                let fast = if self.fast { ", fast" } else { "" };
                write!(f, " ({reduction}{fast}) of {length} × {number}")?;
            }
            None if operation.is_ragged() => write!(f, " of rows of {row} × {number}")?,
            None => write!(f, " of {length} × {number}")?,
        }
        match operation {
            Operation::Broadcast => write!(f, " from rank {root}"),
            Operation::HierarchicalNeighborAllreduce => write!(f, " of {root} machines"),
            _ => Ok(()),
        }?;
        match compiled {
            Some(CompiledPhase { digest, topology, phase }) => {
                write!(f, " over phase {phase} of topology {topology} of schedule {digest:016x}…")
            }
            None if operation.has_edges() => write!(f, " over edges of the call"),
            None => Ok(()),
        }
    }
}

impl<X: Transport> Call<'_, X> {
    /// Gathers what all ranks say, and compares it.
    pub(super) fn agree(
        &mut self,
        mine: Descriptor,
        valid: Result<(), CommunicateError>,
    ) -> Result<Vec<Descriptor>, CommunicateError> {
        let members = self.everyone();
        let Members { index, size, .. } = members;
        let mut words = vec![0; Descriptor::WORDS * size as usize];
        let said = Descriptor { refuses: valid.is_err(), ..mine };
        words[Descriptor::WORDS * index as usize..][..Descriptor::WORDS].copy_from_slice(&said.to_words());
        let bytes: &mut [u8] = cast_slice_mut(&mut words);
        let bounds = Bounds::even(bytes.len(), bytes.len() / size as usize, size);
        let cut = Cut { bytes, bounds, combine: super::number::COPY };
        let sent = self.wire.bytes_sent;
        self.slices(members, &gather_rounds(size), cut, None)?;
        // Of no use to the caller, as headers are.
        self.wire.bytes_sent = sent;
        valid?;
        let said: Vec<Descriptor> = words.chunks(Descriptor::WORDS).map(Descriptor::from_words).collect();
        let (rank, call) = (self.place.rank, self.number);
        let peer = |found: &dyn Fn(&Descriptor) -> bool| {
            said.iter().zip((0..).map(Rank)).find(|(said, _)| found(said))
        };
        // What differs says more than that a rank refuses.
        if let Some((theirs, peer)) = peer(&|said| !said.is_silent && said.common() != mine.common()) {
            let (mine, theirs) = (mine.to_string(), theirs.to_string());
            return Err(CommunicateError::Disagreement { rank, call, peer, mine, theirs });
        }
        if let Some((theirs, peer)) = peer(&|said| said.refuses) {
            return Err(CommunicateError::Refused { rank, call, peer, operation: theirs.operation });
        }
        Ok(said)
    }

    /// Gathers the lists of all ranks, of these lengths, from each rank's own.
    pub(super) fn gather_lists(
        &mut self,
        mine: &[u32],
        lengths: impl Iterator<Item = usize>,
    ) -> Result<Vec<Vec<u32>>, CommunicateError> {
        let members = self.everyone();
        let lengths: Vec<usize> = lengths.collect();
        let bounds = Bounds::of_lengths(lengths.iter().map(|length| length * size_of::<u32>()));
        let mut all = vec![0u32; lengths.iter().sum()];
        let bytes: &mut [u8] = cast_slice_mut(&mut all);
        bytes[bounds.block(members.index)].copy_from_slice(cast_slice(mine));
        let cut = Cut { bytes, bounds, combine: super::number::COPY };
        self.slices(members, &gather_rounds(members.size), cut, None)?;
        let mut rest = all.as_slice();
        let list = |length: usize| rest.split_off(..length).unwrap_or_default().to_vec();
        Ok(lengths.into_iter().map(list).collect())
    }
}
