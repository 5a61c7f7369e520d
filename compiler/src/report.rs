//! What a compilation found out: the verdict on every claim, and the rounds of every phase.

use crate::evaluate::target::Evaluated;
use crate::model::algorithm::Algorithm;
use crate::model::oracle::Oracles;
use crate::model::topology::{Optimised, Topology};
use crate::prove::{self, Check, Compressed, Prover};
use crate::spectrum::properties::Degrees;
use bfc_schedule::{Rational, Schedule};
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
    /// What is known of each gossip of compressed differences.
    pub consensus: Vec<Consensus>,
    /// What a user should know though nothing is wrong.
    pub warnings: Vec<String>,
    /// Whether there is no algorithm, so that each step is one mix.
    #[serde(skip)]
    pub only_averages: bool,
    /// The `real` parameters of the algorithm and their values.
    #[serde(skip)]
    pub reals: Vec<(String, Rational)>,
    /// What was not decided, though nothing requires it.
    pub notes: Vec<String>,
    /// Claims that do not hold or were not decided, and were allowed all the same: the claim, the code and the evidence.
    #[serde(skip)]
    pub overrides: Vec<String>,
}

/// Whether a gossip of compressed differences contracts.
#[derive(Clone, Debug, Serialize)]
pub struct Consensus {
    /// The state that it brings to agree.
    pub state: String,
    /// What compresses.
    pub codec: String,
    /// The step size.
    pub gamma: f64,
    /// Whether error and disagreement are proved to contract.
    pub proved: bool,
    /// The numbers behind it, or why it is open.
    pub evidence: String,
}

impl Consensus {
    fn new(compressed: Compressed, algorithm: &Algorithm) -> Self {
        let Compressed { gossip, contracts } = compressed;
        Self {
            state: algorithm.states[gossip.state].name.clone(),
            codec: gossip.codec.to_string(),
            gamma: gossip.gamma.to_f64(),
            proved: contracts.is_ok(),
            evidence: contracts.unwrap_or_else(|reason| reason),
        }
    }
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
            consensus: vec![],
            warnings: vec![],
            only_averages: evaluated.bare.is_some(),
            reals: evaluated.algorithm.reals.clone(),
            notes: vec![],
            overrides: vec![],
        }
    }

    /// Notes what is known of compressed gossip; at most one note says what is not.
    pub(crate) fn note_consensus(&mut self, evaluated: &Evaluated, prover: &Prover) {
        let algorithm = &evaluated.algorithm;
        let alone = evaluated.topologies.first().is_none_or(|topology| topology.size == 1);
        if alone || !prove::compresses(algorithm) {
            return;
        }
        self.consensus =
            prover.compressed().into_iter().map(|found| Consensus::new(found, algorithm)).collect();
        let open = self.consensus.iter().find(|consensus| !consensus.proved);
        let reason = match (open, self.consensus.is_empty()) {
            (Some(open), _) => format!("for `{}`, {}", open.state, open.evidence),
            (None, true) => "only gossip of compressed differences, as of `choco_sgd`, is decided".into(),
            (None, false) => return,
        };
        let name = &algorithm.name;
        self.notes.push(format!("convergence of `{name}` under compression is not proved: {reason}"));
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
                    lower_bound: Degrees::new(&lowered.matrix).largest(),
                });
            }
        }
    }
}
