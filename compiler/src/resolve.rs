//! Names: from source texts to a program in which every name that is used is known.
//!
//! The files that `use` names are read and parsed first, then every function, topology and schedule is walked with the
//! names in scope. Bodies of algorithms have names of their own kinds; evaluation looks after them.

mod check;
mod error;
mod load;
mod walk;

pub use error::ResolveError;
pub use load::load;

use bfc_dsl::tree::{self, Expression, FileId, Item, Span};
use std::collections::BTreeMap;

/// A source file: its name for messages, and its text.
#[derive(Clone, Debug)]
pub struct Source {
    /// The name.
    pub name: String,
    /// The text.
    pub text: String,
}

/// All files of one compilation; the first is the one that is compiled.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// The sources; a [`FileId`] is an index.
    pub sources: Vec<Source>,
    /// The parameters given on the command line, with their values.
    pub parameters: Vec<(String, Expression)>,
    files: Vec<tree::File>,
    names: Vec<BTreeMap<String, ItemId>>,
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
        Self { sources: vec![source], names: vec![own.collect()], files: vec![file], parameters: vec![] }
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
