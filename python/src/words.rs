//! A diagnostic in the words of Python: flags of the command line become arguments of functions.

use miette::{
    Diagnostic, LabeledSpan, MietteError, MietteSpanContents, Severity, SourceCode, SourceSpan, SpanContents,
};
use std::fmt::{self, Debug, Display};

/// A diagnostic whose texts name arguments where the command line has flags.
pub struct InPython<'a> {
    diagnostic: &'a dyn Diagnostic,
    source: Option<SourceInPython<'a>>,
    related: Vec<Self>,
}

/// A source; what the command line calls `--param base` is the value of `params["base"]`, and `--topology` that of `topology`.
struct SourceInPython<'a>(&'a dyn SourceCode);

impl<'a> InPython<'a> {
    /// The diagnostic in the words of Python.
    pub fn new(diagnostic: &'a dyn Diagnostic) -> Self {
        Self {
            diagnostic,
            source: diagnostic.source_code().map(SourceInPython),
            related: diagnostic.related().into_iter().flatten().map(Self::new).collect(),
        }
    }
}

impl Debug for InPython<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Debug::fmt(self.diagnostic, f)
    }
}

impl Display for InPython<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&in_python(&self.diagnostic.to_string()))
    }
}

impl std::error::Error for InPython<'_> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.diagnostic.source()
    }
}

impl Diagnostic for InPython<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        self.diagnostic.code()
    }

    fn severity(&self) -> Option<Severity> {
        self.diagnostic.severity()
    }

    fn help<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        Some(Box::new(in_python(&self.diagnostic.help()?.to_string())))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let labels = self.diagnostic.labels()?.map(|mut label| {
            label.set_label(label.label().map(in_python));
            label
        });
        Some(Box::new(labels))
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.related.iter().map(|related| related as &dyn Diagnostic)))
    }
}

impl SourceCode for SourceInPython<'_> {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let read = self.0.read_span(span, lines_before, lines_after)?;
        let Some(flag) = read.name().and_then(|name| name.strip_prefix("--")) else { return Ok(read) };
        let name = match flag.split_once(' ') {
            Some(("param", parameter)) => format!("params[\"{parameter}\"]"),
            Some((argument, name)) => format!("{argument}[\"{name}\"]"),
            None => flag.to_string(),
        };
        Ok(Box::new(MietteSpanContents::new_named(
            name,
            read.data(),
            *read.span(),
            read.line(),
            read.column(),
            read.line_count(),
        )))
    }
}

/// The text with each quoted flag as an argument; what is not a flag stays.
pub fn in_python(text: &str) -> String {
    let parts = text.replace("on the command line, ", "");
    let parts = parts.split('`').enumerate().map(|(at, part)| match part.strip_prefix("--") {
        _ if at % 2 == 0 => part.to_string(),
        None if part.starts_with("-o ") => argument(&part.replace("-o", "output")),
        Some(flag) if flag.starts_with(|letter: char| letter.is_ascii_lowercase()) => argument(flag),
        _ => call(part).unwrap_or_else(|| part.to_string()),
    });
    parts.collect::<Vec<_>>().join("`")
}

/// Commands and the functions that do the same.
const FUNCTIONS: [(&str, &str); 6] = [
    ("advise", "advise"),
    ("analyze", "analyze"),
    ("compare", "compare"),
    ("compile", "compile"),
    ("import", "import_graph"),
    ("simulate", "simulate"),
];

/// What only commands have.
const FLAGS: [&str; 2] = ["format", "out"];

/// Flags without a value.
const SWITCHES: [&str; 5] = ["directed", "heading", "place", "simulated", "transpose"];

/// The function that does what a command does.
fn function(command: &str) -> Option<&'static str> {
    FUNCTIONS.iter().find(|(name, _)| *name == command).map(|(_, function)| *function)
}

/// A command with flags as a call of the function of its name, if there is one that takes them.
fn call(command: &str) -> Option<String> {
    let command = command.strip_prefix("bfc ")?;
    if let Some(function) = command.strip_prefix("help ").and_then(function) {
        return Some(format!("help(bfc.{function})"));
    }
    let (begin, flags) = command.split_once(" --")?;
    let (command, sources) = begin.split_once(' ').unwrap_or((begin, ""));
    let mut arguments: Vec<String> = sources.split_whitespace().map(|name| format!("\"{name}\"")).collect();
    for flag in flags.split(" --") {
        if FLAGS.contains(&flag.split([' ', '=']).next()?) {
            return None;
        }
        let argument = argument(flag);
        arguments.push(if argument.contains('=') { argument } else { format!("{argument}=…") });
    }
    function(command).map(|function| format!("bfc.{function}({})", arguments.join(", ")))
}

/// The argument that a flag without its dashes stands for.
pub fn argument(flag: &str) -> String {
    let (name, value) = flag.split_once([' ', '=']).unwrap_or((flag, ""));
    let quoted = value.strip_prefix('\'').and_then(|value| value.strip_suffix('\''));
    let value = quoted.unwrap_or(value);
    let name = if name == "as" { "as_".to_string() } else { name.replace('-', "_") };
    if let ("stragglers", Some((count, factor))) = (&*name, value.split_once('x')) {
        return format!("stragglers=({count}, {factor})");
    }
    match (&*name, value.split_once('=')) {
        ("param", Some((parameter, "…"))) => format!("params={{\"{parameter}\": …}}"),
        ("param", Some((parameter, value))) => format!("params={{\"{parameter}\": \"{value}\"}}"),
        ("allow", _) if !value.is_empty() => format!("allow=\"{value}\""),
        // The data that the command line prints as JSON.
        ("format", _) => "dict(result)".to_string(),
        _ if SWITCHES.contains(&&*name) && matches!(value, "" | "yes") => format!("{name}=True"),
        _ if SWITCHES.contains(&&*name) && value == "no" => format!("{name}=False"),
        _ if value.is_empty() => name,
        _ if is_text(value) => format!("{name}=\"{value}\""),
        _ => format!("{name}={value}"),
    }
}

/// Neither a number nor what stands for a value, such as `N`.
fn is_text(value: &str) -> bool {
    let is_mark = value.len() == 1 && value.starts_with(|letter: char| letter.is_ascii_punctuation());
    let has_letters = value.contains(|letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit());
    value.parse::<f64>().is_err() && (is_mark || has_letters)
}
