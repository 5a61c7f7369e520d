//! Names and files become clusters, and clusters are listed and shown.

use super::arguments::{Clusters, Load};
use crate::arguments::Format;
use crate::failure::{CliError, Failure};
use crate::table::Table;
use crate::{input, output};
use bfc_compiler::Request;
use bfc_predict::{Cluster, ClusterError};
use serde_json::{Value, json};
use std::path::Path;

impl From<ClusterError> for Failure {
    fn from(error: ClusterError) -> Self {
        Self::refused_by(error)
    }
}

/// The cluster of a name or a file.
///
/// # Errors
/// There is none, it cannot be read, or its description is refused.
pub fn cluster(name: &str) -> Result<Cluster, Failure> {
    let path = Path::new(name);
    if !path.exists() && !name.contains(['.', '/']) {
        return Ok(Cluster::named(name)?);
    }
    Ok(Cluster::parse(name, &text(path)?)?)
}

/// The cluster with the time of a gradient that the command line gives.
///
/// # Errors
/// As [`cluster`].
pub fn cluster_for(name: &str, load: &Load) -> Result<Cluster, Failure> {
    let mut cluster = cluster(name)?;
    if let Some(seconds) = load.compute {
        cluster = cluster.with_step(seconds);
    }
    if let Some(jitter) = load.jitter {
        cluster = cluster.with_jitter(jitter);
    }
    Ok(cluster)
}

/// A cluster says how many ranks share a machine, unless the command line does or some machine would not be full.
pub fn settle(request: &mut Request, cluster: &Cluster) {
    let ranks = cluster.ranks_per_machine();
    if request.local_size == 1 && request.size.is_multiple_of(ranks) {
        request.local_size = ranks;
    }
}

/// Lists the ready clusters, or prints the description of one.
///
/// # Errors
/// There is no such cluster, or its description is refused.
pub fn show(arguments: &Clusters, format: Format) -> Result<(), Failure> {
    let Some(name) = &arguments.name else { return list(format) };
    let cluster = cluster(name)?;
    let text = match Cluster::ready().iter().find(|(known, _)| known == name) {
        Some((_, text)) => (*text).to_string(),
        None => text(Path::new(name))?,
    };
    match format {
        Format::Human => output::print(text),
        Format::Json => output::print_json(&json!({
            "name": cluster.name(),
            "ranks_per_machine": cluster.ranks_per_machine(),
            "description": text,
        })),
    }
}

fn list(format: Format) -> Result<(), Failure> {
    let about = |text: &'static str| text.lines().next().unwrap_or_default().trim_start_matches("# ");
    if format == Format::Json {
        let entry =
            |(name, text): &(&str, &'static str)| json!({ "name": name, "documentation": about(text) });
        return output::print_json(&Cluster::ready().iter().map(entry).collect::<Value>());
    }
    let mut table = Table::new();
    for (name, text) in Cluster::ready() {
        table.add_row([name, about(text)]);
    }
    output::print(table.text() + "\n")
}

fn text(path: &Path) -> Result<String, CliError> {
    String::from_utf8(input::read_up_to(path, bfc_predict::cluster::LONGEST as u64 + 1)?).map_err(|error| {
        let byte = error.utf8_error().valid_up_to();
        let help = "save the description as text in UTF-8";
        CliError::NotText { path: output::path(path), byte, help }
    })
}
