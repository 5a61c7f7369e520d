//! The syntax tree of a `.bf` file: what was written, where, and nothing of what it means.

/// Number of a source file within one compilation; the caller of [`crate::parse`] chooses it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u16);

/// A range of bytes of one source file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl From<Span> for miette::SourceSpan {
    fn from(span: Span) -> Self {
        (span.start as usize, span.end.saturating_sub(span.start) as usize).into()
    }
}

/// An identifier and its place.
#[derive(Clone, Debug)]
pub struct Name {
    /// The letters.
    pub text: String,
    /// Where they stand.
    pub span: Span,
}

/// A whole source file.
///
/// What [`crate::parse`] returns is safe to walk recursively: an expression is at most [`crate::MAX_DEPTH`] nodes
/// high, and statements nest at most twice as deep.
#[derive(Clone, Debug, Default)]
pub struct File {
    /// The items in the order of the source.
    pub items: Vec<Item>,
}

/// What may stand at the top of a file.
#[derive(Clone, Debug)]
pub enum Item {
    /// `use topology::base::{smooth}`.
    Use(Use),
    /// `fn f(a, b) = e` or `fn f(a) { let … e }`.
    Function(Function),
    /// `topology t(…) { … }` or `topology t(…) = e weights r`.
    Topology(Topology),
    /// `algorithm a(…) over … { … }`.
    Algorithm(Algorithm),
    /// `schedule { … }`.
    Schedule(Schedule),
}

impl Item {
    /// Where it stands, without its documentation.
    pub fn span(&self) -> Span {
        match self {
            Self::Use(item) => item.span,
            Self::Function(item) => item.span,
            Self::Topology(item) => item.span,
            Self::Algorithm(item) => item.span,
            Self::Schedule(item) => item.span,
        }
    }
}

/// An import: `use a::b`, or of functions, `use a::b::{f, g}`.
#[derive(Clone, Debug)]
pub struct Use {
    /// The segments before the braces.
    pub path: Vec<Name>,
    /// The names in braces, if there are any.
    pub names: Option<Vec<Name>>,
    /// The whole item.
    pub span: Span,
}

/// A parameter of a function, topology or algorithm.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: Name,
    /// `int`, `real`, `bool`, `list`, `topology`, `codec`, `scalar`, where written.
    pub kind: Option<Name>,
    /// The value after `=`.
    pub default: Option<Expression>,
}

/// A function: always an expression, never a source of edges.
#[derive(Clone, Debug)]
pub struct Function {
    /// Lines of `///` above it, joined by newlines.
    pub documentation: String,
    /// Its name.
    pub name: Name,
    /// Its parameters.
    pub parameters: Vec<Parameter>,
    /// Its value.
    pub body: Expression,
    /// The whole item.
    pub span: Span,
}

/// A topology, by statements or as the value of an expression.
#[derive(Clone, Debug)]
pub struct Topology {
    /// Lines of `///` above it, joined by newlines.
    pub documentation: String,
    /// Its name.
    pub name: Name,
    /// Its parameters.
    pub parameters: Vec<Parameter>,
    /// What it consists of.
    pub body: TopologyBody,
    /// The whole item.
    pub span: Span,
}

/// The two forms of a topology.
#[derive(Clone, Debug)]
pub enum TopologyBody {
    /// `{ … }`.
    Statements(Vec<TopologyStatement>),
    /// `= e`, with an optional `weights r`.
    Value(Expression, Option<Expression>),
}

