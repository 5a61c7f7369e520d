//! `bfc run`: a schedule and a data set become a trained model, beside a centralized run and all-reduce.

mod arguments;
mod csv;
pub mod curve;
mod data;
mod gpus;
mod logistic;
mod ranks;
mod record;
mod remedy;
mod train;

pub use arguments::{Engine, Flags, Run, RunRank};
pub use ranks::rank;

use crate::arguments::Format;
use crate::failure::{self, Failure};
use crate::output::{Kind, Results};
use crate::pictures::{PAGE, subject};
use crate::{input, output, progress, trace};
use bfc_compiler::{Entry, Request};
use bfc_report::diagnostic_json;
use bfc_report::page::page;
use bfc_report::training::{self, Training};
use bfc_runtime::local::SpmdError;
use bfc_schedule::program::Instruction;
use bfc_schedule::{Rank, Schedule};
use csv::DataError;
use data::{Data, Split};
use miette::{Diagnostic, Report};
use record::Record;
use remedy::Origin;
use serde::Serialize;
use serde_json::Value;
use std::path::Path;
use thiserror::Error;
use train::Plan;

const MAX_RANKS: u32 = 1024;
const DEFAULT_LR: f64 = 0.1;

const TRAINING: Kind =
    Kind { name: "a result of `bfc run`", heads: &[b"{\n  \"topology\": "], flag: "--out" };

/// What the compared run executes: the average of all ranks after every step, on no topology at all.
const ALLREDUCE: &str = "
topology nobody { }
algorithm allreduce(lr: scalar = 0.1) {
    state x = params
    step { x <- average(x - lr * grad(x)) }
}
schedule {
    topology nobody
    algorithm allreduce
}
";

/// Why a schedule is not run, or came to nothing.
#[derive(Debug, Error, Diagnostic)]
enum RunError {
    /// Nothing to train.
    #[error("`{algorithm}` never asks for a gradient, so there is nothing to train")]
    #[diagnostic(
        code(bfc::run::no_gradient),
        help(
            "add `algorithm` with a `grad`, `adapt` or `prox` to the schedule; `bfc list algorithm` shows the library's"
        )
    )]
    NoGradient {
        /// The algorithm.
        algorithm: String,
    },
    /// `--lr` would have no effect.
    #[error("`--lr` has no effect: `{algorithm}` has no input `lr` and never says `adapt`")]
    #[diagnostic(
        code(bfc::run::no_learning_rate),
        help("leave `--lr` out, or give the algorithm a parameter `lr: scalar`")
    )]
    NoLearningRate {
        /// The algorithm.
        algorithm: String,
    },
    /// More threads than sensible.
    #[error("`--size {size}` is too many ranks for one process, expected up to {MAX_RANKS}")]
    #[diagnostic(code(bfc::run::too_many_ranks), help("`bfc compile` and `bfc analyze` take any size"))]
    TooManyRanks {
        /// The number asked for.
        size: u32,
    },
    /// The ranks of MPI have not come to their end.
    #[error("`mpirun` {end}")]
    #[diagnostic(
        code(bfc::run::mpirun),
        help(
            "see what it and the ranks print; `bfc mpi --check` says which MPI bfc is connected to, whose `mpirun` must come first in PATH"
        )
    )]
    Mpirun {
        /// How it ended.
        end: String,
    },
    /// Only machines of the host record traces.
    #[error("`--trace` has no effect with `--engine nccl`: machines on GPUs leave no trace")]
    #[diagnostic(
        code(bfc::run::no_trace),
        help("leave `--trace` out, or trace the same run with `--engine threads`")
    )]
    NoTrace,
    /// Ranks as processes leave their models in files.
    #[error("{place}: {error}")]
    #[diagnostic(
        code(bfc::run::files),
        help("see that the temporary directory (`TMPDIR`) has room, or run with `--engine threads`")
    )]
    Files {
        /// Where.
        place: String,
        /// Why.
        error: std::io::Error,
    },
    /// A rank's thread panicked.
    #[error("rank {rank} panicked: {message}")]
    #[diagnostic(
        code(bfc::run::panicked),
        help("this is a defect of bfc; please report it with the command")
    )]
    Panicked {
        /// The rank.
        rank: Rank,
        /// What it said.
        message: String,
    },
    /// A step of no or of negative length.
    #[error("the learning rate is {found}, expected a finite number above 0")]
    #[diagnostic(
        code(bfc::run::learning_rate),
        help("give the algorithm a positive `lr`, or run with `--lr 0.1`")
    )]
    LearningRate {
        /// What the algorithm's input `lr` is.
        found: f64,
    },
    /// The flag would hide the parameter.
    #[error("the learning rate is given twice: `--lr {flag}` and `--param {name}={value}`")]
    #[diagnostic(code(bfc::run::learning_rate_twice), help("leave one of them out"))]
    LearningRateTwice {
        /// The value of `--lr`.
        flag: f64,
        /// The parameter.
        name: String,
        /// Its value.
        value: String,
    },
    /// The loss went the wrong way.
    #[error("training diverged in {steps} steps: {}", runs.join(", "))]
    #[diagnostic(code(bfc::run::diverged), help("{help}"))]
    Diverged {
        /// Which runs, and how.
        runs: Vec<String>,
        /// Steps done.
        steps: u64,
        /// What to do.
        help: String,
    },
}

