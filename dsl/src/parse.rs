//! Source text → tree, and all that is wrong with it: `layout` and `recover` find the errors, this puts items and
//! parameters together, `statement` and `expression` the rest.

use pest::Parser;
use pest::iterators::Pair;
use pest_derive::Parser;

use crate::error::{MAX_ERRORS, ParseError};
use crate::layout::{Comment, Layout, layout};
use crate::recover;
use crate::tree::*;

#[derive(Parser)]
#[grammar = "grammar.pest"]
pub(crate) struct Grammar;

/// What could be read of a source, and all that is wrong with it.
#[derive(Clone, Debug, Default)]
pub struct Parsed {
    /// The items that could be read, each without the statements that could not. An expression that was refused is `0`.
    pub file: File,
    /// Up to [`MAX_ERRORS`] mistakes, in the order of the source.
    pub errors: Vec<ParseError>,
    /// For each item whether all of it could be read.
    whole: Vec<bool>,
    complete: bool,
}

impl Parsed {
    /// Whether every item of the source is in the tree, so that no name is missing.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// Whether all of the item of that number could be read.
    pub fn is_whole(&self, item: usize) -> bool {
        self.whole.get(item).is_some_and(|whole| *whole)
    }

    /// The tree of a source without mistakes.
    ///
    /// # Errors
    /// The mistakes.
    pub fn into_result(self) -> Result<File, Vec<ParseError>> {
        if self.errors.is_empty() { Ok(self.file) } else { Err(self.errors) }
    }

    /// An item with a mistake of its letters is not whole; beyond [`MAX_ERRORS`] anything may be wrong.
    fn mark_errors(&mut self) {
        let all_known = self.errors.len() < MAX_ERRORS;
        self.complete &= all_known;
        for (item, whole) in self.file.items.iter().zip(&mut self.whole) {
            let span = item.span();
            let inside = |error: &ParseError| (span.start..span.end).contains(&error.span().start);
            *whole &= all_known && !self.errors.iter().any(inside);
        }
    }
}

/// Reads a source file.
pub fn parse(file: FileId, text: &str) -> Parsed {
    let (parsed, errors) = read(file, text, Rule::file, |builder, pair| builder.file(pair));
    let mut parsed = Parsed { errors, ..parsed.unwrap_or_default() };
    parsed.mark_errors();
    parsed
}

/// Reads one expression, such as the value of a `--param`.
///
/// # Errors
/// Up to [`MAX_ERRORS`] mistakes, in the order of the source.
pub fn parse_expression(file: FileId, text: &str) -> Result<Expression, Vec<ParseError>> {
    let build = |builder: &mut Builder, pair: Pair<Rule>| {
        builder.expression(pair.into_inner().next().expect("an expression"))
    };
    match read(file, text, Rule::expression_alone, build) {
        (Some(expression), errors) if errors.is_empty() => Ok(expression),
        (_, errors) => Err(errors),
    }
}

/// What the builder makes of a text, as far as it can be read, and the mistakes.
fn read<T>(
    file: FileId,
    text: &str,
    rule: Rule,
    build: impl FnOnce(&mut Builder, Pair<Rule>) -> T,
) -> (Option<T>, Vec<ParseError>) {
    let Layout { text: laid_out, documentation, errors: lexical, unreadable, .. } = match layout(file, text) {
        Ok(layout) => layout,
        Err(error) => return (None, vec![error]),
    };
    let mut builder = Builder {
        file,
        original: text,
        source: &laid_out,
        documentation,
        documented: 0,
        errors: Vec::new(),
        mistakes: 0,
        lost: unreadable,
        deep: false,
    };
    let tree = match Grammar::parse(rule, &laid_out) {
        Ok(mut pairs) => pairs.next().map(|pair| build(&mut builder, pair)),
        Err(_) => {
            let error = recover::explain(file, &laid_out, 0..laid_out.len(), rule);
            builder.errors.push(error);
            None
        }
    };
    let mut errors = builder.errors;
    match rule {
        // One expression, over several lines: what is left beside a bad symbol says nothing.
        Rule::expression_alone if !lexical.is_empty() => errors.clear(),
        _ => keep_causes(text, &lexical, &mut errors),
    }
    errors.extend(lexical);
    errors.sort_by_key(|error| error.span().start);
    errors.truncate(MAX_ERRORS);
    (tree, errors)
}

/// Drops what only follows from a bad symbol of the same line.
fn keep_causes(text: &str, lexical: &[ParseError], errors: &mut Vec<ParseError>) {
    let line = |error: &ParseError| {
        let at = error.span().start as usize;
        text.as_bytes()[..at].iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1)
    };
    let lines: Vec<usize> = lexical.iter().map(line).collect();
    errors.retain(|error| !lines.contains(&line(error)));
}

