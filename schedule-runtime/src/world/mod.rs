//! Which rank this process is, and where it meets the others: what a launcher says in the environment.
//!
//! | launcher | rank, size | on its machine |
//! |---|---|---|
//! | `bfc launch` | `BFC_RANK`, `BFC_SIZE` | `BFC_LOCAL_RANK`, `BFC_LOCAL_SIZE` |
//! | `torchrun` | `RANK`, `WORLD_SIZE` | `LOCAL_RANK`, `LOCAL_WORLD_SIZE` |
//! | `mpirun` (Open MPI) | `OMPI_COMM_WORLD_RANK`, `…_SIZE` | `OMPI_COMM_WORLD_LOCAL_RANK`, `…_LOCAL_SIZE` |
//! | `mpirun` (MPICH) | `PMI_RANK`, `PMI_SIZE` | `MPI_LOCALRANKID`, `MPI_LOCALNRANKS` |
//! | `srun`, also `--mpi=pmi2` | `SLURM_PROCID`, `SLURM_NTASKS` | `SLURM_LOCALID`, `SLURM_STEP_TASKS_PER_NODE` |
//!
//! `BFC_RENDEZVOUS` says where the ranks meet: a directory that only their user can write to, or `HOST:PORT` of rank 0. Where
//! it is missing, the ranks of one machine meet in a directory named after the run, as far as the launcher numbers its
//! runs, and those of several at `MASTER_ADDR` and `MASTER_PORT`. `BFC_SECRET`, 64 hexadecimal digits, is known to the ranks
//! only; ranks of several machines need it. Ranks that `mpirun` or `srun` has started meet in MPI instead with `BFC_ENGINE=mpi`,
//! or where they know no other place and bfc is connected to an MPI.

mod environment;

use crate::mpi::{MpiError, MpiTransport, place_by};
use crate::process::ProcessTransport;
use crate::secret::Secret;
use crate::socket::{SocketTransport, user};
use crate::transport::Transport;
use bfc_schedule::{Rank, visible};
use environment::{Environment, Found};
use miette::Diagnostic;
use std::fs::DirBuilder;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;
use thiserror::Error;

/// A rank of a group of processes, before it joins the group.
#[derive(Debug)]
pub struct World {
    rank: Rank,
    size: u32,
    local_rank: u32,
    local_size: u32,
    rendezvous: Option<Rendezvous>,
    secret: Option<Secret>,
    /// Whether messages travel by MPI.
    mpi: bool,
}

/// Where the ranks of a group meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rendezvous {
    /// In a directory of their machine.
    Directory(PathBuf),
    /// At rank 0.
    Address {
        /// Its host: a name or an address.
        host: String,
        /// The port where it listens.
        port: u16,
    },
}

/// Why a process is no rank of a group.
#[derive(Debug, Error, Diagnostic)]
#[non_exhaustive]
pub enum WorldError {
    /// No launcher has started the process.
    #[error("no launcher has started this process")]
    #[diagnostic(
        code(bfc::world::no_launcher),
        help("start it with `bfc launch -n 4 -- PROGRAM`, or with torchrun, mpirun or srun")
    )]
    NoLauncher,
    /// A launcher's variable is missing.
    #[error("{launcher} has set `{found}` and not `{missing}`")]
    #[diagnostic(
        code(bfc::world::incomplete),
        help("set `{missing}`, unset `{found}`, or start the process with `bfc launch`")
    )]
    Incomplete {
        /// The launcher.
        launcher: &'static str,
        /// A variable of its that is there.
        found: &'static str,
        /// The one that is not.
        missing: &'static str,
    },
    /// A variable's value cannot be read.
    #[error("`{variable}` is `{value}`, expected {expected}")]
    #[diagnostic(code(bfc::world::malformed), help("unset `{variable}`, or set it to {expected}"))]
    Malformed {
        /// The variable.
        variable: &'static str,
        /// Its value.
        value: String,
        /// What it should be.
        expected: String,
    },
    /// Two variables cannot both be right.
    #[error("`{first}` and `{second}` contradict each other: {reason}")]
    #[diagnostic(
        code(bfc::world::contradiction),
        help("unset the variables of the launcher that did not start this process")
    )]
    Contradiction {
        /// A variable and its value.
        first: String,
        /// The other one.
        second: String,
        /// Why not both.
        reason: String,
    },
    /// The ranks do not know where to meet.
    #[error("rank {rank} does not know where the {size} ranks meet")]
    #[diagnostic(
        code(bfc::world::no_rendezvous),
        help(
            "set `BFC_RENDEZVOUS` for all ranks: to a new directory where they share a machine, else to HOST:PORT, a free port of the machine of rank 0; ranks of mpirun and srun meet in MPI once `bfc mpi` has connected bfc to it"
        )
    )]
    NoRendezvous {
        /// This rank.
        rank: Rank,
        /// The number of ranks.
        size: u32,
    },
    /// The ranks meet at a port and have no secret.
    #[error("rank {rank} has no secret to show at the port where the ranks meet")]
    #[diagnostic(
        code(bfc::world::no_secret),
        help("set `BFC_SECRET` to what `openssl rand -hex 32` prints, the same for all ranks")
    )]
    NoSecret {
        /// This rank.
        rank: Rank,
    },
    /// There is no MPI.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Mpi(#[from] MpiError),
    /// The launcher has started other ranks than MPI has.
    #[error("rank {rank} of {size} is rank {mpi_rank} of {mpi_size} in MPI")]
    #[diagnostic(
        code(bfc::world::other_mpi),
        help(
            "start the ranks with the `mpirun` of the MPI that `bfc mpi --check` names, or unset `BFC_ENGINE`"
        )
    )]
    OtherMpi {
        /// This rank, as the launcher says.
        rank: Rank,
        /// The number of ranks.
        size: u32,
        /// The rank, as MPI says.
        mpi_rank: Rank,
        /// The number of its processes.
        mpi_size: u32,
    },
    /// The rank cannot join.
    #[error("rank {rank} cannot join at {place}: {error}")]
    #[diagnostic(code(bfc::world::join), help("{}", remedy(error)))]
    Join {
        /// This rank.
        rank: Rank,
        /// The place.
        place: String,
        /// Why.
        error: io::Error,
    },
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::AddrInUse => {
            "another process listens there: set `BFC_RENDEZVOUS` to another port or directory"
        }
        ErrorKind::StorageFull => {
            "free space or inodes there, or set `BFC_RENDEZVOUS` to a directory elsewhere"
        }
        ErrorKind::TimedOut => "see what the rank that did not come reported, or wait longer for it",
        ErrorKind::PermissionDenied => {
            "set `BFC_RENDEZVOUS` to a directory that only the user of the ranks can write to"
        }
        _ => "set `BFC_RENDEZVOUS` to another place for all ranks",
    }
}

