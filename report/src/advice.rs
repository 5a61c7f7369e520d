//! The schedules that reach a goal, the fastest first.

use crate::table::Table;
use crate::words::hundredths;
use bfc_predict::Advice;
use bfc_predict::units::{shown_bytes, shown_seconds};

/// Choices that are shown.
const SHOWN: usize = 10;

/// A line for each choice, then all-reduce and what was left out.
pub fn text(advice: &Advice) -> String {
    let mut table = Table::new();
    table.set_header([
        "",
        "topology",
        "time",
        "steps",
        "a step",
        "waiting",
        "sends a step",
        "rounds",
        "error",
    ]);
    for (place, choice) in (1..).zip(advice.ranking.iter().take(SHOWN)) {
        table.add_row([
            format!("{place}{}", if choice.pareto { " ●" } else { "" }),
            choice.topology.clone(),
            shown_seconds(choice.seconds),
            choice.steps.to_string(),
            shown_seconds(choice.step_seconds),
            shown_seconds(choice.exposed_seconds),
            shown_bytes(choice.bytes),
            hundredths(choice.rounds),
            choice.why.clone(),
        ]);
    }
    table.align_right(2..8);
    let mut text = format!("{}\n\n{}\n", advice.title(), table.text());
    if let Some(more) = advice.ranking.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        text.push_str(&format!("and {more} more; `--format json` lists all\n"));
    }
    text.push_str(&format!(
        "\n● no other has both fewer steps and shorter ones\none {} all-reduce of the model takes {}\n",
        advice.allreduce,
        shown_seconds(advice.allreduce_seconds)
    ));
    if !advice.left_out.is_empty() {
        let mut table = Table::new();
        table.set_header(["left out", "why"]);
        advice.left_out.iter().for_each(|one| table.add_row([&one.topology, &one.reason.to_string()]));
        text.push_str(&format!("\n{}\n", table.text()));
    }
    text
}
