//! Everything that is lowered, put together: a draft of a schedule.

use super::{program, rounds};
use crate::model::algorithm::{Algorithm, ValueKind};
use crate::model::topology::Topology;
use bfc_schedule::Average;
use bfc_schedule::schedule::{Draft, Phase, Topology as Lowered};
use serde_json::Value;

/// The draft of a schedule for `size` ranks, `local_size` to a machine.
pub fn draft(size: u32, local_size: u32, algorithm: &Algorithm, topologies: Vec<Topology>) -> Draft {
    let lowered = topologies.into_iter().map(|topology| {
        let phases = topology.phases.into_iter().map(|matrix| Phase { plan: rounds::plan(&matrix), matrix });
        Lowered { name: topology.name, phases: phases.collect() }
    });
    let averages = algorithm.values.iter().any(|value| matches!(value.kind, ValueKind::Average(_)));
    Draft {
        size,
        local_size,
        topologies: lowered.collect(),
        program: program(algorithm),
        average: averages.then(|| Average::circulant(size)),
        overrides: vec![],
        metadata: Value::Null,
        certificate: Value::Null,
    }
}
