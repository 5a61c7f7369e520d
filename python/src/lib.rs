//! The compiled part of the Python package `bfc`: thin classes over compiler, schedule and runtime.
//!
//! | file | what it turns into what |
//! |---|---|
//! | `compile` | a path, a library name or source text into a schedule |
//! | `results` | sources and clusters into analyses, predictions and advice |
//! | `graphs` | a file of a graph into the source of a topology |
//! | `schedule` | a schedule into Python objects and numpy arrays |
//! | `spmd`, `trainer` | a schedule and an array into a rank's algorithm, driven by Python functions |
//! | `world`, `machine` | a launcher's ranks and many tensors into a rank's algorithm, driven bucket by bucket |
//! | `communicator` | a launcher's ranks and arrays into calls without a schedule |
//! | `program` | what a rank runs into plain data, for the engine that interprets it in Python |
//! | `torch` | what an optimizer of torch cannot do into exceptions |
//! | `array`, `dlpack` | arrays of any library into checked memory, and back |
//! | `library` | the library of an array into the words of a message |
//! | `arguments` | Python objects into values of arguments |
//! | `interrupt` | a long computation or wait into its result, if nobody interrupts it |
//! | `error`, `words` | diagnostics into exceptions, in the words of Python |
//! | `command` | the words of a command line into a run of the `bfc` command |

mod arguments;
mod array;
mod command;
mod communicator;
mod compile;
mod dlpack;
mod error;
mod graphs;
mod interrupt;
mod kernel;
mod library;
mod machine;
mod program;
mod results;
mod schedule;
mod spmd;
mod tensors;
mod torch;
mod trainer;
mod words;
mod world;

/// The compiled part of `bfc`; use it through the package.
#[pyo3::pymodule]
mod _bfc {
    #[pymodule_export]
    use super::arguments::wrong_value;
    #[pymodule_export]
    use super::array::View;
    #[pymodule_export]
    use super::command::run_command;
    #[pymodule_export]
    use super::communicator::{Calls, Neighbours};
    #[pymodule_export]
    use super::compile::{compile, compile_source, decode};
    #[pymodule_export]
    use super::graphs::import_graph;
    #[pymodule_export]
    use super::kernel::{apply_operation, apply_to_elements, sum_terms};
    #[pymodule_export]
    use super::machine::Machine;
    #[pymodule_export]
    use super::program::{
        Buckets, Code, Factors, exchange_failed, machine_failed, ranks_differ, unknown_input,
        wrong_checkpoint,
    };
    #[pymodule_export]
    use super::results::{advise, analyze, compare, simulate, sweep};
    #[pymodule_export]
    use super::schedule::{Phase, Round, Schedule, Topology};
    #[pymodule_export]
    use super::spmd::{Comm, Group};
    #[pymodule_export]
    use super::tensors::Forms;
    #[pymodule_export]
    use super::torch::torch_error;
    #[pymodule_export]
    use super::trainer::Trainer;
    #[pymodule_export]
    use super::world::{World, engines_differ, has_launcher, joined, not_joined};
    #[pymodule_export]
    #[allow(non_upper_case_globals)]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
