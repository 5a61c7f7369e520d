//! Reads and parses the entry and everything it uses, and binds the names of each file.

use super::{ItemId, Program, ResolveError, check, declaration, walk};
use crate::builtin_names::{self, nearest};
use crate::diagnostic::{Diagnostic, Diagnostics, Source};
use crate::library;
use crate::request::{Combination, Files};
use bfc_dsl::edges::EdgeListError;
use bfc_dsl::tree::{EdgesFrom, Expression, FileId, Item, Name, Span, Use};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many files one compilation may read.
const MAX_FILES: usize = 256;

/// Files that are being read.
struct Loader<'f> {
    files: &'f dyn Files,
    program: Program,
    /// Files by name; `None` while their `use`s are read.
    loaded: BTreeMap<String, Option<FileId>>,
    /// The files whose `use`s are being read, the entry first.
    open: Vec<String>,
    /// Files that lack items, because they could not be read.
    incomplete: Vec<FileId>,
    /// Items that lack statements.
    damaged: Vec<ItemId>,
    errors: Vec<Diagnostic>,
    /// Whether all names were read, so that a name that is not known is not known anywhere.
    is_complete: bool,
}

/// What could be read of a program, and all that is wrong with its letters and names.
pub struct Loaded {
    /// The program; items of it may lack what could not be read.
    pub program: Program,
    /// The mistakes.
    pub errors: Vec<Diagnostic>,
}

impl Loaded {
    /// The program, if nothing is wrong with it.
    ///
    /// # Errors
    /// The mistakes.
    pub fn into_result(self) -> Result<Program, Diagnostics> {
        let Self { program, errors } = self;
        if errors.is_empty() { Ok(program) } else { Err(Diagnostics::new(errors, &program.sources)) }
    }
}

/// Parses the entry, the parameters, what is combined with it, and all files that they use.
///
/// Names are looked up beside mistakes of the letters too, in items that could be read as a whole, unless a name may be
/// unknown only because what defines it could not be read.
pub fn load(
    name: &str,
    text: &str,
    parameters: &[(String, String)],
    combination: &Combination,
    files: &dyn Files,
) -> Loaded {
    let (program, loaded) = (Program::default(), BTreeMap::new());
    let (open, incomplete, damaged, errors) = (vec![], vec![], vec![], vec![]);
    let mut loader = Loader { files, program, loaded, open, incomplete, damaged, errors, is_complete: true };
    loader.file(name.to_string(), text.to_string());
    for (name, value) in parameters {
        let value = loader.argument(format!("--param {name}"), value, None);
        loader.program.parameters.extend(value.map(|value| (name.clone(), value)));
    }
    loader.combination(combination);
    let Loader { program, mut errors, damaged, is_complete, .. } = loader;
    if is_complete {
        errors.extend(check::check(&program, &damaged).into_iter().map(Diagnostic::from));
    }
    Loaded { program, errors }
}

