//! `bfc compare`: several analyses side by side, and what a step costs on a cluster.

use crate::arguments::{Compare, Format};
use crate::failure::Failure;
use crate::predict::Place;
use crate::{input, output, progress};
use bfc_compiler::Assumptions;
use bfc_predict::compare as compared;
use bfc_report::comparison;

/// Analyzes each file, and reports.
///
/// # Errors
/// A file cannot be read or is refused, or the cluster has too few machines.
pub fn compare(arguments: &Compare, format: Format) -> Result<(), Failure> {
    let place = Place::new(&arguments.location, false)?;
    let request =
        |file: &String| Ok((file.clone(), input::request(file, arguments.size, &arguments.settings)?));
    let requests = arguments.files.iter().map(request).collect::<Result<Vec<_>, Failure>>()?;
    let assumptions = Assumptions { curvature: arguments.curvature.0, ..Assumptions::default() };
    let (files, location) = (&input::Beside, place.location());
    let found = compared(arguments.size, &requests, files, assumptions, location, &mut progress::Bar)?;
    output::show(format, &found, || comparison::text(&found))
}
