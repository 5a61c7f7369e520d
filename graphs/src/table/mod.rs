//! Rows of fields → a graph: an edge list, a matrix or an adjacency list, as the whole file shows it. What can be read in two
//! ways is refused.

mod build;
mod header;
mod heading;
mod lines;
mod plan;

pub use build::weigh;

use crate::error::{ImportError, Text};
use crate::graph::Graph;
use crate::options::{Kind, NodeRange, Options, Separator};
use crate::reading::Reading;
use header::Header;
use lines::{Line, Lines, Table};
use plan::{Plan, Shape};

/// Reads a table.
///
/// # Errors
/// It is none, or can be read in two ways.
pub fn read(content: &str, text: &Text, options: &Options) -> Result<(Graph, Reading), ImportError> {
    let mut lines = Lines::new(content, options.comment);
    let header = Header::new(&lines);
    if lines.data.is_empty() {
        return Err(ImportError::Empty { name: text.name().to_string() });
    }
    let (counts, heading) = take_counts(&mut lines, options, text)?;
    // Headers, lines of counts, columns and directions belong to lists of edges.
    let says_list = options.nodes.is_some() || options.columns.is_some() || options.directed.is_some();
    let is_list = counts.is_some() || header.source.is_some() || says_list;
    let kind = options.kind.or(is_list.then_some(Kind::Edges));
    let options = &Options { kind, heading, ..options.clone() };
    let (table, plan) = choose(&lines, options, &header, text)?;
    check_comments(&lines, &table, &plan, options, text)?;
    let range = options.nodes.or(counts).or_else(|| {
        let first = header.counts_from_one().then_some(1);
        header.nodes.filter(|_| first.is_some()).map(|count| NodeRange { first, count })
    });
    build::Builder { table: &table, plan: &plan, options, header: &header, range, text }.build()
}

/// Takes the line of counts from the beginning: `4`, or `4 7` before rows that are wider. What is said of a heading comes
/// with it: it may be about this line.
///
/// # Errors
/// It may also be an edge.
fn take_counts(
    lines: &mut Lines,
    options: &Options,
    text: &Text,
) -> Result<(Option<NodeRange>, Option<bool>), ImportError> {
    let none = Ok((None, options.heading));
    let [first, second, ..] = &lines.data[..] else { return none };
    let is_count =
        |line: &Line| line.text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_whitespace());
    if matches!(options.kind, Some(Kind::Adjacency | Kind::Matrix)) || !is_count(first) {
        return none;
    }
    let beginning = Table::new(&[*first, *second], Separator::Blank);
    let rows = lines.data.len() as u64;
    let Some((nodes, edges)) = header::counts(&beginning, rows) else { return none };
    let blanks = Table::new(&lines.data, Separator::Blank);
    let (found, next) = (blanks.row(0).len(), blanks.row(1).len());
    // Separators other than blanks make one field of the rows below.
    let is_narrower =
        found < next || next == 1 && blanks.rows(1).all(|row| row[0].1.contains([',', ';', '|']));
    let largest =
        blanks.fields(1).iter().map_while(|(_, field)| field.parse::<u64>().ok()).max().unwrap_or(0);
    let may_count = is_narrower || edges.is_some() && found == next && nodes >= largest;
    if !may_count || options.heading == Some(false) {
        return none;
    }
    if !is_narrower && options.heading.is_none() {
        let first = &blanks.row(0);
        return Err(ImportError::Ambiguous {
            name: text.name().to_string(),
            first: format!("{} edges below a line that counts {nodes} nodes", lines.data.len() - 1),
            first_flag: "--heading".into(),
            second: format!(
                "{} edges, the first of them from {} to {}",
                lines.data.len(),
                first[0].1,
                first[1].1
            ),
            second_flag: "--heading=no".into(),
        });
    }
    lines.data.remove(0);
    let heading = if is_narrower { options.heading } else { Some(false) };
    Ok(((nodes > 0).then_some(NodeRange { first: None, count: nodes }), heading))
}

/// The one way to read the lines.
///
/// # Errors
/// There is none, or there are two.
fn choose<'t>(
    lines: &Lines<'t>,
    options: &Options,
    header: &Header,
    text: &Text,
) -> Result<(Table<'t>, Plan), ImportError> {
    let tables = tables(&lines.data, options, header, text)?;
    let mut good: Vec<(usize, Plan)> = vec![];
    let mut faults: Vec<(usize, Plan)> = vec![];
    for (index, table) in
        tables.iter().enumerate().filter(|(_, table)| table.rows(0).all(|row| !row.is_empty()))
    {
        for plan in plan::plans(table, options, text)? {
            let plan = header_columns(plan, table, header);
            if plan.fault.is_none() { good.push((index, plan)) } else { faults.push((index, plan)) }
        }
    }
    if good.len() > 1 {
        let [first, second] = [&good[0], &good[1]].map(|(index, plan)| (&tables[*index], plan));
        // A number that is not finite is wrong in both ways.
        let is_matrix = good.iter().any(|(_, plan)| plan.kind() == Kind::Matrix);
        if let Some(wrong) = first.0.fields(0).iter().find(|field| is_matrix && lines::is_not_finite(field.1))
        {
            return Err(ImportError::not_a_number(wrong.1, text, Some(lines::span(*wrong))));
        }
        return Err(ambiguous(first, second, text));
    }
    let Some((index, plan)) = good.pop() else {
        let fault = faults.into_iter().find_map(|(_, plan)| plan.fault);
        return Err(fault.unwrap_or_else(|| {
            let (rows, columns) = (tables[0].len(), tables[0].usual_width());
            match columns {
                0 => ImportError::Empty { name: text.name().to_string() },
                _ => ImportError::NotSquare { rows, columns },
            }
        }));
    };
    let table = tables.into_iter().nth(index).expect("a table of the plan");
    Ok((table, plan))
}

