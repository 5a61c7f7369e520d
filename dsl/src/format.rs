//! Source → the same tokens and comments, laid out: four blanks a level, blanks by one rule, lines of at most
//! [`MAX_WIDTH`] columns where they can be broken.
//!
//! An author's line breaks stay, so that what was written on one line remains there while it fits; several blank lines
//! become one. Indentation follows from the brackets and the statements, blanks from neighbouring tokens, and a break is
//! only added to a line that is too long, so that formatting twice gives what formatting once gives.

use crate::breaks::add_breaks;
use crate::error::ParseError;
use crate::layout::{Layout, TokenKind, layout};
use crate::parse::parse;
use crate::tree::FileId;
use crate::words::is_reserved;

/// How many columns a line of code has.
pub const MAX_WIDTH: usize = 120;

const INDENT: usize = 4;

/// Lays a source out.
///
/// # Errors
/// The mistakes of a source that cannot be read.
pub fn format(text: &str) -> Result<String, Vec<ParseError>> {
    parse(FileId(0), text).into_result()?;
    let layout = layout(FileId(0), text).map_err(|error| vec![error])?;
    let mut text = Text::new(text, &layout);
    add_breaks(&mut text);
    Ok(text.write())
}

/// A token or a comment.
pub(crate) struct Piece<'a> {
    pub text: &'a str,
    /// `None` for a comment.
    pub kind: Option<TokenKind>,
    /// Whether it stands on a new line, and whether a blank line is before that.
    pub on_new_line: bool,
    pub after_blank: bool,
    /// Whether it touches what is before it in the source.
    glued: bool,
    /// Whether a statement begins here.
    begins: bool,
    /// The innermost bracket that is open here; of a closing bracket, its partner.
    pub opener: Option<usize>,
    /// Of an opening bracket, its partner.
    pub closer: usize,
    /// Where the statement begins that it belongs to.
    statement: usize,
    /// Blanks between it and what is before it on its line.
    pub gap: usize,
}

impl Piece<'_> {
    /// How wide its text is.
    pub fn columns(&self) -> usize {
        self.text.chars().count()
    }
}

/// All pieces of a source, with the indentation of the line of each.
pub(crate) struct Text<'a> {
    pub pieces: Vec<Piece<'a>>,
    pub indents: Vec<usize>,
}

impl<'a> Text<'a> {
    fn new(source: &'a str, layout: &Layout) -> Self {
        let mut pieces = pieces(source, layout);
        match_brackets(&mut pieces);
        let gaps: Vec<usize> = (0..pieces.len()).map(|at| gap(&pieces, at)).collect();
        pieces.iter_mut().zip(gaps).for_each(|(piece, gap)| piece.gap = gap);
        align_schedules(&mut pieces);
        let indents = vec![0; pieces.len()];
        Self { pieces, indents }
    }

    /// One past the last piece of the line that begins at `start`.
    pub fn line_end(&self, start: usize) -> usize {
        let next = self.pieces[start + 1..].iter().position(|piece| piece.on_new_line);
        next.map_or(self.pieces.len(), |count| start + 1 + count)
    }

    /// The indentation of a line that begins at `start`; those of the lines before it are known.
    pub fn indent(&self, start: usize) -> usize {
        let piece = &self.pieces[start];
        if let Some(branch) = self.branch_before(start) {
            return self.base(branch);
        }
        let Some(opener) = piece.opener else { return if self.continues(start) { INDENT } else { 0 } };
        let base = self.base(opener);
        let in_block = self.pieces[opener].text == "{";
        match piece.kind {
            Some(TokenKind::Close) => base,
            _ if in_block && self.continues(start) => base + 2 * INDENT,
            _ => base + INDENT,
        }
    }

    /// The indentation of what closes a bracket: for the block of a statement where the statement begins, else where the
    /// line of the bracket begins.
    fn base(&self, opener: usize) -> usize {
        let statement = self.pieces[opener].statement;
        let takes_block = match self.pieces[statement].text {
            "for" | "if" | "phase" | "step" | "topology" | "algorithm" | "async" | "schedule" => true,
            "fn" => opener > 0 && self.pieces[opener - 1].opener == Some(statement + 2),
            _ => false,
        };
        let is_block =
            self.pieces[opener].text == "{" && self.pieces[opener].opener == self.pieces[statement].opener;
        self.indents[if takes_block && is_block { statement } else { opener }]
    }

