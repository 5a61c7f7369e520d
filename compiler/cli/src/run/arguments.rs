//! Flags of `bfc run`.

use crate::arguments::{Source, positive, seed, share, steps};
use bfc_runtime::Dtype;
use clap::{Args, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

/// Arguments of `bfc run`.
#[derive(Args)]
pub struct Run {
    /// What to run.
    #[command(flatten)]
    pub source: Source,
    /// How to train.
    #[command(flatten)]
    pub training: Flags,
    /// Write run.json and convergence.svg into this directory.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Write the curves of training, and all that `bfc report` shows of the schedule, into this HTML file.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Leave the trace of each rank of the decentralized run in this directory, for `bfc trace merge` and `bfc why-stuck`; not
    /// with `--engine nccl`.
    #[arg(long, value_name = "DIR")]
    pub trace: Option<PathBuf>,
}

/// How to train.
#[derive(Args, Clone)]
pub struct Flags {
    /// Comma-separated numbers with the label in the last column; a first line without numbers is a heading. The UCI
    /// handwritten digits by default.
    #[arg(long, value_name = "CSV")]
    pub data: Option<PathBuf>,
    /// Steps of training.
    #[arg(long, default_value_t = 300, value_name = "STEPS", allow_negative_numbers = true, value_parser = steps)]
    pub steps: u64,
    /// The algorithm's input `lr`, or the trainer's step size if the algorithm uses `adapt`.
    #[arg(long, value_name = "LR", allow_negative_numbers = true, value_parser = positive)]
    pub lr: Option<f64>,
    /// How much the ranks' data differ: 0 is shuffled, 1 is sorted by label.
    #[arg(long, default_value_t = 0.0, value_name = "SKEW", allow_negative_numbers = true, value_parser = share)]
    pub skew: f64,
    /// The seed of the shuffle.
    #[arg(long, default_value_t = 0, value_name = "SEED", allow_negative_numbers = true, value_parser = seed)]
    pub seed: u64,
    /// Where ranks run: as threads of one process, as processes that share memory, as processes that send through sockets, as
    /// processes that `mpirun` starts (see `bfc mpi`), or as threads with their models on GPUs: each on its own over NCCL or, if
    /// the machine has fewer, all on the first. The result is the same.
    #[arg(long, value_enum, default_value_t = Engine::Threads, value_name = "ENGINE")]
    pub engine: Engine,
    /// What the model is stored and sent in; f16 and bf16 are computed in f32.
    #[arg(long, default_value = "f64", value_name = "TYPE", value_parser = dtype)]
    pub dtype: Dtype,
}

/// Where ranks run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum Engine {
    Threads,
    Processes,
    Sockets,
    Mpi,
    Nccl,
}

/// One rank of a run whose ranks are processes.
#[derive(Args)]
pub struct RunRank {
    /// The directory with the schedule, where the rank leaves its models.
    pub directory: PathBuf,
    /// How to train.
    #[command(flatten)]
    pub flags: Flags,
    /// Where the rank leaves its trace.
    #[arg(long, value_name = "DIR")]
    pub trace: Option<PathBuf>,
}

impl Flags {
    /// The command line that says the same, with the learning rate that was decided.
    pub fn words(&self, lr: f64) -> Vec<OsString> {
        let engine = self.engine.to_possible_value().expect("an engine that has a name");
        let mut words: Vec<OsString> = vec![
            format!("--steps={}", self.steps).into(),
            format!("--lr={lr}").into(),
            format!("--skew={}", self.skew).into(),
            format!("--seed={}", self.seed).into(),
            format!("--engine={}", engine.get_name()).into(),
            format!("--dtype={}", self.dtype.name()).into(),
        ];
        if let Some(data) = &self.data {
            words.extend(["--data".into(), data.clone().into_os_string()]);
        }
        words
    }
}

fn dtype(text: &str) -> Result<Dtype, String> {
    let names = || Dtype::ALL.map(Dtype::name).join(", ");
    Dtype::from_name(text).ok_or_else(|| format!("expected one of {}", names()))
}
