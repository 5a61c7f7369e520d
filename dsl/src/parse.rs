//! Source text → tree, or all that is wrong with it: `layout` and `recover` find the errors, this puts items and
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

/// Reads a source file.
///
/// Reports up to [`MAX_ERRORS`] mistakes, in the order of the source.
pub fn parse(file: FileId, text: &str) -> Result<File, Vec<ParseError>> {
    run(file, text, Rule::file, |builder, pair| builder.file(pair))
}

/// Reads one expression, such as the value of a `--param`.
pub fn parse_expression(file: FileId, text: &str) -> Result<Expression, Vec<ParseError>> {
    run(file, text, Rule::expression_alone, |builder, pair| {
        builder.expression(pair.into_inner().next().expect("an expression"))
    })
}

fn run<T>(
    file: FileId,
    text: &str,
    rule: Rule,
    build: impl FnOnce(&mut Builder, Pair<Rule>) -> T,
) -> Result<T, Vec<ParseError>> {
    let Layout { text: laid_out, documentation, errors: lexical, .. } =
        layout(file, text).map_err(|error| vec![error])?;
    let mut builder =
        Builder { file, source: &laid_out, documentation, documented: 0, errors: Vec::new(), deep: false };
    let tree = match Grammar::parse(rule, &laid_out) {
        Ok(mut pairs) => pairs.next().map(|pair| build(&mut builder, pair)),
        Err(_) => {
            let error = recover::explain(file, &laid_out, 0..laid_out.len(), rule);
            builder.errors.push(error);
            None
        }
    };
    let mut errors = builder.errors;
    if let (Some(tree), true) = (tree, errors.is_empty() && lexical.is_empty()) {
        return Ok(tree);
    }
    keep_causes(text, &lexical, &mut errors);
    errors.extend(lexical);
    errors.sort_by_key(|error| error.span().start);
    errors.truncate(MAX_ERRORS);
    Err(errors)
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
    /// The laid-out text.
    pub source: &'a str,
    documentation: Vec<Comment>,
    /// Lines of documentation that belong to earlier items.
    documented: usize,
    pub errors: Vec<ParseError>,
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
            | kw_model | kw_step
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
        if self.errors.len() < MAX_ERRORS {
            let span = self.span(pair);
            let range = span.start as usize..span.end as usize;
            self.errors.push(recover::explain(self.file, self.source, range, pair.as_rule()));
        }
    }

    pub fn name(&self, pair: Pair<Rule>) -> Name {
        Name { text: pair.as_str().to_string(), span: self.span(&pair) }
    }

    fn file(&mut self, pair: Pair<Rule>) -> File {
        let mut items = Vec::new();
        let mut previous_end = 0;
        for part in parts(pair) {
            let span = self.span(&part);
            if part.as_rule() == Rule::item_form {
                let documentation = self.documentation(previous_end, span.start);
                items.push(self.item(only(part), documentation));
            } else {
                self.bad(&part);
            }
            previous_end = span.end;
        }
        File { items }
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
