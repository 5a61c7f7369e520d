//! A schedule as JSON from which an outsider can rebuild every W and check every round.
//!
//! `topologies[k].phases[t].ranks[i]` has `self_weight` and `in_weights` (source to weight), as numbers and, under
//! `exact`, as text; `topologies[k].phases[t].rounds[r].ranks[i]` has `send_to` and `recv_from`, null for nobody. Each
//! entry names its `rank`. With one rank asked for, both lists have that entry only. A schedule for more than
//! [`MOST_RANKS`] ranks has no entries unless a rank is asked for; its symbolic phases say all in `structure`.

use crate::matrix::Row;
use crate::program::Register;
use crate::{CayleyMatrix, MixingMatrix, Phase, Rank, Rational, RoundPlan, Schedule, SliceRound, text};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};

/// The key of the metadata under which ranks have names, a list by rank.
pub const NAMES: &str = "names";

/// What a rank is called, with its number: `Port (13)`. Where a schedule was placed, the name is that of the rank of the source
/// that stands there.
pub fn rank_name(schedule: &Schedule, rank: Rank) -> String {
    let metadata = schedule.metadata();
    let placed = metadata["placement"][rank.index()].as_u64().map_or(rank.index(), |source| source as usize);
    match metadata[NAMES][placed].as_str() {
        Some(name) => format!("{} ({rank})", crate::visible::line(name)),
        None => rank.to_string(),
    }
}

/// Up to this size every rank is listed.
pub const MOST_RANKS: u32 = 4096;

/// The JSON of a schedule, or of one rank's part, which must be in range. [`Inspection`] writes it without holding it.
pub fn inspect(schedule: &Schedule, rank: Option<Rank>) -> Value {
    serde_json::to_value(Inspection { schedule, rank }).expect("the keys are strings and numbers")
}

/// Serialises as [`inspect`] says, entry by entry.
#[derive(Clone, Copy, Debug)]
pub struct Inspection<'a> {
    /// What is shown.
    pub schedule: &'a Schedule,
    /// The rank to which it is narrowed.
    pub rank: Option<Rank>,
}

impl Serialize for Inspection<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (schedule, program) = (self.schedule, self.schedule.program());
        let names: Vec<&str> = schedule.topologies().iter().map(|topology| topology.name.as_str()).collect();
        let states = program
            .states
            .iter()
            .map(|(name, register)| json!({ "name": name, "shape": self.shape(*register) }));
        let inputs = program.inputs.iter().map(|input| {
            json!({ "name": input.name, "default": input.default.to_f64(), "exact": exact(&input.default) })
        });
        let topologies = schedule.topologies().iter().map(|topology| TopologyView {
            name: &topology.name,
            phases: topology.phases.iter().map(|phase| PhaseView { phase, listed: self.listed() }).collect(),
        });
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("size", &schedule.size())?;
        map.serialize_entry("local_size", &schedule.local_size())?;
        map.serialize_entry("digest", &schedule.digest().to_string())?;
        map.serialize_entry("algorithm", &program.name)?;
        map.serialize_entry("states", &states.collect::<Vec<_>>())?;
        map.serialize_entry("inputs", &inputs.collect::<Vec<_>>())?;
        map.serialize_entry("program", &text::program(program, &names))?;
        map.serialize_entry("topologies", &topologies.collect::<Vec<_>>())?;
        map.serialize_entry("average", &self.average())?;
        map.serialize_entry("overrides", schedule.overrides())?;
        map.serialize_entry("metadata", schedule.metadata())?;
        map.serialize_entry("certificate", schedule.certificate())?;
        map.end()
    }
}

