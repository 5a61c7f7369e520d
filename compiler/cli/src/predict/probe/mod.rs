//! `bfc probe`: what a message between two ranks takes, measured, as the description of a cluster: on this machine, or under
//! `mpirun` on all of its machines and between them.

mod between;
mod error;
mod machines;

use super::arguments::{Probe, Wire};
use super::clusters::named;
use crate::arguments::Format;
use crate::failure::Failure;
use crate::output;
use bfc_predict::cluster::Link;
use bfc_report::cluster::{Measured, links_text};
use bfc_runtime::socket::SocketTransport;
use bfc_runtime::transport::{Fault, Tag, rounds};
use bfc_runtime::{Transport, local};
use bfc_schedule::{Rank, visible};
use error::ProbeError;
use serde_json::json;
use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_secs(20);
/// Messages whose time is all latency, and how many of them.
const SHORT: (usize, usize) = (8, 400);
/// Messages whose time is all bandwidth, and how many of them.
const LONG: (usize, usize) = (16 << 20, 9);

/// Measures, reports, and writes a description.
///
/// # Errors
/// The base is not known, a transport fails, or the file exists or cannot be written.
pub fn probe(arguments: &Probe, format: Format) -> Result<(), Failure> {
    let base = named(&arguments.cluster)?;
    if under_mpi() {
        return between::probe(arguments, base, format);
    }
    if let Some(path) = &arguments.output {
        output::check_new_file(path)?;
    }
    let ranks =
        arguments.ranks.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, |n| n.get() as u32));
    let failed = |wire: &'static str| move |reason: String| ProbeError::Probe { wire, reason };
    let threads = on_threads().map_err(failed("threads")).map_err(Failure::running)?;
    let sockets = on_sockets().map_err(failed("sockets")).map_err(Failure::running)?;
    let chosen = match arguments.transport {
        Wire::Threads => threads,
        Wire::Sockets => sockets,
    };
    let measured = base.with_machine("this machine", ranks, chosen);
    let text = format!(
        "# Measured by `bfc probe`: [inside], between two {} of this machine.\n\
         # Not measured, taken from `{}`: [between] and [compute].\n{}",
        if arguments.transport == Wire::Threads { "threads" } else { "processes" },
        visible::line(&arguments.cluster),
        measured.describe()
    );
    if let Some(path) = &arguments.output {
        output::write_new_file(path, text.as_bytes())?;
    }
    match format {
        Format::Json => output::print_json(&json!({
            "threads": Measured::from(threads),
            "sockets": Measured::from(sockets),
            "description": text,
        })),
        Format::Human => tell(arguments, "transport", &[("threads", threads), ("sockets", sockets)]),
    }
}

/// A table of links, and where their description is.
fn tell(arguments: &Probe, heading: &str, links: &[(&str, Link)]) -> Result<(), Failure> {
    output::print(links_text(heading, links))?;
    match &arguments.output {
        Some(path) => output::say(&format!("wrote {}", output::path(path))),
        None => output::say("`-o mine.toml` writes the description of a cluster"),
    }
    Ok(())
}

/// Whether `mpirun` has started this process beside others.
fn under_mpi() -> bool {
    let processes = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"].iter().find_map(|name| std::env::var(name).ok());
    processes.is_some_and(|number| number != "1")
}

fn on_threads() -> Result<Link, String> {
    let links =
        local::spmd(2, |mut transport| measure(&mut transport, None)).map_err(|error| error.to_string())?;
    Ok(links[0])
}

fn on_sockets() -> Result<Link, String> {
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let measured: Vec<Result<Link, String>> = std::thread::scope(|scope| {
        let start = |rank| {
            let path = directory.path();
            scope.spawn(move || {
                let mut transport =
                    SocketTransport::join(path, Rank(rank), 2).map_err(|error| error.to_string())?;
                measure(&mut transport, None).map_err(|fault| fault.to_string())
            })
        };
        let threads: Vec<_> = (0..2).map(start).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or(Err("a thread panicked".to_string())))
            .collect()
    });
    measured.into_iter().next().unwrap_or(Err("nothing was measured".to_string()))
}

/// Exchanges short and long messages with a peer, or the other one of two ranks. Both send at once, as in a round of a
/// schedule.
fn measure(transport: &mut impl Transport, peer: Option<Rank>) -> Result<Link, Fault> {
    let peer = peer.unwrap_or(Rank(1 - transport.rank().0.min(1)));
    let mut exchange = 0;
    let mut median = |(bytes, times): (usize, usize)| -> Result<f64, Fault> {
        let sent = vec![1u8; bytes];
        let mut received = vec![0u8; bytes];
        let mut seconds = vec![];
        for _ in 0..times {
            let start = Instant::now();
            swap(transport, peer, exchange, &sent, &mut received)?;
            seconds.push(start.elapsed().as_secs_f64());
            exchange += 1;
        }
        seconds.sort_by(f64::total_cmp);
        Ok(seconds[times / 2])
    };
    let latency = median(SHORT)?;
    let long = median(LONG)?;
    Ok(Link { latency, bandwidth: LONG.0 as f64 / (long - latency).max(1e-9) })
}

fn swap(
    transport: &mut impl Transport,
    peer: Rank,
    exchange: u64,
    sent: &[u8],
    received: &mut [u8],
) -> Result<(), Fault> {
    let (tag, lengths) = (Tag { exchange, round: 0 }, [sent.len()]);
    rounds(transport, |rounds| {
        let ticket = rounds.begin(tag, Some((peer, &[sent])), Some((peer, &lengths)), DEADLINE)?;
        rounds.finish(ticket, DEADLINE, &mut |chunk| {
            received[chunk.offset..chunk.offset + chunk.bytes.len()].copy_from_slice(chunk.bytes);
        })?;
        rounds.wait_sent(DEADLINE)
    })
}
