//! What can be wrong with the letters of a source file, each with its place and a remedy.

use miette::Diagnostic;
use thiserror::Error;

use crate::tree::Span;

/// The longest source that is read, in bytes.
pub const MAX_SOURCE: usize = 4 << 20;

/// How deep brackets may nest, how many nodes of an expression may lie above one another, and how many
/// `else if` may follow one `if`.
pub const MAX_DEPTH: usize = 256;

/// The most errors that one parse reports.
pub const MAX_ERRORS: usize = 100;

/// One mistake in the text of a `.bf` file.
#[derive(Clone, Debug, PartialEq, Eq, Error, Diagnostic)]
pub enum ParseError {
    /// The source is longer than [`MAX_SOURCE`].
    #[error("the source has {bytes} bytes, more than the {MAX_SOURCE} that are read")]
    #[diagnostic(code(bfc::parse::source_too_large))]
    #[diagnostic(help(
        "split it into files that import each other with `use`, or compute the data in the language"
    ))]
    SourceTooLarge {
        /// Its length.
        bytes: usize,
        /// Its beginning.
        #[label("of this file")]
        span: Span,
    },
    /// Something nests deeper than [`MAX_DEPTH`].
    #[error("{what} more than {MAX_DEPTH} deep")]
    #[diagnostic(code(bfc::parse::too_deep))]
    TooDeep {
        /// What nests, with its verb.
        what: &'static str,
        /// What to write instead.
        #[help]
        help: &'static str,
        /// Where the limit is passed.
        #[label("too deep here")]
        span: Span,
    },
    /// A character that a reader cannot see.
    #[error("control character `{character}` in the source")]
    #[diagnostic(code(bfc::parse::control_character))]
    #[diagnostic(help("delete it; a source consists of visible characters, blanks, tabs and line ends"))]
    ControlCharacter {
        /// Its code point, as `U+202E`.
        character: String,
        /// Where it stands.
        #[label("an invisible character stands here")]
        span: Span,
    },
    /// A character without a meaning in the language.
    #[error("`{found}` has no meaning here")]
    #[diagnostic(code(bfc::parse::invalid_character))]
    InvalidCharacter {
        /// The character, or the word that has it.
        found: String,
        /// What to write instead.
        #[help]
        help: &'static str,
        /// Where it stands.
        #[label("not part of the language")]
        span: Span,
    },
    /// A symbol or a word that other languages have for something that this one says differently.
    #[error("`{found}` is not a symbol of this language")]
    #[diagnostic(code(bfc::parse::foreign_symbol))]
    ForeignSymbol {
        /// The symbol.
        found: String,
        /// What to write instead.
        #[help]
        help: &'static str,
        /// Where it stands.
        #[label("written differently here")]
        span: Span,
    },
    /// Digits that make no number.
    #[error("`{found}` is not a number")]
    #[diagnostic(code(bfc::parse::invalid_number))]
    InvalidNumber {
        /// What was written.
        found: String,
        /// What to write instead.
        #[help]
        help: String,
        /// Where it stands.
        #[label("neither a number nor a name")]
        span: Span,
    },
    /// An opening bracket without its closing one.
    #[error("`{bracket}` is never closed, expected `{closer}`")]
    #[diagnostic(code(bfc::parse::unclosed))]
    Unclosed {
        /// The bracket.
        bracket: char,
        /// What would close it.
        closer: char,
        /// What to do.
        #[help]
        help: String,
        /// Where it was opened.
        #[label("opened here")]
        span: Span,
        /// Where its absence shows.
        #[label("still open here")]
        end: Span,
    },
    /// A closing bracket without its opening one.
    #[error("`{bracket}` closes nothing")]
    #[diagnostic(code(bfc::parse::unopened))]
    Unopened {
        /// The bracket.
        bracket: char,
        /// What to do.
        #[help]
        help: String,
        /// Where it stands.
        #[label("no `{}` is open here", crate::brackets::opener(*bracket))]
        span: Span,
    },
    /// Anything else that the grammar does not allow.
    #[error("found {found}, expected {expected}")]
    #[diagnostic(code(bfc::parse::unexpected))]
    Unexpected {
        /// What stands there.
        found: String,
        /// What may stand there.
        expected: String,
        /// What to write instead.
        #[help]
        help: Option<String>,
        /// Where it stands.
        #[label("expected {expected}")]
        span: Span,
    },
    /// A word of the language in the place of a name.
    #[error("`{found}` is a word of the language, expected a name")]
    #[diagnostic(code(bfc::parse::reserved_name))]
    #[diagnostic(help("choose another name, such as `{found}_1`"))]
    ReservedName {
        /// The word.
        found: String,
        /// Where it stands.
        #[label("cannot be a name")]
        span: Span,
    },
    /// A line that begins with a word that begins no line.
    #[error("`{found}` does not begin {context}")]
    #[diagnostic(code(bfc::parse::unknown_keyword))]
    #[diagnostic(help("did you mean `{suggestion}`?"))]
    UnknownKeyword {
        /// The word.
        found: String,
        /// What should begin here.
        context: &'static str,
        /// The keyword that was probably meant.
        suggestion: &'static str,
        /// Where it stands.
        #[label("unknown word")]
        span: Span,
    },
    /// A statement in a block that does not take it.
    #[error("`{found}` does not belong {place}")]
    #[diagnostic(code(bfc::parse::misplaced))]
    Misplaced {
        /// The statement's first word.
        found: String,
        /// The block.
        place: &'static str,
        /// Where it does belong.
        #[help]
        help: &'static str,
        /// Where it stands.
        #[label("not allowed here")]
        span: Span,
    },
    /// Two operators in a row that take two sides only, as in `a < b < c`.
    #[error("`{first}` and `{second}` do not chain")]
    #[diagnostic(code(bfc::parse::chained))]
    Chained {
        /// The first operator.
        first: String,
        /// The second one.
        second: String,
        /// What to write instead.
        #[help]
        help: &'static str,
        /// Where the second one stands.
        #[label("the left side is already a whole")]
        span: Span,
    },
    /// A value in a block before its last line.
    #[error("found a value in the middle of a block, expected `let`")]
    #[diagnostic(code(bfc::parse::stray_value))]
    #[diagnostic(help(
        "a block is lines of `let` and one value at its end; a line that continues ends in an operator"
    ))]
    StrayValue {
        /// The value.
        #[label("nothing uses this value")]
        span: Span,
    },
    /// A block that ends without a value.
    #[error("found a `let` at the end of a block, expected a value")]
    #[diagnostic(code(bfc::parse::missing_value))]
    #[diagnostic(help("end the block with the expression that is its value"))]
    MissingValue {
        /// The last line.
        #[label("names something that nothing uses")]
        span: Span,
    },
}

