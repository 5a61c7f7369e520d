//! Why there is no GPU, or why it failed.

use bfc_schedule::Rank;
use miette::Diagnostic;
use thiserror::Error;

/// Why there is no GPU, or why it failed. Names of libraries and what these say are one line each, without control characters.
#[derive(Clone, Debug, Error, Diagnostic, PartialEq, Eq)]
#[non_exhaustive]
pub enum GpuError {
    /// A library cannot be loaded.
    #[error("there is no {library}: {reason}")]
    #[diagnostic(
        code(bfc::gpu::no_library),
        help("{remedy}; or name its file: `{variable}=/path/to/the/library`")
    )]
    NoLibrary {
        /// Its name.
        library: &'static str,
        /// What the loader said of each file that it tried.
        reason: String,
        /// Where it comes from.
        remedy: &'static str,
        /// The variable that names its file.
        variable: &'static str,
    },
    /// A library lacks a function.
    #[error("{library} in {file} has no function `{symbol}`")]
    #[diagnostic(
        code(bfc::gpu::no_symbol),
        help(
            "the library is too old, or another one: {remedy}; or name its file: `{variable}=/path/to/the/library`"
        )
    )]
    NoSymbol {
        /// The library's name.
        library: &'static str,
        /// Its file.
        file: String,
        /// The function.
        symbol: &'static str,
        /// Where a newer one comes from.
        remedy: &'static str,
        /// The variable that names its file.
        variable: &'static str,
    },
    /// A library is older than what works with it.
    #[error("{library} is version {found}, and {needed} is needed{why}")]
    #[diagnostic(code(bfc::gpu::too_old), help("{remedy}"))]
    TooOld {
        /// The library's name.
        library: &'static str,
        /// Its version.
        found: String,
        /// The least version.
        needed: String,
        /// By what, in words that follow the version.
        why: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// The machine has no such GPU.
    #[error("there is no GPU {wanted}: the CUDA driver finds {found}")]
    #[diagnostic(
        code(bfc::gpu::no_device),
        help(
            "GPUs are counted from 0, among those that `CUDA_VISIBLE_DEVICES` leaves; `nvidia-smi -L` lists those of the machine"
        )
    )]
    NoDevice {
        /// The one asked for.
        wanted: u32,
        /// How many there are.
        found: u32,
    },
    /// A call to a library failed.
    #[error("`{call}` failed: {reason}")]
    #[diagnostic(
        code(bfc::gpu::call),
        help(
            "after a peer that is late or has failed, the ranks make a new communicator; after a fault of the GPU itself, start the \
             process again"
        )
    )]
    Call {
        /// The function.
        call: &'static str,
        /// What the library said.
        reason: String,
    },
    /// NVRTC refuses the text of the kernels.
    #[error("NVRTC cannot compile the kernels for {architecture}: {log}")]
    #[diagnostic(
        code(bfc::gpu::compile),
        help("an NVRTC older than the GPU does not know its architecture: install a newer one")
    )]
    Compile {
        /// The architecture, such as `sm_90`.
        architecture: String,
        /// What NVRTC said.
        log: String,
    },
    /// Ranks do not run the same.
    #[error("rank {rank} does not belong to this run: {reason}")]
    #[diagnostic(
        code(bfc::gpu::different),
        help("start all ranks with the same schedule and the same tensors, in the same order")
    )]
    Different {
        /// This rank.
        rank: Rank,
        /// What is different.
        reason: String,
    },
    /// The trainer failed.
    #[error("the trainer failed: {reason}")]
    #[diagnostic(code(bfc::gpu::trainer), help("the other ranks end at their deadlines"))]
    Trainer {
        /// What it said.
        reason: String,
    },
    /// Where a failure happened.
    #[error("rank {rank}, step {step}: {error}")]
    #[diagnostic(forward(error))]
    AtStep {
        /// The rank.
        rank: Rank,
        /// The steps done before.
        step: u64,
        /// What happened.
        error: Box<GpuError>,
    },
}