/// Turns what the grammar found into the tree. It recurses no deeper than brackets nest.
pub(crate) struct Builder<'a> {
    pub file: FileId,
    /// The text as it is written.
    pub original: &'a str,
    /// The laid-out text.
    pub source: &'a str,
    documentation: Vec<Comment>,
    /// Lines of documentation that belong to earlier items.
    documented: usize,
    pub errors: Vec<ParseError>,
    /// The number of mistakes so far, those beyond [`MAX_ERRORS`] included.
    mistakes: usize,
    /// Whether an item is missing from the tree.
    lost: bool,
    /// Whether `too_deep` has been reported.
    deep: bool,
}

/// The parts of a pair that carry meaning.
pub(crate) fn parts(pair: Pair<Rule>) -> impl Iterator<Item = Pair<Rule>> {
    pair.into_inner().filter(|part| !is_punctuation(part.as_rule()))
}

fn is_punctuation(rule: Rule) -> bool {
    use Rule::*;
    #[rustfmt::skip]
    let punctuation = matches!(
        rule,
        open_paren | close_paren | open_bracket | close_bracket | open_brace | close_brace | comma | colon | colons
            | equals | becomes | line_end | end | EOI
            | kw_use | kw_fn | kw_topology | kw_algorithm | kw_schedule | kw_over | kw_let | kw_for | kw_in | kw_if
            | kw_else | kw_phase | kw_phases | kw_requires | kw_ensure | kw_self | kw_weight | kw_weights | kw_state | kw_edge
            | kw_model | kw_step | kw_names | kw_edges | kw_from | kw_sha256
    );
    punctuation
}

pub(crate) fn only(pair: Pair<Rule>) -> Pair<Rule> {
    parts(pair).next().expect("the grammar gives one part")
}

