//! Source text → the text that the grammar reads: as long as the source, with comments blank, a line break only
//! where it ends a statement, and a stand-in for each symbol that is not of the language, which is reported here.

use std::ops::Range;

use crate::brackets;
use crate::error::{MAX_ERRORS, MAX_SOURCE, ParseError};
use crate::foreign;
use crate::lines;
use crate::tree::{FileId, Span};
use crate::words::is_letter;

/// What the grammar reads, and what was found on the way.
pub(crate) struct Layout {
    pub text: String,
    pub tokens: Vec<Token>,
    /// The bytes of each comment, documentation included.
    pub comments: Vec<Range<usize>>,
    pub documentation: Vec<Comment>,
    pub errors: Vec<ParseError>,
    /// Whether items are left out, because their brackets do not match.
    pub unreadable: bool,
}

/// A line of documentation.
pub(crate) struct Comment {
    pub start: u32,
    pub text: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    Word,
    Number,
    /// In quotes, which the grammar reads as so many letters.
    Text,
    Symbol,
    Open,
    Close,
    LineEnd,
}

#[derive(Clone, Copy)]
pub(crate) struct Token {
    pub kind: TokenKind,
    /// Whether it is the first thing of its line, without a blank before it.
    pub at_margin: bool,
    pub start: u32,
    pub end: u32,
}

impl Token {
    pub fn text<'a>(&self, source: &'a str) -> &'a str {
        &source[self.start as usize..self.end as usize]
    }

    pub fn span(&self, file: FileId) -> Span {
        Span { file, start: self.start, end: self.end }
    }
}

/// Lays out a source; fails where reading on would make no sense.
pub(crate) fn layout(file: FileId, source: &str) -> Result<Layout, ParseError> {
    if source.len() > MAX_SOURCE {
        let span = Span { file, start: 0, end: 0 };
        return Err(ParseError::SourceTooLarge { bytes: source.len(), span });
    }
    let mut scanner = Scanner {
        file,
        source,
        at: 0,
        out: vec![b' '; source.len()],
        tokens: Vec::new(),
        comments: Vec::new(),
        documentation: Vec::new(),
        errors: Vec::new(),
        in_names: false,
    };
    while scanner.at < source.len() {
        scanner.token();
    }
    let Scanner { mut out, tokens, comments, documentation, mut errors, .. } = scanner;
    let balance = brackets::balance(file, source, &tokens)?;
    for range in &balance.unreadable {
        for token in &tokens[range.clone()] {
            out[token.start as usize..token.end as usize].fill(b' ');
        }
    }
    errors.extend(balance.errors);
    lines::end_lines(file, &mut out, &tokens)?;
    let text = String::from_utf8(out).unwrap_or_default();
    let unreadable = !balance.unreadable.is_empty();
    Ok(Layout { text, tokens, comments, documentation, errors, unreadable })
}

struct Scanner<'a> {
    file: FileId,
    source: &'a str,
    at: usize,
    out: Vec<u8>,
    tokens: Vec<Token>,
    comments: Vec<Range<usize>>,
    documentation: Vec<Comment>,
    errors: Vec<ParseError>,
    /// Whether the brackets of `names [` are open.
    in_names: bool,
}

/// The symbols of the language, the longer ones first.
const SYMBOLS: [&str; 23] = [
    "->", "--", "<-", "<=", ">=", "==", "!=", "++", "..", "::", "+", "-", "*", "/", "^", "<", ">", "=", ",",
    ":", "(", "[", "{",
];

impl<'a> Scanner<'a> {
    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    fn span(&self, length: usize) -> Span {
        Span { file: self.file, start: self.at as u32, end: (self.at + length) as u32 }
    }

