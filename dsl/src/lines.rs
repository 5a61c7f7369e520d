//! Tokens → the line breaks that end a statement. A line goes on while a `(` or `[` is open, after an operator, a
//! comma or `=`, and before an `else`.

use crate::error::{MAX_DEPTH, ParseError};
use crate::layout::{Token, TokenKind};
use crate::tree::FileId;

/// Writes a line break after each token that ends a statement, and refuses conditions in conditions in conditions:
/// with brackets, which are checked already, they are all that can nest.
pub(crate) fn end_lines(file: FileId, out: &mut [u8], tokens: &[Token]) -> Result<(), ParseError> {
    let mut nesting = Nesting { open: vec![(b'{', 0)], waiting: 0 };
    let mut previous: Option<&Token> = None;
    let mut pending: Option<u32> = None;
    for token in tokens {
        let letter = out[token.start as usize];
        if token.kind == TokenKind::LineEnd {
            pending = pending.or(Some(token.start));
            continue;
        } else if letter == b' ' {
            continue;
        }
        let text = &out[token.start as usize..token.end as usize];
        let inside = matches!(nesting.open.last(), Some((b'(' | b'[', _)));
        let is_if = text == b"if";
        if let (Some(at), Some(previous)) = (pending.take(), previous)
            && !inside
            && text != b"else"
            && out[previous.start as usize] != b'{'
            && (!continues(&out[previous.start as usize..previous.end as usize]) || begins(out, token))
        {
            out[at as usize] = b'\n';
            nesting.end_conditions();
        }
        match token.kind {
            TokenKind::Open => nesting.open(letter),
            TokenKind::Close => nesting.close(),
            _ if is_if => nesting.condition(),
            _ if letter == b',' => nesting.end_conditions(),
            _ => {}
        }
        if nesting.open.len() - 1 + nesting.waiting > MAX_DEPTH {
            let help = "name conditions with `let`, or move them into a `fn`";
            return Err(ParseError::TooDeep { what: "conditions nest", help, span: token.span(file) });
        }
        previous = Some(token);
    }
    Ok(())
}

/// The brackets that are open, each with the number of its conditions that wait for their `{`.
struct Nesting {
    open: Vec<(u8, usize)>,
    waiting: usize,
}

impl Nesting {
    fn condition(&mut self) {
        if let Some((_, waiting)) = self.open.last_mut() {
            *waiting += 1;
            self.waiting += 1;
        }
    }

    fn open(&mut self, bracket: u8) {
        if let Some((_, waiting @ 1..)) = self.open.last_mut().filter(|_| bracket == b'{') {
            *waiting -= 1;
            self.waiting -= 1;
        }
        self.open.push((bracket, 0));
    }

    fn close(&mut self) {
        self.end_conditions();
        self.open.pop();
    }

    fn end_conditions(&mut self) {
        if let Some((_, waiting)) = self.open.last_mut() {
            self.waiting -= std::mem::take(waiting);
        }
    }
}

/// Whether a statement begins here, whatever stands before: so an operator too many harms one statement only.
fn begins(out: &[u8], token: &Token) -> bool {
    let text = &out[token.start as usize..token.end as usize];
    matches!(text, b"let" | b"for" | b"fn" | b"requires" | b"ensure")
        || matches!(text, b"use" | b"topology" | b"algorithm" | b"async" | b"schedule") && token.at_margin
}

/// Whether a statement goes on in the next line after this token.
fn continues(token: &[u8]) -> bool {
    match token.first() {
        Some(letter) if letter.is_ascii_alphabetic() => {
            matches!(token, b"mod" | b"div" | b"xor" | b"at" | b"not" | b"and" | b"or" | b"in" | b"else")
        }
        Some(letter) => b"+-*/^=<>!.,:".contains(letter),
        None => false,
    }
}