impl Loader<'_> {
    fn fail(&mut self, error: impl Into<Diagnostic>) {
        self.is_complete = false;
        self.errors.push(error.into());
    }

    fn source(&mut self, name: String, text: String) -> FileId {
        self.program.sources.push(Source { name, text });
        self.program.files.push(Default::default());
        self.program.names.push(BTreeMap::new());
        FileId(self.program.sources.len() as u16 - 1)
    }

    /// An expression of the command line, which sees the names of the entry, and those of this part of the library.
    fn argument(&mut self, flag: String, text: &str, part: Option<&str>) -> Option<Expression> {
        let id = self.source(flag, text.to_string());
        self.program.names[id.0 as usize] = self.program.names[0].clone();
        match bfc_dsl::parse_expression(id, text) {
            Ok(expression) => {
                self.paths(id, walk::paths_in(vec![&expression]));
                part.into_iter().for_each(|part| self.library_names(id, part, expression.span));
                Some(expression)
            }
            Err(errors) => {
                self.errors.extend(errors.into_iter().map(Diagnostic::from));
                None
            }
        }
    }

    fn combination(&mut self, combination: &Combination) {
        for (name, text) in &combination.topologies {
            let flag = name.as_ref().map_or("--topology".to_string(), |name| format!("--topology {name}"));
            if let Some(topology) = self.argument(flag, text, Some("topology")) {
                let span = Span { end: topology.span.start, ..topology.span };
                let name = name.as_ref().map(|name| Name { text: name.clone(), span });
                self.program.combination.topologies.push((name, topology));
            }
        }
        if let Some(text) = &combination.algorithm {
            let algorithm = self.argument("--algorithm".to_string(), text, Some("algorithm"));
            self.program.combination.algorithms.extend(algorithm);
        }
        if let Some(text) = &combination.weights {
            self.program.combination.weights = self.argument("--weights".to_string(), text, None);
        }
    }

    /// Gives the words of a source that mean nothing yet the meaning that a part of the library gives them.
    fn library_names(&mut self, id: FileId, part: &str, span: Span) {
        let text = self.program.sources[id.0 as usize].text.clone();
        for word in text.split(|letter: char| !letter.is_alphanumeric() && letter != '_') {
            let known = self.program.names[id.0 as usize].contains_key(word);
            let is_builtin = builtin_names::find(word).is_some();
            if known || is_builtin || library::source(&format!("{part}::{word}")).is_none() {
                continue;
            }
            let path = [part, word].map(|text| Name { text: text.to_string(), span });
            match self.open_file(id, &path).and_then(|from| self.find(from, &path[1])) {
                Ok(item) => {
                    self.program.names[id.0 as usize].extend(item.map(|item| (word.to_string(), item)))
                }
                Err(error) => self.fail(error),
            }
        }
    }

    /// Parses a file and what it uses.
    fn file(&mut self, name: String, text: String) -> FileId {
        let id = self.source(name.clone(), text);
        self.loaded.insert(name.clone(), None);
        self.open.push(name.clone());
        self.parse(id);
        self.define(id);
        for item in self.program.files[id.0 as usize].items.clone() {
            if let Item::Use(import) = item
                && let Err(error) = self.import(id, &import)
            {
                self.fail(error);
            }
        }
        self.paths(id, walk::paths(&self.program.files[id.0 as usize]));
        for from in walk::edges(&self.program.files[id.0 as usize]) {
            if let Err(error) = self.edges(id, &from) {
                self.fail(error);
            }
        }
        self.open.pop();
        self.loaded.insert(name, Some(id));
        id
    }

    /// Keeps what can be read of a file.
    fn parse(&mut self, id: FileId) {
        let parsed = bfc_dsl::parse(id, &self.program.sources[id.0 as usize].text);
        let damaged = (0..parsed.file.items.len()).filter(|index| !parsed.is_whole(*index));
        self.damaged.extend(damaged.map(|index| ItemId { file: id, index }));
        if !parsed.is_complete() {
            self.incomplete.push(id);
            self.is_complete = false;
        }
        self.errors.extend(parsed.errors.into_iter().map(Diagnostic::from));
        self.program.files[id.0 as usize] = parsed.file;
    }

    /// Gives a file the names of its own items.
    fn define(&mut self, id: FileId) {
        let items = self.program.files[id.0 as usize].items.clone();
        for (index, item) in items.iter().enumerate() {
            if let Some((name, _)) = declaration(item) {
                self.bind(id, &name.text, ItemId { file: id, index }, name.span);
            }
        }
    }

    fn bind(&mut self, file: FileId, name: &str, item: ItemId, span: Span) {
        let earlier = self.program.names[file.0 as usize].insert(name.to_string(), item);
        if let Some(first) = earlier.filter(|first| *first != item) {
            let first = self.program.files[first.file.0 as usize].items.get(first.index);
            let first = first.and_then(declaration).map_or(span, |(name, _)| name.span);
            let name = name.to_string();
            // Labels of one message must lie in one file.
            let first = if first.file == span.file { first } else { span };
            self.errors.push(ResolveError::DuplicateName { name, span, first }.into());
        }
    }

    fn import(&mut self, into: FileId, import: &Use) -> Result<(), ResolveError> {
        let path: Vec<&str> = import.path.iter().map(|name| name.text.as_str()).collect();
        let in_file = if path.first().is_some_and(|first| library::is_part(first)) { 2 } else { 1 };
        let incomplete = || incomplete(path.join("::"), import.span);
        let (file, rest) = import.path.split_at_checked(in_file).ok_or_else(incomplete)?;
        let wanted: Vec<&Name> = match (rest, &import.names) {
            ([], Some(names)) => names.iter().collect(),
            ([], None) if in_file == 2 => vec![&file[1]],
            ([one], None) => vec![one],
            _ => return Err(incomplete()),
        };
        let from = self.open_file(into, file)?;
        for name in wanted {
            match self.find(from, name) {
                Ok(item) => item.into_iter().for_each(|item| self.bind(into, &name.text, item, name.span)),
                Err(error) => self.fail(error),
            }
        }
        Ok(())
    }

    /// The item of a file, its own, that a name means; nothing where it may be among what could not be read.
    fn find(&self, file: FileId, name: &Name) -> Result<Option<ItemId>, ResolveError> {
        let names = &self.program.names[file.0 as usize];
        let own = names.iter().filter(|(_, item)| item.file == file);
        if let Some((_, item)) = own.clone().find(|(known, _)| **known == name.text) {
            return Ok(Some(*item));
        }
        if self.incomplete.contains(&file) {
            return Ok(None);
        }
        let near = nearest(&name.text, own.map(|(known, _)| known.as_str()));
        Err(ResolveError::UnknownImport {
            file: self.program.sources[file.0 as usize].name.clone(),
            name: name.text.clone(),
            span: name.span,
            help: near.map(|near| format!("did you mean `{near}`?")),
        })
    }

    /// The file that the first words of a path name, read if it is new.
    fn open_file(&mut self, from: FileId, path: &[Name]) -> Result<FileId, ResolveError> {
        let span = Span { end: path[path.len() - 1].span.end, ..path[0].span };
        let (name, text) = self.read(from, path, span)?;
        match self.loaded.get(&name) {
            Some(Some(id)) => Ok(*id),
            Some(None) => {
                let start = self.open.iter().position(|open| *open == name).unwrap_or(0);
                let cycle: Vec<_> =
                    self.open[start..].iter().chain([&name]).map(|name| format!("`{name}`")).collect();
                Err(ResolveError::CyclicUse { cycle: cycle.join(" uses "), span })
            }
            None if self.program.sources.len() >= MAX_FILES => {
                Err(ResolveError::TooManyFiles { limit: MAX_FILES, span })
            }
            None => Ok(self.file(name, text)),
        }
    }

    fn read(&self, from: FileId, path: &[Name], span: Span) -> Result<(String, String), ResolveError> {
        if let [_, _] = path {
            let name = format!("{}::{}", path[0].text, path[1].text);
            return match library::source(&name) {
                Some(text) => Ok((name, text.to_string())),
                None => Err(unknown_library_name(name, span)),
            };
        }
        let asking = self.program.sources[from.0 as usize].name.as_str();
        let name = &path[0].text;
        if library::source(asking).is_some() {
            // The library stands alone: what lies beside a user's file is none of its business.
            return Err(unknown_library_name(name.clone(), span));
        }
        let read = self.files.read(asking, name);
        read.map_err(|reason| ResolveError::MissingFile { name: name.clone(), reason, span })
    }

    /// Reads a file of edges, which must have the digest that the source says.
    fn edges(&mut self, id: FileId, from: &EdgesFrom) -> Result<(), ResolveError> {
        let (file, span) = (from.file.clone(), from.span);
        let asking = self.program.sources[id.0 as usize].name.as_str();
        let is_name = !file.is_empty() && !file.starts_with('.') && !file.contains(['/', '\\', ':']);
        let read = match is_name && library::source(asking).is_none() {
            true => self.files.read_edges(asking, &file),
            false => Err("it is not the name of a file beside the source".to_string()),
        };
        let text = match read {
            Ok(text) => text,
            Err(reason) => return Err(ResolveError::MissingEdges { file, reason, span }),
        };
        let found: String = Sha256::digest(&text).iter().map(|byte| format!("{byte:02x}")).collect();
        if found != from.digest {
            return Err(ResolveError::OtherEdges { file, found, span });
        }
        let list = bfc_dsl::edges::parse(&text);
        let malformed = |error: EdgeListError| ResolveError::MalformedEdges {
            file,
            line: error.line,
            reason: error.reason,
            span,
        };
        self.program.edges.insert((id.0, span.start), Arc::new(list.map_err(malformed)?));
        Ok(())
    }

    /// Reads the files of paths such as `topology::ring` inside of expressions.
    fn paths(&mut self, id: FileId, paths: Vec<(String, Span)>) {
        for (path, span) in paths {
            if self.program.names[id.0 as usize].contains_key(&path) {
                continue;
            }
            let names: Vec<Name> =
                path.split("::").map(|text| Name { text: text.to_string(), span }).collect();
            let in_file = if library::is_part(&names[0].text) { 2 } else { 1 };
            let item = match names.split_at_checked(in_file) {
                Some((file, [])) if in_file == 2 => {
                    self.open_file(id, file).and_then(|from| self.find(from, &file[1]))
                }
                Some((file, [one])) => self.open_file(id, file).and_then(|from| self.find(from, one)),
                _ => Err(ResolveError::UnknownName { name: path.clone(), span, help: None }),
            };
            match item {
                Ok(item) => self.program.names[id.0 as usize].extend(item.map(|item| (path, item))),
                Err(error) => self.fail(error),
            }
        }
    }
}

fn incomplete(path: String, span: Span) -> ResolveError {
    let of_library = library::names().into_iter().find(|name| name.rsplit("::").next() == Some(&path));
    let help = match of_library {
        Some(name) => format!("write `use {name}`, which takes it from the library"),
        None => format!("write `use {path}::name`, or `use {path}::{{a, b}}` for several"),
    };
    ResolveError::IncompleteUse { path, help, span }
}

fn unknown_library_name(name: String, span: Span) -> ResolveError {
    let near = nearest(&name, library::names());
    let help = near.map(|near| format!("did you mean `{near}`?"));
    ResolveError::UnknownLibraryName { name, span, help }
}
