//! The file that is compiled, and edits that change what it says: weights, the topology and the algorithm of its schedule,
//! arguments.

use super::Refused;
use crate::diagnostic::Edit;
use crate::request::{Entry, Request};
use crate::resolve::Program;
use bfc_dsl::tree::{
    self, Argument, Edge, Expression, ExpressionKind, FileId, Item, Name, Span, TopologyBody,
    TopologyStatement, Use,
};

/// The entry of a compilation.
const ENTRY: FileId = FileId(0);

/// The file that is compiled.
pub struct EntryFile<'a> {
    program: &'a Program,
    text: &'a str,
    schedule: Option<&'a tree::Schedule>,
}

impl<'a> EntryFile<'a> {
    /// `None` where the request names an item of the library, which nobody changes, or says itself what it combines.
    pub fn new(refused: Refused<'a>) -> Option<Self> {
        let Refused { request: Request { entry: Entry::Source { .. }, combination, .. }, .. } = refused
        else {
            return None;
        };
        if !combination.is_empty() {
            return None;
        }
        let program = refused.program;
        let schedule = program.items().iter().find_map(|item| match item {
            Item::Schedule(schedule) => Some(schedule),
            _ => None,
        });
        Some(Self { program, text: &program.sources.first()?.text, schedule })
    }

    /// A name of one of these that the file does not have yet.
    pub fn free_name(&self, names: [&'static str; 3]) -> Option<&'static str> {
        names.into_iter().find(|name| self.program.find(ENTRY, name).is_none())
    }

    /// A new topology at the end.
    pub fn define(&self, name: &str, value: &str) -> Edit {
        self.append(&format!("topology {name} = {value}\n"))
    }

    /// The schedule with another topology, for which it keeps its name.
    pub fn with_topology(&self, expression: &str) -> Option<Vec<Edit>> {
        let Some(schedule) = self.schedule else { return self.new_schedule(expression, None) };
        let (_, written) = schedule.topologies.first()?;
        Some(vec![replace(written.span, expression)])
    }

    /// The schedule with an algorithm of the library, over its topology or another one.
    pub fn with_algorithm(&self, path: &str, topology: Option<&str>) -> Option<Vec<Edit>> {
        let (name, mut edits) = self.imported(path);
        let Some(schedule) = self.schedule else {
            let own = self.only_topology()?.name.text.as_str();
            edits.extend(self.new_schedule(topology.unwrap_or(own), Some(&name))?);
            return Some(edits);
        };
        let (alias, written) = schedule.topologies.first()?;
        // The name that the schedule gives a topology is one that the old algorithm knows.
        let start = alias.as_ref().map_or(written.span.start, |alias| alias.span.start);
        if topology.is_some() || alias.is_some() {
            let expression = topology.unwrap_or(self.program.text(written.span));
            edits.push(replace(Span { start, ..written.span }, expression));
        }
        edits.push(match schedule.algorithms.first() {
            Some(algorithm) => replace(algorithm.span, &name),
            None => insert(written.span.end, &format!("\n    algorithm {name}")),
        });
        Some(edits)
    }

    /// A topology of the file whose edges have the weights of a rule, and no others.
    pub fn with_weights(&self, item: &tree::Topology, rule: &str) -> Option<Vec<Edit>> {
        let statements = match &item.body {
            TopologyBody::Value(_, Some(weights)) => return Some(vec![replace(weights.span, rule)]),
            // A comment would swallow the rule.
            TopologyBody::Value(value, None) => {
                let is_plain = !self.program.text(value.span).contains("//");
                return is_plain.then(|| vec![insert(value.span.end, &format!(" weights {rule}"))]);
            }
            TopologyBody::Statements(statements) => statements,
        };
        let written = statements.iter().find_map(|statement| match statement {
            TopologyStatement::Weights(written, span) => Some((written.span, *span)),
            _ => None,
        });
        let mut edits = vec![];
        self.drop_weights(statements, written.map(|(_, span)| span), &mut edits);
        edits.push(match written {
            Some((place, _)) => replace(place, rule),
            None => self.insert_at_end(item, &format!("    weights {rule}\n"))?,
        });
        Some(edits)
    }

    /// A topology of the file without its statements `self … weight …`.
    pub fn without_self_weights(&self, item: &tree::Topology) -> Vec<Edit> {
        let mut edits = vec![];
        if let TopologyBody::Statements(statements) = &item.body {
            self.visit(statements, &mut |statement| {
                if let TopologyStatement::SelfWeight(_, _, span) = statement {
                    edits.push(self.delete(*span));
                }
            });
        }
        edits
    }

    /// The schedule without the arguments of a name.
    pub fn without_argument(&self, name: &str) -> Vec<Edit> {
        let entries = self.schedule.into_iter().flat_map(|schedule| {
            schedule.topologies.iter().map(|(_, topology)| topology).chain(&schedule.algorithms)
        });
        entries.filter_map(|entry| without_argument(entry, name)).collect()
    }

    /// The name of an algorithm of the library in this file, and the edits that bring it there.
    fn imported(&self, path: &str) -> (String, Vec<Edit>) {
        let name = path.rsplit("::").next().unwrap_or(path).to_string();
        let place = |item: &Item| match item {
            Item::Algorithm(algorithm) => Some(algorithm.name.span.file),
            _ => None,
        };
        let source = |file: FileId| self.program.sources.get(file.0 as usize);
        match self.program.item(ENTRY, &name) {
            None => {
                let line = format!("use {path}");
                let edit = match self.last_use() {
                    Some(last) => insert(last.span.end, &format!("\n{line}")),
                    None => insert(0, &format!("{line}\n")),
                };
                (name, vec![edit])
            }
            Some(item) if place(item).and_then(source).is_some_and(|source| source.name == path) => {
                (name, vec![])
            }
            Some(_) => (path.to_string(), vec![]),
        }
    }

    fn last_use(&self) -> Option<&'a Use> {
        let mut uses = self.program.items().iter().filter_map(|item| match item {
            Item::Use(import) => Some(import),
            _ => None,
        });
        uses.next_back()
    }

    fn only_topology(&self) -> Option<&'a tree::Topology> {
        self.program.items().iter().find_map(|item| match item {
            Item::Topology(topology) => Some(topology),
            _ => None,
        })
    }

