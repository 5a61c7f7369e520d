//! What a user says of a file, where it can be read in several ways. [`Option::None`] leaves it to the file.

use std::collections::BTreeSet;

/// What a user says of a file.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Its format.
    pub kind: Option<Kind>,
    /// What stands between the fields of a line.
    pub separator: Option<Separator>,
    /// What begins a comment: a character, or none at all.
    pub comment: Option<Option<char>>,
    /// Whether the first line is a heading.
    pub heading: Option<bool>,
    /// The columns of sender, receiver and weight, by number from 1 or by name.
    pub columns: Option<Vec<String>>,
    /// Whether edges go one way.
    pub directed: Option<bool>,
    /// The nodes there are, whether they have edges or not.
    pub nodes: Option<NodeRange>,
    /// Whether numbers are weights, or only say where edges are.
    pub meaning: Option<Meaning>,
    /// Whether every edge is turned round.
    pub transpose: bool,
    /// How rows are made to sum to 1.
    pub normalise: Option<Normalise>,
    /// Weights of this magnitude or less are no edges.
    pub drop: Option<f64>,
}

/// A format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A line for each edge.
    Edges,
    /// A line for each rank, a field for each rank.
    Matrix,
    /// A line for each node: its name, then those of its neighbours.
    Adjacency,
    /// Node-link JSON.
    NodeLink,
    /// GraphML.
    Graphml,
    /// GEXF.
    Gexf,
    /// GML.
    Gml,
    /// Matrix Market.
    MatrixMarket,
    /// A NumPy array.
    Npy,
}

impl Kind {
    /// Every format with the word that selects it.
    pub const ALL: [(&str, Self); 9] = [
        ("edges", Self::Edges),
        ("matrix", Self::Matrix),
        ("adjacency", Self::Adjacency),
        ("node-link", Self::NodeLink),
        ("graphml", Self::Graphml),
        ("gexf", Self::Gexf),
        ("gml", Self::Gml),
        ("matrix-market", Self::MatrixMarket),
        ("npy", Self::Npy),
    ];

    /// As it is called in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Edges => "an edge list",
            Self::Matrix => "a matrix",
            Self::Adjacency => "an adjacency list",
            Self::NodeLink => "node-link JSON",
            Self::Graphml => "GraphML",
            Self::Gexf => "GEXF",
            Self::Gml => "GML",
            Self::MatrixMarket => "a Matrix Market file",
            Self::Npy => "a NumPy array",
        }
    }
}

/// What stands between fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Separator {
    /// `,`
    Comma,
    /// A tab.
    Tab,
    /// `;`
    Semicolon,
    /// `|`
    Bar,
    /// Blanks and tabs, as many as there are.
    Blank,
}

impl Separator {
    /// Every separator with the word that selects it; [`Blank`](Self::Blank) last.
    pub const ALL: [(&str, Self); 5] = [
        ("comma", Self::Comma),
        ("tab", Self::Tab),
        ("semicolon", Self::Semicolon),
        ("bar", Self::Bar),
        ("blank", Self::Blank),
    ];

    /// The word that selects it.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, one)| *one == self).map_or("", |(word, _)| word)
    }

    /// As it is called in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Comma => "commas",
            Self::Tab => "tabs",
            Self::Semicolon => "semicolons",
            Self::Bar => "bars",
            Self::Blank => "blanks",
        }
    }

    /// The letter; a blank stands for all of [`Blank`](Self::Blank).
    pub fn letter(self) -> char {
        match self {
            Self::Comma => ',',
            Self::Tab => '\t',
            Self::Semicolon => ';',
            Self::Bar => '|',
            Self::Blank => ' ',
        }
    }
}

/// Nodes by number: `first..first + count`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeRange {
    /// The least number, where it is known.
    pub first: Option<u64>,
    /// How many.
    pub count: u64,
}

impl NodeRange {
    /// Reads `12`, or `0..11` with both ends included.
    ///
    /// # Errors
    /// What was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::read(text).ok_or_else(|| {
            "expected a number of nodes, such as 12, or the first and the last, as in 1..12".to_string()
        })
    }

    fn read(text: &str) -> Option<Self> {
        match text.split_once("..") {
            None => text.parse().ok().filter(|count| *count > 0).map(|count| Self { first: None, count }),
            Some((first, last)) => {
                let (first, last) = (first.parse::<u64>().ok()?, last.parse::<u64>().ok()?);
                // The end of the range is a number, too.
                let count = last.checked_add(1)?.checked_sub(first).filter(|count| *count > 0)?;
                Some(Self { first: Some(first), count })
            }
        }
    }
}

/// What the numbers of a graph are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// They say where edges are.
    Adjacency,
    /// They are mixing weights.
    Weights,
}

impl Meaning {
    /// Every meaning with the word that selects it.
    pub const ALL: [(&str, Self); 2] = [("adjacency", Self::Adjacency), ("weights", Self::Weights)];
}

/// How rows are made to sum to 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Normalise {
    /// A rank's own weight is what its row leaves.
    Own,
    /// Each row is divided by its sum.
    Rows,
}

impl Normalise {
    /// Every way with the word that selects it.
    pub const ALL: [(&str, Self); 2] = [("own", Self::Own), ("rows", Self::Rows)];
}

/// What begins a comment: one character, or nothing if the text is `none`.
///
/// # Errors
/// What was expected.
pub fn comment(text: &str) -> Result<Option<char>, String> {
    let mut letters = text.chars();
    match (text, letters.next(), letters.next()) {
        ("none", ..) => Ok(None),
        (_, Some(letter), None) => Ok(Some(letter)),
        _ => Err("expected one character, such as `#`, or `none`".to_string()),
    }
}

/// The columns of sender and receiver, and perhaps of the weight.
///
/// # Errors
/// What was expected.
pub fn columns<'a>(columns: impl IntoIterator<Item = &'a str>) -> Result<Vec<String>, String> {
    let columns: Vec<String> = columns.into_iter().map(|column| column.trim().to_string()).collect();
    let distinct = columns.iter().collect::<BTreeSet<_>>().len() == columns.len();
    if !(2..=3).contains(&columns.len()) || !distinct || columns.iter().any(String::is_empty) {
        return Err(
            "expected two or three different columns, such as `1,2` or `source,target,weight`".to_string()
        );
    }
    Ok(columns)
}