/// A header that knows whether there are weights knows it better.
fn header_columns(mut plan: Plan, table: &Table, header: &Header) -> Plan {
    if let (Shape::Edges { ends, weight, .. }, Some(weighted)) = (&mut plan.shape, header.weighted) {
        let unknown = matches!(plan.fault, Some(ImportError::UnknownColumns { .. }));
        *ends = [0, 1];
        *weight = (weighted && table.row(0).len() > 2).then_some(2);
        if unknown {
            plan.fault = None;
        }
    }
    plan
}

/// The tables that lines can be, by separator.
///
/// # Errors
/// Two separators of which each is found in all lines.
fn tables<'t>(
    data: &[Line<'t>],
    options: &Options,
    header: &Header,
    text: &Text,
) -> Result<Vec<Table<'t>>, ImportError> {
    let separator = options.separator.or(header.counts_from_one().then_some(Separator::Blank));
    if let Some(separator) = separator {
        return Ok(vec![Table::new(data, separator)]);
    }
    let adjacency = options.kind == Some(Kind::Adjacency);
    let is_there = |separator: &Separator| lines::contains(data[0].text, *separator);
    let hard =
        Separator::ALL.map(|(_, separator)| separator).into_iter().filter(|one| *one != Separator::Blank);
    let hard: Vec<Table> = hard.filter(is_there).map(|separator| Table::new(data, separator)).collect();
    let (mut regular, mut ragged): (Vec<Table>, Vec<Table>) =
        hard.into_iter().partition(|table| adjacency || table.width(0).is_some_and(|width| width > 1));
    if let [first, second, ..] = &regular[..] {
        let name =
            |table: &Table| format!("{} fields between {}", table.usual_width(), table.separator.name());
        let flag = |table: &Table| format!("--separator {}", table.separator.word());
        return Err(ImportError::Ambiguous {
            name: text.name().to_string(),
            first: name(first),
            first_flag: flag(first),
            second: name(second),
            second_flag: flag(second),
        });
    }
    let blanks = Table::new(data, Separator::Blank);
    if !regular.iter().any(|table| table.is_same(&blanks)) {
        // A matrix with a heading without a corner is not regular either.
        let is_regular = adjacency || blanks.width(usize::from(blanks.len() > 1)).is_some();
        if is_regular
            && (regular.is_empty() && ragged.is_empty() || blanks.usual_width() > 1)
            && (!adjacency || regular.is_empty())
        {
            regular.push(blanks);
        } else {
            ragged.push(blanks);
        }
    }
    if regular.is_empty() {
        ragged.truncate(1);
        return Ok(ragged);
    }
    // What one separator reads with all fields alike, others may read as one field or as rows of different lengths.
    regular.extend(ragged.into_iter().filter(|table| table.width(1).is_some_and(|width| width > 2)));
    Ok(regular)
}

/// Two ways to read a table, and the flag that selects each.
fn ambiguous(first: (&Table, &Plan), second: (&Table, &Plan), text: &Text) -> ImportError {
    let flag = |(table, plan): (&Table, &Plan)| {
        if table.separator != first.0.separator || table.separator != second.0.separator {
            format!("--separator {}", table.separator.word())
        } else if first.1.kind() != second.1.kind() {
            let kind = Kind::ALL.iter().find(|(_, kind)| *kind == plan.kind()).map_or("", |(word, _)| word);
            format!("--kind {kind}")
        } else if plan.heading {
            "--heading".to_string()
        } else {
            "--heading=no".to_string()
        }
    };
    ImportError::Ambiguous {
        name: text.name().to_string(),
        first: first.1.name(first.0),
        first_flag: flag(first),
        second: second.1.name(second.0),
        second_flag: flag(second),
    }
}

/// A comment that begins like a label, `#a b`, in a table of as many fields, may be a row.
fn check_comments(
    lines: &Lines,
    table: &Table,
    plan: &Plan,
    options: &Options,
    text: &Text,
) -> Result<(), ImportError> {
    if options.comment.is_some() || plan.shape == Shape::Adjacency {
        return Ok(());
    }
    let width = table.row(table.len() - 1).len();
    for line in &lines.comments {
        let content = line.text.trim();
        let mark = content.chars().next().unwrap_or('#');
        let glued = content[mark.len_utf8()..].starts_with(|letter: char| letter.is_alphanumeric());
        let row = Table::new(&[*line], table.separator);
        let bare = Line { text: content[mark.len_utf8()..].trim(), ..*line };
        let is_heading = heading::is_known_heading(Table::new(&[bare], table.separator).row(0));
        if glued && row.row(0).len() == width && !is_heading {
            return Err(ImportError::Ambiguous {
                name: text.name().to_string(),
                first: format!(
                    "a comment in line {}, `{}`",
                    line.number,
                    content.chars().take(40).collect::<String>()
                ),
                first_flag: format!("--comment {mark}"),
                second: format!("a row there whose first field is `{}`", row.row(0)[0].1),
                second_flag: "--comment none".into(),
            });
        }
    }
    Ok(())
}
