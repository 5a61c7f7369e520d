//! The topology of a request as the user wrote it, and expressions that may stand in its place.

use super::Refused;
use crate::evaluate::{Evaluator, on_deep_stack};
use crate::model::topology::Topology;
use crate::request::Entry;
use crate::resolve::target::{Chosen, Instance, Target};
use bfc_dsl::tree::{self, FileId, TopologyBody, TopologyStatement};

/// How the only topology of a request is written down.
pub struct Written {
    /// The expression in the schedule, with what the command line gives for its parameters.
    pub expression: String,
    /// The name that the schedule gives it, with its `=`.
    alias: String,
    /// Whether its edges stand in the user's file, so that a rule can be added to them.
    pub is_own: bool,
    /// A name that the file does not have yet.
    free: &'static str,
}

impl Written {
    /// As the request says it; `None` where there is no file to change.
    pub fn new(refused: Refused) -> Option<Self> {
        let Entry::Source { .. } = refused.request.entry else { return None };
        let program = refused.program;
        let target = Target::new(program, None).ok()?;
        let [(alias, chosen)] = &target.topologies[..] else { return None };
        let own = |item: &tree::Topology| match &item.body {
            TopologyBody::Statements(statements) => !takes_phases(statements),
            TopologyBody::Value(..) => true,
        };
        let (expression, is_own) = match chosen {
            Chosen::Value(expression) => (program.text(expression.span).to_string(), false),
            Chosen::Item(id, instance) => {
                let here = program.numbered_items().any(|(known, _)| known == *id);
                (applied(refused, instance), here && own(instance.item))
            }
        };
        // A comment would swallow what follows it.
        let expression = Some(expression).filter(|text| !text.contains("//"))?;
        let expression = expression.split_whitespace().collect::<Vec<_>>().join(" ");
        let free = ["r", "r_1", "r_2"].into_iter().find(|name| program.find(FileId(0), name).is_none())?;
        let alias = alias.map(|alias| format!("{alias} = ")).unwrap_or_default();
        Some(Self { expression, alias, is_own, free })
    }

    /// What to write for these edges with weights by one of some rules.
    pub fn with_rules(&self, rules: &[String]) -> String {
        let [first, others @ ..] = rules else { return String::new() };
        let others: Vec<_> = others.iter().map(|rule| format!(" or `weights {rule}`")).collect();
        let Self { expression, alias, free, .. } = self;
        format!(
            "it passes as `topology {free} = {expression} weights {first}`{}, with `topology {alias}{free}` in the schedule",
            others.concat()
        )
    }

    /// What to write in the schedule for an expression in the place of the topology.
    pub fn in_schedule(&self, expression: &str) -> String {
        format!("it passes with `topology {}{expression}` in the schedule", self.alias)
    }
}

fn evaluator<'p>(refused: Refused<'p>) -> Evaluator<'p> {
    let (size, local_size) = (refused.request.size, refused.request.local_size);
    Evaluator::new(refused.program, size, local_size, super::limits(refused.request))
}

/// Whether a topology has phases of another, whose weights a rule does not change.
fn takes_phases(statements: &[TopologyStatement]) -> bool {
    statements.iter().any(|statement| match statement {
        TopologyStatement::Phases(..) => true,
        TopologyStatement::For(_, body, _) | TopologyStatement::Phase(body, _) => takes_phases(body),
        TopologyStatement::If(_, yes, no, _) => takes_phases(yes) || takes_phases(no),
        _ => false,
    })
}

/// An item with its arguments, those of the command line in the place of those of the schedule.
fn applied(refused: Refused, instance: &Instance<tree::Topology>) -> String {
    let program = refused.program;
    let whole = program.text(instance.span);
    let mut given: Vec<_> =
        instance.given.iter().map(|(name, value)| (name.as_str(), program.text(value.span))).collect();
    if given.is_empty() {
        return whole.to_string();
    }
    let mut arguments = vec![];
    for (argument, parameter) in instance.arguments.iter().zip(&instance.item.parameters) {
        let name = argument.name.as_ref().map_or(&*parameter.name.text, |name| &*name.text);
        let at = given.iter().position(|(known, _)| *known == name);
        let value = at.map_or(program.text(argument.value.span), |at| given.remove(at).1);
        arguments.push(match &argument.name {
            Some(_) => format!("{name} = {value}"),
            None => value.to_string(),
        });
    }
    arguments.extend(given.into_iter().map(|(name, value)| format!("{name} = {value}")));
    let name = whole.split('(').next().unwrap_or(whole).trim();
    format!("{name}({})", arguments.join(", "))
}

/// The topology that an expression gives in the user's file, if it gives one.
pub fn topology(refused: Refused, expression: &str) -> Option<Topology> {
    let (program, expression) = refused.program.with_expression(expression)?;
    let refused = Refused { program: &program, ..refused };
    let realized = || {
        let mut evaluator = evaluator(refused);
        let construction = evaluator.topology(&expression).ok()?;
        evaluator.realize(&construction, refused.request.size).ok().map(|topology| (*topology).clone())
    };
    on_deep_stack(realized).ok()?
}
