//! Rows of operands and operators → expression trees, by precedence (Dijkstra's shunting yard, 1961: no recursion,
//! so that a long row costs no stack), with each tree's height held below what is safe to walk.

use pest::iterators::Pair;

use crate::error::{MAX_DEPTH, ParseError};
use crate::parse::{Builder, Rule, only, parts};
use crate::tree::*;

/// Something with the height of its tree.
struct Tall<T = Expression> {
    it: T,
    height: usize,
}

/// An operator that waits for its right side.
enum Pending {
    Prefix(UnaryOperator, Span),
    Infix(BinaryOperator),
}

impl Pending {
    fn level(&self) -> u8 {
        match self {
            Self::Prefix(operator, _) => operator.level(),
            Self::Infix(operator) => operator.level(),
        }
    }

    /// Whether this operator takes its operands before the next one does.
    fn binds_before(&self, next: BinaryOperator) -> bool {
        self.level() > next.level() || self.level() == next.level() && !next.is_right_associative()
    }
}

/// Stands for an expression that was refused, with an error at its place.
pub(crate) fn placeholder(span: Span) -> Expression {
    Expression { kind: Box::new(ExpressionKind::Number("0".into())), span }
}

impl Builder<'_> {
    pub(crate) fn expression(&mut self, pair: Pair<Rule>) -> Expression {
        self.row(pair).it
    }

    pub(crate) fn block(&mut self, pair: Pair<Rule>) -> Expression {
        self.tall_block(pair).it
    }

    pub(crate) fn let_statement(&mut self, pair: Pair<Rule>) -> Let {
        self.tall_let(pair).it
    }

    pub(crate) fn clause(&mut self, pair: Pair<Rule>) -> Clause {
        self.tall_clause(pair).it
    }

    /// Sets an expression above others of the given height.
    fn above(&mut self, kind: ExpressionKind, span: Span, height: usize) -> Tall {
        if height >= MAX_DEPTH {
            self.too_deep("operators and calls nest", span);
            return Tall { it: placeholder(span), height: 1 };
        }
        Tall { it: Expression { kind: Box::new(kind), span }, height: height + 1 }
    }

    fn row(&mut self, pair: Pair<Rule>) -> Tall {
        let mut operands = Vec::new();
        let mut operators: Vec<Pending> = Vec::new();
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::operand => {
                    for piece in part.into_inner() {
                        match piece.as_rule() {
                            Rule::prefix => {
                                operators.push(Pending::Prefix(prefix(&piece), self.span(&piece)))
                            }
                            _ => operands.push(self.postfix(piece)),
                        }
                    }
                }
                _ => {
                    let span = self.span(&part);
                    let operator = infix(only(part).as_rule());
                    while operators.last().is_some_and(|before| before.binds_before(operator)) {
                        self.check_chain(operators.last(), operator, span);
                        self.reduce(&mut operands, &mut operators);
                    }
                    operators.push(Pending::Infix(operator));
                }
            }
        }
        while !operators.is_empty() {
            self.reduce(&mut operands, &mut operators);
        }
        operands.pop().expect("a row has an operand")
    }

    /// Refuses `a < b < c` and `a..b..c`.
    fn check_chain(&mut self, before: Option<&Pending>, next: BinaryOperator, span: Span) {
        let Some(&Pending::Infix(before)) = before else { return };
        if before.level() == next.level() && !next.chains() {
            let help = match next {
                BinaryOperator::Range => "a range has two bounds, `a..b`",
                _ => "compare twice, as in `a < b and b < c`",
            };
            let (first, second) = (before.symbol().into(), next.symbol().into());
            self.error(ParseError::Chained { first, second, help, span });
        }
    }

    fn reduce(&mut self, operands: &mut Vec<Tall>, operators: &mut Vec<Pending>) {
        let right = operands.pop().expect("an operand follows each operator");
        let made = match operators.pop().expect("called for an operator") {
            Pending::Prefix(operator, span) => {
                let span = Span { end: right.it.span.end, ..span };
                self.above(ExpressionKind::Unary(operator, right.it), span, right.height)
            }
            Pending::Infix(operator) => {
                let left = operands.pop().expect("an operand precedes each operator");
                let span = Span { end: right.it.span.end, ..left.it.span };
                let height = left.height.max(right.height);
                self.above(ExpressionKind::Binary(operator, left.it, right.it), span, height)
            }
        };
        operands.push(made);
    }

    fn postfix(&mut self, pair: Pair<Rule>) -> Tall {
        let start = self.span(&pair).start;
        let mut inner = pair.into_inner();
        let mut tall = self.atom(inner.next().expect("an atom"));
        for index in inner {
            let span = Span { start, ..self.span(&index) };
            tall = self.index(tall, index, span);
        }
        tall
    }

    fn atom(&mut self, pair: Pair<Rule>) -> Tall {
        let span = self.span(&pair);
        let text = pair.as_str();
        match pair.as_rule() {
            Rule::number => self.above(ExpressionKind::Number(text.into()), span, 0),
            Rule::truth => self.above(ExpressionKind::Truth(text == "true"), span, 0),
            Rule::path => self.above(ExpressionKind::Name(text.into()), span, 0),
            Rule::primed => self.above(ExpressionKind::Primed(only(pair).as_str().into()), span, 0),
            Rule::call => self.call(pair, span),
            Rule::list => self.list(pair, span),
            Rule::if_expression => self.if_expression(pair),
            Rule::block => self.tall_block(pair),
            _ => {
                let mut tall = self.row(only(pair));
                tall.it.span = span;
                tall
            }
        }
    }

    fn call(&mut self, pair: Pair<Rule>, span: Span) -> Tall {
        let mut inner = parts(pair);
        let name = self.name(inner.next().expect("a name"));
        let (mut arguments, mut height) = (Vec::new(), 0);
        for argument in parts(inner.next().expect("arguments")) {
            let mut inner = parts(argument).peekable();
            let name = inner.next_if(|part| part.as_rule() == Rule::name).map(|name| self.name(name));
            let value = self.row(inner.next().expect("a value"));
            height = height.max(value.height);
            arguments.push(Argument { name, value: value.it });
        }
        self.above(ExpressionKind::Call(name, arguments), span, height)
    }

    /// `xs[i]`, or a slice where `..` stands outside of all brackets.
    fn index(&mut self, of: Tall, pair: Pair<Rule>, span: Span) -> Tall {
        let mut inner = parts(pair);
        let first = inner.next().expect("an index");
        if first.as_rule() == Rule::slice_to {
            let end = parts(first).nth(1).map(|end| self.row(end));
            let height = end.as_ref().map_or(0, |end| end.height).max(of.height);
            return self.above(ExpressionKind::Slice(of.it, None, end.map(|end| end.it)), span, height);
        }
        let bare = first.clone().into_inner().nth(1).is_some();
        let Tall { it: index, height } = self.row(first);
        let height = height.max(of.height);
        let kind = match *index.kind {
            _ if inner.next().is_some() => ExpressionKind::Slice(of.it, Some(index), None),
            ExpressionKind::Binary(BinaryOperator::Range, start, end) if bare => {
                ExpressionKind::Slice(of.it, Some(start), Some(end))
            }
            _ => ExpressionKind::Index(of.it, index),
        };
        self.above(kind, span, height)
    }

    fn list(&mut self, pair: Pair<Rule>, span: Span) -> Tall {
        let (mut elements, mut clauses, mut height) = (Vec::new(), Vec::new(), 0);
        for part in parts(pair) {
            if part.as_rule() == Rule::comprehension {
                for clause in parts(part) {
                    let clause = self.tall_clause(clause);
                    height = height.max(clause.height);
                    clauses.push(clause.it);
                }
            } else {
                let element = self.row(part);
                height = height.max(element.height);
                elements.push(element.it);
            }
        }
        let kind = match elements.pop() {
            Some(element) if !clauses.is_empty() => ExpressionKind::Comprehension(element, clauses),
            last => {
                elements.extend(last);
                ExpressionKind::List(elements)
            }
        };
        self.above(kind, span, height)
    }

    /// Each `else if` is an `if` in the `else` of the one before.
    fn if_expression(&mut self, pair: Pair<Rule>) -> Tall {
        let whole = self.span(&pair);
        let mut branches = Vec::new();
        let mut condition = None;
        let mut last = None;
        for part in parts(pair) {
            let start = self.span(&part).start;
            match part.as_rule() {
                Rule::expression => condition = Some((start, self.row(part))),
                _ => {
                    let value = self.tall_block(part);
                    match condition.take() {
                        Some((start, condition)) => branches.push((start, condition, value)),
                        None => last = Some(value),
                    }
                }
            }
        }
        let mut otherwise = last.expect("the grammar wants an else");
        for (k, (start, condition, value)) in branches.into_iter().enumerate().rev() {
            let span = if k == 0 { whole } else { Span { start, ..whole } };
            let height = condition.height.max(value.height).max(otherwise.height);
            otherwise = self.above(ExpressionKind::If(condition.it, value.it, otherwise.it), span, height);
        }
        otherwise
    }

    fn tall_block(&mut self, pair: Pair<Rule>) -> Tall {
        let span = self.span(&pair);
        let (mut lets, mut height, mut value) = (Vec::new(), 0, None);
        let mut lines = parts(pair).peekable();
        while let Some(line) = lines.next() {
            let place = self.span(&line);
            if line.as_rule() == Rule::bad_block {
                self.bad(&line);
                continue;
            }
            let is_last = lines.peek().is_none();
            let statement = only(line);
            match statement.as_rule() {
                Rule::let_statement => {
                    let made = self.tall_let(statement);
                    height = height.max(made.height);
                    lets.push(made.it);
                    if is_last {
                        self.error(ParseError::MissingValue { span: place });
                    }
                }
                _ if is_last => value = Some(self.row(only(statement))),
                _ => self.error(ParseError::StrayValue { span: place }),
            }
        }
        let value = value.unwrap_or_else(|| Tall { it: placeholder(span), height: 1 });
        if lets.is_empty() {
            return value;
        }
        let height = height.max(value.height);
        self.above(ExpressionKind::Block(lets, value.it), span, height)
    }

    fn tall_let(&mut self, pair: Pair<Rule>) -> Tall<Let> {
        let span = self.span(&pair);
        let mut inner = parts(pair);
        let pattern = self.pattern(inner.next().expect("a pattern"));
        let value = self.row(inner.next().expect("a value"));
        Tall { it: Let { pattern, value: value.it, span }, height: value.height }
    }

    fn tall_clause(&mut self, pair: Pair<Rule>) -> Tall<Clause> {
        let mut inner = parts(pair);
        let first = inner.next().expect("a condition or pattern");
        if first.as_rule() == Rule::expression {
            let condition = self.row(first);
            return Tall { it: Clause::If(condition.it), height: condition.height };
        }
        let pattern = self.pattern(first);
        let values = self.row(inner.next().expect("a list"));
        Tall { it: Clause::In(pattern, values.it), height: values.height }
    }

    fn pattern(&mut self, pair: Pair<Rule>) -> Pattern {
        let inner = only(pair);
        let span = self.span(&inner);
        match inner.as_rule() {
            Rule::name => Pattern::Name(self.name(inner)),
            _ => Pattern::List(parts(inner).map(|part| self.pattern(part)).collect(), span),
        }
    }
}