impl Inspection<'_> {
    /// The first and the past-the-last rank that has entries.
    fn listed(&self) -> (u32, u32) {
        match (self.rank, self.schedule.size()) {
            (Some(rank), _) => (rank.0, rank.0 + 1),
            (None, size) if size <= MOST_RANKS => (0, size),
            (None, _) => (0, 0),
        }
    }

    fn shape(&self, register: Register) -> &'static str {
        self.schedule.program().registers[register.0 as usize].name()
    }

    fn average(&self) -> Value {
        let round =
            |round: &SliceRound| json!({ "hop": round.hop, "first": round.first, "count": round.count });
        let rounds = |rounds: &[SliceRound]| rounds.iter().map(round).collect::<Vec<_>>();
        match self.schedule.average() {
            Some(average) => json!({ "reduce": rounds(&average.reduce), "gather": rounds(&average.gather) }),
            None => Value::Null,
        }
    }
}

#[derive(serde::Serialize)]
struct TopologyView<'a> {
    name: &'a str,
    phases: Vec<PhaseView<'a>>,
}

struct PhaseView<'a> {
    phase: &'a Phase,
    listed: (u32, u32),
}

impl Serialize for PhaseView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let structure = match &self.phase.matrix {
            MixingMatrix::Cayley(matrix) => structure(matrix),
            MixingMatrix::Sparse(_) => Value::Null,
        };
        let (phase, ranks) = (self.phase, self.listed.0..self.listed.1);
        let row = |rank| RowView::new(Rank(rank), phase.matrix.row(Rank(rank)));
        let round = |round| RoundView { plan: &phase.plan, listed: self.listed, round };
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("structure", &structure)?;
        map.serialize_entry("ranks", &Sequence(|| ranks.clone().map(row)))?;
        map.serialize_entry("rounds", &Sequence(|| (0..phase.plan.rounds()).map(round)))?;
        map.end()
    }
}

/// The group and the hops of a symbolic phase: rank i receives from `i - hop`, digit by digit in these radices.
fn structure(matrix: &CayleyMatrix) -> Value {
    let hop = |(hop, weight): &(Rank, Rational)| json!({ "hop": hop.0, "weight": weight.to_f64(), "exact": exact(weight) });
    json!({
        "radices": matrix.group().radices(),
        "self_weight": matrix.self_weight().to_f64(),
        "exact": exact(matrix.self_weight()),
        "hops": matrix.hops().iter().map(hop).collect::<Vec<_>>(),
    })
}

#[derive(serde::Serialize)]
struct RowView {
    rank: u32,
    self_weight: f64,
    in_weights: Map<f64>,
    exact: ExactRow,
}

#[derive(serde::Serialize)]
struct ExactRow {
    self_weight: String,
    in_weights: Map<String>,
}

impl RowView {
    fn new(rank: Rank, row: Row) -> Self {
        let in_weights = || row.in_weights.iter().map(|(source, weight)| (source.0, weight));
        Self {
            rank: rank.0,
            self_weight: row.self_weight.to_f64(),
            in_weights: Map(in_weights().map(|(source, weight)| (source, weight.to_f64())).collect()),
            exact: ExactRow {
                self_weight: exact(&row.self_weight),
                in_weights: Map(in_weights().map(|(source, weight)| (source, exact(weight))).collect()),
            },
        }
    }
}

fn exact(weight: &Rational) -> String {
    weight.to_string()
}

struct RoundView<'a> {
    plan: &'a RoundPlan,
    listed: (u32, u32),
    round: u32,
}

#[derive(serde::Serialize)]
struct ActionView {
    rank: u32,
    send_to: Option<u32>,
    recv_from: Option<u32>,
}

impl Serialize for RoundView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let action = |rank| {
            let (send_to, recv_from) = self.plan.peers(Rank(rank), self.round);
            ActionView { rank, send_to: send_to.map(|peer| peer.0), recv_from: recv_from.map(|peer| peer.0) }
        };
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("ranks", &Sequence(|| (self.listed.0..self.listed.1).map(action)))?;
        map.end()
    }
}

/// Serialises as a list what the function yields.
struct Sequence<F>(F);

impl<F: Fn() -> I, I: Iterator<Item: Serialize>> Serialize for Sequence<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0())
    }
}

/// Serialises as an object, in this order.
struct Map<T>(Vec<(u32, T)>);

impl<T: Serialize> Serialize for Map<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}
