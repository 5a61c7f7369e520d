//! `bfc trace` and `bfc why-stuck`: what ranks left in a directory becomes a timeline, or who waits for whom.

pub mod arguments;
mod steps;
mod timeline;
mod why_stuck;

pub use why_stuck::why_stuck;

use crate::arguments::Format;
use crate::failure::Failure;
use crate::output::{self, path};
use arguments::{Merge, Trace};
use bfc_predict::units::shown_seconds;
use bfc_report::gantt::Gantt;
use bfc_report::write_json;
use bfc_runtime::TraceError;
use bfc_runtime::trace::read;
use serde_json::json;
use std::path::Path;
use timeline::Timeline;

const TIMELINE: output::Kind =
    output::Kind { name: "a timeline of `bfc trace merge`", heads: &[timeline::HEAD], flag: "-o" };

impl From<TraceError> for Failure {
    fn from(error: TraceError) -> Self {
        match error {
            TraceError::Unreadable { .. } | TraceError::NoRecordings { .. } => Self::usage(error),
            other => Self::refused_by(other),
        }
    }
}

/// Does what is asked with traces.
///
/// # Errors
/// The traces are refused, or the timeline cannot be written.
pub fn trace(arguments: &Trace, format: Format) -> Result<(), Failure> {
    match arguments {
        Trace::Merge(arguments) => merge(arguments, format),
    }
}

/// The chart of some steps of the run whose traces are in this directory; none where no step is whole.
///
/// # Errors
/// The traces are refused.
pub fn gantt(directory: &Path) -> Result<Option<Gantt>, Failure> {
    Ok(steps::steps(&Timeline::new(&read(directory)?)?))
}

fn merge(Merge { directory, output }: &Merge, format: Format) -> Result<(), Failure> {
    let recordings = read(directory)?;
    let timeline = Timeline::new(&recordings)?;
    if output == Path::new("-") {
        return output::print_json(&timeline.document);
    }
    output::replaces(output, TIMELINE)?;
    let mut bytes = vec![];
    write_json(&mut bytes, &timeline.document).expect("writing to memory succeeds");
    output::write_file(output, &bytes)?;
    let Timeline { ranks, size, events, lost, messages, uncertainty, backwards, .. } = timeline;
    let document = json!({
        "file": output.to_string_lossy(),
        "ranks": ranks,
        "size": size,
        "events": events,
        "lost_events": lost,
        "messages": messages,
        "clock_uncertainty_seconds": uncertainty.as_secs_f64(),
        "clock_drift_seconds": backwards.as_secs_f64(),
    });
    output::show(format, &document, || {
        let seconds = |time: std::time::Duration| shown_seconds(time.as_secs_f64());
        let mut text = format!(
            "file     {}, for ui.perfetto.dev\nranks    {ranks} of {size}\nevents   {events}, {lost} older ones were written over\n\
             arrows   {messages} messages\nclocks   agree to {}\n",
            path(output),
            seconds(uncertainty)
        );
        if !backwards.is_zero() {
            text += &format!(
                "warning: messages arrive up to {} before they are sent: the clocks have drifted apart since they were compared; \
                 `trace_to` compares them anew\n",
                seconds(backwards)
            );
        }
        text
    })
}
