//! Communicators compute on every transport what plain loops compute, and ranks that disagree learn it and go on.

use super::Law;
use super::exchange::PATIENCE;
use super::schedules::{apply, averaging, one_peer, schedule};
use crate::communicator::Numeric;
use crate::{CommunicateError, Communicator, Neighbours, Reduction, Transport};
use bfc_schedule::Rank;
use half::{bf16, f16};
use std::cmp::{max, min};
use std::ops::Range;

pub(super) fn laws<X: Transport + Send + 'static>(size: u32) -> Vec<Law<X>> {
    let mut laws = vec![];
    for length in [0, 5, 1001, 40_000] {
        let law = |name: &str, body: fn(&mut Communicator<X>, usize)| {
            let name = format!("a communicator computes what loops compute: {name}, length {length}");
            Law::new(name, move |transport| {
                body(&mut Communicator::with_deadline(transport, PATIENCE), length)
            })
        };
        laws.push(law("f64", floats::<f64, X>));
        laws.push(law("f32", floats::<f32, X>));
        laws.push(law("compiled phases", compiled));
        laws.push(law("beside other work", pending));
        if length < 10_000 {
            laws.push(law("bf16", floats::<bf16, X>));
            laws.push(law("f16", floats::<f16, X>));
            laws.push(law("i8", moves::<i8, X>));
            laws.push(law("i64", moves::<i64, X>));
            laws.push(law("u16", moves::<u16, X>));
            laws.push(law("u32", moves::<u32, X>));
        }
    }
    // Several pieces of a collective of the transport's own.
    for length in [1, 3_000, 150_001] {
        let law = |name: &str, body: fn(&mut Communicator<X>, usize)| {
            let name = format!("a communicator computes what loops compute: fast, {name}, length {length}");
            Law::new(name, move |transport| {
                body(&mut Communicator::with_deadline(transport, PATIENCE), length)
            })
        };
        laws.push(law("f64", fast::<f64, X>));
        laws.push(law("f32", fast::<f32, X>));
        laws.push(law("bf16", fast::<bf16, X>));
        laws.push(law("i8", fast::<i8, X>));
    }
    if size > 1 {
        laws.push(Law::new("ranks that make different calls learn it, and go on", disagree));
        laws.push(Law::new("wrong arguments of one rank are an error on all, and they go on", refuse));
    }
    laws
}

/// Numbers that small whole ones can be made into, and these be read back from.
trait Sample: Numeric {
    fn new(value: f64) -> Self;
    fn get(self) -> f64;
}

macro_rules! samples {
    ($($integer:ident)*) => {
        $(impl Sample for $integer {
            fn new(value: f64) -> Self {
                value as i64 as Self
            }
            fn get(self) -> f64 {
                self as f64
            }
        })*
    };
}
samples!(i8 i64 u16 u32 f32 f64);

impl Sample for bf16 {
    fn new(value: f64) -> Self {
        Self::from_f64(value)
    }
    fn get(self) -> f64 {
        self.to_f64()
    }
}

impl Sample for f16 {
    fn new(value: f64) -> Self {
        Self::from_f64(value)
    }
    fn get(self) -> f64 {
        self.to_f64()
    }
}

/// Element `index` of a rank's vector: so small that sums of all ranks are exact in every type but `i8`, where they wrap.
fn value(rank: u32, index: usize) -> f64 {
    ((rank as usize * 7 + index * 3) % 11) as f64
}

fn vector<T: Sample>(rank: u32, indices: Range<usize>) -> Vec<T> {
    indices.map(|index| T::new(value(rank, index))).collect()
}

/// What becomes of the elements at `index` of all ranks.
fn reduced(size: u32, index: usize, reduction: Reduction) -> f64 {
    let values = (0..size).map(|rank| value(rank, index));
    match reduction {
        Reduction::Sum => values.sum(),
        Reduction::Mean => values.sum::<f64>() / f64::from(size),
        Reduction::Min => values.fold(f64::INFINITY, f64::min),
        Reduction::Max => values.fold(f64::NEG_INFINITY, f64::max),
    }
}

/// Looks whether `found` is what `expected` says, as far as the type is exact.
fn assert_near<T: Sample>(found: &[T], expected: impl Fn(usize) -> f64, what: &str) {
    let tolerance = match size_of::<T>() {
        8 => 1e-12,
        4 => 1e-5,
        _ => 0.05,
    };
    for (index, found) in found.iter().enumerate() {
        let (found, expected) = (found.get(), expected(index));
        assert!(
            (found - expected).abs() <= tolerance * max(1, expected as i64) as f64,
            "{what}: element {index} is {found}, not {expected}"
        );
    }
}

