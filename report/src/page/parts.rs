//! The parts of a page, from top to bottom.

use super::Subject;
use super::document::lines;
use super::html::Html;
use crate::analysis::{self, numbers};
use crate::compilation::Compilation;
use crate::picture::{self, MOST_NODES, MOST_PHASES, Scene, escape};
use crate::words::count;
use crate::{sweep, training};
use bfc_compiler::Analysis;
use bfc_compiler::prove::Check;
use serde_json::Value;

/// Messages of phases that are also shown side by side; of more, nothing could be told apart.
const MOST_MESSAGES: usize = 1200;

/// The title of a page.
pub fn title(subjects: &[Subject]) -> String {
    let files: Vec<&str> = subjects.iter().map(|subject| &*subject.file).collect();
    format!("{} – bfc report", files.join(", "))
}

/// The heading, and links to the files.
pub fn top(html: &mut Html, size: u32, subjects: &[Subject]) {
    html.open("header", "");
    html.element("h1", "", &format!("Schedules on {}", count(size.into(), "rank")));
    html.open("nav", "aria-label=\"Files\"");
    for (number, subject) in subjects.iter().enumerate() {
        html.element("a", &format!("href=\"#file-{number}\""), &subject.file);
    }
    html.close("nav");
    html.close("header");
}

/// Everything about one source.
pub fn subject(html: &mut Html, number: usize, subject: &Subject) {
    html.open("article", &format!("id=\"file-{number}\" data-file=\"{number}\""));
    html.element("h2", "", &subject.file);
    diagnostics(html, &subject.diagnostics);
    summary(html, subject);
    let source = subject.source.as_deref();
    let checks = match (&subject.plan, &subject.analysis) {
        (Some(plan), _) => &plan.report.checks[..],
        (None, Some(analysis)) => &analysis.checks[..],
        (None, None) => &[],
    };
    if let Some(found) = &subject.training {
        figure(html, "training", "Training", &training::svg(found));
        html.lines("pre", "tabindex=\"0\"", &training::text(found));
    }
    if let Some(gantt) = &subject.gantt {
        figure(html, "timeline", "Timeline of some steps", &picture::gantt(gantt));
    }
    proofs(html, checks, source);
    for (index, topology) in subject.topologies.iter().enumerate() {
        topology_part(html, index, &Scene::new(topology, subject.local_size));
    }
    if let Some(plan) = &subject.plan {
        let chart = picture::schedule(&subject.file, &plan.schedule);
        figure(html, "schedule", "Schedule: ranks and rounds", &chart);
        if let Some(prediction) = &plan.prediction {
            figure(
                html,
                "prediction",
                "Predicted time of a step",
                &picture::prediction(&subject.file, prediction),
            );
        }
    }
    if let Some(found) = &subject.analysis {
        if found.consensus_error.is_some() {
            let curve = analysis::svg(&subject.file, found);
            figure(html, "consensus", "Consensus error and its bound", &curve);
        }
        figure(html, "spectrum", "Eigenvalues", &picture::spectrum(&subject.file, found));
    }
    if let Some(found) = &subject.sweep {
        let chosen = subject.analysis.as_ref().map(|analysis| f64::from(analysis.size));
        figure(html, "sweep", "Other numbers of ranks", &sweep::svg_marked(found, chosen));
    }
    if let Some(found) = &subject.analysis {
        numbers_part(html, found);
    }
    equations(html, &subject.equations);
    program(html, subject);
    if let Some(source) = source {
        source_part(html, source, subject);
    }
    html.close("article");
}

fn diagnostics(html: &mut Html, diagnostics: &[Value]) {
    if diagnostics.is_empty() {
        return;
    }
    html.open("section", "class=\"diagnostics\" role=\"alert\"");
    html.element("h3", "", "Refused");
    for one in diagnostics {
        html.open("div", "class=\"diagnostic\"");
        let text = |key: &str| one[key].as_str().unwrap_or_default();
        html.element("p", "class=\"message\"", text("message"));
        for label in one["labels"].as_array().into_iter().flatten() {
            if let Some(line) = label["line"].as_u64() {
                let (file, said) =
                    (label["file"].as_str().unwrap_or_default(), label["text"].as_str().unwrap_or_default());
                html.element(
                    "p",
                    &format!("class=\"place\" data-line=\"{line}\""),
                    &format!("{file}, line {line}: {said}"),
                );
            }
        }
        if !text("help").is_empty() {
            html.element("p", "class=\"help\"", &format!("help: {}", text("help")));
        }
        html.element("p", "class=\"code\"", text("code"));
        html.close("div");
    }
    html.close("section");
}

/// What `bfc check` prints first.
fn summary(html: &mut Html, subject: &Subject) {
    let Some(plan) = &subject.plan else { return };
    html.open("section", "class=\"summary\"");
    html.element("h3", "", "At a glance");
    html.open("table", "");
    for (about, line) in Compilation::planned(plan, None).lines() {
        html.raw(&format!("<tr><th scope=\"row\">{about}</th><td>{}</td></tr>\n", escape(&line)));
    }
    html.close("table");
    for warning in &plan.report.warnings {
        html.element("p", "class=\"warning\"", &format!("warning: {warning}"));
    }
    for note in &plan.report.notes {
        html.element("p", "class=\"note\"", &format!("note: {note}"));
    }
    html.close("section");
}

