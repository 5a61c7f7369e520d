//! The schedules that reach a goal, the fastest first.

use crate::table::Table;
use crate::words::hundredths;
use bfc_predict::Advice;
use bfc_predict::advise::ByAllReduce;
use bfc_predict::units::{shown_bytes, shown_seconds};

/// Choices that are shown.
const SHOWN: usize = 10;

/// The verdict, a line for each choice and for all-reduce, then what was left out.
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
    let by_allreduce = allreduce_row(&advice.allreduce);
    let faster = |seconds: f64| advice.allreduce.seconds.is_some_and(|by| by <= seconds);
    let before = advice.ranking.iter().take(SHOWN).take_while(|choice| !faster(choice.seconds)).count();
    for (place, choice) in advice.ranking.iter().take(SHOWN).enumerate() {
        if place == before {
            table.add_row(by_allreduce.clone());
        }
        table.add_row([
            format!("{}{}", place + 1, if choice.pareto { " ●" } else { "" }),
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
    if before == advice.ranking.len().min(SHOWN) {
        table.add_row(by_allreduce);
    }
    table.align_right(2..8);
    let verdict = advice.verdict().map(|verdict| format!("{verdict}\n\n")).unwrap_or_default();
    let mut text = format!("{}\n\n{verdict}{}\n", advice.title(), table.text());
    if let Some(more) = advice.ranking.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        text.push_str(&format!("and {more} more; `--format json` lists all\n"));
    }
    text.push_str("\n● no other has both fewer steps and shorter ones\n");
    if advice.ranking.iter().any(|choice| !choice.proved) {
        text.push_str("`stable` is proved for the first; the rates of the others are estimates\n");
    }
    if !advice.left_out.is_empty() {
        let mut table = Table::new();
        table.set_header(["left out", "why"]);
        advice.left_out.iter().for_each(|one| table.add_row([&one.topology, &one.reason.to_string()]));
        text.push_str(&format!("\n{}\n", table.text()));
    }
    text
}

/// All-reduce as a line of the table.
fn allreduce_row(by: &ByAllReduce) -> [String; 9] {
    let unknown = || "–".to_string();
    [
        String::new(),
        format!("all-reduce ({})", by.kind),
        by.seconds.map_or_else(unknown, shown_seconds),
        by.steps.map_or_else(unknown, |steps| steps.to_string()),
        shown_seconds(by.step_seconds),
        String::new(),
        String::new(),
        String::new(),
        format!("one takes {}", shown_seconds(by.seconds_of_one)),
    ]
}