fn assert_equal<T: Sample>(found: &[T], expected: impl Fn(usize) -> f64, what: &str) {
    for (index, found) in found.iter().enumerate() {
        let expected = T::new(expected(index));
        assert!(*found == expected, "{what}: element {index} is {found:?}, not {expected:?}");
    }
}

/// The calls that are the same for all types.
fn moves<T: Sample, X: Transport + Send + 'static>(comm: &mut Communicator<X>, length: usize) {
    let (rank, size) = (comm.rank().0, comm.size());
    comm.barrier().expect("a barrier");
    let source: Vec<T> = vector(rank, 0..length);
    for reduction in [Reduction::Sum, Reduction::Min, Reduction::Max] {
        let expected = |index| reduced(size, index, reduction);
        let mut x = source.clone();
        comm.allreduce(&mut x, reduction).expect("a reduction in place");
        assert_equal(&x, expected, "allreduce");
        x.fill(T::new(3.0));
        comm.allreduce((&source, &mut x), reduction).expect("a reduction");
        assert_equal(&x, expected, "allreduce");
        let mut x = source.clone();
        let own = comm.reduce_scatter(&mut x, reduction).expect("a block");
        let bound = |rank: u32| length * rank as usize / size as usize;
        assert_eq!(own, bound(rank)..bound(rank + 1));
        assert_equal(&x[own.clone()], |index| expected(index + own.start), "reduce_scatter");
    }
    for root in [0, size - 1] {
        let mut x = source.clone();
        comm.broadcast(&mut x, Rank(root)).expect("a broadcast");
        assert_equal(&x, |index| value(root, index), "broadcast");
    }
    let rows = |rank: u32| if rank % 3 == 1 { 0 } else { length + rank as usize };
    let gathered = comm.allgather::<T>(&vector(rank, 0..2 * rows(rank)), 2).expect("vectors");
    assert_eq!(gathered.lengths, (0..size).map(|rank| 2 * rows(rank)).collect::<Vec<_>>());
    for (part, from) in gathered.parts().zip(0..) {
        assert_equal(part, |index| value(from, index), "allgather");
    }
    // Block j of rank i holds the elements from `j · length` on.
    let blocks: Vec<T> = vector(rank, 0..length * size as usize);
    let mut x = blocks.clone();
    comm.all_to_all(&mut x).expect("blocks in place");
    let mut y = vec![T::zeroed(); blocks.len()];
    comm.all_to_all((&blocks, &mut y)).expect("blocks");
    assert_eq!(x, y);
    let arrived = |index: usize| value((index / length) as u32, rank as usize * length + index % length);
    assert_equal(&x, arrived, "all_to_all");
    let [sources, destinations] = ring_of_two(rank, size);
    let neighbours = Neighbours::weighted(0.0, &sources, &destinations);
    let gathered =
        comm.neighbor_allgather::<T>(&vector(rank, 0..2 * rows(rank)), 2, &neighbours).expect("vectors");
    assert_eq!(gathered.lengths.len(), sources.len());
    for (part, (from, _)) in gathered.parts().zip(sources) {
        assert_eq!(part.len(), 2 * rows(from.0));
        assert_equal(part, |index| value(from.0, index), "neighbor_allgather");
    }
}

/// From the rank before and the one before that, to the next and the one after it; each once.
fn ring_of_two(rank: u32, size: u32) -> [Vec<(Rank, f64)>; 2] {
    let hops = 1..min(size, 3);
    let source = |hop| (Rank((rank + size - hop) % size), [0.5, 0.25][hop as usize - 1]);
    let destination = |hop| (Rank((rank + hop) % size), if rank == 0 { 2.0 } else { 1.0 });
    [hops.clone().map(source).collect(), hops.map(destination).collect()]
}

/// Sums that are exact in any order, twice, so that memory is used again.
fn fast<T: Sample, X: Transport + Send + 'static>(comm: &mut Communicator<X>, length: usize) {
    let (rank, size) = (comm.rank().0, comm.size());
    let source: Vec<T> = vector(rank, 0..length);
    for reduction in [Reduction::Sum, Reduction::Min, Reduction::Max, Reduction::Sum] {
        let expected = |index| reduced(size, index, reduction);
        let mut x = source.clone();
        comm.allreduce_fast(&mut x, reduction).expect("a reduction in place");
        assert_equal(&x, expected, "allreduce_fast");
        x.fill(T::new(3.0));
        comm.allreduce_fast((&source, &mut x), reduction).expect("a reduction");
        assert_equal(&x, expected, "allreduce_fast");
    }
    if T::TYPE.float().is_some() {
        let mut x = source.clone();
        comm.allreduce_fast(&mut x, Reduction::Mean).expect("a mean");
        assert_near(&x, |index| reduced(size, index, Reduction::Mean), "allreduce_fast");
    }
}

