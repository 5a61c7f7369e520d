//! Names in an algorithm and what they stand for, at a moment of the step: before it (`x`) or after it (`x'`).
//!
//! Equations stand in any order, so a name is evaluated when it is asked for, once, and asking for it while it is
//! being evaluated is a cycle.

use super::error::AlgorithmError;
use super::expression::Term;
use super::graph::{Graph, Operand};
use crate::algorithm::{ValueId, ValueKind};
use crate::evaluate::{EvaluateError, Evaluator, Value};
use bfc_dsl::tree::{Expression, Let, Pattern, Span};
use bfc_schedule::Rational;
use bfc_schedule::program::{Operation, Shape};
use miette::LabeledSpan;
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
struct Named<'a> {
    binding: &'a Let,
    scope: Option<usize>,
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

/// What is evaluated once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Node {
    Next(usize),
    Let(usize, Moment),
}

enum Memo {
    Running,
    Done(Term),
    Failed,
}

/// The evaluation of one algorithm.
pub(super) struct Context<'e, 'a> {
    pub evaluator: &'e mut Evaluator<'a>,
    pub graph: Graph,
    pub topologies: Vec<&'a str>,
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
    lets: Vec<Named<'a>>,
    memo: BTreeMap<Node, Memo>,
    constant_lets: BTreeMap<usize, bool>,
    /// What is being evaluated, outermost first: how it is called and where it is asked for.
    path: Vec<(Node, String, Span)>,
}

impl<'a> Context<'_, 'a> {
    /// Whether a `let` is known when compiling, seen from its text alone.
    pub fn is_constant_let(&mut self, index: usize) -> Outcome<bool> {
        // A `let` that is being looked at depends on itself: the cycle is found when it is evaluated.
        if let Some(known) = self.constant_lets.get(&index) {
            return Ok(*known);
        }
        self.constant_lets.insert(index, false);
        let Named { binding, scope } = self.lets[index];
        let (frame, base) = (self.frame, self.locals.len());
        self.frame = Frame { scope, moment: Moment::Before, function: false, base };
        let constant = self.deeper(binding.span, |context| context.is_constant(&binding.value));
        self.frame = frame;
        let constant = constant?;
        self.constant_lets.insert(index, constant);
        Ok(constant)
    }
}

/// Errors past this many are not worth reading.
const MAX_ERRORS: usize = 100;

/// Names that algorithms may not define.
pub(super) const RESERVED: [&str; 6] = ["t", "params", "size", "ranks", "local_size", "machines"];

