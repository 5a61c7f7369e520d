//! Names in an algorithm and what they stand for, at a moment of the step: before it (`x`) or after it (`x'`).

use super::equation::{Memo, Node};
use super::error::AlgorithmError;
use super::expression::Term;
use super::graph::Graph;
use super::kept::{Flight, Site};
use crate::builtin_names::{ALGORITHM_NAMES, GLOBALS};
use crate::evaluate::{EvaluateError, Evaluator, Value};
use crate::model::algorithm::{Rounds, Unbound, ValueId};
use bfc_dsl::tree::{Expression, Let, Pattern, Span};
use bfc_schedule::program::Shape;
use std::collections::BTreeMap;

/// Why there is no value.
pub(super) enum Failure {
    /// Not reported yet.
    Error(Box<EvaluateError>),
    /// Reported where it arose.
    Reported,
}

pub(super) type Outcome<T> = Result<T, Failure>;

impl From<Box<EvaluateError>> for Failure {
    fn from(error: Box<EvaluateError>) -> Self {
        Self::Error(error)
    }
}

impl From<AlgorithmError> for Failure {
    fn from(error: AlgorithmError) -> Self {
        Self::Error(Box::new(error.into()))
    }
}

/// When a name is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Moment {
    Before,
    After,
}

/// What is being evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Initial values; states below the index have theirs.
    Start(usize),
    Step,
    Model,
}

/// What a name stands for.
#[derive(Clone, Debug)]
pub(super) enum Meaning {
    Local(Term),
    Constant(Value),
    Input(u16),
    /// A number that its topologies settle, by index.
    Unbound(usize),
    State(usize),
    /// A part of the value of a `let`, by index and path into lists.
    Let(usize, Vec<usize>),
    Topology,
    Step,
    Parameters,
}

/// A state as declared.
pub(super) struct State<'a> {
    pub name: &'a str,
    pub shape: Shape,
    pub value: &'a Expression,
    pub span: Span,
    pub initial: Option<ValueId>,
}

/// `x <- e`, on the path that is being evaluated.
#[derive(Clone, Copy)]
pub(super) struct Assigned<'a> {
    pub value: &'a Expression,
    pub scope: usize,
    pub span: Span,
}

/// A `let` and the block of the step that it stands in, if it does.
#[derive(Clone, Copy)]
pub(super) struct Named<'a> {
    pub binding: &'a Let,
    pub scope: Option<usize>,
}

/// The names of one block of the step.
pub(super) struct Scope<'a> {
    pub parent: Option<usize>,
    names: BTreeMap<&'a str, (Meaning, Span)>,
}

/// Where names are looked up.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    pub scope: Option<usize>,
    pub moment: Moment,
    /// Inside of a function, which sees only its arguments.
    pub function: bool,
    /// The first local name that is seen.
    pub base: usize,
}

