//! `bfc import`: graphs of files become topologies with the matrices that they describe.

use crate::common::{bfc, codes, files, json, stdout};
use serde_json::Value;

/// Imports a file and compiles it; its mixing matrix, row by row.
fn matrix(name: &str, content: &str, flags: &[&str]) -> Vec<Vec<f64>> {
    let (_directory, path) = files(&[(name, content.as_bytes())]);
    let (graph, source, schedule) = (path(name), path("imported.bf"), path("sched.bin"));
    let document = json(&[&["import", &graph, "-o", &source], flags].concat());
    let size = document["size"].to_string();
    bfc(&["fmt", "--check", &source]).assert().code(0);
    bfc(&["compile", &source, "--size", &size, "-o", &schedule, "--allow", "requirement_refuted"])
        .assert()
        .code(0);
    let shown = json(&["inspect", &schedule]);
    let ranks = shown["topologies"][0]["phases"][0]["ranks"].as_array().expect("ranks").clone();
    let row = |(rank, row): (usize, &Value)| {
        let mut entries = vec![0.0; ranks.len()];
        entries[rank] = row["self_weight"].as_f64().expect("a number");
        for (source, weight) in row["in_weights"].as_object().expect("weights") {
            entries[source.parse::<usize>().expect("a rank")] = weight.as_f64().expect("a number");
        }
        entries
    };
    ranks.iter().enumerate().map(row).collect()
}

fn refused(name: &str, content: &[u8], flags: &[&str]) -> Vec<String> {
    let (_directory, path) = files(&[(name, content)]);
    let graph = path(name);
    codes(&[&["import", &graph], flags].concat(), 1)
        .iter()
        .map(|code| code.replace("bfc::import::", ""))
        .collect()
}

const PATH: [[f64; 3]; 3] = [[2.0 / 3.0, 1.0 / 3.0, 0.0], [1.0 / 3.0; 3], [0.0, 1.0 / 3.0, 2.0 / 3.0]];

#[test]
fn a_path_is_the_same_in_every_format() {
    for (name, content) in [
        ("g.csv", "0,1\n1,2\n0,1\n"),
        ("g.csv", "source,target\r\n0,1\r\n1,2\r\n"),
        ("g.csv", "\u{feff}# comment\n\n\"a, b\",c\nc,d\n"),
        ("g.edgelist", "0 1 {}\n1 2 {}\n"),
        ("g.edgelist", "(0, 0) (0, 1) {}\n(0, 1) (1, 1) {}\n"),
        ("g.tsv", "x\ty\ny\tz"),
        ("g.csv", "u;v\n0;1\n1;2;\n"),
        ("g.csv", ",x,y,z\nx,0,1,0\ny,1,0,1\nz,0,1,0\n"),
        (
            "g.json",
            r#"{"directed": false, "nodes": [{"id": 0}, {"id": 1}, {"id": 2}], "links": [{"source": 0, "target": 1}, {"source": 2, "target": 1}]}"#,
        ),
        (
            "g",
            r#"{"nodes": [{"id": "a"}, {"id": "b"}, {"id": "c"}], "edges": [{"source": "b", "target": "a"}, {"source": "c", "target": "b"}]}"#,
        ),
        (
            "g.graphml",
            r#"<?xml version='1.0'?><graphml xmlns="http://graphml.graphdrawing.org/xmlns"><graph edgedefault="undirected"><node id="a"/><node id="b"/><node id="c"/><edge source="a" target="b"/><edge source="b" target="c"/></graph></graphml>"#,
        ),
    ] {
        let found = matrix(name, content, &[]);
        let close = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-15;
        assert!(
            found.len() == 3 && found.iter().flatten().zip(PATH.as_flattened()).all(close),
            "{content}: {found:?}"
        );
    }
    let found = matrix("m.csv", "0,1,0\n1,0,1\n0,1,0\n", &["--kind", "matrix"]);
    assert_eq!(found.len(), 3);
}

#[test]
fn numbers_of_json_are_taken_as_they_are_written() {
    let graph = r#"{"directed": true, "nodes": [{"id": 18446744073709551615}, {"id": "\"1"}], "links": [
        {"source": 18446744073709551615, "target": "\"1", "weight": 0.100000000000000000001}]}"#;
    let (_directory, path) = files(&[("g.json", graph.as_bytes())]);
    let source = stdout(&["import", &path("g.json")]);
    assert!(
        source.contains("0.100000000000000000001") && source.contains("18446744073709551615"),
        "{source}"
    );
}

