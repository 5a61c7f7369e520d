//! The topology of a request as the user wrote it, and expressions that may stand in its place.

use super::entry::EntryFile;
use super::{Refused, one_of, quoted, tried};
use crate::diagnostic::{Edit, Remedy};
use crate::evaluate::{Evaluator, on_deep_stack};
use crate::model::topology::Topology;
use crate::resolve::Program;
use crate::resolve::target::{Chosen, Instance, Target};
use bfc_dsl::tree::{self, Expression, FileId, TopologyBody, TopologyStatement};

/// How the only topology of a request is written down.
pub struct Written<'a> {
    /// The expression for it, with what the command line gives for its parameters.
    pub expression: String,
    /// The item that it names, where its edges stand in the user's file, so that a rule can be added to them.
    pub own: Option<&'a tree::Topology>,
    /// The file whose names the expression knows.
    scope: FileId,
    place: Place<'a>,
    /// The name that the algorithm has for it, with its `=`.
    alias: String,
    /// What the command line gives for its parameters, by name.
    given: Vec<String>,
    /// What the command line gives for those of the algorithm.
    given_to_algorithm: Vec<String>,
}

/// Where another topology is written.
enum Place<'a> {
    /// In a file, which does not have a topology of this name yet.
    File(EntryFile<'a>, &'static str),
    /// On the command line, which combines it with an algorithm or weights.
    Flags,
}

impl<'a> Written<'a> {
    /// As the request says it; `None` where it has no topology of its own.
    pub fn new(refused: Refused<'a>) -> Option<Self> {
        let program = refused.program;
        let target = target(refused)?;
        let [(alias, chosen)] = &target.topologies[..] else { return None };
        let place = match EntryFile::new(refused) {
            Some(file) => {
                let free = file.free_name(["r", "r_1", "r_2"])?;
                Place::File(file, free)
            }
            None => Place::Flags,
        };
        let has_own_edges = |item: &tree::Topology| match &item.body {
            TopologyBody::Statements(statements) => !takes_phases(statements),
            TopologyBody::Value(..) => true,
        };
        let (expression, own, given) = match chosen {
            Chosen::Value(expression) => (program.text(expression.span).to_string(), None, vec![]),
            Chosen::Item(id, instance) => {
                let is_here = program.numbered_items().any(|(known, _)| known == *id);
                let is_editable = is_here && matches!(place, Place::File(..)) && has_own_edges(instance.item);
                let own = Some(instance.item).filter(|_| is_editable);
                (applied(refused, instance), own, names(program, &instance.given))
            }
        };
        // A comment would swallow what follows it.
        let expression = Some(expression).filter(|text| !text.contains("//"))?;
        let expression = expression.split_whitespace().collect::<Vec<_>>().join(" ");
        let scope = chosen.span().file;
        let alias = alias.map(|alias| format!("{alias} = ")).unwrap_or_default();
        let given_to_algorithm = given_to_algorithm(refused);
        Some(Self { expression, own, scope, place, alias, given, given_to_algorithm })
    }

    /// What to write for these edges with weights by one of some rules; `edges` says that they pass.
    pub fn with_rules(&self, rules: &[String], edges: &str) -> Option<Remedy> {
        let [first, others @ ..] = rules else { return None };
        let (file, free) = match &self.place {
            Place::File(file, free) => (file, free),
            Place::Flags => {
                let flags = rules.iter().map(|rule| format!("`{}`", flag("weights", rule))).collect();
                return Some(tried(one_of("it passes with ", flags)?, vec![]));
            }
        };
        if let Some(own) = self.own {
            let text = one_of(&format!("{edges} with "), quoted("weights ", rules))?;
            let edits = |rule: &String| file.with_weights(own, rule);
            return Some(tried(text, rules.iter().filter_map(edits).collect()));
        }
        let others: String = others.iter().map(|rule| format!(" or `weights {rule}`")).collect();
        let Self { expression, alias, .. } = self;
        let text = format!(
            "it passes as `topology {free} = {expression} weights {first}`{others}, with `topology {alias}{free}` in the schedule"
        );
        let edits = |rule: &String| {
            let defined = file.define(free, &format!("{expression} weights {rule}"));
            Some([file.with_topology(free)?, vec![defined]].concat())
        };
        let choices = rules.iter().filter_map(edits).collect();
        Some(Remedy { without: self.given.clone(), ..tried(text, choices) })
    }

