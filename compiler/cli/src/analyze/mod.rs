//! `bfc analyze`: what is known of a topology, at one size or many, or with many values of a parameter.

mod simulated;

pub use simulated::{Analyzed, STEP_SIZE, Simulated};

use crate::arguments::{self, BadRange, Format, Settings, Sizes};
use crate::failure::{CliError, Failure};
use crate::output::{Kind, Results};
use crate::{input, output, progress};
use bfc_predict::{Axis, Silent, sweep};
use bfc_report::analysis;

/// An analysis, or those of a range of sizes.
const ANALYSIS: Kind = Kind {
    name: "a result of `bfc analyze`",
    heads: &[b"{\n  \"size\": ", b"{\n  \"file\": "],
    flag: "--out",
};

/// Reports what is known of a topology, at one size or a range of them.
///
/// # Errors
/// The source cannot be read, or has no topology at this size.
pub fn analyze(arguments: &arguments::Analyze, format: Format) -> Result<(), Failure> {
    let size = match (&arguments.size, arguments.settings.range()) {
        (Sizes::One(size), None) => *size,
        (Sizes::One(size), Some(values)) => return along(&values?, *size, arguments, format),
        (Sizes::Range(sizes), None) => {
            return along(&Axis::Sizes(sizes.clone().collect()), *sizes.start(), arguments, format);
        }
        (Sizes::Range(_), Some(_)) => return Err(one_range("give one number of ranks, or one value")),
    };
    let results = results(arguments, "consensus.svg")?;
    let request = input::request(&arguments.file, size, &arguments.settings)?;
    let (assumptions, simulated) = (arguments.assumptions(), arguments.simulated.as_deref());
    progress::wait("analyzing");
    let found = Analyzed::new(&request, &input::Beside, assumptions, simulated, &Silent);
    progress::clear();
    let found = found?;
    if let Some(results) = results {
        results.write(&found, &analysis::svg(&arguments.file, &found.analysis))?;
    }
    output::show(format, &found, || found.text())
}

fn one_range(help: &str) -> Failure {
    let message = "several ranges: an analysis goes along one axis".to_string();
    CliError::Usage { message, help: Some(help.to_string()) }.into()
}

/// Analyzes at every point of an axis.
fn along(axis: &Axis, size: u32, arguments: &arguments::Analyze, format: Format) -> Result<(), Failure> {
    if arguments.simulated.is_some() {
        let message =
            "`--simulated` runs a schedule of one size, with one value of each parameter".to_string();
        return Err(
            CliError::Usage { message, help: Some("give one size, such as `--size 8`".into()) }.into()
        );
    }
    let results = results(arguments, "convergence.svg")?;
    let mut request = input::request(&arguments.file, size, &arguments.settings)?;
    request.parameters.retain(|(_, value)| arguments::range(value).is_none());
    let assumptions = arguments.assumptions();
    let found = sweep(&arguments.file, &request, &input::Beside, axis, assumptions, &mut progress::Bar)?;
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

impl Settings {
    /// The parameter that has a range of values, if one has.
    fn range(&self) -> Option<Result<Axis, Failure>> {
        let ranges = self.parameters.iter();
        let mut ranges = ranges.filter_map(|(name, value)| Some((name, arguments::range(value)?)));
        let (name, values) = ranges.next()?;
        Some(match ranges.next() {
            None => values
                .map(|values| Axis::Values(name.clone(), values.map(|value| value.to_string()).collect()))
                .map_err(|BadRange { message, remedy }| {
                    CliError::Usage { message, help: Some(remedy) }.into()
                }),
            Some(_) => Err(one_range("give all parameters but one a single value")),
        })
    }
}