/// One statement of a topology or phase.
#[derive(Clone, Debug)]
pub enum TopologyStatement {
    /// `let x = e`.
    Let(Let),
    /// `for i in ranks, if c, j in 0..i { … }`.
    For(Vec<Clause>, Vec<TopologyStatement>, Span),
    /// `if c { … } else { … }`.
    If(Expression, Vec<TopologyStatement>, Vec<TopologyStatement>, Span),
    /// `a -> b`, `a -- b`, with an optional `weight w`.
    Edge(Edge),
    /// `self i weight w`.
    SelfWeight(Expression, Expression, Span),
    /// `phase { … }`.
    Phase(Vec<TopologyStatement>, Span),
    /// `phases t`: the phases of another topology.
    Phases(Expression, Span),
    /// `weights r`.
    Weights(Expression, Span),
    /// `names ["a", "b"]`: what ranks are called in messages.
    Names(Vec<String>, Span),
    /// `edges from "file" sha256 "digest"`.
    EdgesFrom(EdgesFrom),
    /// `requires c, c`.
    Requires(Vec<Expression>, Span),
    /// `ensure p if c`.
    Ensure(Expression, Option<Expression>, Span),
}

/// `let p = e`.
#[derive(Clone, Debug)]
pub struct Let {
    /// What is named.
    pub pattern: Pattern,
    /// Its value.
    pub value: Expression,
    /// The whole statement.
    pub span: Span,
}

/// `edges from "file" sha256 "digest"`: the edges of a file beside the source.
#[derive(Clone, Debug)]
pub struct EdgesFrom {
    /// The name of the file.
    pub file: String,
    /// The SHA-256 of its bytes, in hexadecimal digits.
    pub digest: String,
    /// The whole statement.
    pub span: Span,
}

/// `a -> b weight w`.
#[derive(Clone, Debug)]
pub struct Edge {
    /// The sender, or one end.
    pub from: Expression,
    /// The receiver, or the other end.
    pub to: Expression,
    /// Whether `--` was written.
    pub both_ways: bool,
    /// The weight, where given.
    pub weight: Option<Expression>,
    /// The whole statement.
    pub span: Span,
}

/// A name, or a list of patterns to take apart.
#[derive(Clone, Debug)]
pub enum Pattern {
    /// `x`.
    Name(Name),
    /// `[a, b]`.
    List(Vec<Pattern>, Span),
}

/// A clause of a `for` or of a comprehension; later ones see earlier ones.
#[derive(Clone, Debug)]
pub enum Clause {
    /// `x in xs`.
    In(Pattern, Expression),
    /// `if c`.
    If(Expression),
}

/// An algorithm.
#[derive(Clone, Debug)]
pub struct Algorithm {
    /// Lines of `///` above it, joined by newlines.
    pub documentation: String,
    /// Whether `async` stands before it.
    pub asynchronous: bool,
    /// Its name.
    pub name: Name,
    /// Its parameters.
    pub parameters: Vec<Parameter>,
    /// The topologies after `over`, with their defaults.
    pub over: Vec<(Name, Option<Expression>)>,
    /// Its statements.
    pub body: Vec<AlgorithmStatement>,
    /// The whole item.
    pub span: Span,
}

/// A statement of an algorithm outside of `step`.
#[derive(Clone, Debug)]
pub enum AlgorithmStatement {
    /// `requires p, p`.
    Requires(Vec<Expression>, Span),
    /// `let x = e`.
    Let(Let),
    /// `state x = e`, or `state w: scalar = e`.
    State(State),
    /// `edge m = e`, or `edge k: scalar = e`.
    EdgeState(State),
    /// `step { … }`.
    Step(Vec<StepStatement>, Span),
    /// `model z`.
    Model(Expression, Span),
}

/// A state variable.
#[derive(Clone, Debug)]
pub struct State {
    /// Its name.
    pub name: Name,
    /// `scalar`, where written.
    pub kind: Option<Name>,
    /// Its initial value.
    pub value: Expression,
    /// The whole statement.
    pub span: Span,
}

/// A statement of `step`.
#[derive(Clone, Debug)]
pub enum StepStatement {
    /// `x <- e`.
    Assign(Name, Expression, Span),
    /// `let x = e`.
    Let(Let),
    /// `if c { … } else { … }`.
    If(Expression, Vec<StepStatement>, Vec<StepStatement>, Span),
}

