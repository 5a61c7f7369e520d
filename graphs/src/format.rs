//! Bytes and the name of a file → its format, or why it is not read.

use crate::error::ImportError;
use crate::matrix_market::BANNER;
use crate::options::{Kind, Options};

/// How files in binary form begin: their format, and how to write it in one that is read.
const BINARY: [(&[u8], &str, &str); 7] = [
    (
        b"PK\x03\x04",
        "an archive, as `.npz` and `.xlsx` are",
        "save the array by itself, `numpy.save(\"W.npy\", W)`, or the sheet as CSV",
    ),
    (b"\x1f\x8b", "compressed", "decompress it with `gunzip`"),
    (b"BZh", "compressed", "decompress it with `bunzip2`"),
    (b"\xfd7zXZ", "compressed", "decompress it with `unxz`"),
    (b"\x28\xb5\x2f\xfd", "compressed", "decompress it with `unzstd`"),
    (b"\x89HDF", "HDF5", "save the matrix with NumPy, `numpy.save(\"W.npy\", W)`"),
    (
        b"MATLAB 5.0",
        "a MATLAB file",
        "write it as text, `writematrix(W, 'W.csv')`, or with SciPy, `scipy.io.mmwrite(\"W.mtx\", W)`",
    ),
];

/// Endings of files of graphs in other formats, and how to write them in one that is read.
const FOREIGN: [(&[&str], &str, &str); 5] = [
    (
        &["dot", "gv"],
        "Graphviz",
        "convert it to GML, `gv2gml graph.dot > graph.gml`; the tool is part of Graphviz",
    ),
    (
        &["net", "pajek"],
        "Pajek",
        "convert it to GraphML, `networkx.write_graphml(networkx.read_pajek(\"g.net\"), \"g.graphml\")`",
    ),
    (
        &["g6"],
        "graph6",
        "convert it to GraphML, `networkx.write_graphml(networkx.read_graph6(\"g.g6\"), \"g.graphml\")`",
    ),
    (
        &["s6"],
        "sparse6",
        "convert it to GraphML, `networkx.write_graphml(networkx.read_sparse6(\"g.s6\"), \"g.graphml\")`",
    ),
    (
        &["pkl", "pickle", "gpickle"],
        "a Python pickle",
        "write the graph as GraphML, `networkx.write_graphml(graph, \"graph.graphml\")`",
    ),
];

fn ending(name: &str) -> String {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    file.rsplit_once('.').map_or("", |(_, ending)| ending).to_lowercase()
}

/// Whether the file may be of a format that is read.
///
/// # Errors
/// It is known to be of another.
pub fn check(name: &str, bytes: &[u8], options: &Options) -> Result<(), ImportError> {
    let refuse = |format, write| Err(ImportError::UnknownFormat { name: name.to_string(), format, write });
    if let Some((_, format, write)) = BINARY.iter().find(|(magic, ..)| bytes.starts_with(magic)) {
        return refuse(format, write);
    }
    let ending = ending(name);
    match FOREIGN.iter().find(|(endings, ..)| endings.contains(&&*ending)) {
        Some((_, format, write)) if options.kind.is_none() => refuse(format, write),
        _ => Ok(()),
    }
}

/// The text of a file.
///
/// # Errors
/// It is not UTF-8, or holds a byte 0.
pub fn text(name: &str, bytes: Vec<u8>) -> Result<String, ImportError> {
    let invalid = std::str::from_utf8(&bytes).err().map(|error| error.valid_up_to());
    let zero = bytes.iter().position(|byte| *byte == 0);
    let first = [invalid, zero].into_iter().flatten().min();
    match first {
        None => Ok(String::from_utf8(bytes).unwrap_or_default()),
        Some(byte) => Err(ImportError::NotText {
            name: name.to_string(),
            byte,
            line: bytes[..byte].iter().filter(|byte| **byte == b'\n').count() + 1,
            found: format!("{:#04x}", bytes[byte]),
        }),
    }
}

/// The format of a document, by its beginning, else by the ending of its name; none for a table.
pub fn kind(name: &str, text: &str) -> Option<Kind> {
    let start = text.trim_start_matches('\u{feff}').trim_start();
    if start.starts_with(BANNER) {
        return Some(Kind::MatrixMarket);
    }
    if start.starts_with('<') {
        let mut root = start.match_indices('<').map(|(at, _)| &start[at + 1..]);
        let root = root.find(|rest| rest.starts_with(|letter: char| letter.is_alphabetic()));
        let is_gexf = root.is_some_and(|root| root.starts_with("gexf"));
        return Some(if is_gexf { Kind::Gexf } else { Kind::Graphml });
    }
    if start.starts_with('{') {
        return Some(Kind::NodeLink);
    }
    match ending(name).as_str() {
        "json" => Some(Kind::NodeLink),
        "graphml" | "xml" => Some(Kind::Graphml),
        "gexf" => Some(Kind::Gexf),
        "gml" => Some(Kind::Gml),
        "mtx" => Some(Kind::MatrixMarket),
        "adjlist" => Some(Kind::Adjacency),
        _ if is_gml(start) => Some(Kind::Gml),
        _ => None,
    }
}

/// Whether a text begins with `graph [`, perhaps below comments.
fn is_gml(text: &str) -> bool {
    let mut words = text.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace);
    matches!((words.next(), words.next()), (Some("graph"), Some("[")) | (Some("graph["), _))
}
