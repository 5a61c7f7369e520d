//! Names and files become clusters, and clusters are listed and shown.

use super::arguments::{self, Clusters, Load};
use crate::arguments::Format;
use crate::failure::{CliError, Failure};
use crate::{input, output};
use bfc_predict::cluster::LONGEST;
use bfc_predict::{Cluster, Location};
use bfc_report::cluster::{self, Description};
use std::path::Path;

/// The cluster of a name or a file.
///
/// # Errors
/// There is none, it cannot be read, or its description is refused.
pub fn named(name: &str) -> Result<Cluster, Failure> {
    let path = Path::new(name);
    Ok(Cluster::find(name, path.exists(), || bytes(path))??)
}

/// The cluster with the time of a gradient that the command line gives.
///
/// # Errors
/// As [`named`].
pub fn cluster_for(name: &str, load: &Load) -> Result<Cluster, Failure> {
    Ok(named(name)?.with_compute(load.compute, load.jitter))
}

/// Where a schedule runs, where the command line says it.
pub struct Place {
    cluster: Option<Cluster>,
    model_bytes: f64,
    moves_ranks: bool,
}

impl Place {
    /// The place of these flags.
    ///
    /// # Errors
    /// As [`named`].
    pub fn new(location: &arguments::Location, moves_ranks: bool) -> Result<Self, Failure> {
        let named = location.cluster.as_deref();
        let cluster = named.map(|name| cluster_for(name, &location.load)).transpose()?;
        Ok(Self { cluster, model_bytes: location.load.model_bytes, moves_ranks })
    }

    /// What the library knows of it.
    pub fn location(&self) -> Option<Location<'_>> {
        let cluster = self.cluster.as_ref()?;
        Some(Location { cluster, model_bytes: self.model_bytes, place: self.moves_ranks })
    }
}

/// Lists the ready clusters, or prints the description of one.
///
/// # Errors
/// There is no such cluster, or its description is refused.
pub fn show(arguments: &Clusters, format: Format) -> Result<(), Failure> {
    let Some(name) = &arguments.name else { return list(format) };
    let cluster = named(name)?;
    let text = match Cluster::ready().iter().find(|(known, _)| known == name) {
        Some((_, text)) => (*text).to_string(),
        None => Cluster::text(name, bytes(Path::new(name))?)?,
    };
    output::show(format, &Description::new(&cluster, &text), || text.clone())
}

fn list(format: Format) -> Result<(), Failure> {
    let ready = cluster::ready();
    output::show(format, &ready, || cluster::list_text(&ready))
}

fn bytes(path: &Path) -> Result<Vec<u8>, CliError> {
    input::read_up_to(path, LONGEST as u64 + 1)
}
