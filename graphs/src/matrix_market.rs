//! Matrix Market (Boisvert, Pozo, Remington 1996): `%%MatrixMarket matrix coordinate real general` and so on. Entry i, j is
//! what rank i takes of rank j.

use crate::document::malformed;
use crate::error::{ImportError, Text};
use crate::graph::{Edge, Graph, check_size};
use crate::number::Number;
use crate::reading::Reading;
use miette::SourceSpan;

/// How a file begins.
pub const BANNER: &str = "%%MatrixMarket";

const FORMAT: &str = "a Matrix Market file";

/// What the banner says.
struct Banner {
    coordinate: bool,
    pattern: bool,
    symmetric: bool,
}

/// A line with its number and its place.
struct Line<'t> {
    at: SourceSpan,
    words: Vec<&'t str>,
}

/// Reads a file; whether it holds numbers at all comes with the graph.
///
/// # Errors
/// It is malformed, complex, or not square.
pub fn read(content: &str, text: &Text, reading: &mut Reading) -> Result<(Graph, bool), ImportError> {
    let mut offset = 0;
    let mut lines = content.split_inclusive('\n').map(|line| {
        let at = offset;
        offset += line.len();
        (at, line.trim_end())
    });
    let (_, first) = lines.next().unwrap_or((0, ""));
    let banner = banner(first, text)?;
    let mut lines = lines
        .filter(|(_, line)| !line.trim_start().starts_with('%') && !line.trim().is_empty())
        .map(|(at, line)| Line { at: (at, line.len()).into(), words: line.split_whitespace().collect() });
    let bad = |reason: String, at: Option<SourceSpan>| malformed(text, FORMAT, reason, at);
    let sizes = lines.next().ok_or_else(|| bad("it ends before its sizes".into(), None))?;
    let numbers: Option<Vec<u64>> = sizes.words.iter().map(|word| word.parse().ok()).collect();
    let numbers = numbers.filter(|numbers| numbers.len() == if banner.coordinate { 3 } else { 2 });
    let Some(numbers) = numbers else {
        let expected = if banner.coordinate { "rows, columns and entries" } else { "rows and columns" };
        return Err(bad(format!("its sizes are not {expected}"), Some(sizes.at)));
    };
    let (rows, columns) = (numbers[0], numbers[1]);
    if rows != columns {
        return Err(ImportError::NotSquare { rows: rows as usize, columns: columns as usize });
    }
    check_size(rows)?;
    let size = rows as usize;
    let edges = if banner.coordinate {
        coordinates(&banner, size, numbers[2], &mut lines, text)?
    } else {
        array(&banner, size, &mut lines, text)?
    };
    reading.say(if banner.symmetric { "symmetric" } else { "general" }, None);
    reading.say("row i holds what rank i takes", "--transpose");
    // Rows are counted from 1 there.
    let labels = (0..size).map(|rank| rank.to_string()).collect();
    Ok((Graph { labels, edges, is_matrix: !banner.pattern }, !banner.pattern))
}

fn banner(line: &str, text: &Text) -> Result<Banner, ImportError> {
    let words: Vec<String> = line.split_whitespace().map(str::to_lowercase).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let unread = |reason: String| Err(malformed(text, FORMAT, reason, SourceSpan::from((0, line.len()))));
    let [_, "matrix", form @ ("coordinate" | "array"), numbers, symmetry] = words[..] else {
        return unread(
            "its first line is not `%%MatrixMarket matrix coordinate real general` or the like".into(),
        );
    };
    if !matches!(numbers, "real" | "integer" | "pattern" | "double")
        || form == "array" && numbers == "pattern"
    {
        return unread(format!("its entries are `{numbers}`, and weights are real"));
    }
    if !matches!(symmetry, "general" | "symmetric") {
        return unread(format!("it is `{symmetry}`, and graphs are `general` or `symmetric`"));
    }
    let coordinate = form == "coordinate";
    Ok(Banner { coordinate, pattern: numbers == "pattern", symmetric: symmetry == "symmetric" })
}

/// `row column value` for each entry.
fn coordinates<'t>(
    banner: &Banner,
    size: usize,
    count: u64,
    lines: &mut dyn Iterator<Item = Line<'t>>,
    text: &Text,
) -> Result<Vec<Edge>, ImportError> {
    let bad = |reason: String, at: SourceSpan| malformed(text, FORMAT, reason, at);
    let fields = if banner.pattern { 2 } else { 3 };
    let mut edges = vec![];
    let mut found = 0;
    for line in lines {
        found += 1;
        if line.words.len() != fields {
            return Err(bad(format!("an entry has {} fields, expected {fields}", line.words.len()), line.at));
        }
        let index = |word: &str| {
            let index = word.parse::<usize>().ok().filter(|index| (1..=size).contains(index));
            index
                .map(|index| index - 1)
                .ok_or_else(|| bad(format!("`{word}` is not one of 1 to {size}"), line.at))
        };
        let (to, from) = (index(line.words[0])?, index(line.words[1])?);
        if banner.symmetric && from > to {
            return Err(bad("an entry of a symmetric matrix is above the diagonal".into(), line.at));
        }
        let weight = line.words.get(2).map(|word| Number::read(word, text, Some(line.at))).transpose()?;
        if weight.as_ref().is_none_or(|weight| !weight.is_zero()) {
            edges.push(Edge { from, to, both_ways: banner.symmetric, weight, at: Some(line.at) });
        }
    }
    if found != count {
        let reason = format!("it announces {count} entries and has {found}");
        return Err(malformed(text, FORMAT, reason, None));
    }
    Ok(edges)
}

/// All entries, column by column; below the diagonal of a symmetric matrix.
fn array<'t>(
    banner: &Banner,
    size: usize,
    lines: &mut dyn Iterator<Item = Line<'t>>,
    text: &Text,
) -> Result<Vec<Edge>, ImportError> {
    let mut edges = vec![];
    let mut values = lines.flat_map(|line| {
        let at = line.at;
        line.words.into_iter().map(move |word| (word, at))
    });
    for from in 0..size {
        for to in if banner.symmetric { from } else { 0 }..size {
            let Some((word, at)) = values.next() else {
                let reason = format!("it has fewer entries than {size} × {size}");
                return Err(malformed(text, FORMAT, reason, None));
            };
            let weight = Number::read(word, text, Some(at))?;
            if !weight.is_zero() {
                edges.push(Edge {
                    from,
                    to,
                    both_ways: banner.symmetric,
                    weight: Some(weight),
                    at: Some(at),
                });
            }
        }
    }
    match values.next() {
        Some((_, at)) => {
            Err(malformed(text, FORMAT, format!("it has more entries than {size} × {size}"), at))
        }
        None => Ok(edges),
    }
}