/// Runs and reports.
///
/// # Errors
/// Bad input, a schedule that is refused, a failure of a rank, or a loss that ends far above its start.
pub fn run(arguments: &Run, format: Format) -> Result<(), Failure> {
    if arguments.source.size > MAX_RANKS {
        return Err(Failure::refused_by(RunError::TooManyRanks { size: arguments.source.size }));
    }
    if arguments.training.engine == Engine::Nccl && arguments.trace.is_some() {
        return Err(Failure::usage(RunError::NoTrace));
    }
    let out = arguments.out.as_deref();
    let results = out.map(|out| Results::new(out, TRAINING, "run.json", "convergence.svg")).transpose()?;
    if let Some(path) = &arguments.report {
        output::replaces(path, Kind { flag: "--report", ..PAGE })?;
    }
    let source = &arguments.source;
    let request = input::request(&source.file, source.size, &source.settings)?;
    let compiled = input::compile_request(&request)?;
    let schedule = &compiled.schedule;
    let lr = learning_rate(schedule, arguments)?;
    let flags = &arguments.training;
    let (data_name, data) = load(flags, schedule.size() as usize)?;
    let plan = Plan { steps: flags.steps, lr, dtype: flags.dtype };
    let on_ranks = |schedule: &Schedule, trace: Option<&Path>| match flags.engine {
        Engine::Threads => train::on_ranks(schedule, &data, plan, trace).map_err(failed),
        Engine::Nccl => gpus::on_gpus(schedule, &data, plan),
        Engine::Processes | Engine::Sockets | Engine::Mpi => {
            ranks::on_processes(schedule, &data, (plan, flags), trace)
        }
    };
    progress::start("decentralized", plan.steps, "steps");
    let decentralized = on_ranks(schedule, arguments.trace.as_deref())?;
    progress::start("all-reduce", plan.steps, "steps");
    let allreduce = on_ranks(&allreduce(schedule.size())?, None)?;
    progress::start("centralized", plan.steps, "steps");
    let centralized = train::centralized(&data, plan);
    progress::clear();
    let record = Record {
        schedule,
        data_name: &data_name,
        data: &data,
        arguments,
        plan,
        optimum: train::whole(&data).optimum(1e-13, 5000),
        decentralized,
        allreduce,
        centralized,
    };
    if let Some(path) = &arguments.report {
        write_report(path, &request, &record)?;
    }
    tell(&record, &Origin { request: &request, reals: &compiled.report.reals }, results, format)
}

/// Writes the page about a run, with a chart of some steps where it left traces.
fn write_report(path: &Path, request: &Request, record: &Record) -> Result<(), Failure> {
    let arguments = record.arguments;
    let (mut subject, _) = subject(&arguments.source.file, request, &input::Beside, None, None);
    subject.gantt = arguments.trace.as_deref().map(trace::gantt).transpose()?.flatten();
    subject.training = Some(record.training());
    output::write_file(path, page(request.size, &[subject]).as_bytes())?;
    output::say(&format!("wrote {}", output::path(path)));
    Ok(())
}

/// The document of a run that diverged.
#[derive(Serialize)]
struct Diverged<'a> {
    #[serde(flatten)]
    training: &'a Training,
    diagnostics: [Value; 1],
}

