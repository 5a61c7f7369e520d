//! The data of a page as one JSON document, which `bfc report --format json` prints.

use super::Subject;
use crate::compilation::Compilation;
use crate::picture::MOST_NODES;
use crate::gantt::Gantt;
use crate::training::Training;
use bfc_compiler::Analysis;
use bfc_compiler::model::topology::Topology;
use bfc_predict::Sweep;
use bfc_schedule::{MixingMatrix, Rank};
use serde::Serialize;
use serde_json::{Value, json};

/// `{size, files: [{file, local_size, analysis, compilation, topologies, program, sweep, training, gantt, diagnostics}]}`. Up to
/// [`MOST_NODES`] ranks, a phase has `self_weights` and `edges`, each `[from, to, weight]`; beyond, it has the `hops` that all
/// ranks have in common, or only the number of its `messages`.
#[derive(Clone, Debug, Serialize)]
pub struct Document<'a> {
    size: u32,
    files: Vec<File<'a>>,
}

#[derive(Clone, Debug, Serialize)]
struct File<'a> {
    file: &'a str,
    local_size: u32,
    analysis: Option<&'a Analysis>,
    compilation: Option<Compilation<'a>>,
    topologies: Vec<Value>,
    program: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sweep: Option<&'a Sweep>,
    #[serde(skip_serializing_if = "Option::is_none")]
    training: Option<&'a Training>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gantt: Option<&'a Gantt>,
    diagnostics: &'a [Value],
}

impl<'a> Document<'a> {
    /// The data about these sources.
    pub fn new(size: u32, subjects: &'a [Subject]) -> Self {
        let file = |subject: &'a Subject| File {
            file: &subject.file,
            local_size: subject.local_size,
            analysis: subject.analysis.as_ref(),
            compilation: subject.plan.as_ref().map(|plan| Compilation::planned(plan, None)),
            topologies: subject.topologies.iter().map(topology).collect(),
            program: subject.program(),
            sweep: subject.sweep.as_ref(),
            training: subject.training.as_ref(),
            gantt: subject.gantt.as_ref(),
            diagnostics: &subject.diagnostics,
        };
        Self { size, files: subjects.iter().map(file).collect() }
    }
}

impl Subject {
    /// The program that ranks run, as text.
    pub(super) fn program(&self) -> Option<String> {
        let schedule = &self.plan.as_ref()?.schedule;
        let names: Vec<&str> = schedule.topologies().iter().map(|topology| &*topology.name).collect();
        Some(bfc_schedule::text::program(schedule.program(), &names))
    }
}

fn topology(topology: &Topology) -> Value {
    let phases: Vec<Value> = topology.phases.iter().map(phase).collect();
    json!({ "name": topology.name, "names": topology.names.as_deref(), "phases": phases })
}

fn phase(phase: &MixingMatrix) -> Value {
    let ranks = || (0..phase.size()).map(|rank| (rank, phase.row(Rank(rank))));
    match phase {
        _ if phase.size() <= MOST_NODES => {
            let own: Vec<f64> = ranks().map(|(_, row)| row.self_weight.to_f64()).collect();
            let edges = ranks().flat_map(|(to, row)| {
                row.in_weights.into_iter().map(move |(from, weight)| json!([from.0, to, weight.to_f64()]))
            });
            json!({ "self_weights": own, "edges": edges.collect::<Vec<_>>() })
        }
        MixingMatrix::Cayley(cayley) => {
            let hops = cayley.hops().iter().map(|(hop, weight)| json!([hop.0, weight.to_f64()]));
            json!({
                "radices": cayley.group().radices(),
                "self_weight": cayley.self_weight().to_f64(),
                "hops": hops.collect::<Vec<_>>(),
            })
        }
        MixingMatrix::Sparse(sparse) => {
            let messages: usize = (0..phase.size()).map(|rank| sparse.in_edges(Rank(rank)).len()).sum();
            json!({ "messages": messages })
        }
    }
}
