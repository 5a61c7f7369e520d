//! What the tests of graphs share.

use bfc_graphs::{ImportError, Imported, Kind, Meaning, NodeRange, Options, Separator, read};

/// Options by the words of the command line.
pub fn options(flags: &str) -> Options {
    let mut options = Options::default();
    let mut words = flags.split_whitespace();
    while let Some(flag) = words.next() {
        let mut value = || words.next().expect("a value");
        match flag {
            "--kind" => {
                let word = value();
                options.kind = Kind::ALL.iter().find(|(known, _)| *known == word).map(|(_, kind)| *kind);
            }
            "--separator" => {
                let word = value();
                options.separator =
                    Separator::ALL.iter().find(|(known, _)| *known == word).map(|(_, one)| *one);
            }
            "--comment" => {
                options.comment =
                    Some(Some(value()).filter(|word| *word != "none").and_then(|word| word.chars().next()))
            }
            "--heading" => options.heading = Some(true),
            "--heading=no" => options.heading = Some(false),
            "--directed" => options.directed = Some(true),
            "--directed=no" => options.directed = Some(false),
            "--columns" => {
                let columns = value().trim_matches('"').split(',');
                options.columns = Some(columns.map(str::to_string).collect());
            }
            "--nodes" => options.nodes = NodeRange::parse(value()).ok(),
            "--as" => {
                let weights = value() == "weights";
                options.meaning = Some(if weights { Meaning::Weights } else { Meaning::Adjacency });
            }
            "--transpose" => options.transpose = true,
            _ => panic!("no flag {flag}"),
        }
    }
    options
}

/// A file read with flags.
pub fn import(name: &str, content: &[u8], flags: &str) -> Result<Imported, ImportError> {
    read(name, content.to_vec(), &options(flags))
}

/// The names of nodes, then the edges between them in the order of the file: `a b c: a--b b->c 0.5`.
pub fn shown(imported: &Imported) -> String {
    let graph = &imported.graph;
    let edge = |edge: &bfc_graphs::Edge| {
        let arrow = if edge.both_ways { "--" } else { "->" };
        let weight = edge.weight.as_ref().map(|weight| format!(" {}", weight.text())).unwrap_or_default();
        format!("{}{arrow}{}{weight}", graph.labels[edge.from], graph.labels[edge.to])
    };
    let edges: Vec<String> = graph.edges.iter().map(edge).collect();
    format!("{}: {}", graph.labels.join(" "), edges.join(", "))
}

/// The last word of the code of an error.
pub fn code(error: &ImportError) -> String {
    let code = miette::Diagnostic::code(error).expect("a code").to_string();
    code.replace("bfc::import::", "")
}