    fn new_schedule(&self, topology: &str, algorithm: Option<&str>) -> Option<Vec<Edit>> {
        let algorithm = algorithm.map(|name| format!("    algorithm {name}\n")).unwrap_or_default();
        Some(vec![self.append(&format!("schedule {{\n    topology {topology}\n{algorithm}}}\n"))])
    }

    fn append(&self, item: &str) -> Edit {
        let line_end = if self.text.ends_with('\n') { "" } else { "\n" };
        insert(self.text.len() as u32, &format!("{line_end}\n{item}"))
    }

    /// A line before the brace that closes a topology.
    fn insert_at_end(&self, item: &tree::Topology, line: &str) -> Option<Edit> {
        let brace = item.span.end.checked_sub(1)?;
        let before = self.text.get(..brace as usize)?.trim_end_matches([' ', '\t']);
        if !self.text[brace as usize..].starts_with('}') {
            return None;
        }
        Some(match before.ends_with('\n') {
            true => insert(before.len() as u32, line),
            false => insert(brace, &format!("\n{line}")),
        })
    }

    /// Removes all weights of statements except for the statement in `kept`.
    fn drop_weights(&self, statements: &[TopologyStatement], kept: Option<Span>, edits: &mut Vec<Edit>) {
        self.visit(statements, &mut |statement| match statement {
            TopologyStatement::Edge(Edge { to, weight: Some(weight), .. }) => {
                edits.push(replace(Span { start: to.span.end, ..weight.span }, ""));
            }
            TopologyStatement::SelfWeight(_, _, span) => edits.push(self.delete(*span)),
            TopologyStatement::Weights(_, span) if kept != Some(*span) => edits.push(self.delete(*span)),
            _ => {}
        });
    }

    fn visit<'t>(&self, statements: &'t [TopologyStatement], each: &mut dyn FnMut(&'t TopologyStatement)) {
        for statement in statements {
            each(statement);
            match statement {
                TopologyStatement::For(_, body, _) | TopologyStatement::Phase(body, _) => {
                    self.visit(body, each);
                }
                TopologyStatement::If(_, yes, no, _) => {
                    self.visit(yes, each);
                    self.visit(no, each);
                }
                _ => {}
            }
        }
    }

    /// Removes a statement, and its line where it stands alone there.
    fn delete(&self, span: Span) -> Edit {
        let (start, end) = (span.start as usize, span.end as usize);
        let before = self.text[..start].trim_end_matches([' ', '\t']);
        let after = self.text[end..].trim_start_matches([' ', '\t']);
        let is_alone = (before.is_empty() || before.ends_with('\n')) && after.starts_with('\n');
        if !is_alone {
            return replace(span, "");
        }
        let (start, end) = (before.len() as u32, (self.text.len() - after.len() + 1) as u32);
        replace(Span { start, end, ..span }, "")
    }
}

/// The call without the arguments of a name, if it has one.
fn without_argument(call: &Expression, name: &str) -> Option<Edit> {
    let ExpressionKind::Call(callee, arguments) = &*call.kind else { return None };
    let is_named = |argument: &Argument| argument.name.as_ref().is_some_and(|known| known.text == name);
    let at = arguments.iter().position(is_named)?;
    let start = |argument: &Argument| match &argument.name {
        Some(Name { span, .. }) => span.start,
        None => argument.value.span.start,
    };
    let (start, end) = match (arguments.get(at + 1), at.checked_sub(1).and_then(|at| arguments.get(at))) {
        (Some(next), _) => (start(&arguments[at]), start(next)),
        (None, Some(last)) => (last.value.span.end, arguments[at].value.span.end),
        (None, None) => (callee.span.end, call.span.end),
    };
    Some(replace(Span { start, end, ..call.span }, ""))
}

fn replace(span: Span, text: &str) -> Edit {
    Edit { span, text: text.to_string() }
}

fn insert(at: u32, text: &str) -> Edit {
    replace(Span { file: ENTRY, start: at, end: at }, text)
}
