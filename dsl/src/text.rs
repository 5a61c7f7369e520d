//! Texts in quotes: names of nodes and of files. `\"` is a quote, `\\` a backslash, and `\u{1b}` a character by its number.

use crate::layout::is_control;

/// A text in quotes, with characters that a reader would not see written out.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            _ if is_control(letter) => out.extend(letter.escape_unicode()),
            _ => out.push(letter),
        }
    }
    out.push('"');
    out
}

/// What stands between quotes. A backslash before anything else stands for itself.
pub fn unquote(quoted: &str) -> String {
    let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(quoted);
    if !inner.contains('\\') {
        return inner.to_string();
    }
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let coded = rest.strip_prefix("u{").and_then(|code| code.split_once('}'));
        let letter = coded.and_then(|(code, _)| char::from_u32(u32::from_str_radix(code, 16).ok()?));
        match (letter, coded) {
            (Some(letter), Some((_, after))) => {
                out.push(letter);
                rest = after;
            }
            _ if rest.starts_with(['"', '\\']) => {
                out.push_str(&rest[..1]);
                rest = &rest[1..];
            }
            _ => out.push('\\'),
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::{quote, unquote};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn texts_come_back(text in any::<String>()) {
            let quoted = quote(&text);
            prop_assert_eq!(unquote(&quoted), text);
            let hidden = quoted.contains(['\n', '\r', '\u{202e}']);
            prop_assert!(!hidden);
        }
    }
}
