//! What can be wrong with a graph that is brought along.

use miette::{Diagnostic, NamedSource, SourceSpan};
use std::sync::Arc;
use thiserror::Error;

/// The file, for messages.
pub type Text = Arc<NamedSource<Arc<str>>>;

/// A graph that cannot be imported.
#[derive(Debug, Error, Diagnostic)]
pub enum ImportError {
    /// A row of a table has more or fewer fields than the first.
    #[error("line {line} has {found} fields, expected {expected}")]
    #[diagnostic(code(bfc::import::ragged_table), help("give every line as many fields as the first"))]
    RaggedTable {
        /// Line number, from 1.
        line: usize,
        /// Fields there.
        found: usize,
        /// Fields of the first line.
        expected: usize,
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
            "a matrix has a row and a column for each rank; an edge list has two columns, or three with weights"
        )
    )]
    NotSquare {
        /// Rows.
        rows: usize,
        /// Columns.
        columns: usize,
    },
    /// A weight or an entry that is not a decimal number.
    #[error("`{found}` is not a decimal number of moderate size")]
    #[diagnostic(
        code(bfc::import::not_a_number),
        help(
            "write a finite number such as `0.25` or `1e-3`, of at most 100 digits, with an exponent from -300 to 300; the first line of an edge list may name its columns, as in `source,target,weight`"
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
    },
    /// An edge with two weights.
    #[error("the edge from `{from}` to `{to}` has two weights")]
    #[diagnostic(
        code(bfc::import::repeated_edge),
        help("give each edge once, or import the edges alone: `--weights drop`")
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
    #[error("the edge from `{from}` to `{to}` has no weight, and others have one")]
    #[diagnostic(
        code(bfc::import::mixed_weights),
        help("give all edges a weight, or import the edges alone: `--weights drop`")
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
    #[error("the file can be read as {first} and as {second}")]
    #[diagnostic(code(bfc::import::ambiguous), help("{help}"))]
    Ambiguous {
        /// One way.
        first: &'static str,
        /// The other.
        second: &'static str,
        /// How to say which.
        help: &'static str,
    },
    /// Nothing in it.
    #[error("`{name}` holds no node")]
    #[diagnostic(code(bfc::import::empty), help("`bfc help import` shows what can be imported"))]
    Empty {
        /// The file.
        name: String,
    },
    /// Not of its format.
    #[error("`{name}` is not {format}: {reason}")]
    #[diagnostic(code(bfc::import::malformed), help("`bfc help import` shows what can be imported"))]
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
    /// A file of a format that is not read.
    #[error("`{name}` is {format}, which is not read")]
    #[diagnostic(
        code(bfc::import::unknown_format),
        help("{write}; `bfc help import` shows what else can be imported")
    )]
    UnknownFormat {
        /// The file.
        name: String,
        /// Its format.
        format: &'static str,
        /// How to write it in one that is read.
        write: &'static str,
    },
    /// More than a source may hold.
    #[error("the graph is too large: {found}, expected at most {limit}")]
    #[diagnostic(
        code(bfc::import::too_large),
        help("describe the graph by a rule; `bfc show topology::random_regular` shows a large one")
    )]
    TooLarge {
        /// What there is.
        found: String,
        /// What may be.
        limit: String,
    },
}