fn prefix(pair: &Pair<Rule>) -> UnaryOperator {
    if pair.as_str().starts_with('-') { UnaryOperator::Negate } else { UnaryOperator::Not }
}

fn infix(rule: Rule) -> BinaryOperator {
    match rule {
        Rule::power => BinaryOperator::Power,
        Rule::kw_at => BinaryOperator::At,
        Rule::times => BinaryOperator::Multiply,
        Rule::divide => BinaryOperator::Divide,
        Rule::kw_mod => BinaryOperator::Mod,
        Rule::kw_div => BinaryOperator::Div,
        Rule::kw_xor => BinaryOperator::Xor,
        Rule::plus => BinaryOperator::Add,
        Rule::minus => BinaryOperator::Subtract,
        Rule::range => BinaryOperator::Range,
        Rule::append => BinaryOperator::Append,
        Rule::equal => BinaryOperator::Equal,
        Rule::not_equal => BinaryOperator::NotEqual,
        Rule::less => BinaryOperator::Less,
        Rule::less_equal => BinaryOperator::LessEqual,
        Rule::greater => BinaryOperator::Greater,
        Rule::greater_equal => BinaryOperator::GreaterEqual,
        Rule::kw_and => BinaryOperator::And,
        _ => BinaryOperator::Or,
    }
}
