//! Documents → JSON in which every hidden character is an escape, so that it can be shown on a terminal too.

use bfc_schedule::visible::is_hidden;
use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};
use std::io::{self, Write};

/// Writes a document, indented, and a line end.
///
/// # Errors
/// Where the writer fails.
pub fn write_json(out: &mut impl Write, document: &impl Serialize) -> io::Result<()> {
    document.serialize(&mut Serializer::with_formatter(&mut *out, Visible(PrettyFormatter::new())))?;
    writeln!(out)
}

/// JSON itself asks for escapes below U+0020 only; a terminal obeys U+009B too.
struct Visible<'a>(PrettyFormatter<'a>);

/// These methods are those of the formatter within.
macro_rules! within {
    ($($method:ident($($argument:ident: $kind:ty)?)),* $(,)?) => {
        $(fn $method<W: ?Sized + Write>(&mut self, out: &mut W $(, $argument: $kind)?) -> io::Result<()> {
            self.0.$method(out $(, $argument)?)
        })*
    };
}

impl Formatter for Visible<'_> {
    within! {
        begin_array(), end_array(), begin_array_value(first: bool), end_array_value(),
        begin_object(), end_object(), begin_object_key(first: bool), begin_object_value(), end_object_value(),
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(is_hidden) {
            let (before, after) = rest.split_at(at);
            out.write_all(before.as_bytes())?;
            let hidden = after.chars().next().unwrap_or_default();
            for unit in hidden.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
            rest = &after[hidden.len_utf8()..];
        }
        out.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::write_json;
    use bfc_schedule::visible::is_hidden;
    use serde_json::{Value, json};

    #[test]
    fn hidden_characters_are_escapes_and_come_back() {
        let text: String = ('\0'..='\u{10000}').chain(['\u{e0041}', '😀']).collect();
        let document = json!({ (text.clone()): [text, 1.5, null, {}], "empty": [] });
        let mut out = vec![];
        write_json(&mut out, &document).expect("written");
        let out = String::from_utf8(out).expect("text");
        assert!(!out.chars().any(|character| is_hidden(character) && character != '\n'));
        assert_eq!(serde_json::from_str::<Value>(&out).expect("JSON"), document);
        let plain = json!({ "a": [1, { "b": "é" }], "c": "\"\n" });
        let mut out = vec![];
        write_json(&mut out, &plain).expect("written");
        assert_eq!(String::from_utf8(out).expect("text"), format!("{plain:#}\n"));
    }
}