    /// Reports an error, as one with the last if that is the same on the same line with nothing between.
    fn error(&mut self, error: ParseError) {
        if let Some(last) = self.errors.last_mut()
            && self.source[last.span().end as usize..error.span().start as usize].trim_matches(' ').is_empty()
            && last.absorb(&error)
        {
            return;
        }
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(error);
        }
    }

    /// Takes `length` bytes as one token, which the grammar reads as `shown`.
    fn push(&mut self, kind: TokenKind, length: usize, shown: &str) {
        let end = self.at + length;
        if kind != TokenKind::LineEnd {
            self.out[self.at..self.at + shown.len()].copy_from_slice(shown.as_bytes());
        }
        let at_margin = self.at == 0 || self.source.as_bytes()[self.at - 1] == b'\n';
        self.tokens.push(Token { kind, at_margin, start: self.at as u32, end: end as u32 });
        self.at = end;
    }

    fn token(&mut self) {
        let rest = self.rest();
        let byte = rest.as_bytes()[0];
        match byte {
            b' ' | b'\t' => self.at += 1,
            b'\n' => self.push(TokenKind::LineEnd, 1, ""),
            b'\r' if rest.as_bytes().get(1) == Some(&b'\n') => self.at += 1,
            _ if rest.starts_with("//") => self.comment(),
            b'0'..=b'9' => self.number(),
            b'.' if rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit) => self.number(),
            b')' | b']' | b'}' => {
                self.in_names = false;
                self.push(TokenKind::Close, 1, &rest[..1]);
            }
            b'(' | b'[' | b'{' => {
                self.in_names = byte == b'[' && self.follows(&["names"]);
                self.push(TokenKind::Open, 1, &rest[..1]);
            }
            b'"' if self.in_names || self.follows(&["from", "sha256"]) => self.text(),
            _ if rest.starts_with(is_letter) => self.word(),
            _ => self.symbol(),
        }
    }

    fn comment(&mut self) {
        let rest = self.rest();
        let line = &rest[..rest.find('\n').unwrap_or(rest.len())];
        let start = self.at;
        for (offset, character) in line.char_indices() {
            if is_control(character) && character != '\t' && !(character == '\r' && offset + 1 == line.len())
            {
                self.at = start + offset;
                self.control(character);
            }
        }
        self.at = start + line.len();
        self.comments.push(start..self.at);
        if let Some(text) = line.strip_prefix("///").filter(|text| !text.starts_with('/')) {
            let text = text.strip_prefix(' ').unwrap_or(text).trim_end().to_string();
            self.documentation.push(Comment { start: start as u32, text });
        }
    }

    /// Reads digits with all that sticks to them, so that `2x` and `1.` are one mistake each.
    fn number(&mut self) {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let is = |at: usize, class: fn(&u8) -> bool| bytes.get(at).is_some_and(class);
        let digits = |mut at: usize| {
            while is(at, u8::is_ascii_digit) {
                at += 1;
            }
            at
        };
        let mut end = digits(0);
        let mut valid = end > 0;
        let mut points = 0;
        while is(end, |&b| b == b'.') && !is(end + 1, |&b| b == b'.') {
            points += 1;
            valid &= points == 1 && is(end + 1, u8::is_ascii_digit);
            end = digits(end + 1);
        }
        if is(end, |&b| b == b'e' || b == b'E') {
            let sign = usize::from(is(end + 1, |&b| b == b'+' || b == b'-'));
            if is(end + 1 + sign, u8::is_ascii_digit) {
                end = digits(end + 1 + sign);
            }
        }
        let letters = rest[end..].find(|c| !is_letter(c)).unwrap_or(rest.len() - end);
        valid &= letters == 0;
        end += letters;
        let found = &rest[..end];
        if valid {
            return self.push(TokenKind::Number, end, found);
        }
        let help = foreign::number_help(found);
        let span = self.span(end);
        self.error(ParseError::InvalidNumber { found: foreign::shorten(found), help, span });
        self.push(TokenKind::Number, end, &"0".repeat(end));
    }

    fn word(&mut self) {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        if !rest[..end].chars().all(is_letter) {
            return self.foreign_letters(end);
        }
        let end = end + usize::from(rest[end..].starts_with('\''));
        self.push(TokenKind::Word, end, &rest[..end]);
    }

    /// Whether what comes next follows one of these words on its line.
    fn follows(&self, words: &[&str]) -> bool {
        self.tokens.last().is_some_and(|token| words.contains(&token.text(self.source)))
    }

    /// Reads a text in quotes, which ends on its line.
    fn text(&mut self) {
        let rest = self.rest();
        let line = &rest[..rest.find('\n').unwrap_or(rest.len())];
        let mut escaped = false;
        let end = line.char_indices().skip(1).find(|(_, letter)| {
            let ends = *letter == '"' && !escaped;
            escaped = *letter == '\\' && !escaped;
            ends
        });
        let Some((end, _)) = end else { return self.symbol() };
        let start = self.at;
        for (offset, character) in line[..end].char_indices() {
            if is_control(character) {
                self.at = start + offset;
                self.control(character);
            }
        }
        self.at = start;
        self.push(TokenKind::Text, end + 1, &format!("\"{}\"", "x".repeat(end - 1)));
    }

    fn foreign_letters(&mut self, length: usize) {
        let found = foreign::shorten(&self.rest()[..length]);
        let span = self.span(length);
        let help = "names are made of Latin letters without accents, Greek ones that do not look like them, digits \
                    and `_`: spell it out";
        self.error(ParseError::InvalidCharacter { found, help, span });
        self.push(TokenKind::Word, length, &"x".repeat(length));
    }

    fn symbol(&mut self) {
        let rest = self.rest();
        if let Some(foreign) = foreign::symbol(rest) {
            let span = self.span(foreign.length);
            let found = foreign::shorten(&rest[..foreign.length]);
            self.error(ParseError::ForeignSymbol { found, help: foreign.help, span });
            let kind = if foreign.shown.is_empty() { TokenKind::LineEnd } else { TokenKind::Symbol };
            return self.push(kind, foreign.length, foreign.shown);
        }
        if let Some(symbol) = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
            return self.push(TokenKind::Symbol, symbol.len(), symbol);
        }
        let character = rest.chars().next().unwrap_or_default();
        if character == '\u{feff}' && self.at == 0 {
            self.at += character.len_utf8();
        } else if is_control(character) {
            self.control(character);
        } else if character.is_alphabetic() {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            self.foreign_letters(end);
        } else {
            let span = self.span(character.len_utf8());
            let help = "delete it";
            self.error(ParseError::InvalidCharacter { found: character.to_string(), help, span });
            self.at += character.len_utf8();
        }
    }

    fn control(&mut self, character: char) {
        let span = self.span(character.len_utf8());
        let character_name = format!("U+{:04X}", character as u32);
        self.error(ParseError::ControlCharacter { character: character_name, span });
        self.at += character.len_utf8();
    }
}

/// Characters that change what a reader sees without being seen: control codes, and those that turn the direction
/// of writing (Boucher and Anderson, "Trojan Source", 2021).
pub(crate) fn is_control(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}')
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(character, '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
        || character as u32 & 0xfffe == 0xfffe
}
