//! Graphs as files have them → topologies of the language, and back: edge lists, matrices, adjacency lists, node-link JSON,
//! GraphML, GEXF, GML, Matrix Market and NumPy arrays. A reader looks at the whole file and says what it took it for; what
//! can be read in two ways is refused.

mod direction;
mod document;
mod error;
mod export;
mod format;
mod graph;
mod import;
mod matrix_market;
mod npy;
mod number;
mod options;
mod reading;
mod source;
mod table;
mod weights;

pub use error::{ImportError, Text};
pub use export::{ExportError, Output, export};
pub use graph::{Edge, Graph};
pub use import::{Import, import};
pub use number::Number;
pub use options::{Kind, Meaning, NodeRange, Normalise, Options, Separator, columns, comment};
pub use reading::Reading;
pub use source::{Source, source};

use document::Content;
use miette::NamedSource;
use std::sync::Arc;

/// The longest file that is read, in bytes.
pub const MAX_BYTES: u64 = 256 << 20;

/// A graph of a file.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The graph.
    pub graph: Graph,
    /// What the file was taken for.
    pub reading: Reading,
    /// The file, for messages.
    pub text: Text,
}

/// Reads a file of a graph; `name` is its name, whose ending may tell its format.
///
/// # Errors
/// It is no graph, or can be read in two ways.
pub fn read(name: &str, bytes: Vec<u8>, options: &Options) -> Result<Imported, ImportError> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err(ImportError::TooLarge {
            found: format!("more than {MAX_BYTES} bytes"),
            limit: format!("{MAX_BYTES} bytes"),
            help: graph::BY_RULE,
        });
    }
    format::check(name, &bytes, options)?;
    let is_called_array = options.kind.is_none() && name.ends_with(".npy");
    if options.kind == Some(Kind::Npy) || bytes.starts_with(npy::MAGIC) || is_called_array {
        let mut reading = Reading::new(Kind::Npy.name());
        reading.say("row i holds what rank i takes", "--transpose");
        let graph = npy::read(&bytes, name)?;
        let text: Text = Arc::new(NamedSource::new(name, Arc::from("")));
        return finish(graph, reading, text, options, true);
    }
    let content = format::text(name, bytes)?;
    let content: Arc<str> = Arc::from(content.strip_prefix('\u{feff}').unwrap_or(&content));
    let text: Text = Arc::new(NamedSource::new(name, content.clone()));
    let kind = options.kind.or_else(|| format::kind(name, &content));
    let content = content.as_ref();
    let mut reading = Reading::new(kind.map_or("", Kind::name));
    let (graph, numbers) = match kind {
        None | Some(Kind::Edges | Kind::Matrix | Kind::Adjacency | Kind::Npy) => {
            let options = &Options { kind, ..options.clone() };
            let (graph, reading) = table::read(content, &text, options)?;
            return finish(graph, reading, text, options, false);
        }
        Some(Kind::MatrixMarket) => matrix_market::read(content, &text, &mut reading)?,
        Some(kind) => {
            let found = document(kind, content, &text)?;
            let weighted = found.links.iter().any(|link| link.weight.is_some());
            (found.graph(&text, options, &mut reading)?, weighted)
        }
    };
    finish(graph, reading, text, options, numbers)
}

fn document(kind: Kind, content: &str, text: &Text) -> Result<Content, ImportError> {
    match kind {
        Kind::Graphml => document::graphml::read(content, text),
        Kind::Gexf => document::gexf::read(content, text),
        Kind::Gml => document::gml::read(content, text),
        _ => document::json::read(content, text),
    }
}

/// Turns edges round, and decides whether numbers are weights where that is not decided yet.
fn finish(
    mut graph: Graph,
    mut reading: Reading,
    text: Text,
    options: &Options,
    numbers: bool,
) -> Result<Imported, ImportError> {
    if graph.labels.is_empty() {
        return Err(ImportError::Empty { name: text.name().to_string() });
    }
    if options.transpose {
        graph.transpose();
        reading.say("transposed", None);
    }
    if numbers {
        table::weigh(&mut graph, options, &text, &mut reading)?;
    } else if options.meaning == Some(Meaning::Adjacency) {
        graph.drop_weights();
    }
    if let Some((count, double, fraction)) = graph.restore_fractions() {
        let (double, fraction) = (double.text(), fraction.text());
        reading.notes.push(format!(
            "{count} weights are the doubles nearest to simple fractions and are read as these, such as {double} as {fraction}"
        ));
    }
    Ok(Imported { graph, reading, text })
}
