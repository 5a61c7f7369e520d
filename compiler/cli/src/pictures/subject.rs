//! What a page shows of a source.

use super::equations::equations;
use crate::failure::Failure;
use crate::progress;
use bfc_compiler::{Assumptions, Files, Request};
use bfc_predict::{Axis, Location, Overview, sweep};
use bfc_report::diagnostic_json;
use bfc_report::page::{self, Subject};
use serde_json::Value;
use std::ops::RangeInclusive;

/// What is known of a source, and why it is refused if it is; `sizes` are swept as well.
pub fn subject(
    file: &str,
    request: &Request,
    files: &dyn Files,
    location: Option<Location<'_>>,
    sizes: Option<RangeInclusive<u32>>,
) -> (Subject, Option<Failure>) {
    let assumptions = Assumptions::default();
    let Overview { topologies, analysis, plan } = Overview::new(request, files, location, assumptions);
    let swept = sizes.map(|sizes| {
        let axis = Axis::Sizes(sizes.collect());
        sweep(file, request, files, &axis, assumptions, &mut progress::Bar).map_err(Failure::from)
    });
    let (sweep, swept) = split(swept.transpose());
    let (plan, refused) = match plan {
        Ok(plan) => (Some(plan), swept),
        Err(refused) => (None, Some(Failure::from(refused))),
    };
    let diagnostics: Vec<Value> = refused.iter().flat_map(Failure::reports).map(diagnostic_json).collect();
    let source = page::source_text(request);
    let algorithm = plan.as_ref().filter(|plan| !plan.report.only_averages);
    let equations =
        algorithm.map(|plan| equations(source.as_deref().unwrap_or_default(), &plan.report.algorithm));
    let subject = Subject {
        file: file.to_string(),
        source,
        equations: equations.unwrap_or_default(),
        local_size: plan.as_ref().map_or(request.local_size, |plan| plan.schedule.local_size()),
        topologies,
        analysis,
        plan,
        sweep: sweep.flatten(),
        training: None,
        gantt: None,
        diagnostics,
    };
    (subject, refused)
}

fn split<T>(result: Result<T, Failure>) -> (Option<T>, Option<Failure>) {
    match result {
        Ok(found) => (Some(found), None),
        Err(failure) => (None, Some(failure)),
    }
}
