//! `bfc compile` and `bfc check`: a source becomes a proved schedule.

use crate::arguments::{self, Format, Source};
use crate::failure::{CliError, Failure};
use crate::output::Kind;
use crate::predict::Place;
use crate::{input, output};
use bfc_predict::plan;
use bfc_report::compilation::{Compilation, Written};
use bfc_schedule::format::MAGIC;
use std::path::Path;

/// The file that is written where none is named.
const OUTPUT: &str = "sched.bin";

const SCHEDULE: Kind = Kind { name: "a schedule", heads: &[&MAGIC], flag: "-o" };

/// Compiles a schedule and writes it to a file.
///
/// # Errors
/// The source cannot be read or is refused, or the file cannot be written.
pub fn compile(arguments: &arguments::Compile, format: Format) -> Result<(), Failure> {
    let named = arguments.output.as_deref();
    let piped = named == Some(Path::new("-"));
    if piped && format == Format::Json {
        return Err(CliError::StandardOutputTwice.into());
    }
    let path = named.unwrap_or(Path::new(OUTPUT));
    let replaces = !piped && output::replaces(path, SCHEDULE)? && named.is_none();
    let Source { file, size, settings } = &arguments.source;
    let request = input::request(file, *size, settings)?;
    let place = Place::new(&arguments.location, arguments.placing.place)?;
    let plan = plan(&request, &input::Beside, place.location())?;
    let bytes = plan.schedule.encode();
    if piped {
        return output::print_bytes(&bytes);
    }
    output::write_file(path, &bytes)?;
    let written = Written {
        digest: plan.schedule.digest().to_string(),
        file: path.display().to_string(),
        bytes: bytes.len(),
        replaced: replaces,
    };
    show(&Compilation::planned(&plan, Some(written)), format)?;
    if replaces && format == Format::Human {
        output::say(&format!("the schedule that was in {OUTPUT} is replaced; `-o FILE` names another file"));
    }
    Ok(())
}

/// Checks a source and writes nothing.
///
/// # Errors
/// The source cannot be read or is refused.
pub fn check(arguments: &arguments::Check, format: Format) -> Result<(), Failure> {
    let request = input::request(&arguments.file, arguments.size, &arguments.settings)?;
    let place = Place::new(&arguments.location, arguments.placing.place)?;
    if let Some(location) = place.location() {
        let plan = plan(&request, &input::Beside, Some(location))?;
        return show(&Compilation::planned(&plan, None), format);
    }
    let report = bfc_compiler::check(&request, &input::Beside)
        .map_err(|refused| bfc_compiler::suggest(&request, &input::Beside, refused))?;
    show(&Compilation::checked(&report), format)
}

fn show(compilation: &Compilation, format: Format) -> Result<(), Failure> {
    output::show(format, compilation, || compilation.text())
}
