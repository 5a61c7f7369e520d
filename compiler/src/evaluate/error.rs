//! What can be wrong with the value of an expression or a topology.

use super::algorithm::AlgorithmError;
use crate::diagnostic::StageError;
use bfc_dsl::tree::Span;
use miette::Diagnostic;
use thiserror::Error;

/// A failed evaluation. Boxed, since it is rare and large.
pub type Result<T> = std::result::Result<T, Box<EvaluateError>>;

/// An error of the stage `evaluate`.
#[derive(Clone, Debug, Error, Diagnostic, PartialEq)]
#[allow(missing_docs)]
pub enum EvaluateError {
    #[error("`{what}` is {found}, not an integer")]
    #[diagnostic(code(bfc::evaluate::not_an_integer), help("`div` divides and rounds down; `/` is exact"))]
    NotAnInteger {
        what: String,
        found: String,
        #[label("must be an integer")]
        span: Span,
    },
    #[error("expected {expected}, found {found}")]
    #[diagnostic(code(bfc::evaluate::wrong_type))]
    WrongType {
        expected: String,
        found: String,
        #[label("this is {found}")]
        span: Span,
        #[help]
        help: Option<String>,
    },
    #[error("cannot compare {left} with {right}")]
    #[diagnostic(
        code(bfc::evaluate::not_comparable),
        help(
            "`==` and `!=` compare values of one kind, topologies excepted; `<` and its like compare numbers, or lists of numbers"
        )
    )]
    NotComparable {
        left: &'static str,
        right: &'static str,
        #[label("here")]
        span: Span,
    },
    #[error("division by zero{}", if what == "0" { String::new() } else { format!(": `{what}` is 0") })]
    #[diagnostic(code(bfc::evaluate::division_by_zero), help("exclude this case with `if` or `requires`"))]
    DivisionByZero {
        what: String,
        #[label("is 0")]
        span: Span,
    },
    #[error("index {index} is outside a list of {len}")]
    #[diagnostic(
        code(bfc::evaluate::index_out_of_range),
        help("indices run from 0 to `len` − 1; the upper bound of a slice is excluded")
    )]
    IndexOutOfRange {
        index: String,
        len: usize,
        #[label("is {index}")]
        span: Span,
    },
    #[error("unknown name `{name}`")]
    #[diagnostic(code(bfc::evaluate::unknown_name))]
    UnknownName {
        name: String,
        #[label("not known here")]
        span: Span,
        #[help]
        help: Option<String>,
    },
    #[error("`{function}` takes {expected}, found {found}")]
    #[diagnostic(code(bfc::evaluate::wrong_arity))]
    WrongArity {
        function: String,
        expected: String,
        found: usize,
        #[label("in this call")]
        span: Span,
    },
    #[error("parameter `{name}` has no value")]
    #[diagnostic(
        code(bfc::evaluate::missing_parameter),
        help("set it where it is used, `{name} = …`, or on the command line, `--param {name}=…`")
    )]
    MissingParameter {
        name: String,
        #[label("needs `{name}`")]
        span: Span,
    },
    #[error("parameter `{name}` is {expected}, found {found}")]
    #[diagnostic(code(bfc::evaluate::parameter_kind), help("give `{name}` a value that is {expected}"))]
    ParameterKind {
        name: String,
        expected: &'static str,
        found: String,
        #[label("is {found}")]
        span: Span,
    },
    #[error("`{word}` takes {expected}")]
    #[diagnostic(code(bfc::evaluate::claim_subject), help("{help}"))]
    ClaimSubject {
        word: String,
        expected: String,
        help: String,
        #[label("is about {expected}")]
        span: Span,
    },
    #[error("`{word}` is part of a larger expression")]
    #[diagnostic(
        code(bfc::evaluate::compound_claim),
        help(
            "write properties one by one, separated by commas, and put a number such as `rho` alone on its side of a comparison"
        )
    )]
    CompoundClaim {
        word: String,
        #[label("cannot be decided")]
        span: Span,
    },
    #[error("rank {rank} is outside 0..{size}{variables}")]
    #[diagnostic(code(bfc::evaluate::rank_out_of_range), help("{help}"))]
    RankOutOfRange {
        rank: String,
        size: u32,
        variables: String,
        help: String,
        #[label("is {rank}{variables}")]
        span: Span,
    },
    #[error("edges with and without weights in one phase")]
    #[diagnostic(
        code(bfc::evaluate::mixed_weights),
        help(
            "give all edges of the phase a `weight`, or none of them and a rule, such as `weights metropolis`"
        )
    )]
    MixedWeights {
        #[label("with a weight")]
        with: Span,
        #[label("without")]
        without: Span,
    },
    #[error("weights are given twice")]
    #[diagnostic(
        code(bfc::evaluate::weights_twice),
        help("a phase has one rule, or weights on its edges; a rank has one self weight")
    )]
    WeightsTwice {
        #[label("again here")]
        span: Span,
        #[label("first here")]
        first: Span,
    },
    #[error("unknown weight rule `{rule}`")]
    #[diagnostic(code(bfc::evaluate::unknown_weight_rule))]
    UnknownWeightRule {
        rule: String,
        #[label("not a rule")]
        span: Span,
        #[help]
        help: Option<String>,
    },
    #[error("`{what}` is {found}, outside the range of the rule `{rule}`")]
    #[diagnostic(code(bfc::evaluate::weight_parameter), help("{help}"))]
    WeightParameter {
        rule: &'static str,
        what: String,
        found: String,
        help: &'static str,
        #[label("is {found}")]
        span: Span,
    },
    #[error("`{rule}` needs every edge both ways, and {from} sends to {to}, which does not send back")]
    #[diagnostic(
        code(bfc::evaluate::one_way_edge),
        help(
            "write `--` for an edge both ways, or use the rule `uniform`, `sender_uniform` or `max_degree`"
        )
    )]
    OneWayEdge {
        rule: &'static str,
        from: String,
        to: String,
        #[label("asked for here")]
        span: Span,
    },
    #[error("the phase is too large for `{rule}`")]
    #[diagnostic(
        code(bfc::evaluate::too_large_to_optimise),
        help("use `best_constant` or `metropolis`, which need no optimisation over all edges")
    )]
    TooLargeToOptimise {
        rule: &'static str,
        #[label("asked for here")]
        span: Span,
    },
    #[error("a phase inside a phase")]
    #[diagnostic(
        code(bfc::evaluate::nested_phase),
        help("phases follow each other; close the outer one first")
    )]
    NestedPhase {
        #[label("inside another phase")]
        span: Span,
    },
    #[error("edges both inside and outside of phases")]
    #[diagnostic(
        code(bfc::evaluate::edge_outside_phase),
        help("a topology with `phase` blocks has all of its edges in them")
    )]
    EdgeOutsidePhase {
        #[label("outside of a phase")]
        edge: Span,
        #[label("a phase")]
        phase: Span,
    },
    #[error("`{statement}` is not allowed in a phase")]
    #[diagnostic(
        code(bfc::evaluate::misplaced_statement),
        help("write it in the topology, outside of `phase`")
    )]
    MisplacedStatement {
        statement: &'static str,
        #[label("inside of a phase")]
        span: Span,
    },
    #[error("requires {condition}: {sides}")]
    #[diagnostic(code(bfc::evaluate::precondition), help("choose another size or other parameters"))]
    Precondition {
        condition: String,
        sides: String,
        #[label("does not hold")]
        span: Span,
    },
    #[error("{size} ranks are too many for a topology without symmetry")]
    #[diagnostic(
        code(bfc::evaluate::too_many_ranks),
        help(
            "a loop over `ranks` with nothing but edges such as `i -> (i + 1) mod size` stays symbolic at any size; a table of rows holds at most {limit} ranks"
        )
    )]
    TooManyRanks {
        size: u32,
        limit: u32,
        #[label("enumerated rank by rank")]
        span: Span,
    },
    #[error("a phase without symmetry has more than {limit} edges")]
    #[diagnostic(
        code(bfc::evaluate::too_many_edges),
        help(
            "a loop over `ranks` with nothing but edges such as `i -> (i + 1) mod size` stays symbolic, if the phase contains only such loops"
        )
    )]
    TooManyEdges {
        limit: u64,
        #[label("one of them")]
        span: Span,
    },
    #[error("expected a topology, found {found}")]
    #[diagnostic(
        code(bfc::evaluate::not_a_topology),
        help("write the name of a topology, with its parameters in parentheses: `exponential(base = 3)`")
    )]
    NotATopology {
        found: String,
        #[label("not a topology")]
        span: Span,
    },
    #[error("no topology for `{topology}` of the algorithm `{algorithm}`")]
    #[diagnostic(code(bfc::evaluate::no_topology), help("{help}"))]
    NoTopology {
        algorithm: String,
        topology: String,
        help: String,
        relation: &'static str,
        #[label("{relation} `{topology}`")]
        span: Span,
    },
    #[error("`{number}` has no value: {reason}")]
    #[diagnostic(
        code(bfc::evaluate::no_number),
        help(
            "require a property that guarantees it, such as `static` for a single-phase topology, or make it a parameter"
        )
    )]
    NoNumber {
        number: String,
        reason: String,
        #[label("computed with here")]
        span: Span,
    },
    #[error("`{algorithm}` mixes over {wanted}, and the schedule gives {given}")]
    #[diagnostic(code(bfc::evaluate::unused_topology), help("{help}"))]
    UnusedTopology {
        algorithm: String,
        wanted: String,
        given: String,
        help: String,
        #[label("not a topology of `{algorithm}`")]
        span: Span,
    },
    #[error("`{function}` does not take {found}")]
    #[diagnostic(code(bfc::evaluate::outside_domain), help("{help}"))]
    OutsideDomain {
        function: String,
        found: String,
        help: &'static str,
        #[label("here")]
        span: Span,
    },
    #[error("a list of {found} does not match a pattern of {expected}")]
    #[diagnostic(
        code(bfc::evaluate::pattern_mismatch),
        help("a pattern such as `[i, j]` needs a list with exactly as many elements")
    )]
    PatternMismatch {
        expected: usize,
        found: usize,
        #[label("this pattern")]
        span: Span,
    },
    #[error("evaluation takes more than {limit} steps")]
    #[diagnostic(
        code(bfc::evaluate::too_many_steps),
        help("an endless recursion, or a loop over too many values, passes here")
    )]
    TooManySteps {
        limit: u64,
        #[label("still running here")]
        span: Span,
    },
    #[error("evaluation creates more than {limit} list elements")]
    #[diagnostic(
        code(bfc::evaluate::too_many_cells),
        help("create a smaller list; a range such as `0..n` costs no elements")
    )]
    TooManyCells {
        limit: u64,
        #[label("this list")]
        span: Span,
    },
    #[error("a range of 2^32 numbers or more")]
    #[diagnostic(
        code(bfc::evaluate::range_too_long),
        help("evaluation stops after 50 million steps, so no loop over it finishes: check the upper bound")
    )]
    RangeTooLong {
        #[label("too long")]
        span: Span,
    },
    #[error("a number here has more than {limit} bits")]
    #[diagnostic(
        code(bfc::evaluate::number_too_large),
        help("numbers are exact; `a^b mod c` takes the power modulo c without computing `a^b`")
    )]
    NumberTooLarge {
        limit: u64,
        #[label("this value")]
        span: Span,
    },
    #[error("recursion is deeper than {limit} expressions")]
    #[diagnostic(
        code(bfc::evaluate::recursion_too_deep),
        help("a call in tail position costs no depth: pass the intermediate result as an argument")
    )]
    RecursionTooDeep {
        limit: u32,
        #[label("too deep here")]
        span: Span,
    },
    #[error("lists or topologies nest deeper than {limit}")]
    #[diagnostic(
        code(bfc::evaluate::value_too_deep),
        help("use a flat list, with `++` instead of `[xs, x]`; a topology built from itself never ends")
    )]
    ValueTooDeep {
        limit: u8,
        #[label("this value")]
        span: Span,
    },
    #[error("`{name}` is a topology on {found} ranks, and one on {expected} is needed")]
    #[diagnostic(
        code(bfc::evaluate::topology_size),
        help(
            "`t at m` puts t on m ranks; `cartesian` and `kronecker` multiply the sizes of their topologies, all other combinations have the size of theirs"
        )
    )]
    TopologySize {
        name: String,
        found: String,
        expected: u32,
        #[label("on {found} ranks")]
        span: Span,
    },
    #[error("`{file}` is a graph of {found} ranks, and the size is {expected}")]
    #[diagnostic(code(bfc::evaluate::edges_size), help("compile it for its own size: `--size {found}`"))]
    EdgesSize {
        file: String,
        found: u32,
        expected: u32,
        #[label("edges of {found} ranks")]
        span: Span,
    },
    #[error("{found} names for {expected} ranks")]
    #[diagnostic(
        code(bfc::evaluate::names_count),
        help("give each rank a name, and say `requires size == {found}` before them")
    )]
    NamesCount {
        found: usize,
        expected: u32,
        #[label("{found} names")]
        span: Span,
    },
    #[error("`{function}` multiplies sizes, and `{name}` has no size of its own")]
    #[diagnostic(code(bfc::evaluate::size_not_said), help("give its number of ranks: `{name} at 4`"))]
    SizeNotSaid {
        function: &'static str,
        name: String,
        #[label("on how many ranks?")]
        span: Span,
    },
    #[error("{found} is not a permutation: {reason}")]
    #[diagnostic(
        code(bfc::evaluate::not_a_permutation),
        help("list every rank from 0 to size - 1 once: rank i of the topology becomes the rank at place i")
    )]
    NotAPermutation {
        found: String,
        reason: String,
        #[label("must name every rank once")]
        span: Span,
    },
    #[error("no eigenvalues of `{name}`: {reason}")]
    #[diagnostic(
        code(bfc::evaluate::no_eigenvalues),
        help(
            "`eigenvalues` takes a topology of one phase whose matrix is symmetric, such as one with `metropolis` weights"
        )
    )]
    NoEigenvalues {
        name: String,
        reason: String,
        #[label("of this topology")]
        span: Span,
    },
    /// An error that only algorithms have.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Algorithm(#[from] AlgorithmError),
    /// Never seen by users: the symbolic evaluation of a loop over `ranks` gives up, and the loop is enumerated.
    #[error("depends on the rank")]
    Symbolic,
}