fn tell(record: &Record, origin: &Origin, results: Option<Results>, format: Format) -> Result<(), Failure> {
    let training = record.training();
    if let Some(results) = results {
        results.write(&training, &training::svg(&training))?;
    }
    let runs = record.diverged();
    if runs.is_empty() {
        return output::show(format, &training, || training::text(&training));
    }
    let error = remedy::diverged(record, origin, runs)?;
    match format {
        Format::Human => {
            output::print(training::text(&training))?;
            Err(Failure::running(error))
        }
        Format::Json => {
            let diagnostics = [diagnostic_json(&Report::new(error))];
            output::print_json(&Diverged { training: &training, diagnostics })?;
            Err(Failure::told(failure::RUNNING))
        }
    }
}

/// Whether `--lr` has an effect.
fn takes_rate(schedule: &Schedule) -> bool {
    let program = schedule.program();
    program.inputs.iter().any(|input| input.name == "lr") || adapts(schedule)
}

fn adapts(schedule: &Schedule) -> bool {
    let mut instructions = schedule.program().steps.iter().flatten();
    instructions.any(|one| matches!(one, Instruction::Adapt { .. }))
}

/// The rate of all three runs: the flag, else the algorithm's own default.
fn learning_rate(schedule: &Schedule, arguments: &Run) -> Result<f64, Failure> {
    let program = schedule.program();
    let algorithm = program.name.clone();
    let mut instructions = program.steps.iter().flatten();
    let asks = |one: &Instruction| matches!(one, Instruction::Gradient { .. } | Instruction::Prox { .. });
    let trains = instructions.any(asks) || adapts(schedule);
    if !trains {
        return Err(Failure::refused_by(RunError::NoGradient { algorithm }));
    }
    let input = program.inputs.iter().find(|input| input.name == "lr");
    if let Some(flag) = arguments.training.lr {
        if !takes_rate(schedule) {
            return Err(Failure::refused_by(RunError::NoLearningRate { algorithm }));
        }
        let mut parameters = arguments.source.settings.parameters.iter();
        let is_rate = |name: &str| name == "lr" || name.ends_with(".lr") && name != "topology.lr";
        if let Some((name, value)) = parameters.find(|(name, _)| is_rate(name)).filter(|_| input.is_some()) {
            let (name, value) = (name.clone(), value.clone());
            return Err(Failure::usage(RunError::LearningRateTwice { flag, name, value }));
        }
        return Ok(flag);
    }
    let rate = input.map_or(DEFAULT_LR, |input| input.default.to_f64());
    if rate > 0.0 && rate.is_finite() {
        Ok(rate)
    } else {
        Err(Failure::refused_by(RunError::LearningRate { found: rate }))
    }
}

fn load(flags: &Flags, ranks: usize) -> Result<(String, Data), Failure> {
    let (name, text) = match &flags.data {
        None => ("UCI handwritten digits".to_string(), csv::DIGITS.to_string()),
        Some(path) => {
            let name = path.display().to_string();
            let text = String::from_utf8(input::read(path)?).map_err(|error| {
                Failure::refused_by(DataError::NotText {
                    name: name.clone(),
                    byte: error.utf8_error().valid_up_to(),
                })
            })?;
            (name, text)
        }
    };
    let table =
        csv::parse(&name, &text).map_err(|faults| Failure::refused(faults.into_iter().map(Report::new)))?;
    let found = data::training_rows(table.labels.len());
    if found < ranks {
        return Err(Failure::refused_by(DataError::TooFewRows { name, found, ranks }));
    }
    let split = Split { ranks, skew: flags.skew, seed: flags.seed };
    Ok((name, data::prepare(table, split)))
}

fn allreduce(size: u32) -> Result<Schedule, Failure> {
    let entry = Entry::Source { name: "allreduce.bf".into(), text: ALLREDUCE.into() };
    Ok(input::compile_request(&Request::new(entry, size))?.schedule)
}

/// A failed run, as a failure of the command.
pub(crate) fn failed<E: Diagnostic + Send + Sync + 'static>(error: SpmdError<E>) -> Failure {
    match error {
        SpmdError::Failed { error, .. } => Failure::running(error),
        SpmdError::Panicked { rank, message } => Failure::running(RunError::Panicked { rank, message }),
    }
}