impl Builder<'_> {
    pub fn span(&self, pair: &Pair<Rule>) -> Span {
        let span = pair.as_span();
        let text = span.as_str().trim_end_matches([' ', '\n']);
        Span { file: self.file, start: span.start() as u32, end: (span.start() + text.len()) as u32 }
    }

    pub fn error(&mut self, error: ParseError) {
        self.mistakes += 1;
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(error);
        }
    }

    /// Reports, once in a source, that the tree would be higher than is safe to walk.
    pub fn too_deep(&mut self, what: &'static str, span: Span) {
        if !std::mem::replace(&mut self.deep, true) {
            let span = Span { end: span.end.min(span.start + 1), ..span };
            let help = "name parts with `let` or a `fn`, or use a list with `sum`, `product` or an index";
            self.error(ParseError::TooDeep { what, help, span });
        }
    }

    /// Reports the text that no rule read.
    pub fn bad(&mut self, pair: &Pair<Rule>) {
        self.mistakes += 1;
        if self.errors.len() < MAX_ERRORS {
            let span = self.span(pair);
            let range = span.start as usize..span.end as usize;
            self.errors.push(recover::explain(self.file, self.source, range, pair.as_rule()));
        }
    }

    pub fn name(&self, pair: Pair<Rule>) -> Name {
        Name { text: pair.as_str().to_string(), span: self.span(&pair) }
    }

    fn file(&mut self, pair: Pair<Rule>) -> Parsed {
        let (mut items, mut whole) = (Vec::new(), Vec::new());
        let mut previous_end = 0;
        for part in parts(pair) {
            let span = self.span(&part);
            if part.as_rule() == Rule::item_form {
                let documentation = self.documentation(previous_end, span.start);
                let mistakes = self.mistakes;
                items.push(self.item(only(part), documentation));
                whole.push(self.mistakes == mistakes);
            } else {
                self.bad(&part);
                self.lost = true;
            }
            previous_end = span.end;
        }
        Parsed { file: File { items }, errors: vec![], whole, complete: !self.lost }
    }

    /// The lines of documentation between two places.
    fn documentation(&mut self, from: u32, to: u32) -> String {
        let mut lines = Vec::new();
        while let Some(comment) = self.documentation.get_mut(self.documented).filter(|c| c.start < to) {
            if comment.start >= from {
                lines.push(std::mem::take(&mut comment.text));
            }
            self.documented += 1;
        }
        lines.join("\n")
    }

    fn item(&mut self, pair: Pair<Rule>, documentation: String) -> Item {
        match pair.as_rule() {
            Rule::use_item => Item::Use(self.use_item(pair)),
            Rule::function => Item::Function(self.function(pair, documentation)),
            Rule::topology => Item::Topology(self.topology(pair, documentation)),
            Rule::algorithm => Item::Algorithm(self.algorithm(pair, documentation)),
            _ => Item::Schedule(self.schedule(pair, documentation)),
        }
    }

    fn use_item(&mut self, pair: Pair<Rule>) -> Use {
        let span = self.span(&pair);
        let (mut path, mut names) = (Vec::new(), None);
        for part in parts(pair) {
            match part.as_rule() {
                Rule::use_names => names = Some(parts(part).map(|name| self.name(name)).collect()),
                _ => path.push(self.name(part)),
            }
        }
        Use { path, names, span }
    }

    fn parameters(&mut self, pair: Pair<Rule>) -> Vec<Parameter> {
        parts(pair).map(|parameter| self.parameter(parameter)).collect()
    }

    fn parameter(&mut self, pair: Pair<Rule>) -> Parameter {
        let mut inner = parts(pair);
        let name = self.name(inner.next().expect("a name"));
        let (mut kind, mut default) = (None, None);
        for part in inner {
            match part.as_rule() {
                Rule::kind => kind = Some(self.name(only(part))),
                _ => default = Some(self.expression(only(part))),
            }
        }
        Parameter { name, kind, default }
    }

    fn function(&mut self, pair: Pair<Rule>, documentation: String) -> Function {
        let span = self.span(&pair);
        let mut inner = parts(pair);
        let name = self.name(inner.next().expect("a name"));
        let parameters = self.parameters(inner.next().expect("parameters"));
        let body = inner.next().expect("a body");
        let body = match body.as_rule() {
            Rule::function_body => self.block(body),
            _ => self.expression(only(body)),
        };
        Function { documentation, name, parameters, body, span }
    }

    fn topology(&mut self, pair: Pair<Rule>, documentation: String) -> Topology {
        let span = self.span(&pair);
        let mut inner = parts(pair).peekable();
        let name = self.name(inner.next().expect("a name"));
        let parameters = inner.next_if(|part| part.as_rule() == Rule::parameters);
        let parameters = parameters.map(|part| self.parameters(part)).unwrap_or_default();
        let body = inner.next().expect("a body");
        let body = match body.as_rule() {
            Rule::topology_body => TopologyBody::Statements(self.topology_body(body, 0)),
            _ => {
                let value = self.expression(only(body));
                TopologyBody::Value(value, inner.next().map(|weights| self.expression(only(weights))))
            }
        };
        Topology { documentation, name, parameters, body, span }
    }

    fn algorithm(&mut self, pair: Pair<Rule>, documentation: String) -> Algorithm {
        let span = self.span(&pair);
        let mut inner = parts(pair).peekable();
        let asynchronous = inner.next_if(|part| part.as_rule() == Rule::kw_async).is_some();
        let name = self.name(inner.next().expect("a name"));
        let (mut parameters, mut over, mut body) = (Vec::new(), Vec::new(), Vec::new());
        for part in inner {
            match part.as_rule() {
                Rule::parameters => parameters = self.parameters(part),
                Rule::over => over = parts(part).map(|bound| self.bound(bound)).collect(),
                _ => body = self.algorithm_body(part),
            }
        }
        Algorithm { documentation, asynchronous, name, parameters, over, body, span }
    }

    fn bound(&mut self, pair: Pair<Rule>) -> (Name, Option<Expression>) {
        let mut inner = parts(pair);
        let name = self.name(inner.next().expect("a name"));
        (name, inner.next().map(|default| self.expression(only(default))))
    }

    fn schedule(&mut self, pair: Pair<Rule>, documentation: String) -> Schedule {
        let span = self.span(&pair);
        let mut schedule = Schedule { documentation, topologies: Vec::new(), algorithms: Vec::new(), span };
        for line in parts(only(pair)) {
            if line.as_rule() == Rule::bad_schedule {
                self.bad(&line);
                continue;
            }
            let statement = only(line);
            match statement.as_rule() {
                Rule::schedule_algorithm => schedule.algorithms.push(self.expression(only(statement))),
                _ => schedule.topologies.extend(parts(statement).map(|binding| self.binding(binding))),
            }
        }
        schedule
    }

    fn binding(&mut self, pair: Pair<Rule>) -> (Option<Name>, Expression) {
        let mut inner = parts(pair).peekable();
        let name = inner.next_if(|part| part.as_rule() == Rule::name).map(|name| self.name(name));
        (name, self.expression(inner.next().expect("a value")))
    }
}
