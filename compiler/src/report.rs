//! What a compilation found out: the verdict on every claim, and the rounds of every phase.

use crate::evaluate::target::Evaluated;
use crate::model::oracle::Oracles;
use crate::model::topology::{Optimised, Topology};
use crate::prove::Check;
use bfc_schedule::{MixingMatrix, Rank, Rational, Schedule};
use serde::Serialize;

/// What holds of a schedule, and what it costs.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The number of ranks.
    pub size: u32,
    /// The algorithm's name.
    pub algorithm: String,
    /// `requires` of the algorithm and `ensure` of its topologies.
    pub checks: Vec<Check>,
    /// The phases of every topology.
    pub phases: Vec<PhaseRounds>,
    /// What was optimised for the weights of the topologies.
    pub optimised: Vec<OptimisedFor>,
    /// What the algorithm asks of a trainer.
    pub asks: Oracles,
    /// What a user should know though nothing is wrong.
    pub warnings: Vec<String>,
    /// The `real` parameters of the algorithm and their values.
    #[serde(skip)]
    pub reals: Vec<(String, Rational)>,
    /// Claims that do not hold or were not decided, and were allowed all the same: the claim, the code and the evidence.
    #[serde(skip)]
    pub overrides: Vec<String>,
}

/// What was optimised for a topology.
#[derive(Clone, Debug, Serialize)]
pub struct OptimisedFor {
    /// The topology.
    pub topology: String,
    /// What, and how near to the optimum it came.
    #[serde(flatten)]
    pub optimised: Optimised,
}

/// The rounds of one phase.
#[derive(Clone, Debug, Serialize)]
pub struct PhaseRounds {
    /// The topology.
    pub topology: String,
    /// Which of its phases.
    pub phase: usize,
    /// Rounds, in each of which a rank sends and receives at most one message.
    pub rounds: u32,
    /// No schedule has fewer: the largest in- or out-degree.
    pub lower_bound: u32,
}

impl OptimisedFor {
    fn new(topology: &Topology) -> impl Iterator<Item = Self> {
        let of =
            |optimised: &Optimised| Self { topology: topology.name.clone(), optimised: optimised.clone() };
        topology.optimised.iter().map(of)
    }
}

impl Report {
    /// Before anything is proved or lowered.
    pub(crate) fn new(size: u32, evaluated: &Evaluated) -> Self {
        Self {
            size,
            algorithm: evaluated.algorithm.name.clone(),
            checks: vec![],
            phases: vec![],
            optimised: evaluated.topologies.iter().flat_map(OptimisedFor::new).collect(),
            asks: Oracles::new(&evaluated.algorithm),
            warnings: vec![],
            reals: evaluated.algorithm.reals.clone(),
            overrides: vec![],
        }
    }

    /// Notes the rounds of a schedule.
    pub fn count_rounds(&mut self, schedule: &Schedule) {
        self.size = schedule.size();
        self.phases.clear();
        for topology in schedule.topologies() {
            for (phase, lowered) in topology.phases.iter().enumerate() {
                self.phases.push(PhaseRounds {
                    topology: topology.name.clone(),
                    phase,
                    rounds: lowered.plan.rounds(),
                    lower_bound: largest_degree(&lowered.matrix),
                });
            }
        }
    }
}

fn largest_degree(matrix: &MixingMatrix) -> u32 {
    if let MixingMatrix::Cayley(matrix) = matrix {
        return matrix.hops().len() as u32;
    }
    let mut sends = vec![0u32; matrix.size() as usize];
    let mut largest = 0;
    for rank in 0..matrix.size() {
        let row = matrix.row(Rank(rank));
        largest = largest.max(row.in_weights.len() as u32);
        row.in_weights.iter().for_each(|(source, _)| sends[source.index()] += 1);
    }
    largest.max(sends.into_iter().max().unwrap_or(0))
}
