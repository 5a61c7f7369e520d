//! What can be wrong with an algorithm beyond what can be wrong with any expression.

use bfc_dsl::tree::Span;
use miette::{Diagnostic, LabeledSpan};
use thiserror::Error;

/// An error of the stage `evaluate` in an algorithm.
#[derive(Clone, Debug, Error, Diagnostic, PartialEq)]
#[allow(missing_docs)]
pub enum AlgorithmError {
    #[error("`{name}` is {found}")]
    #[diagnostic(code(bfc::evaluate::not_a_state))]
    NotAState {
        name: String,
        found: &'static str,
        #[label("only states are assigned")]
        span: Span,
        #[help]
        help: String,
    },
    #[error("`{name}` is assigned twice on one path")]
    #[diagnostic(
        code(bfc::evaluate::assigned_twice),
        help("lines of a step are equations, not commands: name the intermediate value with `let`")
    )]
    AssignedTwice {
        name: String,
        #[label("first here")]
        first: Span,
        #[label("again here")]
        span: Span,
    },
    #[error("{what} is defined twice")]
    #[diagnostic(code(bfc::evaluate::defined_twice), help("{help}"))]
    DefinedTwice {
        what: String,
        help: &'static str,
        #[label("first here")]
        first: Span,
        #[label("again here")]
        span: Span,
    },
    #[error("`{name}` is built in")]
    #[diagnostic(code(bfc::evaluate::built_in_name), help("choose another name"))]
    BuiltInName {
        name: String,
        #[label("already means something")]
        span: Span,
    },
    #[error("algorithm `{name}` has no `{part}`")]
    #[diagnostic(code(bfc::evaluate::incomplete_algorithm), help("{help}"))]
    Incomplete {
        name: String,
        part: &'static str,
        help: &'static str,
        #[label("in this algorithm")]
        span: Span,
    },
    #[error("equations go in a circle: {cycle}")]
    #[diagnostic(code(bfc::evaluate::cyclic_equations), help("{help}"))]
    Cycle {
        cycle: String,
        help: &'static str,
        #[label(collection)]
        labels: Vec<LabeledSpan>,
        span: Span,
    },
    #[error("ranks may disagree on this condition: it depends on {on}")]
    #[diagnostic(
        code(bfc::evaluate::condition_not_uniform),
        help(
            "ranks on different branches wait for each other forever; use `t`, `size`, constants, scalar parameters or `random(seed, t)`"
        )
    )]
    ConditionNotUniform {
        on: String,
        #[label("depends on {on}")]
        span: Span,
    },
    #[error("condition not known {place}")]
    #[diagnostic(code(bfc::evaluate::condition_not_known), help("{help}"))]
    ConditionNotKnown {
        place: &'static str,
        help: &'static str,
        #[label("is only known in a step")]
        span: Span,
    },
    #[error("the step has more than {limit} different conditions")]
    #[diagnostic(
        code(bfc::evaluate::too_many_conditions),
        help("each combination of conditions is compiled separately: use fewer, or arithmetic on `t`")
    )]
    TooManyConditions {
        limit: usize,
        #[label("one too many")]
        span: Span,
    },
    #[error("this algorithm grows past {limit} {what}")]
    #[diagnostic(
        code(bfc::evaluate::algorithm_too_large),
        help("name common parts with `let`; an endless recursion also stops here")
    )]
    TooLarge {
        limit: u64,
        what: &'static str,
        #[label("here")]
        span: Span,
    },
    #[error("expected {expected}, found {found}")]
    #[diagnostic(code(bfc::evaluate::wrong_shape), help("{help}"))]
    WrongShape {
        expected: &'static str,
        found: &'static str,
        help: &'static str,
        #[label("this is {found}")]
        span: Span,
    },
    #[error("`{name}'` has no value {place}")]
    #[diagnostic(code(bfc::evaluate::no_next_value), help("{help}"))]
    NoNextValue {
        name: String,
        place: &'static str,
        help: &'static str,
        #[label("the value after the step")]
        span: Span,
    },
    #[error("state `{name}` has no value yet")]
    #[diagnostic(
        code(bfc::evaluate::state_not_ready),
        help("initial values run from top to bottom: declare `{name}` above, or start from `params`")
    )]
    StateNotReady {
        name: String,
        #[label("declared further down")]
        span: Span,
    },
    #[error("`adapt` is used twice in one step")]
    #[diagnostic(
        code(bfc::evaluate::adapt_twice),
        help(
            "the trainer's optimizer takes one step per minibatch: adapt once and name the result with `let`"
        )
    )]
    AdaptTwice {
        #[label("first here")]
        first: Span,
        #[label("again here")]
        span: Span,
    },
    #[error("`{call}` cannot stand {place}")]
    #[diagnostic(code(bfc::evaluate::misplaced_call), help("{help}"))]
    Misplaced {
        call: String,
        place: &'static str,
        help: &'static str,
        #[label("here")]
        span: Span,
    },
    #[error("unknown topology `{found}`")]
    #[diagnostic(code(bfc::evaluate::unknown_topology))]
    UnknownTopology {
        found: String,
        #[label("not a topology of this algorithm")]
        span: Span,
        #[help]
        help: String,
    },
    #[error("`{call}` needs a topology: the algorithm has {known}")]
    #[diagnostic(code(bfc::evaluate::which_topology), help("write {help}"))]
    WhichTopology {
        call: String,
        known: String,
        help: String,
        #[label("over which of them?")]
        span: Span,
    },
    #[error("{what} must be known at compile time, found a run-time value")]
    #[diagnostic(code(bfc::evaluate::run_time_value), help("{help}"))]
    RunTimeValue {
        what: String,
        help: String,
        #[label("known only at run time")]
        span: Span,
    },
    #[error("no best `{parameter}` is proved: {reason}")]
    #[diagnostic(code(bfc::evaluate::no_best), help("{help}"))]
    NoBest {
        parameter: String,
        reason: String,
        help: &'static str,
        #[label("asked for here")]
        span: Span,
    },
    #[error("`{topology}` has {phases} phases, and is mixed over {} in one place and {} in another", often(*.first_times), often(*.times))]
    #[diagnostic(
        code(bfc::evaluate::different_times),
        help(
            "each round uses the next phase: write the same `times` everywhere, or name the topology twice, as in `over {topology}, V = {topology}`"
        )
    )]
    DifferentTimes {
        topology: String,
        phases: usize,
        first_times: usize,
        times: usize,
        #[label("{}", often(*first_times))]
        first: Span,
        #[label("{}", often(*times))]
        span: Span,
    },
    #[error("unknown kind `{found}` of {of}")]
    #[diagnostic(code(bfc::evaluate::unknown_kind))]
    UnknownKind {
        found: String,
        of: &'static str,
        #[label("not a kind")]
        span: Span,
        #[help]
        help: String,
    },
    #[error("`{what}` is not supported yet")]
    #[diagnostic(code(bfc::evaluate::not_supported_yet), help("{help}"))]
    NotSupportedYet {
        what: String,
        help: &'static str,
        #[label("this")]
        span: Span,
    },
}

/// "once", "2 times".
fn often(times: usize) -> String {
    if times == 1 { "once".to_string() } else { format!("{times} times") }
}

impl AlgorithmError {
    /// Where the error is.
    pub fn span(&self) -> Span {
        match self {
            Self::NotAState { span, .. }
            | Self::AssignedTwice { span, .. }
            | Self::DefinedTwice { span, .. }
            | Self::BuiltInName { span, .. }
            | Self::Incomplete { span, .. }
            | Self::Cycle { span, .. }
            | Self::ConditionNotUniform { span, .. }
            | Self::ConditionNotKnown { span, .. }
            | Self::TooManyConditions { span, .. }
            | Self::TooLarge { span, .. }
            | Self::WrongShape { span, .. }
            | Self::NoNextValue { span, .. }
            | Self::StateNotReady { span, .. }
            | Self::AdaptTwice { span, .. }
            | Self::Misplaced { span, .. }
            | Self::UnknownTopology { span, .. }
            | Self::WhichTopology { span, .. }
            | Self::RunTimeValue { span, .. }
            | Self::NoBest { span, .. }
            | Self::DifferentTimes { span, .. }
            | Self::UnknownKind { span, .. }
            | Self::NotSupportedYet { span, .. } => *span,
        }
    }
}
