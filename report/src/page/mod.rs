//! One HTML file that shows sources with their proofs, schedules and pictures, for `bfc report`.
//!
//! The file makes no network requests: it contains its style, script, pictures and data, and its content security policy allows
//! only that style and script, by their hashes. Text from outside is escaped wherever it stands; the data is JSON without `<`.

mod controls;
mod document;
mod html;
mod parts;

pub use document::Document;

use crate::gantt::Gantt;
use crate::training::Training;
use bfc_compiler::model::topology::Topology;
use bfc_compiler::{Analysis, Entry, Parameter, Request};
use bfc_predict::{Plan, Sweep};
use html::Html;
use serde_json::Value;

/// How every page begins.
pub const PAGE_HEAD: &str = "<!doctype html>\n<html lang=\"en\" data-page=\"bfc-report\">\n";

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");
const LIVE: &str = include_str!("live.js");

/// What is known of one source. If it is refused, the results that it would have had are absent.
#[derive(Clone, Debug)]
pub struct Subject {
    /// What the source is called.
    pub file: String,
    /// Its text.
    pub source: Option<String>,
    /// The equations of its algorithm, each a `math` element.
    pub equations: Vec<String>,
    /// How many ranks share a machine.
    pub local_size: u32,
    /// Its topologies.
    pub topologies: Vec<Topology>,
    /// What is known of the first.
    pub analysis: Option<Analysis>,
    /// Its schedule.
    pub plan: Option<Plan>,
    /// How it does at other sizes.
    pub sweep: Option<Sweep>,
    /// What training with it came to, where it was run.
    pub training: Option<Training>,
    /// What ranks did in some steps of that run, where it left traces.
    pub gantt: Option<Gantt>,
    /// Why it is refused, as [`diagnostic_json`](crate::diagnostic_json) says it.
    pub diagnostics: Vec<Value>,
}

/// The whole page about sources for these numbers of ranks.
pub fn page(size: u32, subjects: &[Subject]) -> String {
    written(size, subjects, SCRIPT, html::ALONE, |_| {})
}

/// The same page for a server that sends an event at `/changes` when the files change: the page then reloads its content. It has
/// a slider for the size, and a slider, a switch or a field for each of these parameters.
pub fn live(size: u32, subjects: &[Subject], parameters: &[Parameter]) -> String {
    let script = format!("{SCRIPT}{LIVE}");
    written(size, subjects, &script, html::SERVED, |html| controls::controls(html, size, parameters))
}

fn written(
    size: u32,
    subjects: &[Subject],
    script: &str,
    connect: &str,
    controls: impl FnOnce(&mut Html),
) -> String {
    let mut html = Html::new();
    html.head(&parts::title(subjects), STYLE, script, connect);
    parts::top(&mut html, size, subjects);
    controls(&mut html);
    html.open("main", "");
    for (number, subject) in subjects.iter().enumerate() {
        parts::subject(&mut html, number, subject);
    }
    html.close("main");
    html.data(&Document::new(size, subjects));
    html.script(script);
    html.end()
}

impl Subject {
    /// A source that cannot even be read.
    pub fn refused(file: &str, diagnostics: Vec<Value>) -> Self {
        Self {
            file: file.to_string(),
            source: None,
            equations: vec![],
            local_size: 1,
            topologies: vec![],
            analysis: None,
            plan: None,
            sweep: None,
            training: None,
            gantt: None,
            diagnostics,
        }
    }
}

/// The text that a request compiles.
pub fn source_text(request: &Request) -> Option<String> {
    match &request.entry {
        Entry::Source { text, .. } | Entry::Expression(text) => Some(text.clone()),
        Entry::Library(name) => bfc_compiler::library::source(name).map(str::to_string),
    }
}
