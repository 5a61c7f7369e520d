//! A diagnostic in the words of Python: flags of the command line become arguments of functions.

use miette::{Diagnostic, LabeledSpan, Severity, SourceCode};
use std::fmt::{self, Display};

/// A diagnostic whose message and help name arguments where the command line has flags.
#[derive(Debug)]
pub struct InPython<'a>(pub &'a dyn Diagnostic);

impl Display for InPython<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&translated(&self.0.to_string()))
    }
}

impl std::error::Error for InPython<'_> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

impl Diagnostic for InPython<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        self.0.code()
    }

    fn severity(&self) -> Option<Severity> {
        self.0.severity()
    }

    fn help<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        Some(Box::new(translated(&self.0.help()?.to_string())))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.0.source_code()
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.0.labels()
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        self.0.related()
    }
}

/// The text with each quoted flag as an argument; what is not a flag stays.
fn translated(text: &str) -> String {
    let parts = text.replace("on the command line, ", "");
    let parts = parts.split('`').enumerate();
    let parts = parts.map(|(at, part)| match part.strip_prefix("--").filter(|_| at % 2 == 1) {
        Some(flag) => argument(flag),
        None => part.to_string(),
    });
    parts.collect::<Vec<_>>().join("`")
}

/// The argument that a flag without its dashes stands for.
fn argument(flag: &str) -> String {
    let (name, value) = flag.split_once(' ').unwrap_or((flag, "…"));
    let name = name.replace('-', "_");
    match (&*name, value.split_once('=')) {
        ("param", Some((parameter, "…"))) => format!("params={{\"{parameter}\": …}}"),
        ("param", Some((parameter, value))) => format!("params={{\"{parameter}\": \"{value}\"}}"),
        ("allow", _) => format!("allow=\"{value}\""),
        _ => format!("{name}={value}"),
    }
}