/// The evaluation of one algorithm.
pub(super) struct Context<'e, 'a> {
    pub evaluator: &'e mut Evaluator<'a>,
    pub graph: Graph,
    /// How many inputs there are.
    pub inputs: usize,
    /// Whether ranks do not wait for each other.
    pub asynchronous: bool,
    pub topologies: Vec<&'a str>,
    /// Numbers that the algorithm computes with and that its topologies settle.
    pub numbers: Vec<Unbound>,
    /// How often it mixes over its topologies.
    pub rounds: Vec<Rounds>,
    pub states: Vec<State<'a>>,
    pub errors: Vec<EvaluateError>,
    pub place: Place,
    pub frame: Frame,
    pub locals: Vec<(&'a str, Term)>,
    pub next: Vec<Option<Assigned<'a>>>,
    pub scopes: Vec<Scope<'a>>,
    /// Where the trainer's optimizer is asked.
    pub adapts: BTreeMap<ValueId, Span>,
    /// The conditions met so far; bit c of the assignment is the truth of condition c.
    pub conditions: Vec<ValueId>,
    pub assignment: usize,
    pub depth: u32,
    names: BTreeMap<&'a str, (Meaning, Span)>,
    pub lets: Vec<Named<'a>>,
    pub memo: BTreeMap<Node, Memo>,
    pub constant_lets: BTreeMap<usize, bool>,
    /// What is being evaluated, outermost first: how it is called and where it is asked for.
    pub path: Vec<(Node, String, Span)>,
    /// The calls of functions that are being written out, outermost first.
    pub calls: Vec<Span>,
    /// What mixes keep from step to step.
    pub flights: Vec<Flight>,
    /// For calls that mix what an earlier one mixes, that one.
    pub same_flights: Vec<(Site, Site)>,
    /// The first that is kept per edge.
    pub edges: Option<Span>,
    /// Whether what is evaluated counts, or is only checked.
    pub counts: bool,
}

/// Errors past this many are not worth reading.
const MAX_ERRORS: usize = 100;

impl<'e, 'a> Context<'e, 'a> {
    pub fn new(evaluator: &'e mut Evaluator<'a>) -> Self {
        Context {
            evaluator,
            graph: Graph::default(),
            inputs: 0,
            asynchronous: false,
            topologies: vec![],
            numbers: vec![],
            rounds: vec![],
            states: vec![],
            errors: vec![],
            place: Place::Start(0),
            frame: Frame { scope: None, moment: Moment::Before, function: false, base: 0 },
            locals: vec![],
            next: vec![],
            scopes: vec![],
            adapts: BTreeMap::new(),
            conditions: vec![],
            assignment: 0,
            depth: 0,
            names: BTreeMap::new(),
            lets: vec![],
            memo: BTreeMap::new(),
            constant_lets: BTreeMap::new(),
            path: vec![],
            calls: vec![],
            flights: vec![],
            same_flights: vec![],
            edges: None,
            counts: true,
        }
    }

    /// What else is wrong besides a failure: the rest of an expression is still looked at. Not in functions, which are
    /// written out once per call, and not where any further look fails in the same way.
    pub fn also(&mut self, failure: Failure, rest: impl IntoIterator<Item = &'a Expression>) -> Failure {
        if self.frame.function || matches!(&failure, Failure::Error(error) if error.recurs()) {
            return failure;
        }
        self.report(failure);
        for expression in rest {
            if let Err(failure) = self.term(expression) {
                self.report(failure);
            }
        }
        Failure::Reported
    }

    /// The terms of all expressions, or what is wrong with any.
    pub fn terms(&mut self, expressions: impl IntoIterator<Item = &'a Expression>) -> Outcome<Vec<Term>> {
        let mut rest = expressions.into_iter();
        let mut terms = vec![];
        while let Some(expression) = rest.next() {
            match self.term(expression) {
                Ok(term) => terms.push(term),
                Err(failure) => return Err(self.also(failure, rest)),
            }
        }
        Ok(terms)
    }

    /// Files an error and goes on.
    pub fn report(&mut self, failure: Failure) {
        if let Failure::Error(error) = failure
            && self.errors.len() < MAX_ERRORS
            && !self.errors.contains(&error)
        {
            self.errors.push(*error);
        }
    }

    /// Gives a name of the algorithm, or of a block of its step, a meaning.
    pub fn define(&mut self, name: &'a str, meaning: Meaning, span: Span, scope: Option<usize>) {
        let mut seen = scope;
        let mut earlier = self.names.get(name);
        while let (None, Some(at)) = (earlier, seen) {
            earlier = self.scopes[at].names.get(name);
            seen = self.scopes[at].parent;
        }
        if ALGORITHM_NAMES.contains(&name) || GLOBALS.contains(&name) {
            self.report(AlgorithmError::BuiltInName { name: name.to_string(), span }.into());
        } else if let Some(&(_, first)) = earlier {
            let (what, help) = (format!("`{name}`"), "names mean one thing in the whole algorithm");
            self.report(AlgorithmError::DefinedTwice { what, help, first, span }.into());
        } else {
            let names = scope.map_or(&mut self.names, |scope| &mut self.scopes[scope].names);
            names.insert(name, (meaning, span));
        }
    }

