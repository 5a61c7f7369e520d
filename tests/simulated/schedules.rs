//! Schedules to run: random weights over random edges, and the library's algorithms over its topologies.

use crate::Draws;
use bfc_compiler::{Entry, NoFiles, Request, compile};
use bfc_runtime::conformance::schedules as drafts;
use bfc_schedule::compression::LowRank;
use bfc_schedule::matrix::Row;
use bfc_schedule::{Phase, Rank, Rational, Schedule};
use std::collections::BTreeMap;
use std::sync::Mutex;

/// A program of each kind over random phases, or over neighbours in a row where it needs edges that go both ways.
pub fn random(draws: &mut Draws) -> (String, Schedule) {
    let size = 1 + draws.below(8) as u32;
    let (name, program) = draws.pick(&[
        ("averaging", drafts::averaging as fn() -> _),
        ("averaging", drafts::averaging),
        ("dgd", drafts::dgd),
        ("dgd", drafts::dgd),
        ("push_sum", drafts::push_sum),
        ("coded", drafts::coded),
        ("global averaging", drafts::global_averaging),
        ("relayed", drafts::relayed),
        ("compared", || drafts::compared(LowRank { rank: 2, rows: None })),
    ]);
    let phases = match name {
        "relayed" | "compared" => vec![drafts::path(size)],
        _ if draws.below(4) == 0 => drafts::one_peer(size),
        _ => (0..1 + draws.below(3)).map(|_| weights(size, draws)).collect(),
    };
    (
        format!("{name} over {} phases of {size}", phases.len()),
        drafts::schedule(program(), size, vec![phases]),
    )
}

/// Some edges, with small weights of either sign.
fn weights(size: u32, draws: &mut Draws) -> Phase {
    let density = 1 + draws.below(4);
    let weight = |draws: &mut Draws| Rational::new(draws.below(9) as i64 - 3, 1 + draws.below(7) as i64);
    let rows = (0..size).map(|to| {
        let others = (0..size).filter(|&from| from != to && draws.below(4) < density).collect::<Vec<_>>();
        let in_weights = others.into_iter().map(|from| (Rank(from), weight(draws))).collect();
        Row { self_weight: weight(draws), in_weights }
    });
    drafts::table(rows.collect())
}

const TOPOLOGIES: [&str; 12] = [
    "ring",
    "path",
    "star",
    "complete",
    "exponential",
    "one_peer_exp2",
    "one_peer_undirected",
    "base",
    "ring_directed",
    "binary_tree",
    "hypercube",
    "pairwise_gossip",
];

/// The library's algorithms over some of its topologies, each compiled once.
#[derive(Default)]
pub struct Library {
    compiled: Mutex<BTreeMap<(String, u32), Option<Schedule>>>,
}

impl Library {
    /// An algorithm and a topology that go together.
    pub fn draw(&self, draws: &mut Draws) -> (String, Schedule) {
        let names: Vec<&str> = bfc_compiler::library::names()
            .into_iter()
            .filter_map(|name| name.strip_prefix("algorithm::"))
            .collect();
        loop {
            let (algorithm, topology) = (draws.pick(&names), draws.pick(&TOPOLOGIES));
            let size = draws.pick(&[2, 3, 4, 5, 8]);
            if let Some(schedule) = self.compiled(algorithm, topology, size) {
                return (format!("{algorithm} over {topology} of {size}"), schedule);
            }
        }
    }

    fn compiled(&self, algorithm: &str, topology: &str, size: u32) -> Option<Schedule> {
        let text = format!(
            "use topology::{topology}\nuse algorithm::{algorithm}\nschedule {{\n    topology {topology}\n    algorithm {algorithm}\n}}\n"
        );
        let key = (text, size);
        if let Some(known) = self.compiled.lock().expect("no panic").get(&key) {
            return known.clone();
        }
        let entry = Entry::Source { name: "simulated.bf".into(), text: key.0.clone() };
        let allow = ["requirement_refuted", "requirement_not_decided"].map(str::to_string).to_vec();
        let request = Request { allow, ..Request::new(entry, size) };
        let schedule = compile(&request, &NoFiles).ok().map(|compiled| compiled.schedule);
        self.compiled.lock().expect("no panic").insert(key, schedule.clone());
        schedule
    }
}
