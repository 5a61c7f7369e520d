//! Why an optimizer of torch cannot train with a schedule → exceptions of Python.

use crate::error;
use miette::Diagnostic;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use thiserror::Error;

/// What `bfc.torch` refuses.
#[derive(Debug, Error, Diagnostic)]
enum TorchError {
    /// The schedule does not ask what an optimizer can answer.
    #[error("`{algorithm}` asks for {found}, expected gradients or steps of an optimizer")]
    #[diagnostic(
        code(bfc::torch::wrong_question),
        help(
            "choose an algorithm with `grad(x)` or `adapt(x)` in its step, such as `gradient_tracking` or `atc_diffusion`"
        )
    )]
    WrongQuestion { algorithm: String, found: String },
    /// The optimizer does something that the schedule cannot see.
    #[error("`{base}` cannot be the base: {found}")]
    #[diagnostic(
        code(bfc::torch::wrong_base),
        help(
            "use plain `torch.optim.SGD(…, lr=…)` with algorithms that ask for gradients, and any optimizer but LBFGS with those that `adapt`, such as `atc_diffusion`"
        )
    )]
    WrongBase { base: String, found: String },
    /// Parameters of the optimizer are not the model's.
    #[error("parameter {found} is not a parameter of the model")]
    #[diagnostic(
        code(bfc::torch::foreign_parameter),
        help(
            "give the module whose `named_parameters()` contain all parameters of the optimizer, or no model"
        )
    )]
    ForeignParameter { found: String },
    /// The schedule has one rate.
    #[error("the parameter groups have the rates {found}, and the schedule has one input `lr`")]
    #[diagnostic(
        code(bfc::torch::unequal_rates),
        help(
            "give all groups the same `lr`, or choose an algorithm that calls `adapt`, such as `atc_diffusion`"
        )
    )]
    UnequalRates { found: String },
    /// Ranks begin with different numbers.
    #[error("{found}")]
    #[diagnostic(
        code(bfc::torch::different_start),
        help("seed all ranks alike, or let rank 0 hand out its parameters: `start=\"broadcast\"`")
    )]
    DifferentStart { found: String },
    /// One gradient is not enough.
    #[error("`{algorithm}` asks {found} questions a step about one minibatch")]
    #[diagnostic(
        code(bfc::torch::needs_closure),
        help(
            "call `optimizer.step(closure)`, where `closure` computes the loss of the minibatch and calls `backward()`"
        )
    )]
    NeedsClosure { algorithm: String, found: String },
    /// The parameters are not the point of a question.
    #[error("{found} inside of `evaluating()`, where the parameters are the algorithm's model")]
    #[diagnostic(code(bfc::torch::evaluating), help("leave the `with` block first"))]
    Evaluating { found: String },
    /// A gradient has changed after it was sent.
    #[error("the gradient of `{found}` changes after it was sent")]
    #[diagnostic(
        code(bfc::torch::late_gradient),
        help(
            "call `backward` once a step, with earlier minibatches inside of `optimizer.accumulating()`, or leave out `overlap=True`"
        )
    )]
    LateGradient { found: String },
    /// Buffers have no place in the algorithm.
    #[error("buffers cannot be mixed by `{algorithm}`, which asks for gradients")]
    #[diagnostic(
        code(bfc::torch::mixed_buffers),
        help(
            "leave them to each rank, `buffers=\"local\"`, or choose an algorithm that calls `adapt`, such as `atc_diffusion`"
        )
    )]
    MixedBuffers { algorithm: String },
    /// There is no group to exchange over.
    #[error("{found}")]
    #[diagnostic(
        code(bfc::torch::no_group),
        help(
            "call `torch.distributed.init_process_group(\"gloo\")` first, in all processes of the group, or leave out `engine` and `group`"
        )
    )]
    NoGroup { found: String },
    /// The group's backends do not carry the tensors.
    #[error("the group, whose backends are {backends}, does not carry {found}")]
    #[diagnostic(
        code(bfc::torch::no_backend),
        help(
            "move the model to a device of the group, or initialize it with a backend for each device: `init_process_group(\"cpu:gloo,cuda:nccl\")`"
        )
    )]
    NoBackend { backends: String, found: String },
    /// Calls without a schedule are for memory of the CPU.
    #[error("the engine `torch` has no communicator")]
    #[diagnostic(
        code(bfc::torch::no_communicator),
        help(
            "make calls of `torch.distributed` in its group, such as `all_reduce`, or start the ranks with `bfc launch` or `torchrun` and join them by `bfc.init(engine=\"processes\")`"
        )
    )]
    NoCommunicator,
    /// Something else averages the gradients already.
    #[error("{found} averages the gradients of all ranks, so the ranks would not train by the schedule")]
    #[diagnostic(
        code(bfc::torch::averaged_gradients),
        help("do not wrap the model, or let it leave gradients alone: `model = bfc.torch.local(model)`")
    )]
    AveragedGradients { found: String },
    /// The model is not the one that was wrapped.
    #[error("{found} since the optimizer was made")]
    #[diagnostic(
        code(bfc::torch::changed_model),
        help(
            "change models before the optimizer is made, or make another one; load values with `load_state_dict(…)` without `assign=True`"
        )
    )]
    ChangedModel { found: String },
    /// An option needs the model, which was not given.
    #[error("{found} needs the model")]
    #[diagnostic(
        code(bfc::torch::needs_model),
        help("give it as the third argument: `Decentralized(base, schedule, model)`")
    )]
    NeedsModel { found: String },
    /// Ranks would compute with different numbers.
    #[error("{found}")]
    #[diagnostic(
        code(bfc::torch::inputs_differ),
        help("set inputs and rates alike on all ranks, such as by the same scheduler from the same step")
    )]
    InputsDiffer { found: String },
    /// A state without the algorithm's part.
    #[error("the state holds {found}, and no `bfc`: it does not say where the algorithm stands")]
    #[diagnostic(
        code(bfc::torch::foreign_state),
        help(
            "load what `optimizer.state_dict()` has returned on this rank, or use `bfc.torch.save` and `bfc.torch.load`; load a state of the base before the optimizer is made"
        )
    )]
    ForeignState { found: String },
    /// A state of another optimizer.
    #[error("the state is not one of this optimizer: {found}")]
    #[diagnostic(
        code(bfc::torch::other_state),
        help(
            "load it into an optimizer with the same bases, parameters and model as that which has saved it"
        )
    )]
    OtherState { found: String },
    /// Parameters were written where the algorithm computes them.
    #[error("the parameters have been written since the last step, and `{algorithm}` computes them itself")]
    #[diagnostic(
        code(bfc::torch::written_parameters),
        help(
            "write them before the optimizer is made, or load a state with `optimizer.load_state_dict`; algorithms that call `adapt`, such as `atc_diffusion`, go on from what is written"
        )
    )]
    WrittenParameters { algorithm: String },
    /// Files of a run do not belong together.
    #[error("cannot continue from `{subject}`: {found}")]
    #[diagnostic(
        code(bfc::torch::wrong_files),
        help(
            "load a directory that `bfc.torch.save` has written with the same number of ranks; on another number of ranks, load `optimizer.consolidated()`"
        )
    )]
    WrongFiles { found: String, subject: String },
}