    /// Declares the names of a `let` without evaluating it.
    pub fn define_let(&mut self, binding: &'a Let, scope: Option<usize>) {
        let index = self.lets.len();
        self.lets.push(Named { binding, scope });
        let mut open = vec![(&binding.pattern, vec![])];
        while let Some((pattern, path)) = open.pop() {
            match pattern {
                Pattern::Name(name) => {
                    self.define(&name.text, Meaning::Let(index, path), name.span, scope);
                }
                Pattern::List(parts, _) => open.extend(parts.iter().enumerate().map(|(part, pattern)| {
                    let path = path.iter().copied().chain([part]).collect();
                    (pattern, path)
                })),
            }
        }
    }

    /// A new block of the step.
    pub fn open_scope(&mut self, parent: Option<usize>) -> usize {
        self.scopes.push(Scope { parent, names: BTreeMap::new() });
        self.scopes.len() - 1
    }

    /// Forgets all values, and the blocks of the step.
    pub fn start_over(&mut self, place: Place) {
        self.place = place;
        self.memo.clear();
        self.constant_lets.clear();
        self.scopes.clear();
        self.lets.retain(|named| named.scope.is_none());
        self.next = vec![None; self.states.len()];
    }

    /// Evaluates every `let`, so that mistakes in unused ones are found too.
    pub fn evaluate_lets(&mut self) {
        self.counts = false;
        for index in 0..self.lets.len() {
            let span = self.lets[index].binding.span;
            if let Err(failure) = self.let_value(index, Moment::Before, span) {
                self.report(failure);
            }
        }
        self.counts = true;
    }

    /// What a name stands for here, if the algorithm says so.
    pub fn meaning(&self, name: &str) -> Option<Meaning> {
        let locals = self.locals[self.frame.base..].iter().rev();
        if let Some((_, term)) = locals.into_iter().find(|(known, _)| *known == name) {
            return Some(Meaning::Local(term.clone()));
        }
        if self.frame.function {
            return None;
        }
        let mut scope = self.frame.scope;
        while let Some(at) = scope {
            if let Some((meaning, _)) = self.scopes[at].names.get(name) {
                return Some(meaning.clone());
            }
            scope = self.scopes[at].parent;
        }
        match (self.names.get(name), name) {
            (Some((meaning, _)), _) => Some(meaning.clone()),
            (None, "t") => Some(Meaning::Step),
            (None, "params") => Some(Meaning::Parameters),
            _ => None,
        }
    }

    /// The names known here, for suggestions: those with a value in an equation, and others.
    pub fn known(&self) -> (Vec<&str>, Vec<&str>) {
        let mut values: Vec<&str> = self.locals[self.frame.base..].iter().map(|(name, _)| *name).collect();
        let mut scope = self.frame.scope;
        while let Some(at) = scope {
            values.extend(self.scopes[at].names.keys());
            scope = self.scopes[at].parent;
        }
        let mut others = vec!["ranks"];
        if !self.frame.function {
            let topology = |name: &&str| matches!(self.names.get(name), Some((Meaning::Topology, _)));
            let (topologies, rest): (Vec<&str>, Vec<&str>) = self.names.keys().copied().partition(topology);
            values.extend(rest.into_iter().chain(ALGORITHM_NAMES).chain(["degree"]));
            others.extend(topologies);
        }
        values.extend(GLOBALS.into_iter().filter(|name| *name != "ranks"));
        (values, others)
    }

    /// The names that have a value after the step.
    pub fn primable(&self) -> impl Iterator<Item = &str> {
        let changes = |meaning: &Meaning| matches!(meaning, Meaning::State(_) | Meaning::Let(..));
        self.names.iter().filter(move |(_, (meaning, _))| changes(meaning)).map(|(name, _)| *name)
    }
}