impl EvaluateError {
    /// Whether a limit was hit, so that trying another way is useless.
    pub fn is_exhaustion(&self) -> bool {
        matches!(self, Self::TooManySteps { .. } | Self::TooManyCells { .. })
    }

    /// Whether other parts of an expression would fail by it as well: fuel ran out, limits of depth, circles.
    pub fn recurs(&self) -> bool {
        let limit = |error: &AlgorithmError| {
            matches!(error, AlgorithmError::TooLarge { .. } | AlgorithmError::Cycle { .. })
        };
        self.is_exhaustion()
            || matches!(self, Self::RecursionTooDeep { .. })
            || matches!(self, Self::Algorithm(error) if limit(error))
    }
}

impl StageError for EvaluateError {
    fn place(&self) -> Option<Span> {
        match self {
            Self::NotAnInteger { span, .. }
            | Self::WrongType { span, .. }
            | Self::NotComparable { span, .. }
            | Self::DivisionByZero { span, .. }
            | Self::IndexOutOfRange { span, .. }
            | Self::UnknownName { span, .. }
            | Self::WrongArity { span, .. }
            | Self::MissingParameter { span, .. }
            | Self::ParameterKind { span, .. }
            | Self::ClaimSubject { span, .. }
            | Self::CompoundClaim { span, .. }
            | Self::RankOutOfRange { span, .. }
            | Self::WeightsTwice { span, .. }
            | Self::UnknownWeightRule { span, .. }
            | Self::WeightParameter { span, .. }
            | Self::OneWayEdge { span, .. }
            | Self::TooLargeToOptimise { span, .. }
            | Self::NestedPhase { span, .. }
            | Self::MisplacedStatement { span, .. }
            | Self::Precondition { span, .. }
            | Self::TooManyRanks { span, .. }
            | Self::TooManyEdges { span, .. }
            | Self::NotATopology { span, .. }
            | Self::OutsideDomain { span, .. }
            | Self::PatternMismatch { span, .. }
            | Self::TooManySteps { span, .. }
            | Self::TooManyCells { span, .. }
            | Self::RangeTooLong { span }
            | Self::NumberTooLarge { span, .. }
            | Self::RecursionTooDeep { span, .. }
            | Self::ValueTooDeep { span, .. }
            | Self::TopologySize { span, .. }
            | Self::SizeNotSaid { span, .. }
            | Self::EdgesSize { span, .. }
            | Self::NamesCount { span, .. }
            | Self::NotAPermutation { span, .. }
            | Self::NoEigenvalues { span, .. } => Some(*span),
            Self::NoTopology { span, .. }
            | Self::NoNumber { span, .. }
            | Self::UnusedTopology { span, .. } => Some(*span),
            Self::MixedWeights { with, .. } => Some(*with),
            Self::EdgeOutsidePhase { edge, .. } => Some(*edge),
            Self::Algorithm(error) => Some(error.span()),
            Self::Symbolic => None,
        }
    }
}
