//! Why ranks are not started, or how the first of them failed.

use miette::Diagnostic;
use std::io;
use thiserror::Error;

/// What is wrong with a launch.
#[derive(Debug, Error, Diagnostic)]
pub enum LaunchError {
    /// The program does not start.
    #[error("`{program}` cannot be started: {error}")]
    #[diagnostic(code(bfc::launch::program), help("{help}"))]
    Program {
        /// The program.
        program: String,
        /// Why.
        error: io::Error,
        /// What to do.
        help: String,
    },
    /// A rank failed, and the others were ended.
    #[error("rank {rank} {end}; the other ranks were ended")]
    #[diagnostic(
        code(bfc::launch::rank_failed),
        help("the cause is in what rank {rank} printed; `--tag-output` shows which lines are its own")
    )]
    RankFailed {
        /// The first rank that failed.
        rank: u32,
        /// How: `exited with 3`, `was killed by SIGKILL`.
        end: String,
    },
    /// Ranks of several machines without a common secret.
    #[error("{nodes} machines need a common secret, and there is none")]
    #[diagnostic(
        code(bfc::launch::no_secret),
        help(
            "write one once, `(umask 077; openssl rand -hex 32 > secret)`, copy the file to all machines, and name it with `--secret secret`"
        )
    )]
    NoSecret {
        /// The number of machines.
        nodes: u32,
    },
    /// A secret that others know, or that is none.
    #[error("the secret in `{place}` cannot be used: {reason}")]
    #[diagnostic(code(bfc::launch::secret), help("{help}"))]
    Secret {
        /// A file, or `BFC_SECRET`.
        place: String,
        /// Why.
        reason: String,
        /// What to do.
        help: String,
    },
    /// A machine that is not one of those.
    #[error("there is no machine {node_rank} among {nodes}")]
    #[diagnostic(code(bfc::launch::node_rank), help("machines count from 0 to {}", nodes - 1))]
    NodeRank {
        /// The number given.
        node_rank: u32,
        /// The number of machines.
        nodes: u32,
    },
    /// No directory to meet in.
    #[error("the ranks have no directory to meet in: {error}")]
    #[diagnostic(
        code(bfc::launch::rendezvous),
        help(
            "free space in the directory for temporary files, or name another one: `TMPDIR=/dev/shm bfc launch …`"
        )
    )]
    Rendezvous {
        /// Why.
        error: io::Error,
    },
}
