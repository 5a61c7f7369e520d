//! The ranks of a run as processes: each is this program again, and leaves the models of its steps in a file.

use super::arguments::{Engine, Flags, RunRank};
use super::train::{self, Outcome, Plan};
use super::{RunError, data, load};
use crate::failure::Failure;
use crate::launch::arguments::Launch;
use crate::launch::in_directory;
use bfc_runtime::mpi::MpiTransport;
use bfc_runtime::socket::SocketTransport;
use bfc_runtime::{Transport, World};
use bfc_schedule::{Rank, RankSchedule, Schedule};
use data::Data;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const SCHEDULE: &str = "schedule.bin";
/// How long ranks may take to meet.
const MEETING: Duration = Duration::from_secs(60);

/// Runs the schedule with a process for each rank.
///
/// # Errors
/// A rank cannot be started, or fails.
pub fn on_processes(
    schedule: &Schedule,
    data: &Data,
    (plan, flags): (Plan, &Flags),
    trace: Option<&Path>,
) -> Result<Outcome, Failure> {
    let directory =
        tempfile::tempdir().map_err(|error| failed(Path::new("the temporary directory"), error))?;
    let file = directory.path().join(SCHEDULE);
    fs::write(&file, schedule.encode()).map_err(|error| failed(&file, error))?;
    let program = std::env::current_exe().map_err(|error| failed(Path::new("bfc"), error))?;
    let mut command = vec![program.into_os_string(), "run-rank".into(), directory.path().into()];
    command.extend(flags.words(plan.lr));
    if let Some(trace) = trace {
        command.extend(["--trace".into(), trace.into()]);
    }
    match flags.engine {
        Engine::Mpi => mpirun(schedule.size(), &command)?,
        _ => in_directory(directory.path(), &Launch::of_one_machine(schedule.size(), command))?,
    }
    let read = |rank| results(&results_of(directory.path(), rank));
    let ranks: io::Result<Vec<_>> = (0..schedule.size()).map(|rank| read(Rank(rank))).collect();
    train::collected(ranks.map_err(|error| failed(directory.path(), error))?, data)
        .ok_or_else(|| failed(directory.path(), io::ErrorKind::UnexpectedEof.into()))
}

/// Runs a command as this number of MPI processes.
fn mpirun(size: u32, command: &[OsString]) -> Result<(), Failure> {
    const PROGRAM: &str = "mpirun";
    // Where bfc is not connected to MPI, one message says so.
    bfc_runtime::mpi::place().map_err(Failure::running)?;
    let failed = |end: String| Failure::running(RunError::Mpirun { end });
    let mut mpirun = Command::new(PROGRAM);
    mpirun.args(["-n", &size.to_string()]).args(command).stdin(Stdio::null());
    let status = mpirun.status().map_err(|error| failed(format!("cannot be started: {error}")))?;
    if status.success() { Ok(()) } else { Err(failed(format!("ended with {status}"))) }
}

/// What one rank leaves: the bytes that it sent, and its model after the steps that are looked at.
pub type Left = (u64, Vec<(u64, Vec<f64>)>);

/// Runs one rank.
///
/// # Errors
/// The process is no rank of a group, or its peers fail.
pub fn rank(arguments: &RunRank) -> Result<(), Failure> {
    let RunRank { directory, flags, .. } = arguments;
    let world = World::from_environment().map_err(Failure::running)?;
    let (rank, size) = (world.rank(), world.size());
    let file = directory.join(SCHEDULE);
    let bytes = fs::read(&file).map_err(|error| failed(&file, error))?;
    let schedule = RankSchedule::decode(&bytes, rank).map_err(Failure::refused_by)?;
    let transport: Box<dyn Transport + Send> = match flags.engine {
        Engine::Sockets => {
            let joined = SocketTransport::join(directory, rank, size);
            Box::new(joined.map_err(|error| failed(directory, error))?)
        }
        Engine::Mpi => Box::new(MpiTransport::join().map_err(Failure::running)?),
        Engine::Processes | Engine::Threads | Engine::Nccl => {
            world.join(MEETING).map_err(Failure::running)?
        }
    };
    let (_, data) = load(flags, size as usize)?;
    let plan = Plan { steps: flags.steps, lr: flags.lr.unwrap_or_default(), dtype: flags.dtype };
    let path = results_of(directory, rank);
    let mut out = BufWriter::new(File::create(&path).map_err(|error| failed(&path, error))?);
    let mut written = Ok(());
    let record = |step: u64, model: &[f64]| {
        if written.is_ok() {
            written = write(&mut out, step, model);
        }
    };
    let setting = (plan, arguments.trace.as_deref());
    let sent = train::one_rank(schedule, transport, train::part(&data, rank.index()), setting, record);
    let sent = sent.map_err(Failure::running)?;
    written
        .and_then(|()| out.write_all(&sent.to_le_bytes()))
        .and_then(|()| out.flush())
        .map_err(|error| failed(&path, error))
}

fn results_of(directory: &Path, rank: Rank) -> PathBuf {
    directory.join(format!("rank-{rank}"))
}

/// A model is its step, its length and its numbers; the last word of a file is what was sent.
fn write(out: &mut impl Write, step: u64, model: &[f64]) -> io::Result<()> {
    out.write_all(&step.to_le_bytes())?;
    out.write_all(&(model.len() as u64).to_le_bytes())?;
    model.iter().try_for_each(|x| out.write_all(&x.to_le_bytes()))
}

fn results(path: &Path) -> io::Result<Left> {
    let mut bytes = vec![];
    File::open(path)?.read_to_end(&mut bytes)?;
    let mut words = bytes.chunks_exact(8).map(|word| word.try_into().expect("eight bytes"));
    let mut models = vec![];
    loop {
        let step = words.next().map(u64::from_le_bytes).ok_or(io::ErrorKind::UnexpectedEof)?;
        let Some(length) = words.next().map(u64::from_le_bytes) else { return Ok((step, models)) };
        models.push((step, words.by_ref().take(length as usize).map(f64::from_le_bytes).collect()));
    }
}

fn failed(place: &Path, error: io::Error) -> Failure {
    Failure::running(RunError::Files { place: crate::output::path(place), error })
}