impl ParseError {
    /// Extends an error about a symbol over an equal one that follows it; whether it was equal.
    pub(crate) fn absorb(&mut self, next: &Self) -> bool {
        match (self, next) {
            (Self::ForeignSymbol { found: a, span, .. }, Self::ForeignSymbol { found: b, span: at, .. })
            | (
                Self::InvalidCharacter { found: a, span, .. },
                Self::InvalidCharacter { found: b, span: at, .. },
            )
            | (
                Self::ControlCharacter { character: a, span },
                Self::ControlCharacter { character: b, span: at },
            ) if a == b => {
                span.end = at.end;
                true
            }
            _ => false,
        }
    }

    /// Where the mistake is.
    pub fn span(&self) -> Span {
        match self {
            Self::SourceTooLarge { span, .. }
            | Self::TooDeep { span, .. }
            | Self::ControlCharacter { span, .. }
            | Self::InvalidCharacter { span, .. }
            | Self::ForeignSymbol { span, .. }
            | Self::InvalidNumber { span, .. }
            | Self::Unclosed { span, .. }
            | Self::Unopened { span, .. }
            | Self::Unexpected { span, .. }
            | Self::ReservedName { span, .. }
            | Self::UnknownKeyword { span, .. }
            | Self::Misplaced { span, .. }
            | Self::Chained { span, .. }
            | Self::StrayValue { span }
            | Self::MissingValue { span } => *span,
        }
    }
}