#[test]
fn weights_and_directions_are_kept() {
    let weights = "0.5,0.25,0.25\n0.1,0.9,0\n0,1e-3,0.999\n";
    let expected = vec![vec![0.5, 0.25, 0.25], vec![0.1, 0.9, 0.0], vec![0.0, 0.001, 0.999]];
    assert_eq!(matrix("w.csv", weights, &["--kind", "matrix"]), expected);
    let transposed = matrix("w.csv", weights, &["--kind", "matrix", "--transpose"]);
    assert_eq!((transposed[1][0], transposed[0][1], transposed[2][0]), (0.25, 0.1, 0.25));
    let edges = "0,1,0.1\n1,0,0.25\n2,0,0.25\n1,2,1e-3\n";
    assert_eq!(matrix("e.csv", edges, &["--kind", "edges", "--directed"]), expected);
    let networkx =
        "0 1 {'weight': 0.1}\n1 0 {'weight': 0.25}\n2 0 {'weight': 0.25, 'x': 1}\n1 2 {'weight': 1e-3}\n";
    assert_eq!(matrix("e.txt", networkx, &["--directed"]), expected);
    let graphml = r#"<graphml><key id="d" for="edge" attr.name="weight" attr.type="double"/><graph edgedefault="directed">
        <node id="0"/><node id="1"/><node id="2"/>
        <edge source="0" target="1"><data key="d">0.1</data></edge><edge source="1" target="0"><data key="d">0.25</data></edge>
        <edge source="2" target="0"><data key="d">0.25</data></edge><edge source="1" target="2"><data key="d">1e-3</data></edge>
        </graph></graphml>"#;
    assert_eq!(matrix("e.graphml", graphml, &[]), expected);
    let json = r#"{"directed": true, "nodes": [{"id": 0}, {"id": 1}, {"id": 2}], "links": [
        {"source": 0, "target": 1, "weight": 0.1}, {"source": 1, "target": 0, "weight": 0.25},
        {"source": 2, "target": 0, "weight": 0.25}, {"source": 1, "target": 2, "weight": 0.001}]}"#;
    assert_eq!(matrix("e.json", json, &[]), expected);
    let unlike_one = matrix("w.csv", "0.5,0.25,0,0\n0.5,0.75,0,0\n0,0,1,0\n0,0,0,1\n", &[]);
    assert_eq!(
        (unlike_one[0][0], unlike_one[1][1]),
        (0.5, 0.75),
        "rows that do not sum to 1 keep their diagonal"
    );
}

/// A 0 on the diagonal is a weight; what a row leaves belongs to ranks that have none.
#[test]
fn zeros_on_the_diagonal_are_kept() {
    let weights = "0,0.5,0.5\n0.25,0,0.25\n0.5,0.5,0\n";
    let expected = vec![vec![0.0, 0.5, 0.5], vec![0.25, 0.0, 0.25], vec![0.5, 0.5, 0.0]];
    assert_eq!(matrix("w.csv", weights, &["--kind", "matrix"]), expected);
    let (_directory, path) = files(&[("w.csv", weights.as_bytes())]);
    let document = json(&["import", &path("w.csv"), "--kind", "matrix"]);
    assert!(document["warnings"][0].as_str().is_some_and(|text| text.contains("sum to 0.500000")));
    let ones = "0,1,1\n1,0,1\n1,1,0\n";
    let kept = matrix("w.csv", ones, &["--kind", "matrix", "--as", "weights"]);
    assert_eq!(kept, [[0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 0.0]]);
    let edges = matrix("w.csv", ones, &["--kind", "matrix"]);
    assert!(edges.iter().flatten().all(|weight| (weight - 1.0 / 3.0).abs() < 1e-15), "{edges:?}");
}

#[test]
fn decimals_are_written_as_they_stand() {
    let (_directory, path) = files(&[("e.csv", b"a,b,0.1000000000000000000000001\nb,c,-.5e-2\n")]);
    let source = stdout(&["import", &path("e.csv"), "--kind", "edges"]);
    assert!(source.contains("0.1000000000000000000000001") && source.contains("-0.5e-2"), "{source}");
    assert!(source.contains("    names [\n        \"a\", \"b\", \"c\"\n    ]\n"), "{source}");
    assert!(
        source.contains("[0, 1, 0.1000000000000000000000001], [1, 2, -0.5e-2]")
            && source.contains("i -- j weight w")
    );
    let dropped = stdout(&["import", &path("e.csv"), "--as", "adjacency"]);
    assert!(dropped.contains("[0, 1], [1, 2]") && dropped.contains("weights metropolis"), "{dropped}");
}

