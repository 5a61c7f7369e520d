//! A diagnostic as a document for programs, with the edits that correct its source.

use crate::diagnostic::clip;
use bfc_compiler::Located;
use bfc_compiler::diagnostic::{Edit, Remedy};
use miette::{Diagnostic, LabeledSpan, Report, Severity, SourceCode};
use serde_json::{Value, json};

/// A diagnostic as `{code, severity, message, help, labels, related, remedies}`.
///
/// A remedy is `{text, choices, without_parameters, tried}`: each choice is a list of edits `{file, start, end, text}` that
/// are made together, and parameters of these names are no longer given.
pub fn diagnostic_json(report: &Report) -> Value {
    let mut document = plain(report.as_ref(), None);
    if let Some(located) = report.downcast_ref::<Located>() {
        let remedies = located.diagnostic.remedies.iter().map(|remedy| remedy_json(located, remedy));
        document["remedies"] = remedies.collect();
    }
    document
}

/// The document without remedies; `source` is that of an enclosing diagnostic.
fn plain(diagnostic: &dyn Diagnostic, source: Option<&dyn SourceCode>) -> Value {
    let source = diagnostic.source_code().or(source);
    let labels = diagnostic.labels().into_iter().flatten();
    let related = diagnostic.related().into_iter().flatten();
    json!({
        "code": diagnostic.code().map(|code| code.to_string()),
        "severity": match diagnostic.severity() {
            Some(Severity::Warning) => "warning",
            Some(Severity::Advice) => "advice",
            _ => "error",
        },
        "message": clip(diagnostic.to_string()),
        "help": diagnostic.help().map(|help| clip(help.to_string())),
        "labels": labels.map(|label| label_json(&label, source)).collect::<Value>(),
        "related": related.map(|related| plain(related, source)).collect::<Value>(),
        "remedies": [],
    })
}

fn label_json(label: &LabeledSpan, source: Option<&dyn SourceCode>) -> Value {
    let place = source.and_then(|source| source.read_span(label.inner(), 0, 0).ok());
    json!({
        "file": place.as_ref().and_then(|place| place.name()),
        "line": place.as_ref().map(|place| place.line() + 1),
        "column": place.as_ref().map(|place| place.column() + 1),
        "start": label.offset(),
        "end": label.offset() + label.len(),
        "text": label.label().map(|text| clip(text.to_string())),
    })
}

fn remedy_json(located: &Located, remedy: &Remedy) -> Value {
    let edit = |edit: &Edit| {
        let Edit { span, text } = edit;
        json!({ "file": located.file(*span), "start": span.start, "end": span.end, "text": text })
    };
    let choice = |edits: &Vec<Edit>| edits.iter().map(edit).collect::<Value>();
    json!({
        "text": remedy.text,
        "choices": remedy.choices.iter().map(choice).collect::<Value>(),
        "without_parameters": remedy.without,
        "tried": remedy.is_tried,
    })
}
