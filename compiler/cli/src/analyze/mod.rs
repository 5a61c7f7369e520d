//! `bfc analyze`: what is known of a topology, at one size or many.

mod simulated;

use crate::arguments::{self, Format, Sizes};
use crate::failure::{CliError, Failure};
use crate::output::{Kind, Results};
use crate::{input, output};
use bfc_compiler::{Analysis, Detail, Request};
use bfc_predict::{Silent, sweep};
use bfc_report::analysis;
use serde::Serialize;
use simulated::{MAX_RANKS, Simulated};
use std::ops::RangeInclusive;

/// An analysis, or those of a range of sizes.
const ANALYSIS: Kind = Kind {
    name: "a result of `bfc analyze`",
    heads: &[b"{\n  \"size\": ", b"{\n  \"file\": "],
    flag: "--out",
};

/// An analysis, and what runs show.
#[derive(Serialize)]
struct WithRuns<'a> {
    #[serde(flatten)]
    analysis: &'a Analysis,
    #[serde(skip_serializing_if = "Option::is_none")]
    simulated: Option<&'a Simulated>,
}

/// Reports what is known of a topology, at one size or a range of them.
///
/// # Errors
/// The source cannot be read, or has no topology at this size.
pub fn analyze(arguments: &arguments::Analyze, format: Format) -> Result<(), Failure> {
    let size = match &arguments.size {
        Sizes::One(size) => *size,
        Sizes::Range(sizes) => return range(arguments, sizes.clone(), format),
    };
    let results = results(arguments, "consensus.svg")?;
    let request = input::request(&arguments.file, size, &arguments.settings)?;
    let simulated = match &arguments.simulated {
        Some(parameter) if size <= MAX_RANKS => Some(Simulated::new(&request, parameter)?),
        Some(_) => return Err(not_simulated(&format!("{MAX_RANKS} ranks at most"))),
        None => None,
    };
    let found = analyzed(&request, arguments, simulated.as_ref())?;
    if let Some(results) = results {
        results.write(&found, &analysis::svg(&arguments.file, &found))?;
    }
    let document = WithRuns { analysis: &found, simulated: simulated.as_ref() };
    output::show(format, &document, || {
        analysis::text(&found) + &simulated.as_ref().map(Simulated::text).unwrap_or_default()
    })
}

/// The analysis; where nothing is proved of the parameter that is simulated, with the value that runs show.
fn analyzed(
    request: &Request,
    arguments: &arguments::Analyze,
    simulated: Option<&Simulated>,
) -> Result<Analysis, Failure> {
    let analyze = |request: &Request| {
        bfc_compiler::analyze_on(request, &input::Beside, arguments.assumptions(), Detail::Curves)
    };
    let estimate = simulated.and_then(|found| Some((&found.parameter, found.best?)));
    match (analyze(request), estimate) {
        (Err(refused), Some((parameter, best)))
            if refused.errors().iter().all(|error| error.code == NO_BEST) =>
        {
            Ok(analyze(&simulated::with_value(request, parameter, best))?)
        }
        (found, _) => Ok(found?),
    }
}

/// The code where nothing is proved of a parameter that is to take the best value that is.
const NO_BEST: &str = "bfc::evaluate::no_best";

fn not_simulated(limit: &str) -> Failure {
    let message = format!("`--simulated` runs a schedule of {limit}");
    CliError::Usage { message, help: Some("give one size, such as `--size 8`".into()) }.into()
}

/// Analyzes every size of a range.
fn range(arguments: &arguments::Analyze, sizes: RangeInclusive<u32>, format: Format) -> Result<(), Failure> {
    if arguments.simulated.is_some() {
        return Err(not_simulated("one size"));
    }
    let results = results(arguments, "convergence.svg")?;
    let request = input::request(&arguments.file, *sizes.start(), &arguments.settings)?;
    let sizes: Vec<u32> = sizes.collect();
    let assumptions = arguments.assumptions();
    let found = sweep(&arguments.file, &request, &input::Beside, &sizes, assumptions, &mut Silent)?;
    if let Some(results) = results {
        results.write(&found, &bfc_report::sweep::svg(&found))?;
    }
    output::show(format, &found, || bfc_report::sweep::text(&found))
}

/// Where the results are written, if anywhere.
fn results<'a>(
    arguments: &'a arguments::Analyze,
    picture: &'static str,
) -> Result<Option<Results<'a>>, Failure> {
    arguments.out.as_deref().map(|out| Results::new(out, ANALYSIS, "analysis.json", picture)).transpose()
}
