//! Averages over all ranks: a group for each round, and between them kernels that add what has come.

use super::{ALIGNED, Exchanger, Flying};
use crate::exchange::Bounds;
use crate::gpu::machine::GpuRegisters;
use crate::gpu::{GpuError, Kernels, Link, Piece, Stream, Vector};
use crate::storage::{Dtype, arithmetic};
use bfc_schedule::average::SliceRound;
use bfc_schedule::{Average, Rank};

impl<L: Link> Exchanger<L> {
    /// The average over all ranks: sums of blocks go round, and then the averages.
    pub(super) fn average(
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
