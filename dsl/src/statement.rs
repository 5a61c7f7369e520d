//! What the grammar found in the body of a topology, algorithm or step → statements.

use pest::iterators::Pair;

use crate::error::MAX_DEPTH;
use crate::expression::placeholder;
use crate::parse::{Builder, Rule, only, parts};
use crate::text::unquote;
use crate::tree::*;

impl Builder<'_> {
    pub(crate) fn topology_body(&mut self, pair: Pair<Rule>, depth: usize) -> Vec<TopologyStatement> {
        let mut statements = Vec::new();
        for line in parts(pair) {
            match line.as_rule() {
                Rule::bad_topology => self.bad(&line),
                _ => statements.push(self.topology_statement(only(line), depth + 1)),
            }
        }
        statements
    }

    fn topology_statement(&mut self, pair: Pair<Rule>, depth: usize) -> TopologyStatement {
        let span = self.span(&pair);
        match pair.as_rule() {
            Rule::let_statement => TopologyStatement::Let(self.let_statement(pair)),
            Rule::for_statement => {
                let (mut clauses, mut body) = (Vec::new(), Vec::new());
                for part in parts(pair) {
                    match part.as_rule() {
                        Rule::clause => clauses.push(self.clause(part)),
                        _ => body = self.topology_body(part, depth),
                    }
                }
                TopologyStatement::For(clauses, body, span)
            }
            Rule::topology_if => {
                let branches = self.branches(pair, depth, Self::topology_body);
                let fold = |c, then, otherwise, span| TopologyStatement::If(c, then, otherwise, span);
                chain(branches, span, fold)
            }
            Rule::phase_statement => TopologyStatement::Phase(self.topology_body(only(pair), depth), span),
            Rule::phases_statement => TopologyStatement::Phases(self.expression(only(pair)), span),
            Rule::requires_statement => TopologyStatement::Requires(self.expressions(pair), span),
            Rule::ensure_statement => {
                let mut inner = parts(pair);
                let claim = self.expression(inner.next().expect("a claim"));
                let condition = inner.next().map(|part| self.expression(part));
                TopologyStatement::Ensure(claim, condition, span)
            }
            Rule::self_statement => {
                let mut inner = parts(pair);
                let rank = self.expression(inner.next().expect("a rank"));
                let weight = self.expression(inner.next().expect("a weight"));
                TopologyStatement::SelfWeight(rank, weight, span)
            }
            Rule::names_statement => {
                TopologyStatement::Names(parts(pair).map(|text| self.text(&text)).collect(), span)
            }
            Rule::edges_statement => {
                let mut texts = parts(pair).map(|text| self.text(&text));
                let (file, digest) = (texts.next().unwrap_or_default(), texts.next().unwrap_or_default());
                TopologyStatement::EdgesFrom(EdgesFrom { file, digest, span })
            }
            Rule::weights_statement => TopologyStatement::Weights(self.expression(only(pair)), span),
            _ => TopologyStatement::Edge(self.edge(pair)),
        }
    }

    /// What stands between quotes.
    fn text(&self, pair: &Pair<Rule>) -> String {
        let span = self.span(pair);
        unquote(&self.original[span.start as usize..span.end as usize])
    }

    fn edge(&mut self, pair: Pair<Rule>) -> Edge {
        let span = self.span(&pair);
        let mut inner = parts(pair);
        let from = self.expression(inner.next().expect("a rank"));
        let both_ways = inner.next().is_some_and(|part| part.as_rule() == Rule::both_ways);
        let to = self.expression(inner.next().expect("a rank"));
        let weight = inner.next().map(|part| self.expression(part));
        Edge { from, to, both_ways, weight, span }
    }

    fn expressions(&mut self, pair: Pair<Rule>) -> Vec<Expression> {
        parts(pair).map(|part| self.expression(part)).collect()
    }

    /// The branches of an `if`: condition, body, place; the condition of a last `else` is absent.
    fn branches<S>(
        &mut self,
        pair: Pair<Rule>,
        depth: usize,
        body: impl Fn(&mut Self, Pair<Rule>, usize) -> Vec<S>,
    ) -> Vec<Branch<S>> {
        let whole = self.span(&pair);
        let mut branches = Vec::new();
        let mut condition = None;
        for part in parts(pair) {
            let start = if branches.is_empty() { whole.start } else { self.span(&part).start };
            let span = Span { start, ..whole };
            // An `else if` lies in the `else` before it; what stands in the last `else` lies beside the last `if`.
            let is_last = part.as_rule() != Rule::expression && condition.is_none();
            let depth = depth + branches.len() - usize::from(is_last);
            if depth > MAX_DEPTH {
                self.too_deep("branches of `if` nest", span);
                break;
            }
            match part.as_rule() {
                Rule::expression => condition = Some((self.expression(part), span)),
                _ => {
                    let statements = body(self, part, depth);
                    let (condition, span) =
                        condition.take().map_or((None, span), |(c, span)| (Some(c), span));
                    branches.push(Branch { condition, statements, span });
                }
            }
        }
        branches
    }

    pub(crate) fn algorithm_body(&mut self, pair: Pair<Rule>) -> Vec<AlgorithmStatement> {
        let mut statements = Vec::new();
        for line in parts(pair) {
            match line.as_rule() {
                Rule::bad_algorithm => self.bad(&line),
                _ => statements.push(self.algorithm_statement(only(line))),
            }
        }
        statements
    }

    fn algorithm_statement(&mut self, pair: Pair<Rule>) -> AlgorithmStatement {
        let span = self.span(&pair);
        match pair.as_rule() {
            Rule::requires_statement => AlgorithmStatement::Requires(self.expressions(pair), span),
            Rule::let_statement => AlgorithmStatement::Let(self.let_statement(pair)),
            Rule::state_statement => AlgorithmStatement::State(self.state(pair)),
            Rule::edge_state => AlgorithmStatement::EdgeState(self.state(pair)),
            Rule::step_statement => AlgorithmStatement::Step(self.step_body(only(pair), 0), span),
            _ => AlgorithmStatement::Model(self.expression(only(pair)), span),
        }
    }

    fn state(&mut self, pair: Pair<Rule>) -> State {
        let span = self.span(&pair);
        let mut inner = parts(pair).peekable();
        let name = self.name(inner.next().expect("a name"));
        let kind = inner.next_if(|part| part.as_rule() == Rule::kind).map(|kind| self.name(only(kind)));
        State { name, kind, value: self.expression(inner.next().expect("a value")), span }
    }

    fn step_body(&mut self, pair: Pair<Rule>, depth: usize) -> Vec<StepStatement> {
        let mut statements = Vec::new();
        for line in parts(pair) {
            match line.as_rule() {
                Rule::bad_step => self.bad(&line),
                _ => statements.push(self.step_statement(only(line), depth + 1)),
            }
        }
        statements
    }

    fn step_statement(&mut self, pair: Pair<Rule>, depth: usize) -> StepStatement {
        let span = self.span(&pair);
        match pair.as_rule() {
            Rule::let_statement => StepStatement::Let(self.let_statement(pair)),
            Rule::step_if => {
                let branches = self.branches(pair, depth, Self::step_body);
                let fold = |c, then, otherwise, span| StepStatement::If(c, then, otherwise, span);
                chain(branches, span, fold)
            }
            _ => {
                let mut inner = parts(pair);
                let name = self.name(inner.next().expect("a name"));
                StepStatement::Assign(name, self.expression(inner.next().expect("a value")), span)
            }
        }
    }
}

struct Branch<S> {
    condition: Option<Expression>,
    statements: Vec<S>,
    span: Span,
}

/// Folds branches into an `if` whose `else` holds the next one.
fn chain<S>(
    branches: Vec<Branch<S>>,
    whole: Span,
    fold: impl Fn(Expression, Vec<S>, Vec<S>, Span) -> S,
) -> S {
    let mut otherwise = Vec::new();
    for Branch { condition, statements, span } in branches.into_iter().rev() {
        otherwise = match condition {
            Some(condition) => vec![fold(condition, statements, otherwise, span)],
            None => statements,
        };
    }
    otherwise.pop().unwrap_or_else(|| fold(placeholder(whole), Vec::new(), Vec::new(), whole))
}
