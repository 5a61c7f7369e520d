//! `bfc advise`: the schedules of the library and of a source, ranked by the predicted time to a target.

use super::arguments::Advise;
use super::clusters::cluster_for;
use crate::arguments::Format;
use crate::failure::{CliError, Failure};
use crate::progress::Bar;
use crate::{input, output};
use bfc_predict::Goal;
use bfc_predict::advise::bare_call;
use bfc_report::advice;
use std::path::Path;

/// Searches, ranks and reports.
///
/// # Errors
/// The cluster or the algorithm is not known, nothing reaches the target, or the file exists or cannot be written.
pub fn advise(arguments: &Advise, format: Format) -> Result<(), Failure> {
    if let Some(path) = &arguments.output {
        output::check_new_file(path)?;
    }
    let cluster = cluster_for(&arguments.cluster, &arguments.load)?;
    let algorithm = arguments.algorithm.as_deref();
    let source = arguments.file.as_deref().map(input::entry).transpose()?;
    if let (None, Some(name)) = (&source, algorithm) {
        input::library_name(&format!("algorithm::{}", bare_call(name).0))?;
    }
    let goal = Goal {
        size: arguments.size,
        cluster: &cluster,
        source: source.as_ref(),
        algorithm,
        model_bytes: arguments.load.model_bytes,
        error: arguments.error,
        heterogeneity: arguments.heterogeneity,
        curvature: arguments.curvature.0,
    };
    let found = bfc_predict::advise(&goal, &input::Beside, &mut Bar)?;
    if let (Some(path), Some(file)) = (&arguments.output, &arguments.file)
        && found.neighbours
        && path.parent() != Path::new(file).parent()
    {
        let message = format!("the source uses files beside `{}`", output::path(Path::new(file)));
        return Err(CliError::Usage { message, help: Some("write it into the same directory".into()) }.into());
    }
    if let Some(path) = &arguments.output {
        output::write_new_file(path, found.source.as_bytes())?;
    }
    output::show(format, &found, || advice::text(&found))?;
    if let (Format::Human, Some(best)) = (format, found.ranking.first()) {
        match &arguments.output {
            Some(path) => output::say(&format!("wrote {} into {}", best.topology, output::path(path))),
            None => output::say("`-o best.bf` writes the first as a source"),
        }
    }
    Ok(())
}
