//! Runs that a seed decides: programs, topologies and models.

use bfc_runtime::conformance::schedules::*;
use bfc_runtime::{Dtype, Layout, Tensor};
use bfc_schedule::{Phase, Program, random};

/// Numbers that a seed decides.
pub struct Draws {
    seed: u64,
    drawn: u64,
}

impl Draws {
    pub fn new(seed: u64) -> Self {
        Self { seed, drawn: 0 }
    }

    pub fn below(&mut self, bound: usize) -> usize {
        self.drawn += 1;
        (random::output(self.seed, self.drawn) % bound as u64) as usize
    }

    pub fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }
}

pub fn layout(draws: &mut Draws) -> Layout {
    let tensor = |index: usize, draws: &mut Draws| {
        let rows = [0, 1, 3, 64, 1500];
        let shape = (0..draws.below(3)).map(|_| draws.pick(&rows)).collect::<Vec<_>>();
        // A product of sizes stays small.
        let shape = if shape.iter().product::<usize>() > 100_000 { vec![1500] } else { shape };
        Tensor { name: format!("t{index}"), shape, dtype: draws.pick(&Dtype::ALL) }
    };
    let tensors = (0..1 + draws.below(6)).map(|index| tensor(index, draws)).collect();
    Layout::with_buckets(tensors, draws.pick(&[1, 4096, 1 << 20]))
}

pub fn topology(draws: &mut Draws, size: u32) -> Vec<Phase> {
    match draws.below(4) {
        0 => one_peer(size),
        1 => vec![ring(size)],
        2 => vec![path(size)],
        _ => vec![hub(size)],
    }
}

pub fn program(draws: &mut Draws) -> Program {
    let programs = [averaging, global_averaging, dgd, atc, awc, late, push_sum, coded, travelling, still];
    draws.pick(&programs.map(|program| program as fn() -> Program))()
}