/// Those of numbers that can be weighted, too.
fn floats<T: Sample, X: Transport + Send + 'static>(comm: &mut Communicator<X>, length: usize) {
    moves::<T, X>(comm, length);
    let (rank, size) = (comm.rank().0, comm.size());
    let source: Vec<T> = vector(rank, 0..length);
    let mut x = source.clone();
    comm.allreduce(&mut x, Reduction::Mean).expect("a mean");
    assert_near(&x, |index| reduced(size, index, Reduction::Mean), "mean");

    let [sources, destinations] = ring_of_two(rank, size);
    let neighbours = Neighbours::weighted(0.25, &sources, &destinations);
    let weight = |from: Rank, weight: f64| if from.0 == 0 { 2.0 * weight } else { weight };
    let expected = |index| {
        let others = sources.iter().map(|&(from, w)| weight(from, w) * value(from.0, index));
        0.25 * value(rank, index) + others.sum::<f64>()
    };
    let mut x = source.clone();
    comm.neighbor_allreduce(&mut x, &neighbours).expect("a weighted sum in place");
    assert_near(&x, expected, "neighbor_allreduce");
    x.fill(T::new(5.0));
    comm.neighbor_allreduce((&source, &mut x), &neighbours).expect("a weighted sum");
    assert_near(&x, expected, "neighbor_allreduce");

    let partner = Some(rank ^ 1).filter(|partner| *partner < size);
    let mut x = source.clone();
    comm.pair_average(&mut x, partner.map(Rank)).expect("an average");
    let expected = |index| (value(rank, index) + value(partner.unwrap_or(rank), index)) / 2.0;
    assert_near(&x, expected, "pair_average");
    hierarchical(comm, source);
}

/// Machines of 1, 2, 3 … ranks, each of which sends to the next.
fn hierarchical<T: Sample, X: Transport + Send + 'static>(comm: &mut Communicator<X>, mut x: Vec<T>) {
    let (rank, size) = (comm.rank().0, comm.size());
    let first = |machine: u32| machine * (machine + 1) / 2;
    let machine_of = |rank: u32| (0..).take_while(|machine| first(*machine) <= rank).count() as u32 - 1;
    let (machine, machines) = (machine_of(rank), machine_of(size - 1) + 1);
    let (before, next) = ((machine + machines - 1) % machines, (machine + 1) % machines);
    let (sources, destinations) = match machines {
        1 => (vec![], vec![]),
        _ => (vec![(Rank(before), 0.5)], vec![(Rank(next), 1.0)]),
    };
    let neighbours = Neighbours::weighted(0.5, &sources, &destinations);
    comm.hierarchical_neighbor_allreduce(&mut x, (machine, machines), &neighbours).expect("a sum");
    let mean = |machine: u32, index: usize| {
        let ranks = first(machine)..min(first(machine + 1), size);
        ranks.clone().map(|rank| value(rank, index)).sum::<f64>() / ranks.len() as f64
    };
    let others = |index| if machines > 1 { 0.5 * mean(before, index) } else { 0.0 };
    assert_near(&x, |index| 0.5 * mean(machine, index) + others(index), "hierarchical_neighbor_allreduce");
}

/// Phases of a schedule, and then a vector of the transport's memory.
fn compiled<X: Transport + Send + 'static>(comm: &mut Communicator<X>, length: usize) {
    let (rank, size) = (comm.rank(), comm.size());
    let schedule = schedule(averaging(), size, vec![one_peer(size)]);
    let (own, phases) = (schedule.rank(rank), &schedule.topologies()[0].phases);
    let mut x = comm.allocate::<f32>(length).expect("memory");
    // One phase more than the period.
    for phase in 0..=phases.len() {
        x.copy_from_slice(&vector(rank.0, 0..length));
        let neighbours = Neighbours::compiled(&own, 0, phase as u64).expect("a phase");
        comm.neighbor_allreduce(&mut *x, &neighbours).expect("a weighted sum");
        let matrix = &phases[phase % phases.len()].matrix;
        let values = |index| (0..size).map(|rank| value(rank, index)).collect::<Vec<_>>();
        assert_near(&x, |index| apply(matrix, &values(index))[rank.index()], "compiled");
        let gathered = comm.neighbor_allgather(&[rank.0], 1, &neighbours).expect("neighbours");
        let sources = matrix.row(rank).in_weights.into_iter().map(|(source, _)| source.0);
        assert_eq!(gathered.values, sources.collect::<Vec<_>>());
    }
}

