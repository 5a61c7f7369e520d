//! The statements of a topology to its phases, symbolic where the edges are moves of all ranks.

use super::builder::{Builder, End, Phase};
use super::phase::{Draft, entries};
use super::structure::symbolic_rank;
use super::{Errors, one};
use super::{precondition, rule};
use crate::evaluate::error::{EvaluateError, Result};
use crate::evaluate::scope::Evaluator;
use crate::evaluate::value::Value;
use crate::evaluate::value::number::MAX_BITS;
use crate::evaluate::value::written;
use bfc_dsl::tree::{
    BinaryOperator, Clause, Edge, EdgesFrom, Expression, ExpressionKind, Pattern, Span, TopologyStatement,
};
use bfc_schedule::Rational;

/// What a phase costs beside its statements and entries, in steps: as much memory as some hundred of them.
pub(in crate::evaluate) const PHASE_STEPS: u64 = 256;

impl<'a> Evaluator<'a> {
    /// Statements in order; `requires` that fail together are reported together, and nothing after them is looked at.
    pub(in crate::evaluate) fn statements(
        &mut self,
        builder: &mut Builder<'a>,
        statements: &'a [TopologyStatement],
    ) -> std::result::Result<(), Errors> {
        let mark = self.mark();
        let mut unmet = Vec::new();
        for statement in statements {
            if let TopologyStatement::Requires(conditions, span) = statement {
                builder.outside_of_phase("requires", *span).map_err(one)?;
                for condition in conditions {
                    match precondition::check(self, condition) {
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
        self.release(mark);
        if unmet.is_empty() { Ok(()) } else { Err(unmet) }
    }

    fn statement(
        &mut self,
        builder: &mut Builder<'a>,
        statement: &'a TopologyStatement,
    ) -> std::result::Result<(), Errors> {
        match statement {
            TopologyStatement::Let(binding) => self.bind_let(binding).map_err(one),
            TopologyStatement::For(clauses, body, _) => self.clauses(builder, clauses, body),
            TopologyStatement::If(condition, yes, no, _) => {
                let branch = if self.truth(condition).map_err(one)? { yes } else { no };
                self.statements(builder, branch)
            }
            TopologyStatement::Edge(edge) => self.edge(builder, edge),
            TopologyStatement::SelfWeight(rank, weight, span) => {
                self.self_weight(builder, rank, weight, *span).map_err(one)
            }
            TopologyStatement::Phase(body, span) => self.phase(builder, body, *span),
            TopologyStatement::Phases(topology, span) => self.taken(builder, topology, *span),
            TopologyStatement::Weights(expression, span) => {
                builder.known_rank().map_err(one)?;
                let rule = rule::evaluate(self, expression).map_err(one)?;
                builder.set_rule(rule, *span).map_err(one)
            }
            TopologyStatement::Ensure(claim, condition, span) => {
                builder.outside_of_phase("ensure", *span).map_err(one)?;
                builder.known_rank().map_err(one)?;
                let holds = condition.as_ref().map_or(Ok(true), |condition| self.truth(condition));
                if holds.map_err(one)? {
                    builder.ensures.push(self.claim(claim, &[builder.name]).map_err(one)?);
                }
                Ok(())
            }
            TopologyStatement::Names(names, span) => {
                builder.outside_of_phase("names", *span).map_err(one)?;
                self.names(builder, names, *span).map_err(one)
            }
            TopologyStatement::EdgesFrom(from) => self.edges_from(builder, from).map_err(one),
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
        match clauses.split_first() {
            None => self.statements(builder, body),
            Some((Clause::If(condition), rest)) => {
                if self.truth(condition).map_err(one)? {
                    self.clauses(builder, rest, body)
                } else {
                    Ok(())
                }
            }
            Some((Clause::In(pattern, list), rest)) => {
                let value = self.operand(list).map_err(one)?;
                let Value::List(values) = &value else {
                    return Err(vec![*self.wrong_type("a list", &value, list)]);
                };
                let all_ranks = values.is_ranks(self.size);
                if all_ranks
                    && self.symbolic
                    && !builder.rank_unknown
                    && self.together(builder, pattern, rest, body)?
                {
                    return Ok(());
                }
                let mark = self.mark();
                for value in values.iter() {
                    self.spend(1, list.span).map_err(one)?;
                    self.bind_pattern(pattern, value).map_err(one)?;
                    self.clauses(builder, rest, body)?;
                    self.release(mark);
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
        let mark = self.mark();
        let before = builder.draft().checkpoint();
        builder.rank_unknown = true;
        self.bind(&name.text, symbolic_rank(self.size));
        let result = self.clauses(builder, rest, body);
        self.release(mark);
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
        builder.known_rank().map_err(one)?;
        if builder.open.is_some() {
            return Err(vec![EvaluateError::NestedPhase { span }]);
        }
        self.spend(PHASE_STEPS, span).map_err(one)?;
        builder.open = Some(Draft::default());
        self.statements(builder, body)?;
        builder.note_draws(self.draws);
        builder.phases.extend(builder.open.take().map(|draft| Phase::Said(Box::new(draft), span)));
        Ok(())
    }

    /// The phases of another topology.
    fn taken(
        &mut self,
        builder: &mut Builder<'a>,
        topology: &'a Expression,
        span: Span,
    ) -> std::result::Result<(), Errors> {
        builder.known_rank().map_err(one)?;
        builder.outside_of_phase("phases", span).map_err(one)?;
        let construction = self.topology(topology).map_err(one)?;
        let taken = self.realize(&construction, self.size)?;
        builder.is_drawn &= taken.is_drawn;
        for matrix in &taken.phases {
            self.spend(PHASE_STEPS + entries(matrix), span).map_err(one)?;
            builder.phases.push(Phase::Taken(matrix.clone(), span));
        }
        Ok(())
    }

    fn names(&mut self, builder: &mut Builder<'a>, names: &[String], span: Span) -> Result<()> {
        builder.known_rank()?;
        if names.len() != self.size as usize {
            return Err(Box::new(EvaluateError::NamesCount {
                found: names.len(),
                expected: self.size,
                span,
            }));
        }
        builder.names = Some(names.into());
        Ok(())
    }

    /// The edges of a file beside the source, and what it calls the ranks.
    fn edges_from(&mut self, builder: &mut Builder<'a>, from: &'a EdgesFrom) -> Result<()> {
        let span = from.span;
        builder.known_rank()?;
        let list = self.program.edges(span).cloned().unwrap_or_default();
        if list.ranks != self.size {
            let (file, found, expected) = (from.file.clone(), list.ranks, self.size);
            return Err(Box::new(EvaluateError::EdgesSize { file, found, expected, span }));
        }
        self.spend(list.edges.len() as u64 + list.weights.len() as u64, span)?;
        if !list.names.is_empty() {
            builder.names = Some(list.names.as_slice().into());
        }
        let too_large = || Box::new(EvaluateError::NumberTooLarge { limit: MAX_BITS, span });
        let weights = list.weights.iter().map(|text| written(text).ok_or_else(too_large));
        let weights = weights.collect::<Result<Vec<Rational>>>()?;
        let draft = builder.draft();
        if let Some(edge) = list.edges.first() {
            draft.weight(edge.weight.map(|weight| weights[weight as usize].clone()), span)?;
        }
        let ids: Vec<u32> = weights.iter().map(|weight| draft.edges.weights.id(weight)).collect();
        draft.edges.listed.reserve(2 * list.edges.len());
        for edge in &list.edges {
            let weight = edge.weight.map(|weight| ids[weight as usize]);
            draft.edges.listed.push((edge.from, edge.to, weight));
            if edge.both_ways {
                draft.edges.listed.push((edge.to, edge.from, weight));
            }
        }
        draft.said(span, self.size);
        for (rank, weight) in &list.own {
            draft.self_weight(End::Rank(*rank), weights[*weight as usize].clone(), span)?;
        }
        Ok(())
    }

    /// Both ends and the weight are looked at, whatever is wrong with one of them.
    fn edge(&mut self, builder: &mut Builder<'a>, edge: &'a Edge) -> std::result::Result<(), Errors> {
        self.spend(1, edge.span).map_err(one)?;
        let (from, to) = (self.end(builder, &edge.from), self.end(builder, &edge.to));
        let weight = edge.weight.as_ref().map(|weight| self.number(weight)).transpose();
        let (from, to, weight) = match (from, to, weight) {
            (Ok(from), Ok(to), Ok(weight)) => (from, to, weight),
            (from, to, weight) => {
                let errors = [from.err(), to.err(), weight.err()];
                return Err(errors.into_iter().flatten().map(|error| *error).collect());
            }
        };
        let draft = builder.draft();
        let weight = draft.weight(weight, edge.span).map_err(one)?;
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
            _ => return Err(vec![EvaluateError::Symbolic]),
        }
        draft.said(edge.span, self.size);
        Ok(())
    }

    fn self_weight(
        &mut self,
        builder: &mut Builder<'a>,
        rank: &'a Expression,
        weight: &'a Expression,
        span: Span,
    ) -> Result<()> {
        let weight = self.number(weight)?;
        let end = self.end(builder, rank)?;
        builder.draft().self_weight(end, weight, span)
    }

    /// One end of an edge.
    fn end(&mut self, builder: &Builder<'a>, expression: &'a Expression) -> Result<End> {
        let size = self.size;
        let value = self.operand(expression)?;
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
                self.check_integer(&value, expression)?;
                let variables = self.bound_since(builder.start);
                Err(Box::new(EvaluateError::RankOutOfRange {
                    rank: value.to_string(),
                    size,
                    variables: precondition::variables(variables),
                    help: self.wrap_help(expression),
                    span: expression.span,
                }))
            }
        }
    }
    /// What to write for a rank that is too large; `i + 1 mod size` is `i + (1 mod size)`.
    fn wrap_help(&self, rank: &Expression) -> String {
        use BinaryOperator::{Add, Mod, Subtract};
        if let ExpressionKind::Binary(operator @ (Add | Subtract), left, right) = &*rank.kind
            && let ExpressionKind::Binary(Mod, middle, size) = &*right.kind
            && !self.program.text(right.span).starts_with('(')
        {
            let [left, middle, size] = [left, middle, size].map(|part| self.program.text(part.span));
            let symbol = operator.symbol();
            return format!(
                "`mod` binds tighter than `{symbol}`: write `({left} {symbol} {middle}) mod {size}`"
            );
        }
        "ranks run from 0 to size - 1; `mod size` wraps around".to_string()
    }
}
