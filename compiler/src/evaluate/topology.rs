//! A topology's statements to its phases: exact mixing matrices, symbolic where the edges are moves of all ranks.

use super::builder::{Builder, End};
use super::call::Override;
use super::error::{EvaluateError, Result};
use super::phase::Draft;
use super::scope::Evaluator;
use super::structure::symbolic_rank;
use super::value::Value;
use super::{precondition, rule};
use crate::topology::Topology;
use bfc_dsl::tree::{
    self, Argument, Clause, Edge, Expression, ExpressionKind, Pattern, Span, TopologyBody, TopologyStatement,
};
use bfc_schedule::MixingMatrix;

/// Several errors at once.
pub type Errors = Vec<EvaluateError>;

/// What a phase costs beside its statements, in steps.
const PHASE_STEPS: u64 = 64;

/// How deep topologies may stand for one another.
const ALIAS_DEPTH: u32 = 64;

/// Evaluates topologies with one evaluator.
pub struct Topologies<'e, 'a> {
    /// For names and fuel.
    pub evaluator: &'e mut Evaluator<'a>,
    /// Whether loops over ranks are tried symbolically; without, all is enumerated, with the same meaning.
    pub symbolic: bool,
    depth: u32,
}

impl<'e, 'a> Topologies<'e, 'a> {
    /// Evaluates with the symbolic rule.
    pub fn new(evaluator: &'e mut Evaluator<'a>) -> Self {
        Self { evaluator, symbolic: true, depth: 0 }
    }

    /// The topology that an expression names.
    pub fn expression(
        &mut self,
        expression: &'a Expression,
        overrides: &[Override],
    ) -> std::result::Result<Topology, Errors> {
        let span = expression.span;
        let (name, arguments): (&str, &'a [Argument]) = match &*expression.kind {
            ExpressionKind::Name(name) => (name, &[]),
            ExpressionKind::Call(name, arguments) => (&name.text, arguments),
            _ => return Err(not_a_topology(self.evaluator.program.text(span), span)),
        };
        match self.evaluator.program.item(span.file, name) {
            Some(tree::Item::Topology(item)) => self.instance(item, arguments, overrides, span),
            _ => Err(not_a_topology(&format!("`{name}`"), span)),
        }
    }

    /// A topology with its parameters given: by overrides, else by arguments, else by default.
    pub fn instance(
        &mut self,
        item: &'a tree::Topology,
        arguments: &'a [Argument],
        overrides: &[Override],
        span: Span,
    ) -> std::result::Result<Topology, Errors> {
        if self.depth == ALIAS_DEPTH {
            return Err(vec![EvaluateError::RecursionTooDeep { limit: ALIAS_DEPTH, span }]);
        }
        let (name, parameters) = (&item.name.text, &item.parameters);
        let arguments = self
            .evaluator
            .given(name, parameters, arguments, overrides, span)
            .map_err(|error| vec![*error])?;
        let (base, start) = (self.evaluator.base, self.evaluator.mark());
        self.evaluator.base = start;
        self.depth += 1;
        let result = self.body(item, arguments, start, span);
        self.depth -= 1;
        self.evaluator.release(start);
        self.evaluator.base = base;
        result
    }

    fn body(
        &mut self,
        item: &'a tree::Topology,
        arguments: Vec<Option<(Value, Span)>>,
        start: usize,
        span: Span,
    ) -> std::result::Result<Topology, Errors> {
        let one = |error: Box<EvaluateError>| vec![*error];
        self.evaluator.bind_parameters(&item.parameters, arguments, span).map_err(one)?;
        let (name, size) = (item.name.text.clone(), self.evaluator.size);
        if size == 1 {
            return Ok(Topology { name, size, phases: vec![MixingMatrix::identity(1)], ensures: vec![] });
        }
        match &item.body {
            TopologyBody::Statements(statements) => {
                let mut builder = Builder::new(&item.name.text, start);
                self.statements(&mut builder, statements)?;
                builder.finish(size, item.name.span).map_err(one)
            }
            TopologyBody::Value(value, rule) => {
                let mut topology = self.expression(value, &[])?;
                if let Some(expression) = rule {
                    let rule = rule::evaluate(self.evaluator, expression).map_err(one)?;
                    for phase in &mut topology.phases {
                        *phase = super::phase::reweighted(phase, &rule, expression.span).map_err(one)?;
                    }
                    topology.ensures.clear();
                }
                topology.name = name;
                Ok(topology)
            }
        }
    }

