//! What can be wrong with names.

use crate::diagnostic::StageError;
use bfc_dsl::ParseError;
use bfc_dsl::tree::Span;
use miette::Diagnostic;
use thiserror::Error;

/// An error of the stage `resolve`.
#[derive(Clone, Debug, Error, Diagnostic, PartialEq)]
#[allow(missing_docs)]
pub enum ResolveError {
    #[error("unknown name `{name}`")]
    #[diagnostic(code(bfc::resolve::unknown_name))]
    UnknownName {
        name: String,
        #[label("not known here")]
        span: Span,
        #[help]
        help: Option<String>,
    },
    #[error("`{name}` is defined twice")]
    #[diagnostic(code(bfc::resolve::duplicate_name), help("give one of them another name"))]
    DuplicateName {
        name: String,
        #[label("again here")]
        span: Span,
        #[label("first here")]
        first: Span,
    },
    #[error("`{name}` is reserved and cannot be defined")]
    #[diagnostic(code(bfc::resolve::reserved_name), help("give it another name"))]
    ReservedName {
        name: String,
        #[label("reserved name")]
        span: Span,
    },
    #[error("`use {path}` does not say what to import from the file")]
    #[diagnostic(code(bfc::resolve::incomplete_use), help("{help}"))]
    IncompleteUse {
        path: String,
        help: String,
        #[label("names a file only")]
        span: Span,
    },
    #[error("cannot read `{name}`: {reason}")]
    #[diagnostic(
        code(bfc::resolve::missing_file),
        help(
            "`use {name}::…` reads the file `{name}.bf` beside this one; the library begins with `topology::` or `algorithm::`"
        )
    )]
    MissingFile {
        name: String,
        reason: String,
        #[label("asked for here")]
        span: Span,
    },
    #[error("cannot read the edges of `{file}`: {reason}")]
    #[diagnostic(
        code(bfc::resolve::missing_edges),
        help("`edges from` names a file beside this one, which `bfc import graph.csv -o graph.bf` writes")
    )]
    MissingEdges {
        file: String,
        reason: String,
        #[label("asked for here")]
        span: Span,
    },
    #[error("`{file}` has changed: its digest is {found}")]
    #[diagnostic(
        code(bfc::resolve::other_edges),
        help("restore the file, or write `sha256 \"{found}\"` if it was changed on purpose")
    )]
    OtherEdges {
        file: String,
        found: String,
        #[label("has another digest")]
        span: Span,
    },
    #[error("line {line} of `{file}`: {reason}")]
    #[diagnostic(
        code(bfc::resolve::malformed_edges),
        help(
            "import the graph again: `bfc import` writes such files; `bfc explain malformed_edges` shows one"
        )
    )]
    MalformedEdges {
        file: String,
        line: usize,
        reason: String,
        #[label("asked for here")]
        span: Span,
    },
    #[error("the library has no `{name}`")]
    #[diagnostic(code(bfc::resolve::unknown_library_name))]
    UnknownLibraryName {
        name: String,
        #[label("not in the library")]
        span: Span,
        #[help]
        help: Option<String>,
    },
    #[error("`{file}` has no `{name}`")]
    #[diagnostic(code(bfc::resolve::unknown_import))]
    UnknownImport {
        file: String,
        name: String,
        #[label("not in that file")]
        span: Span,
        #[help]
        help: Option<String>,
    },
    #[error("files import each other in a cycle: {cycle}")]
    #[diagnostic(
        code(bfc::resolve::cyclic_use),
        help("move the shared items into a file that imports none of them")
    )]
    CyclicUse {
        cycle: String,
        #[label("closes the cycle")]
        span: Span,
    },
    #[error("more than {limit} files")]
    #[diagnostic(code(bfc::resolve::too_many_files), help("combine related items in one file"))]
    TooManyFiles {
        limit: usize,
        #[label("one too many")]
        span: Span,
    },
    #[error("`{function}` takes {expected}, found {found}")]
    #[diagnostic(code(bfc::resolve::wrong_arity))]
    WrongArity {
        function: String,
        expected: String,
        found: usize,
        #[label("in this call")]
        span: Span,
        #[help]
        help: Option<String>,
    },
    #[error("`{function}` has no parameter `{name}`")]
    #[diagnostic(code(bfc::resolve::unknown_argument))]
    UnknownArgument {
        function: String,
        name: String,
        #[label("not a parameter")]
        span: Span,
        #[help]
        help: Option<String>,
    },
    #[error("`{name}` is {found}, expected {expected}")]
    #[diagnostic(code(bfc::resolve::wrong_item))]
    WrongItem {
        name: String,
        found: &'static str,
        expected: &'static str,
        #[label("is {found}")]
        span: Span,
    },
    #[error("the parameter kind `{kind}` is not known")]
    #[diagnostic(code(bfc::resolve::unknown_kind), help("{help}"))]
    UnknownKind {
        kind: String,
        help: String,
        #[label("not a kind of parameter")]
        span: Span,
    },
    #[error("expected an algorithm, found {found}")]
    #[diagnostic(
        code(bfc::resolve::not_an_algorithm),
        help("write the name of an algorithm, with its parameters in parentheses: `dgd(lr = 0.1)`")
    )]
    NotAnAlgorithm {
        found: String,
        #[label("not an algorithm")]
        span: Span,
    },
    #[error("there is no topology to give weights to")]
    #[diagnostic(
        code(bfc::resolve::nothing_to_weigh),
        help("give a topology beside the weights: `--topology ring`")
    )]
    NothingToWeigh {
        #[label("a rule of weights alone")]
        span: Span,
    },
    #[error("more than one schedule in a file")]
    #[diagnostic(code(bfc::resolve::several_schedules), help("keep one `schedule` block in a file"))]
    SeveralSchedules {
        #[label("again here")]
        span: Span,
        #[label("first here")]
        first: Span,
    },
    #[error("more than one algorithm in a schedule")]
    #[diagnostic(code(bfc::resolve::several_algorithms), help("keep one `algorithm` line in the schedule"))]
    SeveralAlgorithms {
        #[label("again here")]
        span: Span,
        #[label("first here")]
        first: Span,
    },
    #[error("no parameter `{name}`")]
    #[diagnostic(code(bfc::resolve::unknown_parameter), help("{help}"))]
    UnknownParameter {
        name: String,
        help: String,
        #[label("nothing takes this")]
        span: Span,
    },
    #[error("several items have a parameter `{name}`")]
    #[diagnostic(code(bfc::resolve::ambiguous_parameter), help("write {owners}"))]
    AmbiguousParameter {
        name: String,
        owners: String,
        #[label("for which?")]
        span: Span,
    },
    #[error("the parameter `{name}` is given twice: `{first}` and `{second}`")]
    #[diagnostic(code(bfc::resolve::repeated_parameter), help("leave one of them out"))]
    RepeatedParameter {
        name: String,
        first: String,
        second: String,
        #[label("given before")]
        span: Span,
    },
    #[error("nothing to compile in `{file}`: {found}")]
    #[diagnostic(code(bfc::resolve::no_entry), help("{help}"))]
    NoEntry { file: String, found: String, help: String },
}