fn proofs(html: &mut Html, checks: &[Check], source: Option<&str>) {
    if checks.is_empty() {
        return;
    }
    html.open("section", "class=\"proofs\"");
    html.element("h3", "", "Proofs");
    html.open("div", "class=\"wide\"");
    html.raw("<table><thead><tr><th></th><th>by</th><th>claim</th><th>verdict</th><th>evidence</th></tr></thead>\n");
    for check in checks {
        let (mark, class) = if check.holds() { ("✓", "holds") } else { ("✗", "fails") };
        let line = source.and_then(|source| line_of(check, source));
        let line = line.map(|line| format!(" data-line=\"{line}\"")).unwrap_or_default();
        html.raw(&format!(
            "<tr class=\"{class}\"{line}><td>{mark}</td><td>{}</td><td><code>{}</code></td><td>{}</td><td>{}</td></tr>\n",
            escape(&format!("{} {}", check.item, check.role.word())),
            escape(check.text()),
            escape(&check.verdict.word()),
            escape(check.verdict.evidence()),
        ));
    }
    html.close("table");
    html.close("div");
    html.close("section");
}

/// The line of a claim of the source itself, from 1.
fn line_of(check: &Check, source: &str) -> Option<usize> {
    lines(source, check.claim.span).map(|[first, _]| first)
}

fn topology_part(html: &mut Html, index: usize, scene: &Scene) {
    let phases = scene.phases.len().min(MOST_PHASES);
    html.open("section", &format!("class=\"topology\" data-topology=\"{index}\""));
    html.element("h3", "", &format!("Topology {}", scene.name));
    if phases > 1 {
        html.raw(&format!(
            "<div class=\"controls\"><button type=\"button\" class=\"play\" aria-pressed=\"false\">Play</button>\n\
             <label>Phase <input type=\"range\" class=\"phase-slider\" min=\"0\" max=\"{}\" value=\"0\"></label>\n\
             <output aria-live=\"polite\">0</output></div>\n",
            phases - 1
        ));
    }
    if scene.size() <= MOST_NODES {
        html.raw(&format!(
            "<div class=\"controls\"><label>Rank <input type=\"number\" class=\"rank-choice\" min=\"0\" max=\"{}\"></label>\n\
             <p class=\"row\" aria-live=\"polite\">Point at a rank, or give its number, to see its row and column.</p></div>\n",
            scene.size() - 1
        ));
    }
    html.open("figure", "class=\"drawing\"");
    html.raw(&picture::animation(scene, scene.layout()));
    html.close("figure");
    if phases > 1 && scene.messages() <= MOST_MESSAGES {
        html.raw("<details><summary>All phases</summary>\n");
        html.open("figure", "class=\"phases\"");
        html.raw(&picture::topology(scene, scene.layout()));
        html.close("figure");
        html.close("details");
    }
    html.open("figure", "class=\"matrix\"");
    html.raw(&picture::matrix(scene));
    html.close("figure");
    html.close("section");
}

fn figure(html: &mut Html, class: &str, heading: &str, svg: &str) {
    html.open("section", &format!("class=\"{class}\""));
    html.element("h3", "", heading);
    html.open("figure", "");
    html.raw(svg);
    html.close("figure");
    html.close("section");
}

fn numbers_part(html: &mut Html, analysis: &Analysis) {
    html.open("section", "class=\"numbers\"");
    html.element("h3", "", "Numbers");
    html.open("div", "class=\"wide\"");
    html.raw("<table><thead><tr><th>number</th><th>value</th><th>method</th></tr></thead>\n");
    for (key, value) in numbers(analysis) {
        html.raw(&format!(
            "<tr data-key=\"{key}\"><th scope=\"row\">{key}</th><td>{}</td><td>{}</td></tr>\n",
            escape(&value.text()),
            escape(&analysis::method(analysis, key))
        ));
    }
    html.close("table");
    html.close("div");
    for note in &analysis.notes {
        html.element("p", "class=\"note\"", &format!("note: {note}"));
    }
    html.close("section");
}

fn equations(html: &mut Html, equations: &[String]) {
    if equations.is_empty() {
        return;
    }
    html.open("section", "class=\"equations\"");
    html.element("h3", "", "Equations");
    html.element(
        "p",
        "",
        "x is the value before a step, x⁺ the value after it; W is the mixing matrix of the step.",
    );
    html.open("div", "class=\"wide\"");
    equations.iter().for_each(|equation| html.raw(&format!("{equation}\n")));
    html.close("div");
    html.close("section");
}

fn program(html: &mut Html, subject: &Subject) {
    let Some(text) = subject.program() else { return };
    html.open("section", "class=\"program\"");
    html.element("h3", "", "The program that every rank runs");
    if text.contains(" begin ") {
        html.element("p", "", "Work between begin and finish of an exchange hides its communication.");
    }
    html.lines("pre", "tabindex=\"0\"", &text);
    html.close("section");
}

/// The source; lines have numbers, so that the script can highlight those of a claim or a diagnostic.
fn source_part(html: &mut Html, source: &str, subject: &Subject) {
    let faulty = |line: usize| {
        let labels =
            subject.diagnostics.iter().flat_map(|one| one["labels"].as_array().into_iter().flatten());
        let mut labels = labels.filter(|label| label["file"].as_str() == Some(&subject.file));
        labels.any(|label| label["line"].as_u64() == Some(line as u64))
    };
    html.open("section", "class=\"source\"");
    html.element("h3", "", "Source");
    html.raw("<pre tabindex=\"0\">");
    for (number, line) in source.lines().enumerate() {
        let class = if faulty(number + 1) { "line faulty" } else { "line" };
        html.raw(&format!("<span class=\"{class}\" data-line=\"{}\">{}\n</span>", number + 1, escape(line)));
    }
    html.raw("</pre>\n");
    html.close("section");
}
