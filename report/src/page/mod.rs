//! One HTML file that shows sources with their proofs, schedules and pictures, for `bfc report`.
//!
//! The file asks no host for anything: styles, script, pictures and data are inside, and its content security policy names
//! them by their hashes, so that nothing else could run. Text from outside is escaped wherever it stands; the data is JSON
//! in which no `<` is left.

mod document;
mod html;
mod parts;

pub use document::Document;

use bfc_compiler::model::topology::Topology;
use bfc_compiler::{Analysis, Entry, Request};
use bfc_predict::{Plan, Sweep};
use html::Html;
use serde_json::Value;

/// How every page begins.
pub const PAGE_HEAD: &str = "<!doctype html>\n<html lang=\"en\" data-page=\"bfc-report\">\n";

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// What is known of one source. What its refusal leaves unknown is absent.
#[derive(Clone, Debug)]
pub struct Subject {
    /// What the source is called.
    pub file: String,
    /// Its text.
    pub source: Option<String>,
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
    /// Why it is refused, as [`diagnostic_json`](crate::diagnostic_json) says it.
    pub diagnostics: Vec<Value>,
}

/// The whole page about sources for these numbers of ranks.
pub fn page(size: u32, subjects: &[Subject]) -> String {
    let document = Document::new(size, subjects);
    let mut html = Html::new();
    html.head(&parts::title(subjects), STYLE, SCRIPT);
    parts::top(&mut html, size, subjects);
    html.open("main", "");
    for (number, subject) in subjects.iter().enumerate() {
        parts::subject(&mut html, number, subject);
    }
    html.close("main");
    html.data(&document);
    html.script(SCRIPT);
    html.end()
}

/// The text that a request compiles.
pub fn text_of(request: &Request) -> Option<String> {
    match &request.entry {
        Entry::Source { text, .. } => Some(text.clone()),
        Entry::Library(name) => bfc_compiler::library::source(name).map(str::to_string),
        Entry::Expression(text) => Some(text.clone()),
    }
}
