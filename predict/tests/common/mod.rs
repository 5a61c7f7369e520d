//! Schedules and clusters from text.

use bfc_compiler::{Entry, NoFiles, Request};
use bfc_predict::{Cluster, Setting};
use bfc_schedule::Schedule;

/// The schedule of a source.
pub fn compile(source: &str, size: u32, local_size: u32) -> Schedule {
    let entry = Entry::Source { name: "test.bf".into(), text: source.into() };
    let request = Request { local_size, ..Request::new(entry, size) };
    match bfc_compiler::compile(&request, &NoFiles) {
        Ok(compiled) => compiled.schedule,
        Err(refused) => panic!("{refused:?}"),
    }
}

/// An algorithm of the library over a topology of the library.
pub fn library(topology: &str, algorithm: &str, size: u32) -> Schedule {
    let source = format!(
        "use topology::{topology}\nuse algorithm::{algorithm}\nschedule {{\n topology {topology}\n algorithm {algorithm}\n}}"
    );
    compile(&source, size, 1)
}

/// Machines with this number of ranks: 1 µs and 10 GB/s inside, 10 µs and a NIC of 1 GB/s between; gradients of 100 ms without
/// jitter. `more` goes into `[between]`, `rest` at the end.
pub fn cluster(ranks_per_machine: u32, more: &str, rest: &str) -> Cluster {
    let text = format!(
        "name = \"test\"\nranks_per_machine = {ranks_per_machine}\n[inside]\nlatency = \"1 us\"\nbandwidth = \"10 GB/s\"\n\
         [between]\nlatency = \"10 us\"\nbandwidth = \"1 GB/s\"\n{more}\n[compute]\nstep = \"100 ms\"\n{rest}"
    );
    Cluster::parse("test.toml", &text).expect("a cluster")
}

/// Some steps of a model of 100 MB.
pub fn setting(steps: u32) -> Setting {
    Setting { model_bytes: 1e8, steps, seed: 1, stragglers: None, lost: vec![] }
}

/// Whether two numbers are equal up to rounding.
pub fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1e-12)
}
