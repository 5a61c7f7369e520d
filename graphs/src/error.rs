//! Why a graph cannot be imported.

use miette::{Diagnostic, NamedSource, SourceSpan};
use std::sync::Arc;
use thiserror::Error;

/// The file, for messages.
pub type Text = Arc<NamedSource<Arc<str>>>;

/// A graph that cannot be imported.
#[derive(Clone, Debug, Error, Diagnostic)]
pub enum ImportError {
    /// A row of a table has more or fewer fields than most.
    #[error("line {line} has {found} {separator}, expected {expected}")]
    #[diagnostic(code(bfc::import::ragged_table), help("{help}"))]
    RaggedTable {
        /// Line number, from 1.
        line: usize,
        /// Fields there.
        found: usize,
        /// Fields of most lines.
        expected: usize,
        /// What separates them.
        separator: String,
        /// How it can be read all the same.
        help: &'static str,
        /// The file.
        #[source_code]
        text: Text,
        /// The line.
        #[label("{found} fields")]
        at: SourceSpan,
    },
    /// A table that is not a matrix.
    #[error("the matrix has {rows} rows and {columns} columns")]
    #[diagnostic(
        code(bfc::import::not_square),
        help(
            "a matrix has a row and a column for each rank; `--kind edges` or `--kind adjacency` reads other tables"
        )
    )]
    NotSquare {
        /// Rows.
        rows: usize,
        /// Columns.
        columns: usize,
    },
    /// A matrix whose rows and columns have different labels.
    #[error("the row `{label}` has no column")]
    #[diagnostic(
        code(bfc::import::labels_differ),
        help("label rows and columns with the same names, in any order, or remove the labels of the rows")
    )]
    LabelsDiffer {
        /// The label.
        label: String,
        /// The file.
        #[source_code]
        text: Text,
        /// The row.
        #[label("this row")]
        at: SourceSpan,
    },
    /// A table with columns of unknown meaning.
    #[error("none of the {found} columns is named as sender or receiver")]
    #[diagnostic(
        code(bfc::import::unknown_columns),
        help("name or number them: `--columns {example}`; a third one is the weight")
    )]
    UnknownColumns {
        /// How many columns.
        found: usize,
        /// A choice.
        example: String,
        /// The file.
        #[source_code]
        text: Text,
        /// The first line.
        #[label("{found} columns")]
        at: SourceSpan,
    },
    /// A column that does not exist.
    #[error("there is no column `{column}`")]
    #[diagnostic(code(bfc::import::unknown_column), help("the columns are {known}"))]
    UnknownColumn {
        /// The column.
        column: String,
        /// Those there are.
        known: String,
    },
    /// A weight or an entry that is not a number.
    #[error("`{found}` is not a number of moderate size")]
    #[diagnostic(
        code(bfc::import::not_a_number),
        help(
            "write a finite number such as `0.25`, `1e-3` or `1/3`, with at most 100 digits and an exponent from -300 to 300; \
             `--heading` takes the first line for names of columns, as in `source,target,weight`, and `--columns 1,2` reads \
             edges without weights"
        )
    )]
    NotANumber {
        /// What stands there.
        found: String,
        /// The file.
        #[source_code]
        text: Text,
        /// Where.
        #[label("not a number")]
        at: Option<SourceSpan>,
    },
    /// A binary array with something that is not a number.
    #[error("row {row}, column {column} of the array is {found}")]
    #[diagnostic(
        code(bfc::import::not_finite),
        help("replace NaN and infinite entries before saving, for example with `numpy.nan_to_num(W)`")
    )]
    NotFinite {
        /// From 0.
        row: usize,
        /// From 0.
        column: usize,
        /// `NaN` or `inf`.
        found: String,
    },
    /// An array that is not one of numbers.
    #[error("`{name}` is not {format}: {reason}")]
    #[diagnostic(
        code(bfc::import::unread_array),
        help("save the matrix of weights by itself, `numpy.save(\"W.npy\", W.astype(float))`")
    )]
    UnreadArray {
        /// The file.
        name: String,
        /// What is read.
        format: &'static str,
        /// Why it is not.
        reason: String,
    },
    /// An edge of a node that is not listed.
    #[error("there is no node `{node}`")]
    #[diagnostic(code(bfc::import::unknown_node), help("list each node of an edge among the nodes"))]
    UnknownNode {
        /// The node.
        node: String,
        /// The file.
        #[source_code]
        text: Text,
        /// The edge.
        #[label("of this edge")]
        at: Option<SourceSpan>,
    },
    /// A node that is listed twice.
    #[error("the node `{node}` is listed twice")]
    #[diagnostic(code(bfc::import::repeated_node), help("list each node once"))]
    RepeatedNode {
        /// The node.
        node: String,
        /// The file.
        #[source_code]
        text: Text,
        /// The second one.
        #[label("again here")]
        at: Option<SourceSpan>,
    },
    /// Another number of nodes than announced.
    #[error("{expected} nodes are announced, but the edges name {found}")]
    #[diagnostic(code(bfc::import::node_count), help("{help}"))]
    NodeCount {
        /// What is said.
        expected: u64,
        /// What there is.
        found: u64,
        /// What to do.
        help: &'static str,
        /// The file.
        text: Text,
    },
    /// A node outside the announced range.
    #[error("the node `{node}` is not one of {first} to {last}")]
    #[diagnostic(
        code(bfc::import::outside_nodes),
        help(
            "correct the number of nodes in the file, or give the range of their numbers, as in `--nodes 0..9`"
        )
    )]
    OutsideNodes {
        /// The node.
        node: String,
        /// The least number.
        first: u64,
        /// The largest number.
        last: u64,
        /// The file.
        #[source_code]
        text: Text,
        /// An edge of it.
        #[label("of this edge")]
        at: Option<SourceSpan>,
    },
    /// An edge with two weights.
    #[error("the edge from `{from}` to `{to}` has two weights")]
    #[diagnostic(
        code(bfc::import::repeated_edge),
        help("give each edge once, or import the edges alone: `--as adjacency`")
    )]
    RepeatedEdge {
        /// Its sender.
        from: String,
        /// Its receiver.
        to: String,
        /// The file.
        #[source_code]
        text: Text,
        /// The second one.
        #[label("again here")]
        at: Option<SourceSpan>,
    },
    /// Edges with and without weights.
    #[error("the edge from `{from}` to `{to}` has no weight, but others do")]
    #[diagnostic(
        code(bfc::import::mixed_weights),
        help("give all edges a weight, or import the edges alone: `--as adjacency`")
    )]
    MixedWeights {
        /// Its sender.
        from: String,
        /// Its receiver.
        to: String,
        /// The file.
        #[source_code]
        text: Text,
        /// The edge.
        #[label("no weight")]
        at: Option<SourceSpan>,
    },
    /// A file that can be read in two ways.
    #[error("`{name}` can be read in two ways: as {first}, or as {second}")]
    #[diagnostic(
        code(bfc::import::ambiguous),
        help("`{first_flag}` reads {first}, `{second_flag}` reads {second}")
    )]
    Ambiguous {
        /// One way.
        first: String,
        /// What selects it.
        first_flag: String,
        /// The other.
        second: String,
        /// What selects it.
        second_flag: String,
        /// The file.
        name: String,
    },
    /// A file without nodes.
    #[error("`{name}` has no nodes")]
    #[diagnostic(code(bfc::import::empty), help("`bfc help import` shows what can be imported"))]
    Empty {
        /// The file.
        name: String,
    },
    /// A file that does not follow its format.
    #[error("`{name}` is not {format}: {reason}")]
    #[diagnostic(
        code(bfc::import::malformed),
        help(
            "correct the file, or say what it is with `--kind`; `bfc help import` shows what can be imported"
        )
    )]
    Malformed {
        /// The file.
        name: String,
        /// The format.
        format: &'static str,
        /// Why.
        reason: String,
        /// The file.
        #[source_code]
        text: Text,
        /// Where.
        #[label("here")]
        at: Option<SourceSpan>,
    },
    /// A format that cannot be imported.
    #[error("`{name}` is {format}, which cannot be imported")]
    #[diagnostic(code(bfc::import::unknown_format), help("{write}"))]
    UnknownFormat {
        /// The file.
        name: String,
        /// Its format.
        format: &'static str,
        /// How to write it in one that is read.
        write: &'static str,
    },
    /// A file that is not text.
    #[error("`{name}` is not text in UTF-8: byte {byte}, in line {line}, is {found}")]
    #[diagnostic(
        code(bfc::import::not_text),
        help(
            "save the graph as text in UTF-8, for example with `iconv -f LATIN1 -t UTF-8`; a binary array must be a `.npy` file"
        )
    )]
    NotText {
        /// The file.
        name: String,
        /// Its first byte that is not.
        byte: usize,
        /// Its line, from 1.
        line: usize,
        /// What stands there.
        found: String,
    },
    /// A graph that is too large.
    #[error("the graph is too large: {found}, expected at most {limit}")]
    #[diagnostic(code(bfc::import::too_large), help("{help}"))]
    TooLarge {
        /// What there is.
        found: String,
        /// What may be.
        limit: String,
        /// What to do instead.
        help: &'static str,
    },
}

impl ImportError {
    /// That what stands at a place is not a number.
    pub fn not_a_number(found: &str, text: &Text, at: Option<SourceSpan>) -> Self {
        Self::NotANumber { found: found.chars().take(40).collect(), text: text.clone(), at }
    }
}
