//! `bfc analyze`: what is known of a topology, at one size or many.

mod simulated;

pub use simulated::{Analyzed, STEP_SIZE, Simulated};

use crate::arguments::{self, Format, Sizes};
use crate::failure::{CliError, Failure};
use crate::output::{Kind, Results};
use crate::{input, output};
use bfc_predict::{Silent, sweep};
use bfc_report::analysis;
use std::ops::RangeInclusive;

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
    let size = match &arguments.size {
        Sizes::One(size) => *size,
        Sizes::Range(sizes) => return range(arguments, sizes.clone(), format),
    };
    let results = results(arguments, "consensus.svg")?;
    let request = input::request(&arguments.file, size, &arguments.settings)?;
    let (assumptions, simulated) = (arguments.assumptions(), arguments.simulated.as_deref());
    let found = Analyzed::new(&request, &input::Beside, assumptions, simulated, &Silent)?;
    if let Some(results) = results {
        results.write(&found, &analysis::svg(&arguments.file, &found.analysis))?;
    }
    output::show(format, &found, || found.text())
}

/// Analyzes every size of a range.
fn range(arguments: &arguments::Analyze, sizes: RangeInclusive<u32>, format: Format) -> Result<(), Failure> {
    if arguments.simulated.is_some() {
        let message = "`--simulated` runs a schedule of one size".to_string();
        return Err(
            CliError::Usage { message, help: Some("give one size, such as `--size 8`".into()) }.into()
        );
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
