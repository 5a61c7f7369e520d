//! What a search combines: the topologies of the library and those of a source of one's own, and the algorithm.

use super::{Goal, bare_call};
use crate::error::{PredictError, QuestionError};
use bfc_compiler::{Defined, Entry, Files, NoFiles, Request, library};

/// The name of a source that holds nothing of one's own.
const ADVISED: &str = "advised.bf";

/// What a search combines.
pub(super) struct Pool<'a> {
    /// A source of one's own: its name, its text without a schedule.
    own: Option<(String, String)>,
    /// The topologies.
    pub topologies: Vec<Known>,
    /// The algorithm; plain averaging where absent.
    pub algorithm: Option<Known>,
    /// The files beside the source.
    pub files: &'a dyn Files,
    /// Whether the source of one's own uses files beside it.
    pub neighbours: bool,
}

/// A topology or an algorithm that sources of the search can name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Known {
    /// How it is listed.
    pub label: String,
    /// How a source names it.
    pub expression: String,
    /// What a source imports for that.
    pub import: Option<String>,
}

impl<'a> Pool<'a> {
    /// # Errors
    /// The source is refused, it does not say which algorithm is meant, or there is none of that name.
    pub fn new(goal: &Goal<'_>, files: &'a dyn Files) -> Result<Self, PredictError> {
        if let Some(Entry::Expression(text)) = goal.source {
            return Err(QuestionError::NotASource { expression: text.clone() }.into());
        }
        let defined =
            goal.source.map(|entry| bfc_compiler::defined(&Request::new(entry.clone(), goal.size), files));
        let defined = defined.transpose()?;
        let algorithm = algorithm(goal, defined.as_ref())?;
        let own_names = defined.as_ref().map_or(&[][..], |defined| &defined.topologies);
        let scheduled = defined.iter().flat_map(|defined| &defined.scheduled_topologies);
        let scheduled = scheduled.filter(|expression| !own_names.contains(*expression));
        let own: Vec<Known> = own_names.iter().chain(scheduled).map(|name| Known::own(name)).collect();
        let library = library_topologies().map(|name| match &defined {
            None => Known::imported("topology", name),
            Some(_) => Known::by_path("topology", name, own_names.iter().any(|own| own == name)),
        });
        Ok(Self {
            topologies: own.into_iter().chain(library).collect(),
            algorithm,
            neighbours: defined.as_ref().is_some_and(|defined| defined.neighbours),
            own: defined.map(|defined| (defined.file, defined.unscheduled)),
            files,
        })
    }

    /// The same without an algorithm.
    pub fn without_algorithm(&self) -> Self {
        let (own, neighbours, files) = (self.own.clone(), self.neighbours, self.files);
        Self { own, topologies: vec![], algorithm: None, files, neighbours }
    }

    /// A source with these imports and items.
    pub fn source(&self, imports: &[&str], items: &str) -> Entry {
        let imports: String = imports.iter().map(|path| format!("use {path}\n")).collect();
        let (name, own) = match &self.own {
            Some((name, text)) => (name.clone(), format!("{}\n\n", text.trim_end())),
            None => (ADVISED.to_string(), String::new()),
        };
        Entry::Source { name, text: format!("{imports}{own}{items}") }
    }
}

impl Known {
    fn own(name: &str) -> Self {
        Self { label: name.to_string(), expression: name.to_string(), import: None }
    }

    /// A name of the library that is imported.
    fn imported(part: &str, name: &str) -> Self {
        Self { import: Some(format!("{part}::{name}")), ..Self::own(name) }
    }

    /// The same with arguments in parentheses, if there are some.
    fn called(self, arguments: &str) -> Self {
        let [label, expression] = [self.label, self.expression].map(|name| name + arguments);
        Self { label, expression, ..self }
    }

    /// A name of the library beside names of one's own, of which one may be the same.
    fn by_path(part: &str, name: &str, is_taken: bool) -> Self {
        let expression = format!("{part}::{name}");
        let label = if is_taken { expression.clone() } else { name.to_string() };
        Self { label, expression, import: None }
    }
}

/// The algorithm that is asked for, of one's own before one of the library; else that of the schedule, or the only one of
/// one's own.
fn algorithm(goal: &Goal<'_>, defined: Option<&Defined>) -> Result<Option<Known>, PredictError> {
    let own = defined.map_or(&[][..], |defined| &defined.algorithms);
    if let Some((name, arguments)) = goal.algorithm.map(bare_call) {
        if own.iter().any(|own| own == name) {
            return Ok(Some(Known::own(name).called(arguments)));
        }
        let full = format!("algorithm::{name}");
        let entry = match library::source(&full) {
            Some(_) if !arguments.is_empty() => Some(Entry::Expression(format!("{full}{arguments}"))),
            Some(_) => None,
            // Refused with the nearest name.
            None => Some(Entry::Library(full)),
        };
        if let Some(entry) = entry {
            bfc_compiler::check(&Request::new(entry, goal.size), &NoFiles)?;
        }
        let known = match defined {
            None => Known::imported("algorithm", name),
            Some(_) => Known::by_path("algorithm", name, false),
        };
        return Ok(Some(known.called(arguments)));
    }
    match (defined.and_then(|defined| defined.scheduled_algorithm.as_deref()), own) {
        (Some(scheduled), _) => Ok(Some(Known::own(scheduled))),
        (None, []) => Ok(None),
        (None, [only]) => Ok(Some(Known::own(only))),
        (None, several) => Err(QuestionError::SeveralAlgorithms { names: several.to_vec() }.into()),
    }
}

fn library_topologies() -> impl Iterator<Item = &'static str> {
    library::names().into_iter().filter_map(|name| name.strip_prefix("topology::"))
}
