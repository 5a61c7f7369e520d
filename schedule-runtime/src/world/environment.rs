//! The variables that launchers write, each under its own names.

use super::{Rendezvous, WorldError};
use crate::secret::Secret;
use crate::socket::user;
use bfc_schedule::Rank;
use std::path::{Path, PathBuf};

/// Where the ranks of a group meet: a directory of this machine, or a host and a port.
const RENDEZVOUS: &str = "BFC_RENDEZVOUS";
const SECRET: &str = "BFC_SECRET";
/// How messages travel, where it is not by the place where ranks meet.
const ENGINE: &str = "BFC_ENGINE";

/// How a launcher names its variables.
struct Launcher {
    name: &'static str,
    rank: &'static str,
    size: &'static str,
    local_rank: &'static str,
    local_size: &'static str,
    /// What tells its runs apart on one machine.
    run: &'static [&'static str],
}

const BFC: Launcher = Launcher {
    name: "bfc launch",
    rank: "BFC_RANK",
    size: "BFC_SIZE",
    local_rank: "BFC_LOCAL_RANK",
    local_size: "BFC_LOCAL_SIZE",
    run: &[],
};

/// A launcher inside of another writes beside what that has written, and may pass it on under the names of a third: they
/// are to agree.
const OTHERS: [&Launcher; 3] = [&TORCHRUN, &OPEN_MPI, &MPICH];

const TORCHRUN: Launcher = Launcher {
    name: "torchrun",
    rank: "RANK",
    size: "WORLD_SIZE",
    local_rank: "LOCAL_RANK",
    local_size: "LOCAL_WORLD_SIZE",
    run: &["MASTER_ADDR", "MASTER_PORT", "TORCHELASTIC_RESTART_COUNT"],
};

const OPEN_MPI: Launcher = Launcher {
    name: "mpirun of Open MPI",
    rank: "OMPI_COMM_WORLD_RANK",
    size: "OMPI_COMM_WORLD_SIZE",
    local_rank: "OMPI_COMM_WORLD_LOCAL_RANK",
    local_size: "OMPI_COMM_WORLD_LOCAL_SIZE",
    run: &["PMIX_NAMESPACE"],
};

const MPICH: Launcher = Launcher {
    name: "mpirun of MPICH",
    rank: "PMI_RANK",
    size: "PMI_SIZE",
    local_rank: "MPI_LOCALRANKID",
    local_size: "MPI_LOCALNRANKS",
    run: &[],
};

/// A job of Slurm starts the others: where one of them is there, the numbers are those of the job.
const SLURM: Launcher = Launcher {
    name: "srun",
    rank: "SLURM_PROCID",
    size: "SLURM_NTASKS",
    local_rank: "SLURM_LOCALID",
    local_size: "SLURM_STEP_TASKS_PER_NODE",
    run: &["SLURM_JOB_ID", "SLURM_STEP_ID"],
};

/// The variables of a process.
pub(super) struct Environment<'a>(pub(super) &'a dyn Fn(&str) -> Option<String>);

/// What the variables say.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) rank: Rank,
    pub(super) size: u32,
    pub(super) local_rank: u32,
    pub(super) local_size: u32,
    pub(super) rendezvous: Option<Rendezvous>,
    pub(super) secret: Option<Secret>,
    /// Whether the launcher starts programs of MPI.
    pub(super) in_mpi: bool,
}

