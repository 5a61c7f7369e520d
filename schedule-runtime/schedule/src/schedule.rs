//! A draft, which anyone may build, becomes a schedule, which is verified; a rank runs its own part of it.

use crate::format::Covered;
use crate::rounds::RankPlan;
use crate::{Average, MixingMatrix, Program, Rank, RoundPlan, VerifyError, sums, verify};
use std::fmt;

/// A schedule before verification.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// The number of ranks.
    pub size: u32,
    /// How many consecutive ranks share a machine; divides `size`.
    pub local_size: u32,
    /// The topologies that the program mixes over, by index.
    pub topologies: Vec<Topology>,
    /// What every rank runs.
    pub program: Program,
    /// The rounds of `average`, where the program uses it.
    pub average: Option<Average>,
    /// Claims that were not decided and allowed all the same, as text.
    pub overrides: Vec<String>,
    /// What is worth keeping about the origin: source, parameters, versions. Outside the digest.
    pub metadata: serde_json::Value,
    /// What was proved, with spectral numbers. Outside the digest, since these depend on the CPU's rounding.
    pub certificate: serde_json::Value,
}

/// Phases that repeat: step k that communicates uses phase k mod the period.
#[derive(Clone, Debug, PartialEq)]
pub struct Topology {
    /// Its name in the source.
    pub name: String,
    /// At least one.
    pub phases: Vec<Phase>,
}

/// A mixing matrix and the rounds that compute it.
#[derive(Clone, Debug, PartialEq)]
pub struct Phase {
    /// W.
    pub matrix: MixingMatrix,
    /// How W is communicated.
    pub plan: RoundPlan,
}

/// A verified schedule: everything that [`verify`] lists holds of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    draft: Draft,
    /// What the digest covers, as a file has it: schedules are mostly written after they are made.
    covered: Covered,
    /// For each topology whether rounding must keep the sums of its columns.
    columns: Vec<bool>,
}

impl Schedule {
    /// Verifies `draft`.
    ///
    /// # Errors
    /// Every violation found, up to [`verify::MOST_ERRORS`], each with a counterexample.
    pub fn new(draft: Draft) -> Result<Self, Vec<VerifyError>> {
        verify::verify(&draft)?;
        let covered = Covered::new(&draft)?;
        let only_columns =
            |topology: &Topology| sums::only_columns(topology.phases.iter().map(|phase| &phase.matrix));
        let columns = draft.topologies.iter().map(only_columns).collect();
        Ok(Self { draft, covered, columns })
    }

    /// The number of ranks.
    pub fn size(&self) -> u32 {
        self.draft.size
    }

    /// How many consecutive ranks share a machine.
    pub fn local_size(&self) -> u32 {
        self.draft.local_size
    }

    /// The topologies, in the order in which [`Operator::Mix`](crate::program::Operator) names them.
    pub fn topologies(&self) -> &[Topology] {
        &self.draft.topologies
    }

    /// What every rank runs.
    pub fn program(&self) -> &Program {
        &self.draft.program
    }

    /// The rounds of `average`.
    pub fn average(&self) -> Option<&Average> {
        self.draft.average.as_ref()
    }

    /// Claims that were allowed without a decision.
    pub fn overrides(&self) -> &[String] {
        &self.draft.overrides
    }

    /// What is kept about the origin.
    pub fn metadata(&self) -> &serde_json::Value {
        &self.draft.metadata
    }

    /// What was proved.
    pub fn certificate(&self) -> &serde_json::Value {
        &self.draft.certificate
    }

    /// The digest of sizes, program, rounds and exact weights, which ranks compare before they start.
    pub fn digest(&self) -> Digest {
        self.covered.digest
    }

    /// The part of one rank: O(degree) for symbolic phases.
    ///
    /// # Panics
    /// If `rank` is not below [`size`](Self::size).
    pub fn rank(&self, rank: Rank) -> RankSchedule {
        assert!(rank.0 < self.size(), "rank {rank} of a schedule for {} ranks", self.size());
        let plan = |Phase { plan, .. }: &Phase, column: bool| RankPlan {
            column: if column { plan.column(rank) } else { None },
            ..plan.rank(rank)
        };
        let plans = |(topology, &column): (&Topology, &bool)| {
            topology.phases.iter().map(|phase| plan(phase, column)).collect()
        };
        RankSchedule {
            size: self.draft.size,
            local_size: self.draft.local_size,
            rank,
            digest: self.covered.digest,
            program: self.draft.program.clone(),
            topologies: self.draft.topologies.iter().zip(&self.columns).map(plans).collect(),
            average: self.draft.average.clone(),
        }
    }

    pub(crate) fn covered(&self) -> &Covered {
        &self.covered
    }

    /// The draft again, to be changed and verified anew.
    pub fn into_draft(self) -> Draft {
        self.draft
    }
}

/// What one rank needs to run; made by [`Schedule::rank`] or read from a file, hence checked.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RankSchedule {
    /// The number of ranks.
    pub size: u32,
    /// How many consecutive ranks share a machine.
    pub local_size: u32,
    /// Whose part this is.
    pub rank: Rank,
    /// The digest of the whole schedule.
    pub digest: Digest,
    /// What every rank runs.
    pub program: Program,
    /// For each topology and phase the rank's rounds.
    pub topologies: Vec<Vec<RankPlan>>,
    /// The rounds of `average`, where the program uses it.
    pub average: Option<Average>,
}

/// SHA-256 of a schedule's sizes, program, rounds and exact weights, as [`format`] says; shown as 64 hex
/// digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}
