//! Lines that are too long → lines that are not, where brackets, commas and operators allow a break.
//!
//! A block on the line is opened first. What is still too long is broken after a comma, else after the operator that
//! binds least, outside of as many brackets as possible, as late as fits.

use crate::format::{MAX_WIDTH, Text};
use crate::layout::TokenKind;

/// Breaks all lines that are too long, and computes the indentation of all lines.
pub(crate) fn add_breaks(text: &mut Text) {
    let mut start = 0;
    while start < text.pieces.len() {
        let indent = text.indent(start);
        let mut end = text.line_end(start);
        text.indents[start..end].fill(indent);
        while too_wide(text, start, end) && (open_blocks(text, start, end) || break_once(text, start, end)) {
            end = text.line_end(start);
        }
        start = end;
    }
}

fn too_wide(text: &Text, start: usize, end: usize) -> bool {
    text.width(start, end) > MAX_WIDTH
}

/// Puts the blocks of a line that lie in no other bracket on lines of their own; whether there are any.
fn open_blocks(text: &mut Text, start: usize, end: usize) -> bool {
    let mut found = false;
    let mut at = start;
    while at < end {
        let piece = &text.pieces[at];
        let (is_open, closer) = (piece.kind == Some(TokenKind::Open), piece.closer);
        if is_open && closer < end {
            let is_block = piece.text == "{" && closer > at + 1 && text.pieces[at + 1].gap > 0;
            if is_block {
                text.pieces[at + 1].on_new_line = true;
                text.pieces[closer].on_new_line = true;
                found = true;
            }
            at = closer;
        }
        at += 1;
    }
    found
}

/// Adds one break to a line; whether there is a place.
fn break_once(text: &mut Text, start: usize, end: usize) -> bool {
    let mut depth = 0;
    let mut column = text.indents[start];
    let mut best: Option<(Place, usize)> = None;
    for at in start..end {
        let piece = &text.pieces[at];
        if piece.kind.is_none() {
            break;
        }
        if at > start {
            let place = place(text, at, depth);
            if let Some(place) = place.filter(|place| best.as_ref().is_none_or(|(best, _)| place <= best)) {
                best = Some((place, at));
            }
            column += piece.gap;
        }
        column += piece.columns();
        // A break at the place where the line gets too long, or before, is taken.
        let next_fits =
            column + text.pieces.get(at + 1).map_or(0, |next| next.gap + next.columns()) <= MAX_WIDTH;
        if !next_fits && best.is_some() {
            break;
        }
        match piece.kind {
            Some(TokenKind::Open) => depth += 1,
            Some(TokenKind::Close) => depth -= 1,
            _ => {}
        }
    }
    let Some((_, at)) = best else { return false };
    text.pieces[at].on_new_line = true;
    true
}

/// How good a place for a break is, the least the best: whether it is a last resort, how many brackets it lies in, and
/// how tightly what is broken belongs together.
type Place = (bool, i32, u8);

/// The place before piece `at`, if the statement may go on there in the next line.
fn place(text: &Text, at: usize, depth: i32) -> Option<Place> {
    let left = &text.pieces[at - 1];
    if matches!(text.pieces[at].text, "let" | "for" | "fn" | "requires" | "ensure") && left.text != "," {
        return None;
    }
    let (last_resort, level) = match left.text {
        "," => (false, 0),
        "->" | "--" => (false, 1),
        "or" => (false, 2),
        "and" => (false, 3),
        "==" | "!=" | "<" | "<=" | ">" | ">=" => (false, 4),
        "++" => (false, 5),
        "+" => (false, 6),
        "-" if text.pieces[at].gap > 0 => (false, 6),
        "*" | "/" | "mod" | "div" | "xor" if text.pieces[at].gap > 0 => (false, 7),
        "=" | "<-" => (true, 8),
        "(" | "[" => (true, 9),
        _ => return None,
    };
    Some((last_resort, if last_resort { 0 } else { depth }, level))
}
