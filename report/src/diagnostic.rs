//! A diagnostic of any stage becomes one that can be shown to people: hidden characters are written out, long texts and
//! lines are cut, whatever a source, a file name or a peer put into it.

use crate::excerpt::Excerpt;
use bfc_schedule::visible;
use miette::{Diagnostic, LabeledSpan, Severity, SourceCode};
use std::error::Error;
use std::fmt;

/// The longest message, help or label, in bytes, that is shown whole.
const LONGEST_TEXT: usize = 1000;
/// What stands for text that is cut.
pub(crate) const CUT: &str = "…";

/// A text of moderate length.
pub fn clip(mut text: String) -> String {
    if text.len() > LONGEST_TEXT {
        text.truncate(boundary(&text, LONGEST_TEXT));
        text.push_str(CUT);
    }
    text
}

/// The beginning of the letter that byte `at` belongs to.
pub(crate) fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

/// A diagnostic as people see it.
pub struct Shown<'a> {
    diagnostic: &'a dyn Diagnostic,
    source: Option<&'a dyn SourceCode>,
    /// What is shown in place of the source, where that has long lines or hidden characters.
    excerpt: Option<Excerpt>,
    message: String,
    labels: Vec<LabeledSpan>,
    cause: Option<Box<Cause>>,
    related: Vec<Self>,
}

impl<'a> Shown<'a> {
    /// What people see of a diagnostic.
    pub fn new(diagnostic: &'a dyn Diagnostic) -> Self {
        Self::inside(diagnostic, None)
    }

    /// As [`new`](Self::new); `source` is that of the enclosing diagnostic.
    fn inside(diagnostic: &'a dyn Diagnostic, source: Option<&'a dyn SourceCode>) -> Self {
        let source = diagnostic.source_code().or(source);
        let mut labels: Vec<LabeledSpan> = diagnostic.labels().into_iter().flatten().collect();
        let excerpt = source.and_then(|source| Excerpt::new(source, &labels));
        for label in &mut labels {
            let place = match &excerpt {
                Some(excerpt) => excerpt.place(label.inner()),
                None => *label.inner(),
            };
            let text = label.label().map(|text| clip(visible::line(text).into_owned()));
            *label = match label.primary() {
                true => LabeledSpan::new_primary_with_span(text, place),
                false => LabeledSpan::new_with_span(text, place),
            };
        }
        let related = diagnostic.related().into_iter().flatten();
        Self {
            diagnostic,
            source,
            excerpt,
            message: text(diagnostic),
            labels,
            cause: diagnostic.source().map(Cause::new),
            related: related.map(|related| Self::inside(related, source)).collect(),
        }
    }
}

/// What an error or a help says, which may be several lines.
fn text(said: impl fmt::Display) -> String {
    clip(visible::lines(&said.to_string()).into_owned())
}

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Shown<'_> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&**self.cause.as_ref()?)
    }
}

impl Diagnostic for Shown<'_> {
    fn code<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        self.diagnostic.code()
    }

    fn severity(&self) -> Option<Severity> {
        self.diagnostic.severity()
    }

    fn help<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        Some(Box::new(text(self.diagnostic.help()?)))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        match &self.excerpt {
            Some(excerpt) => Some(excerpt),
            None => self.source,
        }
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }

    fn related<'b>(&'b self) -> Option<Box<dyn Iterator<Item = &'b dyn Diagnostic> + 'b>> {
        Some(Box::new(self.related.iter().map(|related| related as &dyn Diagnostic)))
    }
}

/// An error below the one that is shown, and those below it.
#[derive(Debug)]
struct Cause {
    message: String,
    next: Option<Box<Cause>>,
}

impl Cause {
    fn new(error: &dyn Error) -> Box<Self> {
        Box::new(Self { message: text(error), next: error.source().map(Self::new) })
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Cause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&**self.next.as_ref()?)
    }
}