/// Several calls pending, with one made meanwhile, which comes after them.
fn pending<X: Transport + Send + 'static>(comm: &mut Communicator<X>, length: usize) {
    let (rank, size) = (comm.rank().0, comm.size());
    let begin = |comm: &mut Communicator<X>, scale: f64| {
        let mut x: Vec<f64> = vector::<f64>(rank, 0..length).iter().map(|x| x * scale).collect();
        comm.begin(move |comm| comm.allreduce(&mut x, Reduction::Sum).map(|()| x))
    };
    let (first, mut second) = (begin(comm, 1.0), begin(comm, 2.0));
    let mut x = vec![f64::from(rank)];
    comm.allreduce(&mut x, Reduction::Max).expect("a reduction meanwhile");
    assert_eq!(x, [f64::from(size - 1)]);
    assert!(second.is_over());
    for (pending, scale) in [(second, 2.0), (first, 1.0)] {
        let x = pending.finish().expect("a reduction");
        assert_equal(&x, |index| scale * reduced(size, index, Reduction::Sum), "beside other work");
    }
}

/// Rank 0 makes another call than the others, in one way after the other.
fn disagree<X: Transport + Send + 'static>(transport: X) {
    let mut comm = Communicator::with_deadline(transport, PATIENCE);
    let is_odd = comm.rank() == Rank(0);
    let mut x = [1f32; 6];
    let check =
        |comm: &mut Communicator<X>, result: Result<(), CommunicateError>, odd: &str, others: &str| {
            let Err(CommunicateError::Disagreement { rank, peer, mine, theirs, .. }) = result else {
                panic!("no disagreement: {result:?}")
            };
            assert_eq!(rank, comm.rank());
            assert_eq!(peer, Rank(u32::from(is_odd)));
            assert_eq!((&*mine, &*theirs), if is_odd { (odd, others) } else { (others, odd) });
            comm.barrier().expect("the next call");
        };
    let sum = "`allreduce` (sum) of 6 × f32";
    let result = match is_odd {
        true => comm.broadcast(&mut x, Rank(1)),
        false => comm.allreduce(&mut x, Reduction::Sum),
    };
    check(&mut comm, result, "`broadcast` of 6 × f32 from rank 1", sum);
    let result = comm.allreduce(&mut x[usize::from(is_odd)..], Reduction::Sum);
    check(&mut comm, result, "`allreduce` (sum) of 5 × f32", sum);
    let result = match is_odd {
        true => comm.allreduce(&mut [1f64; 6], Reduction::Sum),
        false => comm.allreduce(&mut x, Reduction::Sum),
    };
    check(&mut comm, result, "`allreduce` (sum) of 6 × f64", sum);
    let result = comm.allreduce(&mut x, if is_odd { Reduction::Max } else { Reduction::Sum });
    check(&mut comm, result, "`allreduce` (max) of 6 × f32", sum);
    let result = match is_odd {
        true => comm.allreduce_fast(&mut x, Reduction::Sum),
        false => comm.allreduce(&mut x, Reduction::Sum),
    };
    check(&mut comm, result, "`allreduce` (sum, fast) of 6 × f32", sum);
    let result = comm.broadcast(&mut x, Rank(u32::from(is_odd)));
    let [odd, others] = [1, 0].map(|root| format!("`broadcast` of 6 × f32 from rank {root}"));
    check(&mut comm, result, &odd, &others);
    let result = comm.allgather(&x, if is_odd { 2 } else { 3 }).map(|_| ());
    check(&mut comm, result, "`allgather` of rows of 2 × f32", "`allgather` of rows of 3 × f32");
    assert_eq!(x, [1.0; 6], "nothing has moved");
}

/// Rank 1 names a root that there is not, and an edge whose other end does not name it.
fn refuse<X: Transport + Send + 'static>(transport: X) {
    let mut comm = Communicator::with_deadline(transport, PATIENCE);
    let (rank, size) = (comm.rank(), comm.size());
    let error = comm.broadcast(&mut [0u8; 3], Rank(if rank == Rank(1) { size } else { 0 }));
    match error.expect_err("an error on every rank") {
        CommunicateError::OutOfRange { role: "root", found, .. } => {
            assert_eq!((rank, found), (Rank(1), size))
        }
        CommunicateError::Disagreement { mine, theirs, .. } => {
            assert_ne!(rank, Rank(1));
            assert!(theirs.ends_with(&format!("from rank {size}")) && mine.ends_with("from rank 0"));
        }
        error => panic!("{error}"),
    }
    let destinations = if rank == Rank(1) { vec![(Rank(0), 1.0)] } else { vec![] };
    let neighbours = Neighbours::weighted(1.0, &[], &destinations);
    let error = comm.neighbor_allreduce(&mut [0f32; 3], &neighbours).expect_err("an error on every rank");
    assert!(
        matches!(error, CommunicateError::OneSidedEdge { from: Rank(1), to: Rank(0), is_sent: true, .. }),
        "{error}"
    );
    comm.barrier().expect("the next call");
}
