//! Tree → canonical source: one statement a line, four blanks a level, brackets only where they change the meaning.
//! Comments are not in the tree and so not in the output.

use crate::text::quote;
use crate::tree::*;

/// Writes a file in its canonical form. Reading it again gives the same tree, up to spans.
pub fn print(file: &File) -> String {
    let mut printer = Printer::default();
    for (k, item) in file.items.iter().enumerate() {
        if k > 0 {
            printer.text.push('\n');
        }
        printer.item(item);
    }
    printer.text
}

/// Writes one expression in its canonical form.
pub fn print_expression(expression: &Expression) -> String {
    let mut printer = Printer::default();
    printer.expression(expression, 0);
    printer.text
}

/// The level of a name, a call, a list: needs no brackets anywhere.
const ATOM: u8 = 11;

#[derive(Default)]
struct Printer {
    text: String,
    indent: usize,
}

impl Printer {
    fn put(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn line(&mut self) {
        self.text.push('\n');
        self.text.extend(std::iter::repeat_n("    ", self.indent));
    }

    fn separated<T>(&mut self, items: &[T], mut one: impl FnMut(&mut Self, &T)) {
        for (k, item) in items.iter().enumerate() {
            if k > 0 {
                self.put(", ");
            }
            one(self, item);
        }
    }

    /// ` { … }` with each statement on its line.
    fn braces<T>(&mut self, statements: &[T], mut one: impl FnMut(&mut Self, &T)) {
        self.put(" {");
        self.indent += 1;
        for statement in statements {
            self.line();
            one(self, statement);
        }
        self.indent -= 1;
        if !statements.is_empty() {
            self.line();
        } else {
            self.put(" ");
        }
        self.put("}");
    }

    fn item(&mut self, item: &Item) {
        match item {
            Item::Use(item) => self.use_item(item),
            Item::Function(item) => self.function(item),
            Item::Topology(item) => self.topology(item),
            Item::Algorithm(item) => self.algorithm(item),
            Item::Schedule(item) => self.schedule(item),
        }
        self.put("\n");
    }

    fn documentation(&mut self, text: &str) {
        for line in text.split('\n').filter(|_| !text.is_empty()) {
            self.put(if line.is_empty() { "///" } else { "/// " });
            self.put(line);
            self.put("\n");
        }
    }

    fn use_item(&mut self, item: &Use) {
        self.put("use ");
        let path: Vec<&str> = item.path.iter().map(|name| name.text.as_str()).collect();
        self.put(&path.join("::"));
        if let Some(names) = &item.names {
            self.put("::{");
            self.separated(names, |p, name| p.put(&name.text));
            self.put("}");
        }
    }

    fn parameters(&mut self, parameters: &[Parameter]) {
        self.put("(");
        self.separated(parameters, |p, parameter| {
            p.put(&parameter.name.text);
            p.kind(&parameter.kind);
            if let Some(default) = &parameter.default {
                p.put(" = ");
                p.expression(default, 0);
            }
        });
        self.put(")");
    }

    fn kind(&mut self, kind: &Option<Name>) {
        if let Some(kind) = kind {
            self.put(": ");
            self.put(&kind.text);
        }
    }

    fn function(&mut self, item: &Function) {
        self.documentation(&item.documentation);
        self.put("fn ");
        self.put(&item.name.text);
        self.parameters(&item.parameters);
        self.put(if matches!(*item.body.kind, ExpressionKind::Block(..)) { " " } else { " = " });
        self.expression(&item.body, 0);
    }

    fn topology(&mut self, item: &Topology) {
        self.documentation(&item.documentation);
        self.put("topology ");
        self.put(&item.name.text);
        if !item.parameters.is_empty() {
            self.parameters(&item.parameters);
        }
        match &item.body {
            TopologyBody::Statements(statements) => self.braces(statements, Self::topology_statement),
            TopologyBody::Value(value, weights) => {
                self.put(" = ");
                self.expression(value, 0);
                self.tail(" weights ", weights);
            }
        }
    }

    fn tail(&mut self, word: &str, expression: &Option<Expression>) {
        if let Some(expression) = expression {
            self.put(word);
            self.expression(expression, 0);
        }
    }

    fn topology_statement(&mut self, statement: &TopologyStatement) {
        match statement {
            TopologyStatement::Let(it) => self.let_statement(it),
            TopologyStatement::For(clauses, body, _) => {
                self.put("for ");
                self.separated(clauses, Self::clause);
                self.braces(body, Self::topology_statement);
            }
            TopologyStatement::If(condition, then, otherwise, _) => {
                self.put("if ");
                self.expression(condition, 0);
                self.braces(then, Self::topology_statement);
                match otherwise.as_slice() {
                    [] => {}
                    [it @ TopologyStatement::If(..)] => {
                        self.put(" else ");
                        self.topology_statement(it);
                    }
                    _ => {
                        self.put(" else");
                        self.braces(otherwise, Self::topology_statement);
                    }
                }
            }
            TopologyStatement::Edge(edge) => {
                // An `if` there would be a statement.
                self.expression(&edge.from, 1);
                self.put(if edge.both_ways { " -- " } else { " -> " });
                self.expression(&edge.to, 0);
                self.tail(" weight ", &edge.weight);
            }
            TopologyStatement::SelfWeight(rank, weight, _) => {
                self.put("self ");
                self.expression(rank, 0);
                self.put(" weight ");
                self.expression(weight, 0);
            }
            TopologyStatement::Names(names, _) => {
                self.put("names [");
                self.separated(names, |p, name| p.put(&quote(name)));
                self.put("]");
            }
            TopologyStatement::EdgesFrom(from) => {
                self.put(&format!("edges from {} sha256 {}", quote(&from.file), quote(&from.digest)));
            }
            TopologyStatement::Phase(body, _) => {
                self.put("phase");
                self.braces(body, Self::topology_statement);
            }
            TopologyStatement::Phases(topology, _) => {
                self.put("phases ");
                self.expression(topology, 0);
            }
            TopologyStatement::Weights(rule, _) => {
                self.put("weights ");
                self.expression(rule, 0);
            }
            TopologyStatement::Requires(conditions, _) => self.requires(conditions),
            TopologyStatement::Ensure(claim, condition, _) => {
                self.put("ensure ");
                self.expression(claim, 0);
                self.tail(" if ", condition);
            }
        }
    }

    fn requires(&mut self, conditions: &[Expression]) {
        self.put("requires ");
        self.separated(conditions, |p, condition| p.expression(condition, 0));
    }

    fn let_statement(&mut self, it: &Let) {
        self.put("let ");
        self.pattern(&it.pattern);
        self.put(" = ");
        self.expression(&it.value, 0);
    }

    fn pattern(&mut self, pattern: &Pattern) {
        match pattern {
            Pattern::Name(name) => self.put(&name.text),
            Pattern::List(patterns, _) => {
                self.put("[");
                self.separated(patterns, Self::pattern);
                self.put("]");
            }
        }
    }

    fn clause(&mut self, clause: &Clause) {
        match clause {
            Clause::In(pattern, values) => {
                self.pattern(pattern);
                self.put(" in ");
                self.expression(values, 0);
            }
            Clause::If(condition) => {
                self.put("if ");
                self.expression(condition, 0);
            }
        }
    }

    fn algorithm(&mut self, item: &Algorithm) {
        self.documentation(&item.documentation);
        self.put(if item.asynchronous { "async algorithm " } else { "algorithm " });
        self.put(&item.name.text);
        if !item.parameters.is_empty() {
            self.parameters(&item.parameters);
        }
        if !item.over.is_empty() {
            self.put(" over ");
            self.separated(&item.over, |p, (name, default)| {
                p.put(&name.text);
                if let Some(default) = default {
                    p.put(" = ");
                    p.expression(default, 0);
                }
            });
        }
        self.braces(&item.body, Self::algorithm_statement);
    }

    fn algorithm_statement(&mut self, statement: &AlgorithmStatement) {
        match statement {
            AlgorithmStatement::Requires(conditions, _) => self.requires(conditions),
            AlgorithmStatement::Let(it) => self.let_statement(it),
            AlgorithmStatement::State(state) => self.state("state ", state),
            AlgorithmStatement::EdgeState(state) => self.state("edge ", state),
            AlgorithmStatement::Step(body, _) => {
                self.put("step");
                self.braces(body, Self::step_statement);
            }
            AlgorithmStatement::Model(value, _) => {
                self.put("model ");
                self.expression(value, 0);
            }
        }
    }

    fn state(&mut self, word: &str, state: &State) {
        self.put(word);
        self.put(&state.name.text);
        self.kind(&state.kind);
        self.put(" = ");
        self.expression(&state.value, 0);
    }

    fn step_statement(&mut self, statement: &StepStatement) {
        match statement {
            StepStatement::Assign(name, value, _) => {
                self.put(&name.text);
                self.put(" <- ");
                self.expression(value, 0);
            }
            StepStatement::Let(it) => self.let_statement(it),
            StepStatement::If(condition, then, otherwise, _) => {
                self.put("if ");
                self.expression(condition, 0);
                self.braces(then, Self::step_statement);
                match otherwise.as_slice() {
                    [] => {}
                    [it @ StepStatement::If(..)] => {
                        self.put(" else ");
                        self.step_statement(it);
                    }
                    _ => {
                        self.put(" else");
                        self.braces(otherwise, Self::step_statement);
                    }
                }
            }
        }
    }

    fn schedule(&mut self, item: &Schedule) {
        self.documentation(&item.documentation);
        self.put("schedule {");
        self.indent += 1;
        if !item.topologies.is_empty() {
            self.line();
            self.put("topology ");
            self.separated(&item.topologies, |p, (name, value)| {
                if let Some(name) = name {
                    p.put(&name.text);
                    p.put(" = ");
                }
                p.expression(value, 0);
            });
        }
        for algorithm in &item.algorithms {
            self.line();
            self.put("algorithm ");
            self.expression(algorithm, 0);
        }
        self.indent -= 1;
        self.line();
        self.put("}");
    }

    /// Writes an expression, in brackets if it binds less tightly than its place wants.
    fn expression(&mut self, expression: &Expression, wanted: u8) {
        let bracket = level(expression) < wanted;
        if bracket {
            self.put("(");
        }
        match &*expression.kind {
            ExpressionKind::Number(text) | ExpressionKind::Name(text) => self.put(text),
            ExpressionKind::Truth(truth) => self.put(if *truth { "true" } else { "false" }),
            ExpressionKind::Primed(name) => {
                self.put(name);
                self.put("'");
            }
            ExpressionKind::Unary(operator, operand) => self.unary(*operator, operand),
            ExpressionKind::Binary(operator, left, right) => self.binary(*operator, left, right),
            ExpressionKind::Call(name, arguments) => self.call(name, arguments),
            ExpressionKind::Index(list, index) => {
                self.expression(list, ATOM);
                self.put("[");
                let is_range = matches!(*index.kind, ExpressionKind::Binary(BinaryOperator::Range, ..));
                self.expression(index, if is_range { ATOM } else { 0 });
                self.put("]");
            }
            ExpressionKind::Slice(list, start, end) => {
                self.expression(list, ATOM);
                self.put("[");
                let bound = BinaryOperator::Range.level() + 1;
                start.iter().for_each(|start| self.expression(start, bound));
                self.put("..");
                end.iter().for_each(|end| self.expression(end, bound));
                self.put("]");
            }
            ExpressionKind::List(elements) => {
                self.put("[");
                self.separated(elements, |p, element| p.expression(element, 0));
                self.put("]");
            }
            ExpressionKind::Comprehension(element, clauses) => {
                self.put("[");
                self.expression(element, 0);
                self.put(" for ");
                self.separated(clauses, Self::clause);
                self.put("]");
            }
            ExpressionKind::If(condition, then, otherwise) => self.if_expression(condition, then, otherwise),
            ExpressionKind::Block(lets, value) => self.block(lets, value),
        }
        if bracket {
            self.put(")");
        }
    }

    fn unary(&mut self, operator: UnaryOperator, operand: &Expression) {
        // `--` is a token of its own.
        let doubled = matches!(*operand.kind, ExpressionKind::Unary(UnaryOperator::Negate, _));
        match operator {
            UnaryOperator::Negate => {
                self.put("-");
                self.expression(operand, if doubled { ATOM } else { operator.level() });
            }
            UnaryOperator::Not => {
                self.put("not ");
                self.expression(operand, operator.level());
            }
        }
    }

    fn binary(&mut self, operator: BinaryOperator, left: &Expression, right: &Expression) {
        let level = operator.level();
        let strict = operator.is_right_associative() || !operator.chains();
        self.expression(left, if strict { level + 1 } else { level });
        match operator {
            BinaryOperator::Power | BinaryOperator::Range => self.put(operator.symbol()),
            _ => {
                self.put(" ");
                self.put(operator.symbol());
                self.put(" ");
            }
        }
        let right_level =
            if operator.is_right_associative() { UnaryOperator::Negate.level() } else { level + 1 };
        self.expression(right, right_level);
    }

    fn call(&mut self, name: &Name, arguments: &[Argument]) {
        self.put(&name.text);
        self.put("(");
        self.separated(arguments, |p, argument| {
            if let Some(name) = &argument.name {
                p.put(&name.text);
                p.put(" = ");
            }
            p.expression(&argument.value, 0);
        });
        self.put(")");
    }

    fn if_expression(&mut self, condition: &Expression, then: &Expression, otherwise: &Expression) {
        self.put("if ");
        self.expression(condition, 0);
        self.put(" ");
        self.branch(then);
        self.put(" else ");
        match &*otherwise.kind {
            ExpressionKind::If(..) => self.expression(otherwise, 0),
            _ => self.branch(otherwise),
        }
    }

    fn branch(&mut self, value: &Expression) {
        if let ExpressionKind::Block(lets, value) = &*value.kind {
            return self.block(lets, value);
        }
        self.put("{ ");
        self.expression(value, 0);
        self.put(" }");
    }

    fn block(&mut self, lets: &[Let], value: &Expression) {
        self.put("{");
        self.indent += 1;
        for it in lets {
            self.line();
            self.let_statement(it);
        }
        self.line();
        self.expression(value, 0);
        self.indent -= 1;
        self.line();
        self.put("}");
    }
}

fn level(expression: &Expression) -> u8 {
    match &*expression.kind {
        ExpressionKind::Unary(operator, _) => operator.level(),
        ExpressionKind::Binary(operator, ..) => operator.level(),
        ExpressionKind::If(..) | ExpressionKind::Block(..) => 0,
        _ => ATOM,
    }
}
