//! Files of edges, which `edges from` names: a line for each edge, as the language writes it.
//!
//! ```text
//! graph 4
//! name 0 "North Quay"
//! 0 -- 1 0.25
//! 1 -> 2 0.33333334/1.00000002
//! self 3 0.5
//! ```
//!
//! The first line says the number of ranks. `name` gives a rank the name that messages show; all ranks have one, or none. An
//! edge goes both ways, `--`, or one way, `->`; all edges have weights, or none. `self` is what a rank keeps of its own, where
//! that is not what its row leaves. A weight is a decimal number, or one divided by another.

use crate::text::{quote, unquote};
use foldhash::fast::RandomState;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::fmt::Write;

/// The most bytes of a file of edges that are read.
pub const MAX_BYTES: u64 = 1 << 30;

/// The edges of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EdgeList {
    /// The number of ranks.
    pub ranks: u32,
    /// The name of each rank; none where ranks have no names.
    pub names: Vec<String>,
    /// The edges.
    pub edges: Vec<ListedEdge>,
    /// What ranks keep of their own, by the number of the weight.
    pub own: Vec<(u32, u32)>,
    /// The different weights as they are written.
    pub weights: Vec<String>,
}

/// An edge of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedEdge {
    /// The sender, or one end.
    pub from: u32,
    /// The receiver, or the other end.
    pub to: u32,
    /// Whether it goes both ways.
    pub both_ways: bool,
    /// The number of its weight.
    pub weight: Option<u32>,
}

/// What is wrong with a file of edges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeListError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub reason: String,
}

/// Reads a file of edges.
///
/// # Errors
/// The first line that is wrong.
pub fn parse(text: &str) -> Result<EdgeList, EdgeListError> {
    let mut list = EdgeList::default();
    let mut ids: HashMap<&str, u32, RandomState> = HashMap::default();
    let mut names: BTreeMap<u32, String> = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        let wrong = |reason: String| EdgeListError { line: index + 1, reason };
        let mut words = line.split_ascii_whitespace();
        let first = words.next().unwrap_or_default();
        if index == 0 {
            let ranks = words.next().and_then(|word| word.parse().ok()).filter(|ranks| *ranks > 0);
            list.ranks = ranks
                .filter(|_| first == "graph" && words.next().is_none())
                .ok_or_else(|| wrong("the first line must be `graph N`, the number of ranks".into()))?;
            continue;
        }
        let rank = |word: Option<&str>| {
            let word = word.unwrap_or_default();
            let rank = word.parse::<u32>().ok().filter(|rank| *rank < list.ranks);
            rank.ok_or_else(|| wrong(format!("`{word}` is not a rank below {}", list.ranks)))
        };
        let mut weight = |word: &'_ str| -> Result<u32, EdgeListError> {
            if !is_weight(word) {
                return Err(wrong(format!("`{word}` is not a decimal number, or one divided by another")));
            }
            // The words of one text live as long as it.
            let start = word.as_ptr() as usize - text.as_ptr() as usize;
            let next = list.weights.len() as u32;
            let id = *ids.entry(&text[start..start + word.len()]).or_insert(next);
            if id == next {
                list.weights.push(word.to_string());
            }
            Ok(id)
        };
        match first {
            "name" => {
                let rank = rank(words.next())?;
                let begins = words.next().is_some_and(|word| word.starts_with('"'));
                let quoted = line.find('"').map(|at| line[at..].trim_end());
                let quoted = quoted.filter(|text| begins && text.len() > 1 && text.ends_with('"'));
                let name = unquote(quoted.ok_or_else(|| wrong("a name must be in quotes".into()))?);
                if names.insert(rank, name).is_some() {
                    return Err(wrong(format!("rank {rank} has a name already")));
                }
            }
            "self" => {
                let rank = rank(words.next())?;
                let weight = weight(words.next().unwrap_or_default())?;
                list.own.push((rank, weight));
                no_more(&mut words, wrong)?;
            }
            _ => {
                let from = rank(Some(first))?;
                let both_ways = match words.next() {
                    Some("--") => true,
                    Some("->") => false,
                    _ => return Err(wrong("an edge is written `0 -- 1` or `0 -> 1`".into())),
                };
                let to = rank(words.next())?;
                let weight = words.next().map(&mut weight).transpose()?;
                no_more(&mut words, wrong)?;
                let is_weighted = list.edges.first().map(|edge| edge.weight.is_some());
                if is_weighted.is_some_and(|weighted| weighted != weight.is_some()) {
                    return Err(wrong("some edges have weights, and others have none".into()));
                }
                list.edges.push(ListedEdge { from, to, both_ways, weight });
            }
        }
    }
    if list.ranks == 0 {
        return Err(EdgeListError { line: 1, reason: "the file is empty".into() });
    }
    if !names.is_empty()
        && let Some(rank) = (0..list.ranks).find(|rank| !names.contains_key(rank))
    {
        let reason = format!("rank {rank} has no name, but others do");
        return Err(EdgeListError { line: 1, reason });
    }
    list.names = names.into_values().collect();
    Ok(list)
}