impl<'e, 'a> Context<'e, 'a> {
    pub fn new(evaluator: &'e mut Evaluator<'a>) -> Self {
        Context {
            evaluator,
            graph: Graph::default(),
            topologies: vec![],
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
        }
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
        if RESERVED.contains(&name) {
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
        for index in 0..self.lets.len() {
            let span = self.lets[index].binding.span;
            if let Err(failure) = self.let_value(index, Moment::Before, span) {
                self.report(failure);
            }
        }
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

    /// The names known here, for suggestions.
    pub fn known(&self) -> Vec<&str> {
        let mut known: Vec<&str> = self.locals[self.frame.base..].iter().map(|(name, _)| *name).collect();
        let mut scope = self.frame.scope;
        while let Some(at) = scope {
            known.extend(self.scopes[at].names.keys());
            scope = self.scopes[at].parent;
        }
        if !self.frame.function {
            known.extend(self.names.keys());
        }
        known.extend(RESERVED);
        known
    }

    /// The value of a name at a moment, or `None` for a name that the algorithm does not define.
    pub fn name(&mut self, name: &str, moment: Moment, span: Span) -> Outcome<Option<Term>> {
        let Some(meaning) = self.meaning(name) else { return Ok(None) };
        let term = match meaning {
            Meaning::Local(term) => term,
            Meaning::Constant(value) => Term::Constant(value),
            Meaning::Input(index) => Term::Flow(self.graph.scalar(Operation::Input(index))),
            Meaning::State(index) => self.state(index, moment, span)?,
            Meaning::Let(index, path) => self.let_part(index, &path, moment, name, span)?,
            Meaning::Step => self.step_number(moment),
            Meaning::Parameters => Term::Flow(self.graph.value(ValueKind::Parameters, Shape::Vector)),
            Meaning::Topology => {
                let expected = "a number or a vector".to_string();
                let found = format!("the topology `{name}`");
                let help = Some(format!("a topology stands in `mix(x, {name})`"));
                return Err(Box::new(EvaluateError::WrongType { expected, found, span, help }).into());
            }
        };
        Ok(Some(term))
    }

    fn state(&mut self, index: usize, moment: Moment, span: Span) -> Outcome<Term> {
        let State { name, shape, initial, .. } = self.states[index];
        match (self.place, moment) {
            (Place::Start(ready), Moment::Before) => match initial.filter(|_| index < ready) {
                Some(initial) => Ok(self.term_of(initial)),
                None => Err(AlgorithmError::StateNotReady { name: name.to_string(), span }.into()),
            },
            (_, Moment::Before) => Ok(Term::Flow(self.graph.value(ValueKind::State(index), shape))),
            (Place::Step, Moment::After) => self.next_state(index, span).map(|id| self.term_of(id)),
            (place, Moment::After) => Err(self.no_next(name, place, span)),
        }
    }

    fn no_next(&self, name: &str, place: Place, span: Span) -> Failure {
        let (place, help) = match place {
            Place::Model => {
                ("in `model`", "the model is what the states are between steps: leave the prime out")
            }
            _ => ("before the first step", "initial values run from top to bottom: leave the prime out"),
        };
        AlgorithmError::NoNextValue { name: name.to_string(), place, help, span }.into()
    }

    /// A value as a term; constants are known.
    pub fn term_of(&self, id: ValueId) -> Term {
        match self.graph.kind(id) {
            ValueKind::Apply(Operation::Constant(number), _) => Term::Constant(Value::number(number.clone())),
            _ => Term::Flow(id),
        }
    }

    /// What a state is after the step.
    pub fn next_state(&mut self, index: usize, span: Span) -> Outcome<ValueId> {
        let State { name, shape, .. } = self.states[index];
        let Some(assigned) = self.next[index] else {
            return Ok(self.graph.value(ValueKind::State(index), shape));
        };
        let term = self.once(Node::Next(index), format!("{name}'"), span, |context| {
            context.frame = Frame {
                scope: Some(assigned.scope),
                moment: Moment::Before,
                function: false,
                base: context.locals.len(),
            };
            let term = context.term(assigned.value)?;
            Ok(Term::Flow(context.shaped(term, shape, assigned.value.span)?))
        })?;
        match term {
            Term::Flow(id) => Ok(id),
            _ => Err(Failure::Reported),
        }
    }

    fn let_value(&mut self, index: usize, moment: Moment, span: Span) -> Outcome<Term> {
        let Named { binding, scope } = self.lets[index];
        let shown = match &binding.pattern {
            Pattern::Name(name) if moment == Moment::After => format!("{}'", name.text),
            Pattern::Name(name) => name.text.clone(),
            Pattern::List(_, span) => self.evaluator.program.text(*span).to_string(),
        };
        self.once(Node::Let(index, moment), shown, span, |context| {
            let base = context.locals.len();
            context.frame = Frame { scope, moment, function: false, base };
            let term = context.term(&binding.value)?;
            context.check_pattern(&binding.pattern, &term)?;
            Ok(term)
        })
    }

    fn let_part(
        &mut self,
        index: usize,
        path: &[usize],
        moment: Moment,
        name: &str,
        span: Span,
    ) -> Outcome<Term> {
        if moment == Moment::After && self.lets[index].scope.is_some() {
            let (name, place) = (name.to_string(), "inside of the step");
            let help = "a `let` of the step is one value: move it out of `step`, or write out what it names";
            return Err(AlgorithmError::NoNextValue { name, place, help, span }.into());
        }
        if moment == Moment::After && self.place != Place::Step {
            return Err(self.no_next(name, self.place, span));
        }
        let mut term = self.let_value(index, moment, span)?;
        for &part in path {
            if let Term::Constant(Value::List(list)) = &term {
                term = Term::Constant(list.get(part));
            }
        }
        Ok(term)
    }

    /// `t`, which is 0 before the first step.
    pub fn step_number(&mut self, moment: Moment) -> Term {
        let after = i64::from(moment == Moment::After);
        if let Place::Start(_) = self.place {
            return Term::Constant(Value::Integer(after));
        }
        let step = Operand::Value(self.graph.scalar(Operation::Step));
        match self.graph.binary(Operation::Add, step, Operand::Constant(Rational::integer(after))) {
            Operand::Value(id) => Term::Flow(id),
            Operand::Constant(number) => Term::Constant(Value::number(number)),
        }
    }

    /// Evaluates a node in a frame of its own, the first time.
    fn once(
        &mut self,
        node: Node,
        name: String,
        span: Span,
        work: impl FnOnce(&mut Self) -> Outcome<Term>,
    ) -> Outcome<Term> {
        match self.memo.get(&node) {
            Some(Memo::Done(term)) => return Ok(term.clone()),
            Some(Memo::Failed) => return Err(Failure::Reported),
            Some(Memo::Running) => return Err(self.cycle(node, span)),
            None => {}
        }
        self.memo.insert(node, Memo::Running);
        self.path.push((node, name, span));
        let frame = self.frame;
        let result = work(self);
        self.frame = frame;
        self.path.pop();
        let (memo, result) = match result {
            Ok(term) => (Memo::Done(term.clone()), Ok(term)),
            Err(failure) => {
                self.report(failure);
                (Memo::Failed, Err(Failure::Reported))
            }
        };
        self.memo.insert(node, memo);
        result
    }

    /// The error for asking for `node` at `span` while it is being evaluated.
    fn cycle(&self, node: Node, span: Span) -> Failure {
        let first = self.path.iter().position(|(running, ..)| *running == node).unwrap_or(0);
        let names: Vec<_> = self.path[first..].iter().map(|(_, name, _)| name.as_str()).collect();
        let spans = self.path[first..].iter().skip(1).map(|(_, _, span)| *span).chain([span]);
        let users = names.iter();
        let needed = names.iter().cycle().skip(1);
        let label = |((user, needed), span): ((&&str, &&str), Span)| {
            LabeledSpan::new_with_span(Some(format!("`{user}` needs `{needed}`")), span)
        };
        let labels = users.zip(needed).zip(spans).map(label).collect();
        let arrow = "` → `";
        let cycle = format!("`{}{arrow}{}`", names.join(arrow), names[0]);
        let help = match names.iter().any(|name| name.ends_with('\'')) {
            true => "one of them must use a value from before the step: `x` instead of `x'`",
            false => "a `let` names a value, so it cannot need itself: keep what changes in a state",
        };
        AlgorithmError::Cycle { cycle, help, labels, span }.into()
    }
}