impl Environment<'_> {
    /// # Errors
    /// No launcher has started this process, or its variables are incomplete, malformed or contradict each other.
    pub(super) fn read(&self) -> Result<Found, WorldError> {
        let launcher = self.launcher()?;
        let [rank, size] = [launcher.rank, launcher.size].map(|name| self.number(launcher, name));
        let (rank, size) = (rank?, size?);
        let local_rank = self.number(launcher, launcher.local_rank)?;
        let local_size = self.local_size(launcher)?;
        below(launcher.rank, rank, launcher.size, size)?;
        below(launcher.local_rank, local_rank, launcher.local_size, local_size)?;
        if local_size > size {
            let reason = "a machine has more ranks than there are";
            return Err(contradiction((launcher.local_size, local_size), (launcher.size, size), reason));
        }
        Ok(Found {
            rank: Rank(rank),
            size,
            local_rank,
            local_size,
            rendezvous: self.rendezvous(launcher, local_size == size)?,
            secret: self.secret()?,
            in_mpi: [OPEN_MPI.name, MPICH.name, SLURM.name].contains(&launcher.name),
        })
    }

    fn get(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty())
    }

    fn launcher(&self) -> Result<&'static Launcher, WorldError> {
        if self.is_there(&BFC)? {
            return Ok(&BFC);
        }
        let mut found: Option<&Launcher> = None;
        for launcher in OTHERS {
            if !self.is_there(launcher)? {
                continue;
            }
            let launcher = if self.is_pmi_of_slurm(launcher)? { &SLURM } else { launcher };
            let Some(first) = found else {
                found = Some(launcher);
                continue;
            };
            for (a, b) in [(first.rank, launcher.rank), (first.size, launcher.size)] {
                let [x, y] = [self.number(first, a)?, self.number(launcher, b)?];
                if x != y {
                    let reason = format!("{} and {} disagree", first.name, launcher.name);
                    return Err(contradiction((a, x), (b, y), &reason));
                }
            }
        }
        match found {
            Some(launcher) => Ok(launcher),
            None if self.is_there(&SLURM)? => Ok(&SLURM),
            None => Err(WorldError::NoLauncher),
        }
    }

    /// Whether `srun --mpi=pmi2` has written the rank as MPICH's `mpirun` does, which also says who shares the machine.
    fn is_pmi_of_slurm(&self, launcher: &Launcher) -> Result<bool, WorldError> {
        let is_pmi = launcher.name == MPICH.name && self.get(MPICH.local_rank).is_none();
        Ok(is_pmi && self.is_there(&SLURM)?)
    }

    /// Whether messages travel by MPI.
    pub(super) fn is_on_mpi(&self) -> Result<bool, WorldError> {
        match self.get(ENGINE).as_deref() {
            None => Ok(false),
            Some("mpi") => Ok(true),
            Some(other) => Err(malformed(ENGINE, other, "`mpi`")),
        }
    }

    /// Whether a launcher has written its rank and its size; one without the other is an error.
    fn is_there(&self, launcher: &Launcher) -> Result<bool, WorldError> {
        let (rank, size) = (launcher.rank, launcher.size);
        match [rank, size].map(|name| self.get(name).is_some()) {
            [false, false] => Ok(false),
            [true, true] => Ok(true),
            [true, false] => Err(incomplete(launcher, rank, size)),
            [false, true] => Err(incomplete(launcher, size, rank)),
        }
    }

    fn number(&self, launcher: &Launcher, name: &'static str) -> Result<u32, WorldError> {
        let value = self.get(name).ok_or_else(|| incomplete(launcher, launcher.rank, name))?;
        value.trim().parse().map_err(|_| malformed(name, &value, "a whole number"))
    }

    fn local_size(&self, launcher: &Launcher) -> Result<u32, WorldError> {
        let name = launcher.local_size;
        if launcher.name != SLURM.name {
            return self.number(launcher, name);
        }
        let node = self.number(launcher, "SLURM_NODEID")?;
        let list = self.get(name).ok_or_else(|| incomplete(launcher, launcher.rank, name))?;
        tasks_of(&list, node).ok_or_else(|| malformed(name, &list, &format!("the tasks of node {node}")))
    }

    fn rendezvous(&self, launcher: &Launcher, one_machine: bool) -> Result<Option<Rendezvous>, WorldError> {
        if let Some(value) = self.get(RENDEZVOUS) {
            return Rendezvous::parse(&value).map(Some).ok_or_else(|| {
                malformed(RENDEZVOUS, &value, "the path of a directory from `/` on, or HOST:PORT")
            });
        }
        if one_machine {
            let values: Vec<String> = launcher.run.iter().filter_map(|name| self.get(name)).collect();
            let of_run = |values: Vec<String>| own_directory(launcher.run[0], &values.join("-"));
            return Ok((!values.is_empty()).then(|| Rendezvous::Directory(of_run(values))));
        }
        match (self.get("MASTER_ADDR"), self.get("MASTER_PORT")) {
            (Some(host), Some(_)) => {
                let port = self.number(launcher, "MASTER_PORT")?;
                let port = u16::try_from(port)
                    .map_err(|_| malformed("MASTER_PORT", &port.to_string(), "a port below 65536"))?;
                Ok(Some(Rendezvous::Address { host, port }))
            }
            _ => Ok(None),
        }
    }

    fn secret(&self) -> Result<Option<Secret>, WorldError> {
        let parse = |text: String| {
            // What should be secret is not repeated.
            text.parse().map_err(|expected: &str| malformed(SECRET, "…", &expected["expected ".len()..]))
        };
        self.get(SECRET).map(parse).transpose()
    }
}

impl Rendezvous {
    fn parse(text: &str) -> Option<Self> {
        if text.starts_with('/') {
            return Some(Self::Directory(text.into()));
        }
        let (host, port) = text.rsplit_once(':')?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let port = port.parse().ok().filter(|&port| port > 0)?;
        (!host.is_empty()).then(|| Self::Address { host: host.to_owned(), port })
    }
}

/// A directory of this user for one run.
fn own_directory(kind: &str, run: &str) -> PathBuf {
    let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
    let user = user::own();
    let name: String = format!("bfc-{user}-{kind}-{run}").chars().map(plain).collect();
    Path::new(&std::env::temp_dir()).join(name)
}

/// The tasks of a node in a list such as `4(x2),3`: two nodes of four, one of three.
fn tasks_of(list: &str, node: u32) -> Option<u32> {
    let mut before = 0;
    for run in list.trim().split(',') {
        let (tasks, nodes) = match run.split_once("(x") {
            Some((tasks, nodes)) => (tasks, nodes.strip_suffix(')')?.parse().ok()?),
            None => (run, 1),
        };
        before = u32::checked_add(before, nodes)?;
        if node < before {
            return tasks.parse().ok();
        }
    }
    None
}

fn below(name: &str, number: u32, bound_name: &str, bound: u32) -> Result<(), WorldError> {
    let reason = "numbers count from 0 to one less than how many there are";
    if number < bound { Ok(()) } else { Err(contradiction((name, number), (bound_name, bound), reason)) }
}

fn incomplete(launcher: &Launcher, found: &'static str, missing: &'static str) -> WorldError {
    WorldError::Incomplete { launcher: launcher.name, found, missing }
}

fn malformed(variable: &'static str, value: &str, expected: &str) -> WorldError {
    WorldError::Malformed { variable, value: value.to_owned(), expected: expected.to_owned() }
}

fn contradiction((a, x): (&str, u32), (b, y): (&str, u32), reason: &str) -> WorldError {
    WorldError::Contradiction { first: format!("{a}={x}"), second: format!("{b}={y}"), reason: reason.into() }
}