impl StageError for ResolveError {
    fn place(&self) -> Option<Span> {
        match self {
            Self::UnknownName { span, .. }
            | Self::DuplicateName { span, .. }
            | Self::ReservedName { span, .. }
            | Self::IncompleteUse { span, .. }
            | Self::MissingFile { span, .. }
            | Self::MissingEdges { span, .. }
            | Self::OtherEdges { span, .. }
            | Self::MalformedEdges { span, .. }
            | Self::UnknownLibraryName { span, .. }
            | Self::UnknownImport { span, .. }
            | Self::CyclicUse { span, .. }
            | Self::TooManyFiles { span, .. }
            | Self::WrongArity { span, .. }
            | Self::UnknownArgument { span, .. }
            | Self::WrongItem { span, .. }
            | Self::UnknownKind { span, .. }
            | Self::NotAnAlgorithm { span, .. }
            | Self::NothingToWeigh { span }
            | Self::SeveralSchedules { span, .. }
            | Self::SeveralAlgorithms { span, .. }
            | Self::UnknownParameter { span, .. }
            | Self::AmbiguousParameter { span, .. }
            | Self::RepeatedParameter { span, .. } => Some(*span),
            Self::NoEntry { .. } => None,
        }
    }
}

impl StageError for ParseError {
    fn place(&self) -> Option<Span> {
        Some(self.span())
    }
}
