//! `bfc analyze`: what is known of a topology, at one size or many.

use crate::arguments::{self, Format, Sizes};
use crate::failure::Failure;
use crate::{input, output};
use bfc_compiler::Detail;
use bfc_predict::{Silent, sweep};
use bfc_report::analysis;
use std::ops::RangeInclusive;

/// Reports what is known of a topology, at one size or a range of them.
///
/// # Errors
/// The source cannot be read, or has no topology at this size.
pub fn analyze(arguments: &arguments::Analyze, format: Format) -> Result<(), Failure> {
    let size = match &arguments.size {
        Sizes::One(size) => *size,
        Sizes::Range(sizes) => return range(arguments, sizes.clone(), format),
    };
    let request = input::request(&arguments.file, size, &arguments.settings)?;
    let assumptions = arguments.assumptions();
    let found = bfc_compiler::analyze_on(&request, &input::Beside, assumptions, Detail::Curves)?;
    if let Some(directory) = &arguments.out {
        let picture = analysis::svg(&arguments.file, &found);
        output::write_results(directory, ("analysis.json", &found), ("consensus.svg", &picture))?;
    }
    output::show(format, &found, || analysis::text(&found))
}

/// Analyzes every size of a range.
fn range(arguments: &arguments::Analyze, sizes: RangeInclusive<u32>, format: Format) -> Result<(), Failure> {
    if let Some(directory) = &arguments.out {
        output::check_directory(directory)?;
    }
    let request = input::request(&arguments.file, *sizes.start(), &arguments.settings)?;
    let sizes: Vec<u32> = sizes.collect();
    let assumptions = arguments.assumptions();
    let found = sweep(&arguments.file, &request, &input::Beside, &sizes, assumptions, &mut Silent)?;
    if let Some(directory) = &arguments.out {
        let picture = bfc_report::sweep::svg(&found);
        output::write_results(directory, ("analysis.json", &found), ("convergence.svg", &picture))?;
    }
    output::show(format, &found, || bfc_report::sweep::text(&found))
}
