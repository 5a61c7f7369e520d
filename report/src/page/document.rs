//! The data of a page as one JSON document, which `bfc report --format json` prints.

use super::Subject;
use crate::compilation::Compilation;
use crate::gantt::Gantt;
use crate::picture::{MOST_NODES, MOST_PHASES};
use crate::training::Training;
use bfc_compiler::model::topology::{MatrixEntry, Topology};
use bfc_compiler::{Analysis, Span};
use bfc_predict::Sweep;
use bfc_schedule::{MixingMatrix, Rank};
use serde::Serialize;
use serde_json::Value;

/// `{size, files: [{file, local_size, analysis, compilation, topologies, program, sweep, training, gantt, diagnostics}]}`. Up to
/// [`MOST_NODES`] ranks, a phase has `self_weights` and `edges`, each `[from, to, weight]`; beyond, it has the `hops` that all
/// ranks have in common, or only the number of its `messages`. Of a period, the first [`MOST_PHASES`] phases are there. `lines`
/// are those of the source that make a phase; `statements` say which entries of its matrix each statement makes, as pairs of row
/// and column, where [ranks are few](bfc_compiler::model::topology::Place::MOST_RANKS).
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
    topologies: Vec<Phases<'a>>,
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
            topologies: {
                let source = subject.source.as_deref();
                subject.topologies.iter().map(|topology| Phases::new(topology, source)).collect()
            },
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

/// A topology, phase by phase.
#[derive(Clone, Debug, Serialize)]
struct Phases<'a> {
    name: &'a str,
    names: Option<&'a [String]>,
    period: usize,
    phases: Vec<Phase<'a>>,
}

#[derive(Clone, Debug, Serialize)]
struct Phase<'a> {
    #[serde(flatten)]
    matrix: Matrix,
    /// The first and the last line of the source that make the phase, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    lines: Option<[usize; 2]>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    statements: Vec<Statement<'a>>,
}

#[derive(Clone, Debug, Serialize)]
struct Statement<'a> {
    lines: [usize; 2],
    entries: &'a [MatrixEntry],
}

/// The weights of a phase, in as much detail as its size allows.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
enum Matrix {
    /// All of them: edges are from, to and weight.
    Entries { self_weights: Vec<f64>, edges: Vec<(u32, u32, f64)> },
    /// What all ranks have in common.
    Hops { radices: Vec<u32>, self_weight: f64, hops: Vec<(u32, f64)> },
    /// How many there are.
    Count { messages: usize },
}

impl<'a> Phases<'a> {
    fn new(topology: &'a Topology, source: Option<&str>) -> Self {
        let lines = |span: Span| lines(source?, span);
        let phases = topology.phases.iter().take(MOST_PHASES).enumerate().map(|(number, phase)| {
            let place = topology.places.get(number);
            let statements = place.iter().flat_map(|place| &place.statements);
            let statement = |(span, entries): &'a (Span, Vec<MatrixEntry>)| {
                lines(*span).map(|lines| Statement { lines, entries })
            };
            Phase {
                matrix: Matrix::new(phase),
                lines: place.and_then(|place| lines(place.span)),
                statements: statements.filter_map(statement).collect(),
            }
        });
        let (name, names, period) = (&topology.name, topology.names.as_deref(), topology.phases.len());
        Self { name, names, period, phases: phases.collect() }
    }
}

impl Matrix {
    fn new(phase: &MixingMatrix) -> Self {
        let ranks = || (0..phase.size()).map(|rank| (rank, phase.row(Rank(rank))));
        match phase {
            _ if phase.size() <= MOST_NODES => {
                let edges = ranks().flat_map(|(to, row)| {
                    row.in_weights.into_iter().map(move |(from, weight)| (from.0, to, weight.to_f64()))
                });
                let self_weights = ranks().map(|(_, row)| row.self_weight.to_f64()).collect();
                Self::Entries { self_weights, edges: edges.collect() }
            }
            MixingMatrix::Cayley(cayley) => Self::Hops {
                radices: cayley.group().radices().to_vec(),
                self_weight: cayley.self_weight().to_f64(),
                hops: cayley.hops().iter().map(|(hop, weight)| (hop.0, weight.to_f64())).collect(),
            },
            MixingMatrix::Sparse(sparse) => {
                let messages = (0..phase.size()).map(|rank| sparse.in_edges(Rank(rank)).len()).sum();
                Self::Count { messages }
            }
        }
    }
}

/// The first and the last line of a place in the source itself, from 1.
pub(super) fn lines(source: &str, place: Span) -> Option<[usize; 2]> {
    let before = source.get(..place.start as usize).filter(|_| place.file.0 == 0)?;
    let within = source.get(place.start as usize..place.end as usize)?.trim_end();
    let first = before.matches('\n').count() + 1;
    Some([first, first + within.matches('\n').count()])
}
