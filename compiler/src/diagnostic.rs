//! Why a source is refused, as data: codes, messages, places, and what to write instead. Each stage turns its own errors
//! into diagnostics; this file knows none of them.

use crate::rank_names::named;
use bfc_dsl::tree::Span;
use miette::{LabeledSpan, NamedSource, Report};
use std::fmt;
use std::sync::Arc;

/// A text that was compiled: its name for messages, and its content.
#[derive(Clone, Debug)]
pub struct Source {
    /// The name.
    pub name: String,
    /// The text.
    pub text: String,
}

/// An error of a stage.
pub trait StageError: miette::Diagnostic {
    /// Where it is, if it is in a source.
    fn place(&self) -> Option<Span>;

    /// Whether the command was used wrongly, so that no source is to blame.
    fn is_usage(&self) -> bool {
        false
    }
}

/// One reason for a refusal.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// What it is called, such as `bfc::resolve::unknown_name`.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// What to write instead, in words.
    pub help: Option<String>,
    /// Changes that were tried and compile.
    pub remedies: Vec<Remedy>,
    /// Where it is, if it is in a source.
    pub span: Option<Span>,
    /// Places in the file of `span`, with what is to be said of them.
    pub labels: Vec<Label>,
    /// Whether the command was used wrongly, so that no source is to blame.
    pub is_usage: bool,
}

impl Diagnostic {
    /// Gives the ranks that it speaks of their names.
    pub(crate) fn name_ranks(&mut self, names: &[String]) {
        let texts = [Some(&mut self.message), self.help.as_mut()].into_iter().flatten();
        let labels = self.labels.iter_mut().filter_map(|label| label.text.as_mut());
        texts.chain(labels).for_each(|text| *text = named(text, names));
    }
}

/// A place, and what is to be said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Its first byte in the file.
    pub start: usize,
    /// Its length in bytes.
    pub length: usize,
    /// What is to be said of it.
    pub text: Option<String>,
}

/// A way to correct a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// What to do, in words; a help text lists several, joined by semicolons.
    pub text: String,
    /// The choices, each a list of edits that are made together; empty where the change is not in a source.
    pub choices: Vec<Vec<Edit>>,
    /// Parameters that the request gives and that have to go as well, by name.
    pub without: Vec<String>,
    /// Whether the changed source was checked and passes.
    pub is_tried: bool,
}

/// A piece of text in place of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced; empty where text is inserted.
    pub span: Span,
    /// What stands there then.
    pub text: String,
}

impl Edit {
    /// A text with edits that are made together, all of one file and none inside of another.
    pub fn apply(edits: &[Self], text: &str) -> String {
        let mut edits: Vec<&Self> = edits.iter().collect();
        edits.sort_by_key(|edit| edit.span.start);
        let (mut changed, mut end) = (String::with_capacity(text.len()), 0);
        for Self { span, text: new } in edits {
            changed.push_str(text.get(end..span.start as usize).unwrap_or_default());
            changed.push_str(new);
            end = span.end as usize;
        }
        changed + text.get(end..).unwrap_or_default()
    }
}

impl<E: StageError> From<E> for Diagnostic {
    fn from(error: E) -> Self {
        let label = |label: LabeledSpan| Label {
            start: label.offset(),
            length: label.len(),
            text: label.label().map(str::to_string),
        };
        Self {
            code: error.code().map_or_else(String::new, |code| code.to_string()),
            message: error.to_string(),
            help: error.help().map(|help| help.to_string()),
            remedies: vec![],
            span: error.place(),
            labels: error.labels().into_iter().flatten().map(label).collect(),
            is_usage: error.is_usage(),
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Diagnostic {}

impl miette::Diagnostic for Diagnostic {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.code))
    }

    /// The remedies, then the help.
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let remedies = self.remedies.iter().map(|remedy| remedy.text.as_str());
        let all: Vec<&str> = remedies.chain(self.help.as_deref()).collect();
        if all.is_empty() { None } else { Some(Box::new(all.join("; "))) }
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = |label: &Label| LabeledSpan::new(label.text.clone(), label.start, label.length);
        Some(Box::new(self.labels.iter().map(label)))
    }
}

/// Why a compilation was refused: one reason or more, all of one stage.
#[derive(Clone, Debug)]
pub struct Diagnostics {
    errors: Vec<Diagnostic>,
    sources: Vec<Source>,
}

impl Diagnostics {
    /// Errors and the sources that their spans point into.
    pub fn new(errors: impl IntoIterator<Item = impl Into<Diagnostic>>, sources: &[Source]) -> Self {
        Self { errors: errors.into_iter().map(Into::into).collect(), sources: sources.to_vec() }
    }

    /// The reasons.
    pub fn errors(&self) -> &[Diagnostic] {
        &self.errors
    }

    /// The code of each reason, such as `bfc::resolve::unknown_name`.
    pub fn codes(&self) -> Vec<String> {
        self.errors.iter().map(|error| error.code.clone()).collect()
    }

    /// With remedies for the first reason that has this code, or one of these.
    pub(crate) fn with_remedies(mut self, codes: &[&str], remedies: Vec<Remedy>) -> Self {
        if let Some(first) = self.errors.iter_mut().find(|error| codes.contains(&error.code.as_str())) {
            first.remedies = remedies;
        }
        self
    }

    /// Each reason as a [`Located`], ready to be shown.
    pub fn into_reports(self) -> Vec<Report> {
        let named = |source: Source| Arc::new(NamedSource::new(source.name, source.text));
        let sources: Arc<[_]> = self.sources.into_iter().map(named).collect();
        let located = |diagnostic| Located { diagnostic, sources: sources.clone() };
        self.errors.into_iter().map(|error| Report::new(located(error))).collect()
    }
}

/// A reason with the sources that its spans point into.
#[derive(Clone, Debug)]
pub struct Located {
    /// The reason.
    pub diagnostic: Diagnostic,
    sources: Arc<[Arc<NamedSource<String>>]>,
}

impl Located {
    /// The name of the file of a span.
    pub fn file(&self, span: Span) -> Option<&str> {
        Some(self.source(span)?.name())
    }

    fn source(&self, span: Span) -> Option<&NamedSource<String>> {
        self.sources.get(span.file.0 as usize).map(|source| &**source)
    }
}

impl fmt::Display for Located {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.diagnostic.fmt(f)
    }
}

impl std::error::Error for Located {}

impl miette::Diagnostic for Located {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.diagnostic.code()
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.diagnostic.help()
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        self.source(self.diagnostic.span?).map(|source| source as &dyn miette::SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.diagnostic.labels()
    }
}

impl<E: StageError> From<E> for Diagnostics {
    fn from(error: E) -> Self {
        Self { errors: vec![error.into()], sources: vec![] }
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let messages: Vec<_> = self.errors.iter().map(|error| error.message.as_str()).collect();
        f.write_str(&messages.join("\n"))
    }
}

impl std::error::Error for Diagnostics {}