    /// For an `else`, the `{` of the branch before it, below which it stands: that of a statement, or one whose end is the
    /// beginning of a line. After a short branch of an expression, an `else` goes on with its statement.
    fn branch_before(&self, start: usize) -> Option<usize> {
        let before = self.pieces[..start].iter().rev().find(|piece| piece.kind.is_some())?;
        let below = before.on_new_line || self.pieces[before.statement].text == "if";
        before.opener.filter(|_| self.pieces[start].text == "else" && before.text == "}" && below)
    }

    /// Whether a line that begins here goes on with a statement. A comment belongs to what follows it.
    fn continues(&self, start: usize) -> bool {
        let code = self.pieces[start..].iter().find(|piece| piece.kind.is_some());
        code.is_some_and(|piece| !piece.begins && piece.kind != Some(TokenKind::Close))
    }

    /// The columns of the code of a line.
    pub fn width(&self, start: usize, end: usize) -> usize {
        let code = self.pieces[start..end].iter().filter(|piece| piece.kind.is_some());
        let columns = |(at, piece): (usize, &Piece)| piece.columns() + if at == 0 { 0 } else { piece.gap };
        self.indents[start] + code.enumerate().map(columns).sum::<usize>()
    }

    fn write(&self) -> String {
        let mut out = String::new();
        let columns = self.comment_columns();
        for (at, piece) in self.pieces.iter().enumerate() {
            if piece.on_new_line {
                if at > 0 {
                    out.push_str(if piece.after_blank { "\n\n" } else { "\n" });
                }
                out.extend(std::iter::repeat_n(' ', self.indents[at]));
            } else {
                out.extend(std::iter::repeat_n(' ', columns[at].unwrap_or(piece.gap)));
            }
            out.push_str(piece.text);
        }
        if !out.is_empty() {
            out.push('\n');
        }
        out
    }

    /// For each comment after code the blanks before it: those of neighbouring lines stand below each other.
    fn comment_columns(&self) -> Vec<Option<usize>> {
        let mut blanks = vec![None; self.pieces.len()];
        // The comments of the lines just above, each with the columns of the code before it.
        let mut group: Vec<(usize, usize)> = vec![];
        let mut settle = |group: &mut Vec<(usize, usize)>| {
            let widest = group.iter().map(|(_, width)| *width).max().unwrap_or(0);
            group.drain(..).for_each(|(at, width)| blanks[at] = Some(widest - width + 1));
        };
        let mut start = 0;
        while start < self.pieces.len() {
            let end = self.line_end(start);
            let last = &self.pieces[end - 1];
            if self.pieces[start].after_blank || last.kind.is_some() || end - start == 1 {
                settle(&mut group);
            }
            if last.kind.is_none() && end - start > 1 {
                group.push((end - 1, self.width(start, end)));
            }
            start = end;
        }
        settle(&mut group);
        blanks
    }
}

/// Tokens and comments in the order of the source.
fn pieces<'a>(source: &'a str, layout: &Layout) -> Vec<Piece<'a>> {
    let tokens = layout.tokens.iter().filter(|token| token.kind != TokenKind::LineEnd);
    let tokens = tokens.map(|token| (token.start as usize..token.end as usize, Some(token.kind)));
    let comments = layout.comments.iter().map(|range| (range.clone(), None));
    let mut ranges: Vec<_> = tokens.chain(comments).collect();
    ranges.sort_by_key(|(range, _)| range.start);
    let mut pieces: Vec<Piece> = Vec::with_capacity(ranges.len());
    let (mut end, mut code_end) = (0, 0);
    for (range, kind) in ranges {
        let breaks = source[end..range.start].bytes().filter(|&byte| byte == b'\n').count();
        let before = pieces.last().map(|piece| piece.kind);
        let inside = before == Some(Some(TokenKind::Open)) || kind == Some(TokenKind::Close);
        let ends = layout.text[code_end..range.start].contains('\n');
        let opens = pieces.iter().rev().find(|piece| piece.kind.is_some()).is_none_or(|p| p.text == "{");
        pieces.push(Piece {
            text: source[range.clone()].trim_end(),
            kind,
            on_new_line: before.is_none() || breaks > 0,
            after_blank: breaks > 1 && before.is_some() && !inside,
            glued: end == range.start,
            begins: ends || opens,
            opener: None,
            closer: 0,
            statement: 0,
            gap: 0,
        });
        end = range.end;
        if kind.is_some() {
            code_end = range.end;
        }
    }
    pieces
}

