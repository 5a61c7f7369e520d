//! `bfc launch`: a program becomes the ranks of a group, one process each, which end together.

pub mod arguments;
mod error;
mod output;
mod ranks;
mod signals;

use crate::arguments::Format;
use crate::failure::{Failure, RUNNING};
use crate::output::{path, print_json};
use arguments::Launch;
use bfc_runtime::secret::Secret;
use bfc_schedule::visible;
use error::LaunchError;
use ranks::{Ended, Ranks};
use serde_json::json;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// What all ranks of this machine get.
struct Group<'a> {
    arguments: &'a Launch,
    /// Whether standard output is for one document, not for ranks.
    quiet: bool,
    rendezvous: String,
    secret: Secret,
}

/// Starts the ranks, waits for all of them, and ends as the first that failed.
///
/// # Errors
/// The group cannot be formed, the program cannot be started, or a rank failed.
pub fn launch(arguments: &Launch, format: Format) -> Result<(), Failure> {
    let (nodes, node_rank) = (arguments.nodes, arguments.node_rank);
    if node_rank >= nodes {
        return Err(Failure::usage(LaunchError::NodeRank { node_rank, nodes }));
    }
    let directory = match arguments.rendezvous {
        Some(_) => None,
        None => Some(directory().map_err(Failure::running)?),
    };
    let rendezvous = match (&directory, &arguments.rendezvous) {
        (Some(directory), _) => directory.path().to_string_lossy().into_owned(),
        (None, address) => address.clone().unwrap_or_default(),
    };
    let secret = secret(arguments)?;
    let quiet = format == Format::Json;
    group(&Group { arguments, quiet, rendezvous, secret })?;
    if quiet {
        return print_json(&json!({ "local_size": arguments.local_size, "exit": 0 }));
    }
    Ok(())
}

/// Runs the ranks of one machine, which meet in a directory that exists.
///
/// # Errors
/// As [`launch`].
pub fn in_directory(directory: &Path, arguments: &Launch) -> Result<(), Failure> {
    let rendezvous = directory.to_string_lossy().into_owned();
    group(&Group { arguments, quiet: false, rendezvous, secret: secret(arguments)? })
}

fn group(group: &Group<'_>) -> Result<(), Failure> {
    let grace = Duration::from_secs_f64(group.arguments.grace);
    match Ranks::start(group).map_err(Failure::usage)?.wait(grace) {
        Ended::Well => Ok(()),
        Ended::Interrupted { exit } => Err(Failure::told(exit)),
        Ended::Failed { rank, end, exit } => {
            Err(Failure::running(LaunchError::RankFailed { rank, end }).exiting(exit.unwrap_or(RUNNING)))
        }
    }
}

/// A directory that only this user can look into; it goes when the ranks have.
fn directory() -> Result<TempDir, LaunchError> {
    let directory =
        tempfile::Builder::new().prefix("bfc-").permissions(Permissions::from_mode(0o700)).tempdir();
    directory.map_err(|error| LaunchError::Rendezvous { error })
}

fn secret(arguments: &Launch) -> Result<Secret, Failure> {
    if let Some(file) = &arguments.secret {
        return secret_of(file).map_err(|(reason, help)| {
            Failure::usage(LaunchError::Secret { place: path(file), reason, help: help.to_string() })
        });
    }
    match std::env::var("BFC_SECRET") {
        Ok(text) => text.parse().map_err(|reason: &str| {
            let help = "set it to what `openssl rand -hex 32` prints, or unset it".to_string();
            Failure::usage(LaunchError::Secret { place: "BFC_SECRET".into(), reason: reason.into(), help })
        }),
        Err(_) if arguments.nodes > 1 => {
            Err(Failure::usage(LaunchError::NoSecret { nodes: arguments.nodes }))
        }
        Err(_) => Secret::random()
            .map_err(|error| Failure::running(LaunchError::Rendezvous { error: error.into() })),
    }
}

/// The secret in a file, or why not and what to do.
fn secret_of(file: &Path) -> Result<Secret, (String, &'static str)> {
    let unreadable = |error: std::io::Error| (error.to_string(), "check the path of the file");
    let mode = fs::metadata(file).map_err(unreadable)?.mode() & 0o777;
    if mode & 0o077 != 0 {
        let reason = format!("others can read the file, its mode is {mode:o}");
        return Err((
            visible::line(&reason).into_owned(),
            "`chmod 600` the file, and draw a new secret if others could know it",
        ));
    }
    let text = fs::read_to_string(file).map_err(unreadable)?;
    text.parse()
        .map_err(|reason: &str| (reason.to_string(), "write what `openssl rand -hex 32` prints to the file"))
}