    /// What to write for these edges with weights by a rule and one of some algorithms.
    pub fn with_rule_and_algorithms(&self, rule: &str, edges: &str, algorithms: &[&str]) -> Option<Remedy> {
        let Self { expression, .. } = self;
        let start = match (&self.place, self.own) {
            (Place::Flags, _) => format!("with `{}` it passes with ", flag("weights", rule)),
            (_, Some(_)) => format!("with `weights {rule}` {edges} with "),
            (_, None) => format!("`{expression} weights {rule}` passes with "),
        };
        let text = one_of(&start, quoted("", algorithms))?;
        let edits = |path: &&str| match (&self.place, self.own) {
            (Place::Flags, _) => None,
            (Place::File(file, _), Some(own)) => {
                Some([file.with_weights(own, rule)?, file.with_algorithm(path, None)?].concat())
            }
            (Place::File(file, free), None) => {
                let defined = file.define(free, &format!("{expression} weights {rule}"));
                Some([file.with_algorithm(path, Some(free))?, vec![defined]].concat())
            }
        };
        let choices = algorithms.iter().filter_map(edits).collect();
        let mut without = self.given_to_algorithm.clone();
        if matches!(self.place, Place::File(..)) && self.own.is_none() {
            without.extend_from_slice(&self.given);
        }
        Some(Remedy { without, ..tried(text, choices) })
    }

    /// What to write for an expression in the place of the topology.
    pub fn with_topology(&self, expression: &str) -> Remedy {
        let named = format!("{}{expression}", self.alias);
        let (text, choices) = match &self.place {
            Place::File(file, _) => {
                let text = format!("it passes with `topology {named}` in the schedule");
                (text, file.with_topology(expression).into_iter().collect())
            }
            Place::Flags => {
                let given = self.given.iter().map(|name| format!(" and without `--param {name}=…`"));
                let text =
                    format!("it passes with `{}`{}", flag("topology", &named), given.collect::<String>());
                (text, vec![])
            }
        };
        Remedy { without: self.given.clone(), ..tried(text, choices) }
    }

    /// Edits that leave out the self weights of the user's own topology.
    pub fn without_self_weights(&self) -> Option<Vec<Edit>> {
        match &self.place {
            Place::File(file, _) => Some(file.without_self_weights(self.own?)),
            Place::Flags => None,
        }
    }

    /// The topology that an expression gives in the place of this one, if it gives one.
    pub fn topology(&self, refused: Refused, expression: &str) -> Option<Topology> {
        let (program, expression) = refused.program.with_expression(self.scope, expression)?;
        let refused = Refused { program: &program, ..refused };
        let realized = || {
            let mut evaluator = evaluator(refused);
            let construction = evaluator.topology(&expression).ok()?;
            evaluator.realize(&construction, refused.request.size).ok().map(|topology| (*topology).clone())
        };
        on_deep_stack(realized).ok()?
    }
}

/// A flag of the command line with its value, as a shell takes it.
pub fn flag(name: &str, value: &str) -> String {
    let is_word = value.chars().all(|letter| letter.is_alphanumeric() || letter == '_' || letter == ':');
    if is_word { format!("--{name} {value}") } else { format!("--{name} '{value}'") }
}

/// What the request compiles.
fn target(refused: Refused<'_>) -> Option<Target<'_>> {
    Target::new(refused.program, refused.request.library_name()).ok()
}

/// The parameters of the command line that the algorithm takes, by name.
pub fn given_to_algorithm(refused: Refused) -> Vec<String> {
    let algorithm = target(refused).and_then(|target| target.algorithm);
    algorithm.map_or(vec![], |algorithm| names(refused.program, &algorithm.given))
}

/// The names by which the command line gives some values.
fn names(program: &Program, given: &[(String, &Expression)]) -> Vec<String> {
    let is_given = |value: &Expression| given.iter().any(|(_, known)| known.span == value.span);
    let parameters = program.parameters.iter().filter(|(_, value)| is_given(value));
    parameters.map(|(name, _)| name.clone()).collect()
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
