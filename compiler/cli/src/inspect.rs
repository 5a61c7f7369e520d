//! `bfc inspect`: a compiled schedule is verified and shown.

use crate::arguments::{self, Format};
use crate::failure::{CliError, Failure};
use crate::{input, output};
use bfc_schedule::Rank;
use bfc_schedule::inspect::Inspection;

/// Shows the phases, rounds and weights of a schedule.
///
/// # Errors
/// The file cannot be read or is refused, or it has no such rank.
pub fn inspect(arguments: &arguments::Inspect, format: Format) -> Result<(), Failure> {
    let schedule = input::schedule(&arguments.file)?;
    let rank = arguments.rank.map(Rank);
    if let Some(rank) = rank.filter(|rank| rank.0 >= schedule.size()) {
        return Err(CliError::UnknownRank { rank: rank.0, size: schedule.size() }.into());
    }
    let inspection = Inspection { schedule: &schedule, rank };
    output::show(format, &inspection, || bfc_report::schedule::text(&schedule, rank))
}
