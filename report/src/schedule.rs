//! A compiled schedule: its program, and for each phase who sends to whom in which round.

use crate::picture::{self, Scene};
use crate::table::Table;
use crate::words::number;
use bfc_schedule::inspect::{NAMES, rank_name};
use bfc_schedule::{MixingMatrix, Rank, RankPlan, Rational, Schedule};
use std::fmt::Write;

/// Ranks that are shown unless one is named.
const SHOWN_RANKS: u32 = 16;
/// Phases of a topology that are shown.
const SHOWN_PHASES: usize = 24;
/// Rounds of a phase that are shown.
const SHOWN_ROUNDS: u32 = 4;

/// The most bytes of [`html`].
const MOST_HTML: usize = 300_000;

/// The pictures of a schedule for a notebook: its topologies, its rounds and its matrices, as many as fit into 300 kB.
pub fn html(schedule: &Schedule) -> String {
    let named = schedule.metadata()[NAMES].as_array().into_iter().flatten();
    let names: Vec<String> = named.map(|name| name.as_str().unwrap_or_default().to_string()).collect();
    // Names are those of the source; in a schedule that was placed, other ranks have them.
    let names = if schedule.metadata()["placement"].is_null() { names } else { vec![] };
    let phases: Vec<Vec<MixingMatrix>> = schedule
        .topologies()
        .iter()
        .map(|topology| topology.phases.iter().map(|phase| phase.matrix.clone()).collect())
        .collect();
    let local_size = schedule.local_size();
    let scene: Vec<Scene> = schedule
        .topologies()
        .iter()
        .zip(&phases)
        .map(|(topology, phases)| Scene { name: &topology.name, phases, names: &names, local_size })
        .collect();
    let mut pictures: Vec<String> =
        scene.iter().map(|scene| picture::topology(scene, scene.layout())).collect();
    pictures.push(picture::schedule(&schedule.program().name, schedule));
    pictures.extend(scene.iter().map(picture::matrix));
    let mut html = String::new();
    for picture in pictures {
        let figure = format!("<figure>\n{picture}</figure>\n");
        if html.len() + figure.len() <= MOST_HTML {
            html.push_str(&figure);
        }
    }
    html
}

/// The schedule, or one rank's part of it, which must be in range.
pub fn text(schedule: &Schedule, only: Option<Rank>) -> String {
    let names: Vec<&str> = schedule.topologies().iter().map(|topology| &*topology.name).collect();
    let mut text = format!("{}\n{}", head(schedule), bfc_schedule::text::program(schedule.program(), &names));
    let ranks: Vec<Rank> = match only {
        Some(rank) => vec![rank],
        None => (0..schedule.size().min(SHOWN_RANKS)).map(Rank).collect(),
    };
    for topology in schedule.topologies() {
        let period = topology.phases.len();
        for (number, phase) in topology.phases.iter().enumerate().take(SHOWN_PHASES) {
            let _ = writeln!(text, "\n{}, phase {number} of {period}", topology.name);
            let _ = writeln!(
                text,
                "{}",
                phase_table(schedule, &ranks, phase.plan.rounds(), |rank| phase.plan.rank(rank))
            );
        }
        more(&mut text, period.saturating_sub(SHOWN_PHASES), "phases");
    }
    if only.is_none() && !schedule.topologies().is_empty() {
        more(&mut text, schedule.size() as usize - ranks.len(), "ranks; `--rank I` shows one");
    }
    text
}

fn head(schedule: &Schedule) -> String {
    let mut table = Table::new();
    table.add_row(["ranks", &schedule.size().to_string()]);
    table.add_row(["ranks per machine", &schedule.local_size().to_string()]);
    if let Some(average) = schedule.average() {
        let rounds = average.reduce.len() + average.gather.len();
        table.add_row(["average", &format!("{rounds} rounds of slices")]);
    }
    for allowed in schedule.overrides() {
        table.add_row(["allowed", allowed]);
    }
    if let Some(placed) = placement(schedule) {
        table.add_row(["placed", &placed]);
    }
    table.add_row(["digest", &schedule.digest().to_string()]);
    table.text() + "\n"
}

/// Which ranks of the source the ranks are, where `--place` has moved them.
fn placement(schedule: &Schedule) -> Option<String> {
    let metadata = schedule.metadata();
    let ranks = metadata["placement"].as_array()?;
    let shown: Vec<String> = ranks.iter().take(SHOWN_RANKS as usize).map(ToString::to_string).collect();
    let more = if ranks.len() > shown.len() { " …" } else { "" };
    let cluster = metadata["cluster"].as_str().unwrap_or_default();
    Some(format!("for {cluster}: ranks {}{more} of the source", shown.join(" ")))
}

fn more(text: &mut String, hidden: usize, what: &str) {
    if hidden > 0 {
        let _ = writeln!(text, "\nand {hidden} more {what}");
    }
}

/// A line for each rank: what it keeps of its own, and for each round to whom it sends and from whom it takes how much.
fn phase_table(schedule: &Schedule, ranks: &[Rank], rounds: u32, plan: impl Fn(Rank) -> RankPlan) -> String {
    let name = |rank: Rank| rank_name(schedule, rank);
    let mut table = Table::new();
    let heading = ["rank".to_string(), "self".to_string()];
    let shown = rounds.min(SHOWN_ROUNDS);
    let hidden = (rounds > shown).then(|| format!("and {} more", rounds - shown));
    let names = (0..shown).map(|round| format!("round {round}"));
    table.set_header(heading.into_iter().chain(names).chain(hidden));
    for &rank in ranks {
        let plan = plan(rank);
        let mut cells = vec![String::new(); shown as usize];
        for action in plan.actions.iter().filter(|action| action.round < shown) {
            let sent = action.send_to.map(|to| format!("→{}", name(to)));
            let received =
                action.receive.as_ref().map(|(from, taken)| format!("←{} × {}", name(*from), weight(taken)));
            cells[action.round as usize] = sent.into_iter().chain(received).collect::<Vec<_>>().join("  ");
        }
        table.add_row([name(rank), weight(&plan.self_weight)].into_iter().chain(cells));
    }
    table.text()
}

/// The exact weight where it is short, else six digits.
fn weight(weight: &Rational) -> String {
    if weight.bits() <= 40 { weight.to_string() } else { number(weight.to_f64()) }
}
