//! What an all-reduce of the gradients takes on the same cluster: by ring, tree and hierarchy, at their best.
//!
//! One stream passes every machine and every site, spread over the machine's NICs. With n ranks on m machines of L:
//! - **ring**: 2(n − 1) rounds of M/n bytes (Patarasuk and Yuan, "Bandwidth optimal all-reduce algorithms", 2009);
//! - **tree**: two binary trees in a pipeline, 2M bytes over the slowest link and the latency of twice their depth
//!   (Sanders, Speck and Träff, "Two-tree algorithms for full bandwidth broadcast, reduction and scan", 2009);
//! - **hierarchical**: reduce-scatter inside machines, a ring between machines, all-gather inside.
//!
//! Gradients are reduced bucket by bucket while the backward pass makes them, the last one as soon as it is there: what a
//! framework can reach at most, so that a schedule that looks better than this is better.

use crate::cluster::{Compute, Link};
use crate::links::Wiring;

/// Seconds of one all-reduce.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AllReduce {
    /// Around all ranks.
    pub ring: f64,
    /// Over two trees.
    pub tree: f64,
    /// Inside machines, then between them.
    pub hierarchical: f64,
}

impl AllReduce {
    /// The seconds for a gradient of this size in bytes.
    pub fn new(wiring: &Wiring, bytes: f64) -> Self {
        let (ranks, machines) = (f64::from(wiring.size()), f64::from(wiring.machines()));
        let local = ranks.min(f64::from(wiring.ranks_per_machine()));
        let Link { latency, bandwidth } = wiring.links[0];
        let far = far(wiring);
        let between =
            |bytes: f64| far.iter().map(|(latency, slope)| latency + slope * bytes).fold(0.0, f64::max);
        let inside = |bytes: f64| if local > 1.0 { latency + bytes / bandwidth } else { 0.0 };
        let slowest =
            far.iter().map(|far| far.1).fold(if local > 1.0 { 1.0 / bandwidth } else { 0.0 }, f64::max);
        let depth = latency * local.log2().ceil() + between(0.0) * machines.log2().ceil();
        Self {
            ring: 2.0 * (ranks - 1.0) * inside(bytes / ranks).max(between(bytes / ranks)),
            tree: 2.0 * (bytes * slowest + depth),
            hierarchical: 2.0 * (local - 1.0) * inside(bytes / local)
                + 2.0 * (machines - 1.0) * between(bytes / machines),
        }
    }

    /// The three with their names.
    pub fn each(&self) -> [(&'static str, f64); 3] {
        [("ring", self.ring), ("tree", self.tree), ("hierarchical", self.hierarchical)]
    }

    /// The fastest and its name.
    pub fn best(&self) -> (&'static str, f64) {
        self.each().into_iter().fold(("ring", self.ring), |best, one| if one.1 < best.1 { one } else { best })
    }
}

/// The seconds of a step whose slowest gradient takes `gradient` seconds, and whose all-reduce takes `exchange`.
pub fn step(compute: &Compute, gradient: f64, exchange: f64) -> f64 {
    gradient.max((1.0 - compute.backward) * gradient + exchange)
}

/// Latency, and seconds per byte of a stream through every machine, of the classes between machines.
fn far(wiring: &Wiring) -> Vec<(f64, f64)> {
    let mut far = vec![];
    if wiring.machines() > 1 {
        let nics = wiring.all_nics() as f64 / f64::from(wiring.machines());
        let shared = wiring.core.map_or(0.0, |core| f64::from(wiring.machines()) / core);
        let link = wiring.links[1];
        far.push((link.latency, (nics * link.bandwidth).recip().max(shared)));
    }
    if wiring.sites() > 1 {
        far.push((wiring.links[2].latency, wiring.links[2].bandwidth.recip()));
    }
    far
}