fn match_brackets(pieces: &mut [Piece]) {
    // The brackets that are open, each with the beginning of the statement round it.
    let mut open: Vec<(usize, usize)> = vec![];
    let mut statement = 0;
    for at in 0..pieces.len() {
        if pieces[at].kind == Some(TokenKind::Close) {
            let partner = open.pop();
            pieces[at].opener = partner.map(|(opener, _)| opener);
            if let Some((opener, outer)) = partner {
                pieces[opener].closer = at;
                statement = outer;
            }
        } else {
            pieces[at].opener = open.last().map(|(opener, _)| *opener);
            statement = if pieces[at].begins && pieces[at].kind.is_some() { at } else { statement };
        }
        pieces[at].statement = statement;
        if pieces[at].kind == Some(TokenKind::Open) {
            open.push((at, statement));
        }
    }
}

/// Blanks between a piece and the one before it.
fn gap(pieces: &[Piece], at: usize) -> usize {
    let Some(before) = at.checked_sub(1) else { return 0 };
    let (left, right) = (&pieces[before], &pieces[at]);
    if right.kind.is_none() || left.kind.is_none() {
        return 1;
    }
    // `use a::{b, c}`
    let names = |brace: usize| brace > 0 && pieces[brace - 1].text == "::";
    let touches = match (left.text, right.text) {
        ("(" | "[", _) | (_, ")" | "]" | "," | ":") => true,
        ("::", _) | (_, "::") => true,
        ("{", _) => names(before),
        (_, "}") => right.opener.is_some_and(names),
        (_, "{") | ("," | ":", _) => false,
        ("-", next) if is_prefix(pieces, before) => !next.starts_with('-'),
        ("^" | "..", _) | (_, "^" | "..") => true,
        ("/", _) => is_fraction(pieces, before),
        (_, "/") => is_fraction(pieces, at),
        ("true" | "false", "[") => true,
        (word, "(" | "[") => right.glued && !is_reserved(word) && !is_operator(left),
        _ => false,
    };
    usize::from(!touches)
}

/// Whether a `/` stands between two numbers, as in `1/2`, and not after a power.
fn is_fraction(pieces: &[Piece], at: usize) -> bool {
    let number = |at: Option<usize>| {
        at.and_then(|at| pieces.get(at)).is_some_and(|piece| piece.kind == Some(TokenKind::Number))
    };
    let power = at > 1 && pieces[at - 2].text == "^";
    number(at.checked_sub(1)) && number(Some(at + 1)) && !power
}

fn is_operator(piece: &Piece) -> bool {
    piece.kind == Some(TokenKind::Symbol)
}

/// Whether a `-` belongs to what follows it alone.
fn is_prefix(pieces: &[Piece], at: usize) -> bool {
    let minus = &pieces[at];
    let Some(left) = pieces[..at].iter().rev().find(|piece| piece.kind.is_some()) else { return true };
    let next_touches = pieces.get(at + 1).is_some_and(|next| next.glued);
    match left.kind {
        Some(TokenKind::Symbol | TokenKind::Open) => true,
        _ if minus.begins => true,
        Some(TokenKind::Word) if is_reserved(left.text) => !matches!(left.text, "true" | "false"),
        // Words that begin a part of a statement, and may also be names.
        Some(TokenKind::Word) => {
            matches!(left.text, "weight" | "weights" | "model") && !minus.glued && next_touches
        }
        _ => false,
    }
}

/// The two lines of a schedule stand below each other: `topology  ring` and `algorithm dgd`.
fn align_schedules(pieces: &mut [Piece]) {
    for at in 0..pieces.len().saturating_sub(1) {
        let is_schedule = pieces[at].text == "schedule" && pieces[at].opener.is_none();
        if !is_schedule || pieces[at + 1].text != "{" {
            continue;
        }
        let (open, close) = (at + 1, pieces[at + 1].closer);
        let lines = |pieces: &[Piece], word: &str| -> Vec<usize> {
            let begins =
                |&k: &usize| pieces[k].text == word && pieces[k].begins && pieces[k].opener == Some(open);
            (open + 1..close).filter(begins).collect()
        };
        if !lines(pieces, "algorithm").is_empty() {
            for topology in lines(pieces, "topology") {
                pieces[topology + 1].gap = 2;
            }
        }
    }
}
