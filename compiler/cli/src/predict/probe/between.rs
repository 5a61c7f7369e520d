//! Measurements over MPI: two ranks of a machine, two machines by one pair of ranks, and by all pairs at once, which tells how
//! many NICs they have between them.

use super::error::ProbeError;
use super::machines::ranks_per_machine;
use super::{DEADLINE, Link, Probe, measure, tell};
use crate::arguments::Format;
use crate::failure::Failure;
use crate::output;
use bfc_predict::Cluster;
use bfc_report::cluster::Measured;
use bfc_runtime::mpi::MpiTransport;
use bfc_runtime::{CommunicateError, Communicator};
use bfc_schedule::Rank;
use serde_json::json;

/// What was measured.
struct Machines {
    machines: usize,
    ranks_per_machine: usize,
    inside: Option<Link>,
    between: Option<Link>,
    nics: u32,
}

/// Measures on all ranks; rank 0 reports and writes.
///
/// # Errors
/// MPI fails, ranks do not fill machines one after the other, or the file cannot be written.
pub(super) fn probe(arguments: &Probe, base: Cluster, format: Format) -> Result<(), Failure> {
    let failed = |reason: String| Failure::running(ProbeError::Probe { wire: "MPI", reason });
    let mut world = Communicator::with_deadline(MpiTransport::join().map_err(Failure::running)?, DEADLINE);
    let names = names(&mut world).map_err(|error| failed(error.to_string()))?;
    let local = ranks_per_machine(&names).map_err(failed)?;
    let transport = MpiTransport::join().map_err(Failure::running)?;
    let measured = measured(&mut world, transport, local).map_err(failed)?;
    if world.rank() == Rank(0) { report(arguments, base, &measured, format) } else { Ok(()) }
}

/// The names of all ranks' machines.
fn names(world: &mut Communicator<MpiTransport>) -> Result<Vec<String>, CommunicateError> {
    // What cannot be read is one machine.
    let own = std::fs::read("/proc/sys/kernel/hostname").unwrap_or_default();
    let all = world.allgather(&own, 1)?;
    Ok(all.parts().map(|name| String::from_utf8_lossy(name).trim().to_string()).collect())
}

fn measured(
    world: &mut Communicator<MpiTransport>,
    mut transport: MpiTransport,
    local: usize,
) -> Result<Machines, String> {
    let (rank, size) = (world.rank().0, world.size());
    let step = local as u32;
    // Pairs of `apart` ranks, the first of which are 0..count; the others wait.
    let mut pairs = |count: u32, apart: u32| -> Result<Option<Link>, String> {
        let mut all_are_there = || world.barrier().map_err(|error| error.to_string());
        all_are_there()?;
        if count == 0 || size < count + apart {
            return Ok(None);
        }
        let peer = match rank {
            _ if rank < count => Some(rank + apart),
            _ if (apart..apart + count).contains(&rank) => Some(rank - apart),
            _ => None,
        };
        let link = peer.map(|peer| measure(&mut transport, Some(Rank(peer)))).transpose();
        let link = link.map_err(|fault| fault.to_string())?;
        all_are_there()?;
        Ok(link)
    };
    let inside = if local > 1 { pairs(1, 1)? } else { None };
    let between = pairs(1, step)?;
    let together = pairs(step.min(size.saturating_sub(step)), step)?;
    // Pairs that share one NIC share its bandwidth.
    let share = between.zip(together).map(|(alone, together)| together.bandwidth / alone.bandwidth);
    let nics = share.map_or(1.0, |share| (share * local as f64).round().clamp(1.0, local as f64));
    let machines = size.div_ceil(step) as usize;
    Ok(Machines { machines, ranks_per_machine: local, inside, between, nics: nics as u32 })
}

fn report(arguments: &Probe, base: Cluster, measured: &Machines, format: Format) -> Result<(), Failure> {
    let mut cluster = base.clone().with_machine(
        "these machines",
        measured.ranks_per_machine as u32,
        measured.inside.unwrap_or(base.inside()),
    );
    if let Some(between) = measured.between {
        cluster = cluster.with_network(between, measured.nics);
    }
    let classes = [("inside", measured.inside), ("between", measured.between)];
    let told = |is_measured: bool| {
        let names = classes.iter().filter(|(_, link)| link.is_some() == is_measured);
        let mut names: Vec<String> = names.map(|(name, _)| format!("[{name}]")).collect();
        names.extend((!is_measured).then(|| "[compute]".to_string()));
        if names.is_empty() { "nothing".to_string() } else { names.join(", ") }
    };
    let text = format!(
        "# Measured by `bfc probe` over MPI, {} machines of {} ranks: {}.\n# Not measured, taken from `{}`: {}.\n{}",
        measured.machines,
        measured.ranks_per_machine,
        told(true),
        arguments.cluster,
        told(false),
        cluster.describe()
    );
    if let Some(path) = &arguments.output {
        output::write_new_file(path, text.as_bytes())?;
    }
    if format == Format::Json {
        return output::print_json(&json!({
            "machines": measured.machines,
            "ranks_per_machine": measured.ranks_per_machine,
            "inside": measured.inside.map(Measured::from),
            "between": measured.between.map(Measured::from),
            "nics": measured.between.map(|_| measured.nics),
            "description": text,
        }));
    }
    let links: Vec<_> = classes.into_iter().filter_map(|(name, link)| Some((name, link?))).collect();
    tell(arguments, "", &links)
}
