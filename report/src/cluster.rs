//! Descriptions of clusters, and links that were measured.

use crate::table::Table;
use bfc_predict::Cluster;
use bfc_predict::cluster::Link;
use bfc_predict::units::{shown_rate, shown_seconds};
use serde::Serialize;

/// A ready cluster.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Ready {
    /// Its name.
    pub name: &'static str,
    /// Which machines it describes.
    pub documentation: &'static str,
}

/// The ready clusters.
pub fn ready() -> Vec<Ready> {
    let about = |text: &'static str| text.lines().next().unwrap_or_default().trim_start_matches("# ");
    Cluster::ready().iter().map(|(name, text)| Ready { name, documentation: about(text) }).collect()
}

/// A line for each ready cluster.
pub fn list_text(ready: &[Ready]) -> String {
    let mut table = Table::new();
    ready.iter().for_each(|one| table.add_row([one.name, one.documentation]));
    table.text() + "\n"
}

/// A cluster and its description.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Description<'a> {
    name: &'a str,
    ranks_per_machine: u32,
    description: &'a str,
}

impl<'a> Description<'a> {
    /// The description of a cluster, which is its text.
    pub fn new(cluster: &'a Cluster, text: &'a str) -> Self {
        let (name, ranks_per_machine) = (cluster.name(), cluster.ranks_per_machine());
        Self { name, ranks_per_machine, description: text }
    }
}

/// A link that was measured.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Measured {
    latency_seconds: f64,
    bytes_per_second: f64,
}

impl From<Link> for Measured {
    fn from(link: Link) -> Self {
        Self { latency_seconds: link.latency, bytes_per_second: link.bandwidth }
    }
}

/// A line for each link.
pub fn links_text(heading: &str, links: &[(&str, Link)]) -> String {
    let mut table = Table::new();
    table.set_header([heading, "latency", "bandwidth each way"]);
    for (name, link) in links {
        table.add_row([*name, &shown_seconds(link.latency), &shown_rate(link.bandwidth)]);
    }
    table.text() + "\n"
}
