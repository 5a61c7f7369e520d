//! Text from outside becomes text that is safe to show: what moves the cursor or cannot be seen is written out.
//!
//! Names and contents of files, arguments and messages of peers come from anyone. A control character among them clears
//! the screen or forges a line of output; one that turns the direction of writing makes a line read differently from
//! what it says (Boucher and Anderson, "Trojan Source", 2021). Whoever prints such text passes it through here.

use std::borrow::Cow;

/// Whether a character cannot be seen or changes how others are seen: controls, marks of direction, letters without
/// width, separators of lines, tags and what is no character.
pub fn is_hidden(character: char) -> bool {
    let code = character as u32;
    character.is_control()
        || matches!(character, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}')
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(character, '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
        || code & 0xfffe == 0xfffe
}

/// A text as part of one line: every hidden character is written as in `\u{1b}` or `\n`.
pub fn line(text: &str) -> Cow<'_, str> {
    shown(text, |_, _| false)
}

/// A text of several lines: as [`line`], and line ends and tabs stay.
pub fn lines(text: &str) -> Cow<'_, str> {
    shown(text, |character, next| match character {
        '\n' | '\t' => true,
        '\r' => next == Some('\n'),
        _ => false,
    })
}

/// The text; `stays` decides about a hidden character and the one after it.
fn shown(text: &str, stays: impl Fn(char, Option<char>) -> bool) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if is_hidden(character) && !stays(character, characters.peek().copied()) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_written_out_and_others_stay() {
        assert_eq!(line("a\u{1b}[2J\u{9b}m\u{202e}\r\n\tb"), r"a\u{1b}[2J\u{9b}m\u{202e}\r\n\tb");
        assert_eq!(lines("a\r\n\tb\rc\u{7}\n"), "a\r\n\tb\\rc\\u{7}\n");
        let plain = "Ångström ✓ ← α β, 中文 \u{a0}“…”";
        assert!(matches!(line(plain), Cow::Borrowed(text) if text == plain));
    }

    #[test]
    fn nothing_hidden_is_left() {
        let all: String = ('\0'..=char::MAX).collect();
        assert!(!line(&all).chars().any(is_hidden));
        let left: String = lines(&all).chars().filter(|character| is_hidden(*character)).collect();
        assert_eq!(left, "\t\n");
    }
}