    /// Statements in order; `requires` that fail together are reported together, and nothing after them is looked at.
    fn statements(
        &mut self,
        builder: &mut Builder<'a>,
        statements: &'a [TopologyStatement],
    ) -> std::result::Result<(), Errors> {
        let mark = self.evaluator.mark();
        let mut unmet = Vec::new();
        for statement in statements {
            if let TopologyStatement::Requires(conditions, span) = statement {
                builder.outside_of_phase("requires", *span).map_err(|error| vec![*error])?;
                for condition in conditions {
                    match precondition::check(self.evaluator, condition) {
                        Ok(()) => {}
                        Err(error) if matches!(*error, EvaluateError::Precondition { .. }) => {
                            unmet.push(*error)
                        }
                        Err(error) if unmet.is_empty() => unmet.push(*error),
                        Err(_) => {}
                    }
                }
                continue;
            }
            if !unmet.is_empty() {
                break;
            }
            self.statement(builder, statement)?;
        }
        self.evaluator.release(mark);
        if unmet.is_empty() { Ok(()) } else { Err(unmet) }
    }

    fn statement(
        &mut self,
        builder: &mut Builder<'a>,
        statement: &'a TopologyStatement,
    ) -> std::result::Result<(), Errors> {
        let one = |error: Box<EvaluateError>| vec![*error];
        match statement {
            TopologyStatement::Let(binding) => self.evaluator.bind_let(binding).map_err(one),
            TopologyStatement::For(clauses, body, _) => self.clauses(builder, clauses, body),
            TopologyStatement::If(condition, yes, no, _) => {
                let branch = if self.evaluator.truth(condition).map_err(one)? { yes } else { no };
                self.statements(builder, branch)
            }
            TopologyStatement::Edge(edge) => self.edge(builder, edge).map_err(one),
            TopologyStatement::SelfWeight(rank, weight, span) => {
                self.self_weight(builder, rank, weight, *span).map_err(one)
            }
            TopologyStatement::Phase(body, span) => self.phase(builder, body, *span),
            TopologyStatement::Weights(expression, span) => {
                builder.known_rank().map_err(one)?;
                let rule = rule::evaluate(self.evaluator, expression).map_err(one)?;
                builder.set_rule(rule, *span).map_err(one)
            }
            TopologyStatement::Ensure(claim, condition, span) => {
                builder.outside_of_phase("ensure", *span).map_err(one)?;
                builder.known_rank().map_err(one)?;
                let holds = condition.as_ref().map_or(Ok(true), |condition| self.evaluator.truth(condition));
                if holds.map_err(one)? {
                    builder.ensures.push(self.evaluator.claim(claim, &[builder.name]).map_err(one)?);
                }
                Ok(())
            }
            TopologyStatement::Requires(..) => Ok(()),
        }
    }

    /// The clauses of a `for`, left to right. A clause over all ranks is first tried with the rank unknown.
    fn clauses(
        &mut self,
        builder: &mut Builder<'a>,
        clauses: &'a [Clause],
        body: &'a [TopologyStatement],
    ) -> std::result::Result<(), Errors> {
        let one = |error: Box<EvaluateError>| vec![*error];
        match clauses.split_first() {
            None => self.statements(builder, body),
            Some((Clause::If(condition), rest)) => {
                if self.evaluator.truth(condition).map_err(one)? {
                    self.clauses(builder, rest, body)
                } else {
                    Ok(())
                }
            }
            Some((Clause::In(pattern, list), rest)) => {
                let value = self.evaluator.operand(list).map_err(one)?;
                let Value::List(values) = &value else {
                    return Err(vec![*self.evaluator.wrong_type("a list", &value, list)]);
                };
                let all_ranks = values.is_ranks(self.evaluator.size);
                if all_ranks
                    && self.symbolic
                    && !builder.rank_unknown
                    && self.together(builder, pattern, rest, body)?
                {
                    return Ok(());
                }
                let mark = self.evaluator.mark();
                for value in values.iter() {
                    self.evaluator.spend(1, list.span).map_err(one)?;
                    self.evaluator.bind_pattern(pattern, value).map_err(one)?;
                    self.clauses(builder, rest, body)?;
                    self.evaluator.release(mark);
                }
                Ok(())
            }
        }
    }