fn no_more<'w>(
    words: &mut impl Iterator<Item = &'w str>,
    wrong: impl Fn(String) -> EdgeListError,
) -> Result<(), EdgeListError> {
    match words.next() {
        Some(word) => Err(wrong(format!("unexpected `{word}` at the end of the line"))),
        None => Ok(()),
    }
}

/// Whether a word is a decimal number, or one divided by another that is not 0.
fn is_weight(word: &str) -> bool {
    let number = |text: &str| {
        let text = text.strip_prefix('-').unwrap_or(text);
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
        let digits = |text: &str| {
            !text.is_empty() && text.len() <= 400 && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        digits(whole) && digits(part) && digits(exponent) && exponent.len() <= 3
    };
    let is_zero = |text: &str| {
        let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
        !mantissa.bytes().any(|byte| (b'1'..=b'9').contains(&byte))
    };
    match word.split_once('/') {
        Some((above, below)) => number(above) && number(below) && !is_zero(below),
        None => number(word),
    }
}

/// Writes a file of edges.
impl fmt::Display for EdgeList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "graph {}", self.ranks)?;
        for (rank, name) in self.names.iter().enumerate() {
            writeln!(f, "name {rank} {}", quote(name))?;
        }
        for ListedEdge { from, to, both_ways, weight } in &self.edges {
            write!(f, "{from} {} {to}", if *both_ways { "--" } else { "->" })?;
            match weight {
                Some(weight) => writeln!(f, " {}", self.weights[*weight as usize])?,
                None => f.write_char('\n')?,
            }
        }
        self.own
            .iter()
            .try_for_each(|(rank, weight)| writeln!(f, "self {rank} {}", self.weights[*weight as usize]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn mistakes_have_lines() {
        for (text, line) in [
            ("", 1),
            ("0 -- 1", 1),
            ("graph 0", 1),
            ("graph 2 3", 1),
            ("graph 2\n0 -- 2", 2),
            ("graph 2\n0 - 1", 2),
            ("graph 2\n0 -- 1 x", 2),
            ("graph 2\n0 -- 1 1/0.0", 2),
            ("graph 2\n0 -- 1 1e9999", 2),
            ("graph 2\n0 -- 1 1 1", 2),
            ("graph 2\n0 -- 1 1\n1 -> 0", 3),
            ("graph 2\nself 0", 2),
            ("graph 2\nname 0 x", 2),
            ("graph 2\nname 0 \"", 2),
            ("graph 2\nname 0 x \"a\"", 2),
            ("graph 4294967295\nname 0 \"a\"", 1),
            ("graph 2\nname 0 \"a\"\nname 0 \"b\"", 3),
            ("graph 2\nname 0 \"a\"", 1),
            ("graph 2\n\n", 2),
        ] {
            assert_eq!(parse(text).map_err(|error| error.line), Err(line), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn files_come_back(
            ranks in 1u32..20,
            names in any::<bool>(),
            edges in prop::collection::vec((0u32..20, 0u32..20, any::<bool>(), 0u32..3), 0..20),
            own in prop::collection::vec((0u32..20, 0u32..3), 0..5),
            is_weighted in any::<bool>(),
        ) {
            let weights: Vec<String> = ["0.25", "-1e-10", "0.5/1.5"].map(String::from).to_vec();
            let edges: Vec<ListedEdge> = edges.into_iter().map(|(from, to, both_ways, weight)| {
                ListedEdge { from: from % ranks, to: to % ranks, both_ways, weight: is_weighted.then_some(weight) }
            }).collect();
            let own = own.into_iter().map(|(rank, weight)| (rank % ranks, weight)).collect();
            let names = if names { (0..ranks).map(|rank| format!("\"{rank} \u{7}")).collect() } else { vec![] };
            let list = EdgeList { ranks, names, edges, own, weights };
            let text = list.to_string();
            prop_assert_eq!(parse(&text).expect("a file").to_string(), text);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[gname0-9 ./e\n>\"self-]{0,60}") {
            let _ = parse(&format!("graph 3\n{text}"));
        }
    }
}
