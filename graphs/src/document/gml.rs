//! GML (Himsolt 1997): keys with numbers, texts and lists in brackets.

use super::{Content, Link, Node, malformed};
use crate::error::{ImportError, Text};
use miette::SourceSpan;

/// How deep lists may nest.
const MAX_DEPTH: usize = 64;

/// A key with its value.
struct Pair<'t> {
    key: &'t str,
    at: usize,
    value: Value<'t>,
}

enum Value<'t> {
    /// A number, or a text in quotes, without these.
    Plain(&'t str),
    List(Vec<Pair<'t>>),
}

/// Reads GML.
///
/// # Errors
/// It is something else.
pub fn read(content: &str, text: &Text) -> Result<Content, ImportError> {
    let bad = |reason: String, at: Option<SourceSpan>| malformed(text, "GML", reason, at);
    let pairs =
        parse(content).map_err(|(reason, at)| bad(reason.into(), Some((at.min(content.len()), 0).into())))?;
    let graph = pairs.iter().find_map(|pair| match &pair.value {
        Value::List(inner) if pair.key.eq_ignore_ascii_case("graph") => Some(inner),
        _ => None,
    });
    let graph = graph.ok_or_else(|| bad("it has no `graph [ … ]`".into(), None))?;
    let directed = plain(graph, "directed") == Some("1");
    let mut found = Content::default();
    for pair in graph {
        let Value::List(inner) = &pair.value else { continue };
        let at = Some((pair.at, pair.key.len()).into());
        let need = |key: &str| {
            plain(inner, key)
                .map(unescaped)
                .ok_or_else(|| bad(format!("a `{}` lacks its `{key}`", pair.key), at))
        };
        match pair.key {
            "node" => {
                let label = plain(inner, "label").map(unescaped);
                found.nodes.push(Node { id: need("id")?, label, at });
            }
            "edge" => found.links.push(Link {
                from: need("source")?,
                to: need("target")?,
                directed,
                weight: plain(inner, "weight").map(str::to_string),
                at,
            }),
            _ => {}
        }
    }
    Ok(found)
}

fn plain<'t>(pairs: &[Pair<'t>], key: &str) -> Option<&'t str> {
    pairs.iter().find_map(|pair| match pair.value {
        Value::Plain(text) if pair.key == key => Some(text),
        _ => None,
    })
}

/// A text without the entities of GML.
fn unescaped(text: &str) -> String {
    if !text.contains('&') {
        return text.to_string();
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.char_indices().take(12).find(|(_, letter)| *letter == ';').map(|(end, _)| end);
        let letter = end.and_then(|end| match &rest[1..end] {
            "quot" => Some('"'),
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "apos" => Some('\''),
            code => char::from_u32(code.strip_prefix('#')?.parse().ok()?),
        });
        match (letter, end) {
            (Some(letter), Some(end)) => {
                out.push(letter);
                rest = &rest[end + 1..];
            }
            _ => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out + rest
}

/// The pairs of a text; else what is wrong, and at which byte.
fn parse(text: &str) -> Result<Vec<Pair<'_>>, (&'static str, usize)> {
    let bytes = text.as_bytes();
    let mut open: Vec<(&str, usize, Vec<Pair>)> = vec![];
    let mut pairs: Vec<Pair> = vec![];
    let mut key: Option<(&str, usize)> = None;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'#' if key.is_none() => at += text[at..].find('\n').unwrap_or(text.len() - at),
            b'[' => {
                let (name, start) = key.take().ok_or(("`[` follows no key", at))?;
                if open.len() == MAX_DEPTH {
                    return Err(("lists nest too deep", at));
                }
                open.push((name, start, std::mem::take(&mut pairs)));
                at += 1;
            }
            b']' => {
                if key.is_some() {
                    return Err(("a key has no value", at));
                }
                let (key, start, outer) = open.pop().ok_or(("`]` closes nothing", at))?;
                let inner = std::mem::replace(&mut pairs, outer);
                pairs.push(Pair { key, at: start, value: Value::List(inner) });
                at += 1;
            }
            b'"' => {
                let length = text[at + 1..].find('"').ok_or(("a text has no end", at))?;
                let (key, start) = key.take().ok_or(("a text follows no key", at))?;
                pairs.push(Pair { key, at: start, value: Value::Plain(&text[at + 1..at + 1 + length]) });
                at += length + 2;
            }
            _ if byte.is_ascii_whitespace() => at += 1,
            _ => {
                let ends = |letter: char| letter.is_ascii_whitespace() || "[]\"".contains(letter);
                let end = text[at..].find(ends).map_or(text.len(), |length| at + length);
                let found = &text[at..end];
                let is_key = found.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_');
                match key.take() {
                    None if is_key => key = Some((found, at)),
                    None => return Err(("a number follows no key", at)),
                    Some((key, start)) => pairs.push(Pair { key, at: start, value: Value::Plain(found) }),
                }
                at = end;
            }
        }
    }
    match (open.last(), key) {
        (Some((_, start, _)), _) => Err(("a list has no end", *start)),
        (None, Some((_, start))) => Err(("a key has no value", start)),
        (None, None) => Ok(pairs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_nest_and_mistakes_have_places() {
        let pairs = parse("# c\ngraph [ a 1 b [ c \"x y\" ] ]").expect("GML");
        let Value::List(inner) = &pairs[0].value else { panic!("a list") };
        assert_eq!(plain(inner, "a"), Some("1"));
        for (text, at) in
            [("graph [", 0), ("a", 0), ("]", 0), ("1", 0), ("a \"x", 2), ("a [ b ]", 6), ("[", 0)]
        {
            assert_eq!(parse(text).err().map(|error| error.1), Some(at), "{text}");
        }
        assert!(parse(&"a [ ".repeat(100)).is_err());
        assert_eq!(unescaped("&quot;a&#233;&amp;&x; & b"), "\"aé&&x; & b");
    }
}