/// `schedule { topology … algorithm … }`.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// Lines of `///` above it, joined by newlines.
    pub documentation: String,
    /// `topology e`, or `topology R = e, C = e`: the name is empty in the first form.
    pub topologies: Vec<(Option<Name>, Expression)>,
    /// `algorithm e`.
    pub algorithms: Vec<Expression>,
    /// The whole item.
    pub span: Span,
}

/// An expression and its place.
#[derive(Clone, Debug)]
pub struct Expression {
    /// What it is.
    pub kind: Box<ExpressionKind>,
    /// Where it stands.
    pub span: Span,
}

/// The forms of an expression.
#[derive(Clone, Debug)]
pub enum ExpressionKind {
    /// `12`, `0.1`, `1e-8`, as written.
    Number(String),
    /// `true`, `false`.
    Truth(bool),
    /// `x`, also `size`, `ranks`, `t`. A path such as `topology::ring` keeps its `::`.
    Name(String),
    /// `x'`.
    Primed(String),
    /// `-e`, `not e`.
    Unary(UnaryOperator, Expression),
    /// `a + b` and all other infix forms, `..` included.
    Binary(BinaryOperator, Expression, Expression),
    /// `f(a, b = c)`.
    Call(Name, Vec<Argument>),
    /// `xs[i]`.
    Index(Expression, Expression),
    /// `xs[a..b]`, either bound may be absent.
    Slice(Expression, Option<Expression>, Option<Expression>),
    /// `[a, b]`.
    List(Vec<Expression>),
    /// `[e for x in xs, if c]`.
    Comprehension(Expression, Vec<Clause>),
    /// `if c { a } else { b }`.
    If(Expression, Expression, Expression),
    /// `{ let x = e  let y = f  g }`.
    Block(Vec<Let>, Expression),
}

/// An argument, by place or by name.
#[derive(Clone, Debug)]
pub struct Argument {
    /// The name before `=`.
    pub name: Option<Name>,
    /// The value.
    pub value: Expression,
}

/// Prefix operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOperator {
    /// `-`, between `*` and `^`.
    Negate,
    /// `not`, between comparisons and `and`.
    Not,
}

/// Infix operators, from the tightest: `^`, then `* / mod div xor`, `+ -`, `..`, `++`, comparisons, `and`, `or`.
/// `t at m` binds as tightly as `^`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum BinaryOperator {
    Power,
    At,
    Multiply,
    Divide,
    Mod,
    Div,
    Xor,
    Add,
    Subtract,
    Range,
    Append,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    And,
    Or,
}

impl UnaryOperator {
    /// How tightly it binds, on the scale of [`BinaryOperator::level`].
    pub fn level(self) -> u8 {
        match self {
            Self::Not => 3,
            Self::Negate => 9,
        }
    }
}

impl BinaryOperator {
    /// How tightly it binds, from 1 for `or` to 10 for `^`.
    pub fn level(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::And => 2,
            Self::Equal
            | Self::NotEqual
            | Self::Less
            | Self::LessEqual
            | Self::Greater
            | Self::GreaterEqual => 4,
            Self::Append => 5,
            Self::Range => 6,
            Self::Add | Self::Subtract => 7,
            Self::Multiply | Self::Divide | Self::Mod | Self::Div | Self::Xor => 8,
            Self::Power | Self::At => 10,
        }
    }

    /// Whether `a ^ b ^ c` means `a ^ (b ^ c)`.
    pub fn is_right_associative(self) -> bool {
        self.level() == 10
    }

    /// Whether it may follow an operator of its own level without brackets; comparisons and `..` may not.
    pub fn chains(self) -> bool {
        !matches!(self.level(), 4 | 6)
    }

    /// As it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Power => "^",
            Self::At => "at",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Mod => "mod",
            Self::Div => "div",
            Self::Xor => "xor",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Range => "..",
            Self::Append => "++",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::And => "and",
            Self::Or => "or",
        }
    }
}
