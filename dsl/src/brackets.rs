//! Tokens → which brackets match. A file that is out of balance is cut at the items that begin its lines, so that
//! one forgotten brace is one error, at the bracket that is to blame, and the other items are still read.

use std::ops::Range;

use crate::error::{MAX_DEPTH, ParseError};
use crate::layout::{Token, TokenKind};
use crate::tree::{FileId, Span};

/// The errors of the brackets, and the ranges of tokens that they make unreadable.
#[derive(Default)]
pub(crate) struct Balance {
    pub errors: Vec<ParseError>,
    pub unreadable: Vec<Range<usize>>,
}

/// The opening bracket that `closer` closes.
pub(crate) fn opener(closer: char) -> char {
    match closer {
        ')' => '(',
        ']' => '[',
        _ => '{',
    }
}

fn closer(opener: u8) -> char {
    match opener {
        b'(' => ')',
        b'[' => ']',
        _ => '}',
    }
}

/// A bracket that waits for its end.
#[derive(Clone, Copy)]
struct Open {
    letter: u8,
    at: usize,
    /// Blanks at the beginning of its line.
    indent: usize,
}

/// Checks all brackets; fails at once on the one that nests too deep.
pub(crate) fn balance(file: FileId, text: &str, tokens: &[Token]) -> Result<Balance, ParseError> {
    check_depth(file, tokens)?;
    if is_balanced(text, tokens) {
        return Ok(Balance::default());
    }
    let mut starts: Vec<usize> = (0..tokens.len()).filter(|&k| begins_item(text, &tokens[k])).collect();
    starts.insert(0, 0);
    starts.push(tokens.len());
    let mut balance = Balance::default();
    for pair in starts.windows(2) {
        let segment = &tokens[pair[0]..pair[1]];
        if !is_balanced(text, segment) {
            balance.errors.extend(first_error(file, text, segment));
            balance.unreadable.push(pair[0]..pair[1]);
        }
    }
    Ok(balance)
}

fn check_depth(file: FileId, tokens: &[Token]) -> Result<(), ParseError> {
    let mut depth = 0usize;
    for token in tokens {
        match token.kind {
            TokenKind::Open => depth += 1,
            TokenKind::Close => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(ParseError::TooDeep {
                what: "brackets nest",
                help: "name parts with `let`, or move them into a `fn`",
                span: token.span(file),
            });
        }
    }
    Ok(())
}

fn is_balanced(text: &str, tokens: &[Token]) -> bool {
    let mut open = Vec::new();
    for token in tokens {
        let letter = text.as_bytes()[token.start as usize];
        match token.kind {
            TokenKind::Open => open.push(letter),
            TokenKind::Close if open.pop() != Some(opener(letter as char) as u8) => return false,
            _ => {}
        }
    }
    open.is_empty()
}

/// Whether an item begins here: one of its words at the very beginning of a line.
fn begins_item(text: &str, token: &Token) -> bool {
    let words = ["use", "fn", "topology", "algorithm", "async", "schedule"];
    token.at_margin && token.kind == TokenKind::Word && words.contains(&token.text(text))
}

/// The bracket to blame among these tokens, which are out of balance.
fn first_error(file: FileId, text: &str, tokens: &[Token]) -> Option<ParseError> {
    let mut open: Vec<Open> = Vec::new();
    let mut indent = 0;
    let mut first_on_line = true;
    for token in tokens {
        let start = token.start as usize;
        if token.kind == TokenKind::LineEnd {
            first_on_line = true;
            continue;
        }
        if first_on_line {
            let line = text[..start].rfind('\n').map_or(0, |at| at + 1);
            indent = start - line;
        }
        let letter = text.as_bytes()[start];
        match token.kind {
            TokenKind::Open => open.push(Open { letter, at: start, indent }),
            TokenKind::Close => {
                let outdented = first_on_line && letter == b'}';
                if let Some(error) = close(file, token, letter, outdented.then_some(indent), &mut open) {
                    return Some(error);
                }
            }
            _ => {}
        }
        first_on_line = false;
    }
    let blamed = open.iter().rev().find(|o| o.letter != b'{').or(open.first())?;
    let end = tokens.iter().rev().find(|token| token.kind != TokenKind::LineEnd)?.end;
    Some(unclosed(file, *blamed, Span { file, start: end.saturating_sub(1), end }))
}

/// Closes the innermost bracket, or says why it cannot be closed here.
fn close(
    file: FileId,
    token: &Token,
    letter: u8,
    indent: Option<usize>,
    open: &mut Vec<Open>,
) -> Option<ParseError> {
    let span = token.span(file);
    let partner = opener(letter as char) as u8;
    match open.last() {
        // A brace that stands further left than the line of its partner closes an outer one.
        Some(last) if last.letter == partner => {
            let outer = indent.is_some_and(|indent| {
                last.indent > indent && open.iter().any(|o| o.letter == b'{' && o.indent == indent)
            });
            if outer {
                return Some(unclosed(file, *last, span));
            }
            open.pop();
            None
        }
        Some(last) if open.iter().any(|o| o.letter == partner) => Some(unclosed(file, *last, span)),
        Some(last) => Some(ParseError::Unopened {
            bracket: letter as char,
            help: format!("the `{}` before it wants `{}`", last.letter as char, closer(last.letter)),
            span,
        }),
        None => Some(ParseError::Unopened {
            bracket: letter as char,
            help: format!("delete it, or add the missing `{}` before it", partner as char),
            span,
        }),
    }
}

fn unclosed(file: FileId, open: Open, end: Span) -> ParseError {
    let start = open.at as u32;
    ParseError::Unclosed {
        bracket: open.letter as char,
        closer: closer(open.letter),
        help: format!("write `{}` where it ends", closer(open.letter)),
        span: Span { file, start, end: start + 1 },
        end,
    }
}
