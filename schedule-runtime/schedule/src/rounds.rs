//! The rounds of a phase: in each, a rank sends at most one message and receives at most one.
//!
//! A rank executes `sum ← self_weight · x`, then its actions in order of round: send x, and add the weight times what
//! it received. The weights stand here a second time, on purpose: verification computes the map of the rounds from
//! them and compares it with the mixing matrix.

use crate::{Group, Rank, Rational};

/// How one phase is communicated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoundPlan {
    /// In round r every rank sends to itself plus hop r.
    Cayley {
        /// The group of the hops.
        group: Group,
        /// What every rank gives itself.
        self_weight: Rational,
        /// The hop of each round and the weight that the receiver applies.
        rounds: Vec<(Rank, Rational)>,
    },
    /// A list of actions for each rank.
    Table(RoundTable),
}

/// Rounds without symmetry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoundTable {
    /// The number of rounds.
    pub rounds: u32,
    /// The distinct weights; actions and self weights name them by index.
    pub weights: Vec<Rational>,
    /// For each rank its self weight.
    pub self_weights: Vec<u32>,
    /// `actions[offsets[i]..offsets[i + 1]]` belong to rank i, in ascending order of round.
    pub offsets: Vec<usize>,
    /// What ranks do.
    pub actions: Vec<Action>,
}

/// What one rank does in one round; a round in which it does nothing has no action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Action {
    /// The round.
    pub round: u32,
    /// To whom it sends.
    pub send_to: Option<Rank>,
    /// From whom it receives, and the index of the weight.
    pub receive: Option<(Rank, u32)>,
}

/// One rank's part of a [`RoundPlan`], with its weights looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RankPlan {
    /// `W[i][i]`.
    pub self_weight: Rational,
    /// Its actions in ascending order of round.
    pub actions: Vec<RankAction>,
    /// The weights that receivers apply to what it sends, in order of round, where rounding must keep the sums of W's
    /// columns instead of its rows': where a topology is column-stochastic and not row-stochastic.
    pub column: Option<Vec<Rational>>,
}

/// One rank's part in one round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RankAction {
    /// The round.
    pub round: u32,
    /// To whom it sends.
    pub send_to: Option<Rank>,
    /// From whom it receives, and the weight to apply.
    pub receive: Option<(Rank, Rational)>,
}

impl RoundTable {
    /// The actions of `rank`, in ascending order of round.
    pub fn actions_of(&self, rank: Rank) -> &[Action] {
        &self.actions[self.offsets[rank.index()]..self.offsets[rank.index() + 1]]
    }
}

impl RoundPlan {
    /// The number of rounds.
    pub fn rounds(&self) -> u32 {
        match self {
            Self::Cayley { rounds, .. } => rounds.len() as u32,
            Self::Table(table) => table.rounds,
        }
    }

    /// To whom `rank` sends in a round, and from whom it receives.
    pub fn peers(&self, rank: Rank, round: u32) -> (Option<Rank>, Option<Rank>) {
        match self {
            Self::Cayley { group, rounds, .. } => match rounds.get(round as usize) {
                Some((hop, _)) => (Some(group.add(rank, *hop)), Some(group.subtract(rank, *hop))),
                None => (None, None),
            },
            Self::Table(table) => {
                let actions = table.actions_of(rank);
                match actions.binary_search_by_key(&round, |action| action.round) {
                    Ok(found) => (actions[found].send_to, actions[found].receive.map(|receive| receive.0)),
                    Err(_) => (None, None),
                }
            }
        }
    }

    /// The weights that receivers apply to what `rank` sends, in order of round; `None` where they are those of its
    /// row.
    pub(crate) fn column(&self, rank: Rank) -> Option<Vec<Rational>> {
        let Self::Table(table) = self else { return None };
        let weight = |action: &Action| {
            let theirs = table.actions_of(action.send_to?);
            let met = theirs.binary_search_by_key(&action.round, |action| action.round).ok()?;
            Some(table.weights[theirs[met].receive?.1 as usize].clone())
        };
        Some(table.actions_of(rank).iter().filter_map(weight).collect())
    }

    /// The part of `rank`.
    pub fn rank(&self, rank: Rank) -> RankPlan {
        match self {
            Self::Cayley { group, self_weight, rounds } => RankPlan {
                self_weight: self_weight.clone(),
                actions: rounds
                    .iter()
                    .zip(0..)
                    .map(|((hop, weight), round)| RankAction {
                        round,
                        send_to: Some(group.add(rank, *hop)),
                        receive: Some((group.subtract(rank, *hop), weight.clone())),
                    })
                    .collect(),
                column: None,
            },
            Self::Table(table) => {
                let weight = |id: u32| table.weights[id as usize].clone();
                RankPlan {
                    self_weight: weight(table.self_weights[rank.index()]),
                    actions: table
                        .actions_of(rank)
                        .iter()
                        .map(|action| RankAction {
                            round: action.round,
                            send_to: action.send_to,
                            receive: action.receive.map(|(source, id)| (source, weight(id))),
                        })
                        .collect(),
                    column: None,
                }
            }
        }
    }
}