impl World {
    /// What the environment of this process says.
    ///
    /// # Errors
    /// No launcher has started it, or the variables are incomplete, malformed or contradict each other.
    pub fn from_environment() -> Result<Self, WorldError> {
        Self::from_variables(&|name| std::env::var(name).ok())
    }

    /// What these variables say, for programs that get them in another way.
    ///
    /// ```
    /// use bfc_runtime::World;
    /// let variables = [("RANK", "1"), ("WORLD_SIZE", "2"), ("LOCAL_RANK", "1"), ("LOCAL_WORLD_SIZE", "2")];
    /// let get = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_string());
    /// let world = World::from_variables(&get).unwrap();
    /// assert_eq!((world.rank().0, world.size()), (1, 2));
    /// ```
    ///
    /// # Errors
    /// As [`from_environment`](Self::from_environment).
    pub fn from_variables(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, WorldError> {
        let environment = Environment(get);
        let asked_for = environment.is_on_mpi()?;
        let Found { rank, size, local_rank, local_size, rendezvous, secret, in_mpi } = environment.read()?;
        let nowhere_else = || rendezvous.is_none() && in_mpi && place_by(get).is_ok();
        let mpi = asked_for || nowhere_else();
        Ok(Self { rank, size, local_rank, local_size, rendezvous, secret, mpi })
    }

    /// This rank.
    pub fn rank(&self) -> Rank {
        self.rank
    }

    /// The number of ranks.
    pub fn size(&self) -> u32 {
        self.size
    }

    /// The number of this rank among those of its machine, such as the number of its GPU.
    pub fn local_rank(&self) -> u32 {
        self.local_rank
    }

    /// The number of ranks of this machine.
    pub fn local_size(&self) -> u32 {
        self.local_size
    }

    /// Joins the group: by MPI where `BFC_ENGINE` says so or `mpirun` no other place, in shared memory where the ranks meet in a directory, else over
    /// TCP. Returns when all ranks are there.
    ///
    /// # Errors
    /// The ranks do not know where to meet, or they do not come there within the deadline, which MPI does not have.
    pub fn join(&self, deadline: Duration) -> Result<Box<dyn Transport + Send>, WorldError> {
        let &Self { rank, size, .. } = self;
        if self.mpi {
            let transport = MpiTransport::join()?;
            let (mpi_rank, mpi_size) = (transport.rank(), transport.size());
            if (mpi_rank, mpi_size) != (rank, size) {
                return Err(WorldError::OtherMpi { rank, size, mpi_rank, mpi_size });
            }
            return Ok(Box::new(transport));
        }
        match &self.rendezvous {
            None => Err(WorldError::NoRendezvous { rank, size }),
            Some(Rendezvous::Address { host, port }) => {
                let secret = self.secret.as_ref().ok_or(WorldError::NoSecret { rank })?;
                let transport = SocketTransport::join_at((host, *port), rank, size, secret, deadline);
                let place = || visible::line(&format!("{host}:{port}")).into_owned();
                let failed = |error| WorldError::Join { rank, place: place(), error };
                transport.map(|transport| Box::new(transport) as _).map_err(failed)
            }
            Some(Rendezvous::Directory(directory)) => self.join_in(directory, deadline).map_err(|error| {
                let place = visible::line(&directory.to_string_lossy()).into_owned();
                WorldError::Join { rank, place, error }
            }),
        }
    }

    fn join_in(&self, directory: &Path, deadline: Duration) -> io::Result<Box<dyn Transport + Send>> {
        let secret = self.secret.clone().unwrap_or_default();
        private_directory(directory)?;
        let transport = ProcessTransport::join(directory, self.rank, self.size, &secret, deadline)?;
        Ok(Box::new(transport))
    }

    /// Where the ranks meet, as far as the launcher says.
    pub fn rendezvous(&self) -> Option<&Rendezvous> {
        self.rendezvous.as_ref()
    }
}

/// A directory that is this user's alone; made where there is none.
fn private_directory(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let found = path.symlink_metadata()?;
    if !found.is_dir() {
        return Err(io::Error::new(ErrorKind::NotADirectory, "it is not a directory"));
    }
    let user = user::own();
    if found.uid() != user {
        let reason = format!("it belongs to user {}, this rank to user {user}", found.uid());
        return Err(io::Error::new(ErrorKind::PermissionDenied, reason));
    }
    if found.mode() & 0o022 != 0 {
        let reason = format!("others can write to it: its mode is {:o}", found.mode() & 0o777);
        return Err(io::Error::new(ErrorKind::PermissionDenied, reason));
    }
    Ok(())
}
