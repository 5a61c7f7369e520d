//! Text that no rule reads → what is wrong with it: found and expected in the words of the language, with a remedy.

use std::ops::Range;

use pest::Parser;
use pest::error::{ErrorVariant, InputLocation};

use crate::error::ParseError;
use crate::foreign;
use crate::parse::{Grammar, Rule};
use crate::tree::{FileId, Span};
use crate::words::{
    Context, distance, expected, homes, is_letter, is_near, is_reserved, misspelled, synonym,
};

/// A failed parse of one statement.
struct Failure<'a> {
    file: FileId,
    source: &'a str,
    /// The statement.
    text: &'a str,
    start: usize,
    context: Context,
    /// Where the parse went no further, and what it could have gone on with.
    at: usize,
    rules: Vec<Rule>,
}

/// Explains why `range` of the laid-out source is not what `rule` stands for.
pub(crate) fn explain(file: FileId, source: &str, range: Range<usize>, rule: Rule) -> ParseError {
    let text = &source[range.clone()];
    let context = Context::new(rule);
    let mut failure =
        Failure { file, source, text, start: range.start, context, at: range.start, rules: Vec::new() };
    failure.parse(context.rule());
    if let Some(rest) = text.strip_prefix("else").filter(|_| failure.word(text) == "else") {
        failure.after_else(rest);
    }
    let word = failure.word(text);
    if let Some(rule) = context.statement(word).filter(|_| failure.before().len() == range.start + word.len())
    {
        failure.at = range.start;
        failure.parse(rule);
    }
    failure.first_word().or_else(|| failure.reserved()).unwrap_or_else(|| failure.unexpected())
}

impl<'a> Failure<'a> {
    /// Finds where the parse of the rest of the statement, from `at`, goes no further.
    fn parse(&mut self, rule: Rule) {
        let from = self.at;
        let text = &self.source[from..self.start + self.text.len()];
        let Err(error) = Grammar::parse(rule, text) else { return };
        if let ErrorVariant::ParsingError { positives, .. } = &error.variant {
            self.rules = positives.clone();
        }
        self.at = from
            + match error.location {
                InputLocation::Pos(at) => at,
                InputLocation::Span((at, _)) => at,
            };
    }

    /// A line that begins with `else` goes wrong after it, or should not be there.
    fn after_else(&mut self, rest: &str) {
        let begin = self.start + self.text.len() - rest.trim_start().len();
        let next = self.word(&self.source[begin..]);
        if next == "if" {
            self.at = begin;
            self.parse(self.context.rule());
            if self.at > begin {
                return;
            }
        } else if !rest.trim_start().starts_with('{') {
            self.at = begin;
            self.rules = vec![Rule::kw_if, Rule::open_brace];
            return;
        }
        self.at = self.start;
        self.rules = vec![self.context.whole()];
    }

    fn word(&self, text: &'a str) -> &'a str {
        let end = text.find(|c| !is_letter(c)).unwrap_or(text.len());
        &text[..end]
    }

    /// What stands where the parse stopped, and its place.
    fn found(&self) -> (&'a str, Span) {
        let rest = self.source[self.at..].trim_start_matches(' ');
        let start = self.source.len() - rest.len();
        let symbols = ["->", "--", "<-", "<=", ">=", "==", "!=", "++", "..", "::"];
        let word = self.word(rest);
        let length = match symbols.iter().find(|symbol| rest.starts_with(**symbol)) {
            Some(symbol) => symbol.len(),
            None if !word.is_empty() => word.len(),
            None if rest.is_empty() || rest.starts_with('\n') => {
                let end = self.source[..start].trim_end_matches([' ', '\n']).len() as u32;
                return ("", Span { file: self.file, start: end, end });
            }
            None => 1,
        };
        let span = Span { file: self.file, start: start as u32, end: (start + length) as u32 };
        (&rest[..length], span)
    }

    /// The letters of the source before the place where the parse stopped.
    fn before(&self) -> &'a str {
        self.source[..self.at].trim_end_matches([' ', '\n'])
    }

    /// Whether the statement already goes wrong at its first word or right after it.
    fn first_word(&self) -> Option<ParseError> {
        let word = self.word(self.text);
        let after = self.start + word.len();
        let span = Span { file: self.file, start: self.start as u32, end: after as u32 };
        let begins_well = self.context.keywords().contains(&word);
        if word.is_empty() || begins_well || self.source[after..self.at.max(after)].trim() != "" {
            return self.foreign_statement();
        }
        let (next, _) = self.found();
        let separate = self.at == self.start || next.starts_with(|c: char| c.is_alphanumeric() || c == '{');
        if let Some(help) = homes(word).filter(|_| separate) {
            let (found, place) = (word.to_string(), self.context.place());
            return Some(ParseError::Misplaced { found, place, help, span });
        }
        if let Some(help) = foreign::word(word).filter(|_| separate) {
            return Some(ParseError::ForeignSymbol { found: word.to_string(), help, span });
        }
        let close = |keyword: &&&'static str| is_near(word, keyword);
        let nearest = self.context.keywords().iter().filter(close).min_by_key(|k| distance(word, k)).copied();
        if let Some(suggestion) = synonym(word, self.context).or(nearest).filter(|_| separate) {
            let (found, context) = (word.to_string(), self.context.begins());
            return Some(ParseError::UnknownKeyword { found, context, suggestion, span });
        }
        self.foreign_statement()
    }