    /// Tries a loop over ranks once for all of them. Whatever stands in the way, nothing has happened then, and the
    /// loop is enumerated, which also finds the errors that belong to some rank; only fuel is not given back.
    fn together(
        &mut self,
        builder: &mut Builder<'a>,
        pattern: &'a Pattern,
        rest: &'a [Clause],
        body: &'a [TopologyStatement],
    ) -> std::result::Result<bool, Errors> {
        let Pattern::Name(name) = pattern else { return Ok(false) };
        let mark = self.evaluator.mark();
        let before = builder.draft().checkpoint();
        builder.rank_unknown = true;
        self.evaluator.bind(&name.text, symbolic_rank(self.evaluator.size));
        let result = self.clauses(builder, rest, body);
        self.evaluator.release(mark);
        builder.rank_unknown = false;
        match result {
            Ok(()) => Ok(true),
            Err(errors) if errors.iter().any(EvaluateError::is_exhaustion) => Err(errors),
            Err(_) => {
                builder.draft().restore(before);
                Ok(false)
            }
        }
    }

    fn phase(
        &mut self,
        builder: &mut Builder<'a>,
        body: &'a [TopologyStatement],
        span: Span,
    ) -> std::result::Result<(), Errors> {
        builder.known_rank().map_err(|error| vec![*error])?;
        if builder.open.is_some() {
            return Err(vec![EvaluateError::NestedPhase { span }]);
        }
        self.evaluator.spend(PHASE_STEPS, span).map_err(|error| vec![*error])?;
        builder.open = Some(Draft::default());
        self.statements(builder, body)?;
        builder.phases.extend(builder.open.take().map(|draft| (draft, span)));
        Ok(())
    }

    fn edge(&mut self, builder: &mut Builder<'a>, edge: &'a Edge) -> Result<()> {
        self.evaluator.spend(1, edge.span)?;
        let weight = edge.weight.as_ref().map(|weight| self.evaluator.number(weight)).transpose()?;
        let (from, to) = (self.end(builder, &edge.from)?, self.end(builder, &edge.to)?);
        let draft = builder.draft();
        let weight = draft.weight(weight, edge.span)?;
        match (from, to) {
            (End::Rank(from), End::Rank(to)) => {
                draft.edges.listed.push((from, to, weight));
                if edge.both_ways {
                    draft.edges.listed.push((to, from, weight));
                }
            }
            (End::Move(from), End::Move(to)) => {
                if edge.both_ways {
                    draft.edges.moved.push((to.clone(), from.clone(), weight));
                }
                draft.edges.moved.push((from, to, weight));
            }
            _ => return Err(Box::new(EvaluateError::Symbolic)),
        }
        Ok(())
    }

    fn self_weight(
        &mut self,
        builder: &mut Builder<'a>,
        rank: &'a Expression,
        weight: &'a Expression,
        span: Span,
    ) -> Result<()> {
        let weight = self.evaluator.number(weight)?;
        let end = self.end(builder, rank)?;
        builder.draft().self_weight(end, weight, span)
    }

    /// One end of an edge.
    fn end(&mut self, builder: &Builder<'a>, expression: &'a Expression) -> Result<End> {
        let size = self.evaluator.size;
        let value = self.evaluator.operand(expression)?;
        match &value {
            Value::Integer(rank) if (0..size as i64).contains(rank) => {
                if builder.rank_unknown {
                    Err(Box::new(EvaluateError::Symbolic))
                } else {
                    Ok(End::Rank(*rank as u32))
                }
            }
            Value::Symbol(symbol) => {
                symbol.as_move(size).map(End::Move).ok_or_else(|| Box::new(EvaluateError::Symbolic))
            }
            _ => {
                self.evaluator.check_integer(&value, expression)?;
                let variables = self.evaluator.bound_since(builder.start);
                Err(Box::new(EvaluateError::RankOutOfRange {
                    rank: value.to_string(),
                    size,
                    variables: precondition::variables(variables),
                    span: expression.span,
                }))
            }
        }
    }
}

fn not_a_topology(found: &str, span: Span) -> Errors {
    vec![EvaluateError::NotATopology { found: found.to_string(), span }]
}
