//! The expressions inside of expressions, items and files.

use super::declaration;
use bfc_dsl::tree::{
    Clause, EdgesFrom, Expression, ExpressionKind, File, Item, Span, Topology, TopologyBody,
    TopologyStatement,
};

/// The expressions directly inside of one.
pub fn parts(expression: &Expression) -> Vec<&Expression> {
    match &*expression.kind {
        ExpressionKind::Number(_)
        | ExpressionKind::Truth(_)
        | ExpressionKind::Name(_)
        | ExpressionKind::Primed(_) => vec![],
        ExpressionKind::Unary(_, operand) => vec![operand],
        ExpressionKind::Binary(_, left, right) | ExpressionKind::Index(left, right) => vec![left, right],
        ExpressionKind::Call(_, arguments) => arguments.iter().map(|argument| &argument.value).collect(),
        ExpressionKind::Slice(list, from, to) => {
            [Some(list), from.as_ref(), to.as_ref()].into_iter().flatten().collect()
        }
        ExpressionKind::List(items) => items.iter().collect(),
        ExpressionKind::Comprehension(item, clauses) => {
            clauses.iter().map(condition_or_list).chain([item]).collect()
        }
        ExpressionKind::If(condition, yes, no) => vec![condition, yes, no],
        ExpressionKind::Block(lets, result) => {
            lets.iter().map(|binding| &binding.value).chain([result]).collect()
        }
    }
}

fn condition_or_list(clause: &Clause) -> &Expression {
    match clause {
        Clause::In(_, list) => list,
        Clause::If(condition) => condition,
    }
}

/// All names with `::` in the expressions of a file, with their places.
pub fn paths(file: &File) -> Vec<(String, Span)> {
    paths_in(file.items.iter().flat_map(expressions).collect())
}

/// All names with `::` in some expressions, with their places.
pub fn paths_in(mut rest: Vec<&Expression>) -> Vec<(String, Span)> {
    let mut found = Vec::new();
    while let Some(expression) = rest.pop() {
        match &*expression.kind {
            ExpressionKind::Name(name) if name.contains("::") => found.push((name.clone(), expression.span)),
            ExpressionKind::Call(name, _) if name.text.contains("::") => {
                found.push((name.text.clone(), name.span))
            }
            _ => {}
        }
        rest.extend(parts(expression));
    }
    found.sort_by_key(|(_, span)| span.start);
    found
}

/// The expressions directly inside of an item.
fn expressions(item: &Item) -> Vec<&Expression> {
    let defaults = declaration(item).map_or(&[][..], |(_, parameters)| parameters);
    let mut found: Vec<&Expression> =
        defaults.iter().filter_map(|parameter| parameter.default.as_ref()).collect();
    match item {
        Item::Function(function) => found.push(&function.body),
        Item::Topology(topology) => match &topology.body {
            TopologyBody::Statements(statements) => in_statements(statements, &mut found),
            TopologyBody::Value(value, rule) => found.extend(std::iter::once(value).chain(rule)),
        },
        Item::Algorithm(algorithm) => {
            found.extend(algorithm.over.iter().filter_map(|(_, default)| default.as_ref()))
        }
        Item::Schedule(schedule) => {
            found.extend(schedule.topologies.iter().map(|(_, topology)| topology));
            found.extend(&schedule.algorithms);
        }
        Item::Use(_) => {}
    }
    found
}

fn in_statements<'t>(statements: &'t [TopologyStatement], found: &mut Vec<&'t Expression>) {
    for statement in statements {
        match statement {
            TopologyStatement::Let(binding) => found.push(&binding.value),
            TopologyStatement::For(clauses, body, _) => {
                found.extend(clauses.iter().map(condition_or_list));
                in_statements(body, found);
            }
            TopologyStatement::If(condition, yes, no, _) => {
                found.push(condition);
                in_statements(yes, found);
                in_statements(no, found);
            }
            TopologyStatement::Edge(edge) => {
                found.extend([&edge.from, &edge.to].into_iter().chain(&edge.weight))
            }
            TopologyStatement::SelfWeight(rank, weight, _) => found.extend([rank, weight]),
            TopologyStatement::Phase(body, _) => in_statements(body, found),
            TopologyStatement::Phases(value, _) | TopologyStatement::Weights(value, _) => found.push(value),
            TopologyStatement::Names(..) | TopologyStatement::EdgesFrom(_) => {}
            TopologyStatement::Requires(conditions, _) => found.extend(conditions),
            TopologyStatement::Ensure(claim, condition, _) => {
                found.extend(std::iter::once(claim).chain(condition))
            }
        }
    }
}

/// The files of edges that the topologies of a file name.
pub fn edges(file: &File) -> Vec<EdgesFrom> {
    let mut found = vec![];
    for item in &file.items {
        if let Item::Topology(Topology { body: TopologyBody::Statements(statements), .. }) = item {
            edges_in(statements, &mut found);
        }
    }
    found
}

fn edges_in(statements: &[TopologyStatement], found: &mut Vec<EdgesFrom>) {
    for statement in statements {
        match statement {
            TopologyStatement::EdgesFrom(from) => found.push(from.clone()),
            TopologyStatement::For(_, body, _) | TopologyStatement::Phase(body, _) => edges_in(body, found),
            TopologyStatement::If(_, yes, no, _) => {
                edges_in(yes, found);
                edges_in(no, found);
            }
            _ => {}
        }
    }
}