#[test]
fn names_and_labels_are_made_to_fit() {
    let (directory, path) = files(&[
        ("9-let's.csv", "\u{202e}a,b\u{7}\nb\u{7},*/ topology\n".as_bytes()),
        ("let.csv", b"0,1\n1,2\n0,1\n"),
    ]);
    for name in ["9-let's.csv", "let.csv"] {
        let source = stdout(&["import", &path(name)]);
        assert!(source.contains("topology graph_"), "{source}");
        std::fs::write(path("out.bf"), &source).expect("written");
        bfc(&["check", &path("out.bf"), "--size", "3"]).assert().code(0);
    }
    assert_eq!(codes(&["import", &path("let.csv"), "-o", &path("out.bf")], 2), ["bfc::cli::file_exists"]);
    assert_eq!(std::fs::read_dir(directory.path()).expect("listed").count(), 3);
    bfc(&["import", "-"]).write_stdin("a,b\n").assert().code(0);
}

/// Each kind of refusal has its cases in the tests of reading; here, that a refused file leaves nothing behind.
#[test]
fn what_is_refused_is_not_written() {
    for (name, content) in [("g.csv", &b"0,1\n1\n"[..]), ("g.csv", b"0,\xff\n"), ("g.graphml", b"<graphml>")]
    {
        let (directory, path) = files(&[(name, content)]);
        codes(&["import", &path(name), "-o", &path("g.bf")], 1);
        assert_eq!(std::fs::read_dir(directory.path()).expect("listed").count(), 1, "{name}");
    }
    let (_directory, path) = files(&[]);
    assert_eq!(codes(&["import", &path("no.csv")], 2), ["bfc::cli::missing_file"]);
}

#[test]
fn large_and_deep_files_end_quickly() {
    let long: String = (0..400_000).map(|k| format!("{k},{}\n", k + 1)).collect();
    assert_eq!(refused("g.csv", long.as_bytes(), &[]), ["too_large"]);
    assert_eq!(refused("g.json", &b"[".repeat(1_000_000), &[]), ["malformed"]);
    let deep = "<graphml>".to_string() + &"<a>".repeat(200_000) + &"</a>".repeat(200_000) + "</graphml>";
    assert_eq!(refused("g.graphml", deep.as_bytes(), &[]), ["malformed"]);
    let labels = "é".repeat(100_000);
    let (_directory, path) = files(&[("g.csv", format!("{labels},b\n").as_bytes())]);
    assert!(stdout(&["import", &path("g.csv")]).len() < 2000);
}

#[test]
fn weights_that_average_nothing_are_told() {
    let counts = "a,b,4\na,c,5\nb,c,3\n";
    let signed = "1,-0.5,-0.5\n-0.5,1,-0.5\n-0.5,-0.5,1\n";
    let averages = "0.5,0.5,0\n0.25,0.5,0.25\n0,0.5,0.5\n";
    let sums = "0.5,0.5,0.25\n0.25,0.5,0.25\n0.25,0,0.5\n";
    let fast = "-0.2,0.6,0.6\n0.6,-0.2,0.6\n0.6,0.6,-0.2\n";
    for (content, flags, warned) in [
        (counts, &[][..], true),
        (counts, &["--as", "adjacency"], false),
        (signed, &["--kind", "matrix"], true),
        (averages, &["--kind", "matrix"], false),
        (sums, &["--kind", "matrix"], false),
        (fast, &["--kind", "matrix"], false),
    ] {
        let (_directory, path) = files(&[("g.csv", content.as_bytes())]);
        let graph = path("g.csv");
        let arguments = [&["import", &graph], flags].concat();
        let warnings = json(&arguments)["warnings"].as_array().expect("warnings").clone();
        assert_eq!(!warnings.is_empty(), warned, "{content}: {warnings:?}");
        let told = bfc(&arguments).assert().code(0).get_output().stderr.clone();
        assert_eq!(String::from_utf8_lossy(&told).contains("warning: "), warned, "{content}");
    }
}

/// The edges of a large graph are kept beside its source, and not in its place.
#[test]
fn edges_never_take_the_place_of_the_source() {
    let ring: String = (0..10_001).map(|i| format!("{i},{}\n", (i + 1) % 10_001)).collect();
    let (_directory, path) = files(&[("ring.csv", ring.as_bytes())]);
    let source = path("ring.edges");
    bfc(&["import", &path("ring.csv"), "-o", &source]).assert().code(0);
    let text = std::fs::read_to_string(&source).expect("written");
    assert!(text.contains("edges from \"ring.list.edges\""), "{text}");
    assert!(std::fs::read_to_string(path("ring.list.edges")).expect("written").starts_with("graph 10001\n"));
}
