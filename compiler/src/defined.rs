//! What a source defines, for those who combine it.

use crate::library;
use crate::resolve::Program;
use bfc_dsl::tree::{Expression, Item, Parameter};

/// What a source defines.
#[derive(Clone, Debug)]
pub struct Defined {
    /// What messages call it.
    pub file: String,
    /// The topologies that need no arguments, by name.
    pub topologies: Vec<String>,
    /// The algorithms that need none.
    pub algorithms: Vec<String>,
    /// The topologies of its schedule, as it says them.
    pub scheduled_topologies: Vec<String>,
    /// The algorithm of its schedule.
    pub scheduled_algorithm: Option<String>,
    /// The text without schedules.
    pub unscheduled: String,
    /// Whether it uses files beside it.
    pub neighbours: bool,
}

impl Defined {
    pub(crate) fn new(program: &Program) -> Self {
        let (mut topologies, mut algorithms) = (vec![], vec![]);
        let (mut scheduled_topologies, mut scheduled_algorithm) = (vec![], None);
        let text = program.sources.first().map_or("", |source| source.text.as_str());
        let (mut unscheduled, mut end) = (String::new(), 0);
        let is_complete = |parameters: &[Parameter]| parameters.iter().all(|one| one.default.is_some());
        for item in program.items() {
            match item {
                Item::Topology(one) if is_complete(&one.parameters) => topologies.push(one.name.text.clone()),
                Item::Algorithm(one) if is_complete(&one.parameters) => {
                    algorithms.push(one.name.text.clone())
                }
                Item::Schedule(schedule) => {
                    let said = |expression: &Expression| program.text(expression.span).to_string();
                    scheduled_topologies
                        .extend(schedule.topologies.iter().map(|(_, topology)| said(topology)));
                    scheduled_algorithm = schedule.algorithms.first().map(said);
                    unscheduled.push_str(text.get(end..schedule.span.start as usize).unwrap_or_default());
                    end = schedule.span.end as usize;
                }
                Item::Topology(_) | Item::Algorithm(_) | Item::Use(_) | Item::Function(_) => {}
            }
        }
        unscheduled.push_str(text.get(end..).unwrap_or_default());
        let file = program.sources.first().map_or_else(String::new, |source| source.name.clone());
        let beside = program.sources.iter().skip(1).any(|source| library::source(&source.name).is_none());
        let neighbours = beside || program.reads_edges();
        Self {
            file,
            topologies,
            algorithms,
            scheduled_topologies,
            scheduled_algorithm,
            unscheduled,
            neighbours,
        }
    }
}
