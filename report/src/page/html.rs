//! The skeleton of a page: elements, escaping, the content security policy.

use crate::picture::{escape, escape_markup};
use bfc_schedule::visible;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// What a page that stands alone may connect to: nothing.
pub const ALONE: &str = "'none'";
/// What a served page may connect to: its server.
pub const SERVED: &str = "'self'";

/// A page that grows.
pub struct Html(String);

impl Html {
    /// An empty page.
    pub fn new() -> Self {
        Self(super::PAGE_HEAD.to_string())
    }

    /// The head, which allows this style, this script and these connections, and nothing else.
    pub fn head(&mut self, title: &str, style: &str, script: &str, connect: &str) {
        let _ = write!(
            self.0,
            "<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src '{}'; script-src '{}'; \
             connect-src {connect}; img-src data:; base-uri 'none'; form-action 'none'\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <link rel=\"icon\" href=\"data:,\">\n<title>{}</title>\n<style>{style}</style>\n</head>\n<body>\n",
            hash(style),
            hash(script),
            escape(title)
        );
    }

    /// Begins an element with attributes that are already escaped.
    pub fn open(&mut self, tag: &str, attributes: &str) {
        let _ = writeln!(self.0, "{}", start(tag, attributes));
    }

    /// Ends an element.
    pub fn close(&mut self, tag: &str) {
        let _ = writeln!(self.0, "</{tag}>");
    }

    /// An element with a text.
    pub fn element(&mut self, tag: &str, attributes: &str, text: &str) {
        let _ = writeln!(self.0, "{}{}</{tag}>", start(tag, attributes), escape(text));
    }

    /// An element with a text of several lines.
    pub fn lines(&mut self, tag: &str, attributes: &str, text: &str) {
        let _ = writeln!(self.0, "{}{}</{tag}>", start(tag, attributes), escape_lines(text));
    }

    /// HTML as it is: its texts are escaped already.
    pub fn raw(&mut self, html: &str) {
        self.0.push_str(html);
    }

    /// The data of the page.
    pub fn data(&mut self, document: &impl Serialize) {
        let json = serde_json::to_string(document).expect("keys are strings");
        let _ = writeln!(self.0, "<script type=\"application/json\" id=\"data\">{}</script>", inert(&json));
    }

    /// The script of the page.
    pub fn script(&mut self, script: &str) {
        let _ = writeln!(self.0, "<script>{script}</script>");
    }

    /// The whole page.
    pub fn end(mut self) -> String {
        self.0.push_str("</body>\n</html>\n");
        self.0
    }
}

/// A start tag.
fn start(tag: &str, attributes: &str) -> String {
    let space = if attributes.is_empty() { "" } else { " " };
    format!("<{tag}{space}{attributes}>")
}

/// As [`escape`], with line ends kept.
fn escape_lines(text: &str) -> String {
    escape_markup(&visible::lines(text))
}

/// JSON without tags and hidden characters. They can occur only in strings, so escapes keep the meaning.
fn inert(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '<' | '>' | '&' => {
                let _ = write!(text, "\\u{:04x}", character as u32);
            }
            hidden if visible::is_hidden(hidden) => {
                let mut units = [0; 2];
                for unit in hidden.encode_utf16(&mut units) {
                    let _ = write!(text, "\\u{unit:04x}");
                }
            }
            other => text.push(other),
        }
    }
    text
}

/// The hash of an inline element for a content security policy.
fn hash(text: &str) -> String {
    format!("sha256-{}", base64(&Sha256::digest(text.as_bytes())))
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |chunk: &[u8]| {
        let bits = (0..3).fold(0u32, |bits, at| bits << 8 | u32::from(chunk.get(at).copied().unwrap_or(0)));
        let digit = |at: usize| match at <= chunk.len() {
            true => DIGITS[(bits >> (18 - 6 * at) & 63) as usize] as char,
            false => '=',
        };
        (0..4).map(digit).collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 4648.
    #[test]
    fn digits_are_those_of_the_standard() {
        for (text, expected) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(base64(text.as_bytes()), expected);
        }
        assert_eq!(hash(""), "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    }

    #[test]
    fn data_ends_no_element_and_stays_the_same() {
        let text = "</script><!-- \u{1f600} & \u{2028} \u{e0041} \u{9b}";
        let json = inert(&serde_json::to_string(text).expect("a string"));
        assert!(!json.contains('<') && !json.chars().any(visible::is_hidden), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).expect("JSON"), text);
    }
}