    /// An equation outside of a step, or an edge outside of a topology.
    fn foreign_statement(&self) -> Option<ParseError> {
        let (found, _) = self.found();
        let (symbol, help) = match self.context {
            Context::Algorithm | Context::Block | Context::Item if self.text.contains("<-") => {
                ("<-", "the equations of the states stand in the `step { … }` of an algorithm")
            }
            Context::Topology if found == "<-" => {
                ("<-", "an edge is written from its sender, `a -> b`; states belong in an algorithm")
            }
            Context::Algorithm | Context::Block | Context::Item if self.text.contains("->") => {
                ("->", "edges belong in a topology")
            }
            Context::Step if found == "->" => ("->", "edges belong in a topology; an equation is `x <- e`"),
            _ => return None,
        };
        if self.context.keywords().contains(&self.word(self.text)) {
            return None;
        }
        let start = (self.start + self.text.find(symbol)?) as u32;
        let span = Span { file: self.file, start, end: start + symbol.len() as u32 };
        Some(ParseError::Misplaced { found: symbol.into(), place: self.context.place(), help, span })
    }

    fn reserved(&self) -> Option<ParseError> {
        let (found, span) = self.found();
        let wants_name =
            self.rules.iter().any(|rule| matches!(rule, Rule::name | Rule::pattern | Rule::clause));
        let found = Some(found).filter(|found| wants_name && is_reserved(found))?;
        Some(ParseError::ReservedName { found: found.to_string(), span })
    }

    fn unexpected(&self) -> ParseError {
        let (token, span) = self.found();
        let found = match token {
            "" if self.source[span.end as usize..].trim().is_empty() => "the end of the file".to_string(),
            "" => "the end of the line".to_string(),
            _ => format!("`{token}`"),
        };
        let misspelled = misspelled(token, &self.rules).map(|word| format!("did you mean `{word}`?"));
        let help = misspelled.or_else(|| self.help(token).map(str::to_string));
        ParseError::Unexpected { found, expected: expected(&self.rules, self.context), help, span }
    }

    fn help(&self, found: &str) -> Option<&'static str> {
        let wants = |rule: Rule| self.rules.contains(&rule);
        let before = self.before();
        let goes_on = wants(Rule::infix) || wants(Rule::end);
        let last = before.rsplit(|c| !is_letter(c) && c != '.').next();
        let is_number =
            |last: &str| !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let after_number = last.is_some_and(is_number);
        let after_word = before.ends_with(is_letter) && !after_number;
        let blank_before = self.source[..self.at].ends_with(' ');
        let help = match found {
            "=" if wants(Rule::becomes) => {
                "a state's next value is written `x <- e`; `let x = e` names an expression"
            }
            "'" if wants(Rule::becomes) || before.ends_with('\'') => {
                "a prime reads the next value, once; it is given by `x <- e`"
            }
            "<-" if wants(Rule::equals) => "write `=`; `<-` is for the states of a `step`",
            "<-" if goes_on => "`<-` is one symbol; a comparison with a negative number is `a < -b`",
            "==" if wants(Rule::equals) => "write `=`; `==` compares",
            "=" if goes_on => "write `==` to compare",
            _ if self.word(self.text) == "state" && wants(Rule::equals) && !goes_on => {
                "a state has an initial value, as in `state m = 0` or `state x = params`"
            }
            _ if self.word(self.text) == "edge" && wants(Rule::equals) && !goes_on => {
                "a state per edge has an initial value, as in `edge m = 0`"
            }
            "->" | "--" if wants(Rule::kw_weight) => {
                "each edge is a statement of its own, `a -> b` or `a -- b`"
            }
            "--" => "`--` is one symbol; write `a - -b` for the difference, `-(-a)` for two minuses",
            "(" if goes_on && (after_number || before.ends_with(')')) => {
                "a product is written with `*`, as in `0.5 * (a + b)`"
            }
            "(" | "[" if goes_on && after_word && blank_before => {
                "a call and an index follow their name without a blank, as in `f(x)` and `xs[i]`"
            }
            "+" | "*" | "/" | "^" | "++" | ".." | "<" | ">" | "<=" | ">=" | "!=" | "and" | "or" | "mod"
            | "div" | "xor" | "at"
                if self.at == self.start =>
            {
                "a statement that goes on in the next line ends its line in the operator: move it up"
            }
            ">" if before.ends_with('-') => "`->` is one symbol, without a blank",
            "else" => "`else` follows the `}` of its `if`",
            _ if wants(Rule::kw_else) => "an `if` that gives a value needs an `else { … }`",
            "," if wants(Rule::kw_in) => "take a list apart by `[a, b] in xs`",
            _ if wants(Rule::becomes) => "a step gives each state its next value by `x <- e`",
            _ if self.word(self.text) == "return" => {
                "the value of a block is its last line, without `return`"
            }
            _ if goes_on
                && after_number
                && found.starts_with(|c: char| is_letter(c) && !c.is_ascii_digit()) =>
            {
                "a product is written with `*`, as in `2 * x`; each statement stands on a line of its own"
            }
            _ if goes_on && found.starts_with(is_letter) => {
                "put an operator between them, or each statement on a line of its own"
            }
            _ => return None,
        };
        Some(help)
    }
}
