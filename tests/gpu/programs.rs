//! The programs of the library's algorithms.

use bfc_compiler::{Entry, NoFiles, Request, compile, library};
use bfc_schedule::Program;

/// Each algorithm over the first of some topologies that it goes with, on four ranks; those for topologies of their own are
/// left out.
pub fn of_library() -> Vec<Program> {
    let names = library::names().into_iter().filter_map(|name| name.strip_prefix("algorithm::"));
    let programs: Vec<Program> = names.filter_map(of_algorithm).collect();
    assert!(programs.len() > 40, "{} algorithms", programs.len());
    programs
}

fn of_algorithm(name: &str) -> Option<Program> {
    const TOPOLOGIES: [&str; 4] = ["ring", "one_peer_exp2", "pairwise_gossip", "ring_directed"];
    TOPOLOGIES.iter().find_map(|topology| {
        let text = format!(
            "use topology::{topology}\nuse algorithm::{name}\nschedule {{\n topology {topology}\n algorithm {name}\n}}\n"
        );
        let allow = ["requirement_refuted", "requirement_not_decided"].map(str::to_string).to_vec();
        let request = Request { allow, ..Request::new(Entry::Source { name: "gpu.bf".into(), text }, 4) };
        compile(&request, &NoFiles).ok().map(|compiled| compiled.schedule.program().clone())
    })
}
