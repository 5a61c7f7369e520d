//! Names: from source texts to a program in which every name that is used is known.
//!
//! The files that `use` names are read and parsed first, then every function, topology and schedule is walked with the
//! names in scope. Bodies of algorithms have names of their own kinds; evaluation looks after them.

mod check;
mod error;
mod load;
pub mod target;
mod walk;

pub use crate::diagnostic::Source;
pub use error::ResolveError;
pub use load::{Loaded, load};

use bfc_dsl::edges::EdgeList;
use bfc_dsl::tree::{self, Expression, ExpressionKind, FileId, Item, Name, Span};
use std::collections::BTreeMap;
use std::sync::Arc;

/// All files of one compilation; the first is the one that is compiled.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// The sources; a [`FileId`] is an index.
    pub sources: Vec<Source>,
    /// The parameters given on the command line, with their values.
    pub parameters: Vec<(String, Expression)>,
    /// What the command line says in place of the entry.
    pub combination: Combined,
    files: Vec<tree::File>,
    /// The files of edges, by the file and the place of the statement that names them.
    edges: BTreeMap<(u16, u32), Arc<EdgeList>>,
    names: Vec<BTreeMap<String, ItemId>>,
}

/// Topologies, an algorithm and weights of the command line, as in a `schedule`.
#[derive(Clone, Debug, Default)]
pub struct Combined {
    /// The topologies, each with its name if it has one.
    pub topologies: Vec<(Option<Name>, Expression)>,
    /// The algorithm, if there is one.
    pub algorithms: Vec<Expression>,
    /// The rule of their weights.
    pub weights: Option<Expression>,
}

/// An item of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ItemId {
    file: FileId,
    index: usize,
}

impl Program {
    /// The program of one file that imports nothing; its names are not checked.
    pub fn single(source: Source, file: tree::File) -> Self {
        let own = file.items.iter().enumerate().filter_map(|(index, item)| {
            let (name, _) = declaration(item)?;
            Some((name.text.clone(), ItemId { file: FileId(0), index }))
        });
        Self { sources: vec![source], names: vec![own.collect()], files: vec![file], ..Self::default() }
    }

    /// The items of the file that is compiled.
    pub fn items(&self) -> &[Item] {
        self.files.first().map_or(&[], |file| &file.items)
    }

    /// The items of the file that is compiled, with their ids.
    pub fn numbered_items(&self) -> impl Iterator<Item = (ItemId, &Item)> {
        self.items().iter().enumerate().map(|(index, item)| (ItemId { file: FileId(0), index }, item))
    }

    /// The item that a name means in a file, and its id.
    pub fn find(&self, file: FileId, name: &str) -> Option<(ItemId, &Item)> {
        let id = *self.names.get(file.0 as usize)?.get(name)?;
        Some((id, self.files[id.file.0 as usize].items.get(id.index)?))
    }

    /// The item that a name means in a file.
    pub fn item(&self, file: FileId, name: &str) -> Option<&Item> {
        self.find(file, name).map(|(_, item)| item)
    }

    /// The topology of an id.
    pub fn topology(&self, id: ItemId) -> Option<&tree::Topology> {
        match self.files.get(id.file.0 as usize)?.items.get(id.index)? {
            Item::Topology(topology) => Some(topology),
            _ => None,
        }
    }

    /// Whether files of edges were read.
    pub fn reads_edges(&self) -> bool {
        !self.edges.is_empty()
    }

    /// The edges of the file that the statement at this place names.
    pub fn edges(&self, statement: Span) -> Option<&Arc<EdgeList>> {
        self.edges.get(&(statement.file.0, statement.start))
    }

    /// The function that a name means in a file.
    pub fn function(&self, file: FileId, name: &str) -> Option<&tree::Function> {
        match self.item(file, name)? {
            Item::Function(function) => Some(function),
            _ => None,
        }
    }

    /// The names that a file knows, its own and imported.
    pub fn names(&self, file: FileId) -> impl Iterator<Item = &str> {
        self.names.get(file.0 as usize).into_iter().flat_map(|names| names.keys()).map(String::as_str)
    }

    /// The program with a further source: an expression that sees the names of a file.
    pub fn with_expression(&self, file: FileId, text: &str) -> Option<(Self, Expression)> {
        let mut program = self.clone();
        let id = FileId(u16::try_from(program.sources.len()).ok()?);
        program.sources.push(Source { name: "an expression".into(), text: text.to_string() });
        program.files.push(tree::File::default());
        program.names.push(self.names.get(file.0 as usize)?.clone());
        let expression = bfc_dsl::parse_expression(id, text).ok()?;
        Some((program, expression))
    }

    /// The arguments by name in the schedules of the entry, with their values.
    pub fn named_arguments(&self) -> Vec<(String, Span)> {
        let mut program = self.clone();
        let arguments = program.schedule_arguments();
        let named = arguments
            .into_iter()
            .flatten()
            .filter_map(|argument| Some((argument.name.as_ref()?.text.clone(), argument.value.span)));
        named.collect()
    }

    /// The program without the arguments of this name in the schedules of the entry.
    pub fn without_argument(&self, name: &str) -> Self {
        let mut program = self.clone();
        for arguments in program.schedule_arguments() {
            arguments.retain(|argument| argument.name.as_ref().is_none_or(|known| known.text != name));
        }
        program
    }

    /// The arguments of each call in the schedules of the entry.
    fn schedule_arguments(&mut self) -> Vec<&mut Vec<tree::Argument>> {
        let items = self.files.first_mut().map_or(&mut [][..], |file| &mut file.items);
        let schedules = items.iter_mut().filter_map(|item| match item {
            Item::Schedule(schedule) => Some(schedule),
            _ => None,
        });
        let entries = schedules.flat_map(|schedule| {
            let topologies = schedule.topologies.iter_mut().map(|(_, topology)| topology);
            topologies.chain(&mut schedule.algorithms)
        });
        let arguments = entries.filter_map(|entry| match &mut *entry.kind {
            ExpressionKind::Call(_, arguments) => Some(arguments),
            _ => None,
        });
        arguments.collect()
    }

    /// The default of the only parameter of this name among the algorithms and topologies that the entry knows, as written.
    pub fn default_of(&self, parameter: &str) -> Option<&str> {
        let known = self.names.first()?.values();
        let items = known.filter_map(|id| self.files[id.file.0 as usize].items.get(id.index));
        let parameters = items.filter(|item| !matches!(item, Item::Function(_))).filter_map(declaration);
        let mut named = parameters.flat_map(|(_, all)| all).filter(|one| one.name.text == parameter);
        let (Some(only), None) = (named.next(), named.next()) else { return None };
        only.default.as_ref().map(|default| self.text(default.span))
    }

    /// The source text of a span; empty where there is none.
    pub fn text(&self, span: Span) -> &str {
        let source = self.sources.get(span.file.0 as usize);
        source.and_then(|source| source.text.get(span.start as usize..span.end as usize)).unwrap_or("")
    }
}

/// The name and parameters of an item that has a name.
fn declaration(item: &Item) -> Option<(&tree::Name, &[tree::Parameter])> {
    match item {
        Item::Function(function) => Some((&function.name, &function.parameters)),
        Item::Topology(topology) => Some((&topology.name, &topology.parameters)),
        Item::Algorithm(algorithm) => Some((&algorithm.name, &algorithm.parameters)),
        Item::Use(_) | Item::Schedule(_) => None,
    }
}
