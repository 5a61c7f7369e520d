//! Measurements over MPI: two ranks of a machine, two machines by one pair of ranks, and by all pairs at once, which tells how
//! many NICs they have between them.

use super::error::ProbeError;
use super::machines::ranks_per_machine;
use super::{Link, Probe, measure, tell};
use crate::arguments::Format;
use crate::failure::Failure;
use crate::output;
use bfc_predict::Cluster;
use bfc_report::cluster::Measured;
use bfc_runtime::mpi::MpiTransport;
use bfc_runtime::transport::Fault;
use bfc_schedule::Rank;
use mpi::Threading;
use mpi::topology::{Communicator, SimpleCommunicator};
use mpi::traits::CommunicatorCollectives;
use serde_json::json;

/// Letters of a machine's name.
const NAME: usize = 256;

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
    let (universe, _) = mpi::initialize_with_threading(Threading::Funneled)
        .ok_or_else(|| failed("it is initialized already".to_string()))?;
    let world = universe.world();
    let local = ranks_per_machine(&names(&world)).map_err(failed)?;
    let measured = measured(&world, local).map_err(|fault| failed(fault.to_string()))?;
    if world.rank() == 0 { report(arguments, base, &measured, format) } else { Ok(()) }
}

/// The names of all ranks' machines.
fn names(world: &SimpleCommunicator) -> Vec<String> {
    let own = mpi::environment::processor_name().unwrap_or_default();
    let mut padded = [0u8; NAME];
    padded.iter_mut().zip(own.trim_end_matches('\0').bytes()).for_each(|(place, byte)| *place = byte);
    let mut all = vec![0u8; NAME * world.size() as usize];
    world.all_gather_into(&padded[..], &mut all[..]);
    let name = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end_matches('\0').to_string();
    all.chunks(NAME).map(name).collect()
}

fn measured(world: &SimpleCommunicator, local: usize) -> Result<Machines, Fault> {
    let mut transport = MpiTransport::join(world)?;
    let (rank, size) = (world.rank() as u32, world.size() as u32);
    let step = local as u32;
    // Pairs of `apart` ranks, the first of which are 0..count; the others wait.
    let mut pairs = |count: u32, apart: u32| -> Result<Option<Link>, Fault> {
        world.barrier();
        if count == 0 || size < count + apart {
            return Ok(None);
        }
        let peer = match rank {
            _ if rank < count => Some(rank + apart),
            _ if (apart..apart + count).contains(&rank) => Some(rank - apart),
            _ => None,
        };
        let link = peer.map(|peer| measure(&mut transport, Some(Rank(peer)))).transpose();
        world.barrier();
        link
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