/// The exception of the code `bfc::torch::CODE`, about what was `found` with `subject`: an algorithm or an optimizer.
#[pyfunction]
pub fn torch_error(py: Python<'_>, code: &str, found: String, subject: String) -> PyErr {
    let algorithm = subject.clone();
    let refused = match code {
        "wrong_question" => TorchError::WrongQuestion { algorithm, found },
        "wrong_base" => TorchError::WrongBase { base: subject, found },
        "foreign_parameter" => TorchError::ForeignParameter { found },
        "unequal_rates" => TorchError::UnequalRates { found },
        "different_start" => TorchError::DifferentStart { found },
        "needs_closure" => TorchError::NeedsClosure { algorithm, found },
        "evaluating" => TorchError::Evaluating { found },
        "late_gradient" => TorchError::LateGradient { found },
        "mixed_buffers" => TorchError::MixedBuffers { algorithm },
        "no_group" => TorchError::NoGroup { found },
        "no_backend" => TorchError::NoBackend { backends: subject, found },
        "no_communicator" => TorchError::NoCommunicator,
        "averaged_gradients" => TorchError::AveragedGradients { found },
        "changed_model" => TorchError::ChangedModel { found },
        "needs_model" => TorchError::NeedsModel { found },
        "inputs_differ" => TorchError::InputsDiffer { found },
        "foreign_state" => TorchError::ForeignState { found },
        "other_state" => TorchError::OtherState { found },
        "written_parameters" => TorchError::WrittenParameters { algorithm },
        "wrong_files" => TorchError::WrongFiles { found, subject },
        _ => return PyValueError::new_err(format!("bfc::torch::{code} is not a code")),
    };
    error::raise(py, [&refused as &dyn Diagnostic])
}
