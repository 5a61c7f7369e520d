//! Names: from parsed files to a program in which every name that is used is known.

use bfc_dsl::tree::{self, FileId, Span};
use std::collections::BTreeMap;

/// A source file: its name for messages, and its text.
#[derive(Clone, Debug)]
pub struct Source {
    /// The name.
    pub name: String,
    /// The text.
    pub text: String,
}

/// All files of one compilation.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// The sources; a [`FileId`] is an index.
    pub sources: Vec<Source>,
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
    /// The program of one file without imports.
    pub fn single(source: Source, file: tree::File) -> Self {
        let names = file.items.iter().enumerate().filter_map(|(index, item)| {
            let name = match item {
                tree::Item::Function(function) => &function.name,
                tree::Item::Topology(topology) => &topology.name,
                tree::Item::Algorithm(algorithm) => &algorithm.name,
                tree::Item::Use(_) | tree::Item::Schedule(_) => return None,
            };
            Some((name.text.clone(), ItemId { file: FileId(0), index }))
        });
        Self { sources: vec![source], names: vec![names.collect()], files: vec![file] }
    }

    /// The item that a name means in a file.
    pub fn item(&self, file: FileId, name: &str) -> Option<&tree::Item> {
        let id = self.names.get(file.0 as usize)?.get(name)?;
        self.files[id.file.0 as usize].items.get(id.index)
    }

    /// The function that a name means in a file.
    pub fn function(&self, file: FileId, name: &str) -> Option<&tree::Function> {
        match self.item(file, name)? {
            tree::Item::Function(function) => Some(function),
            _ => None,
        }
    }

    /// The source text of a span; empty where there is none.
    pub fn text(&self, span: Span) -> &str {
        let source = self.sources.get(span.file.0 as usize);
        source.and_then(|source| source.text.get(span.start as usize..span.end as usize)).unwrap_or("")
    }
}
