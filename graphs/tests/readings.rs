//! What a file is taken for: by the whole of it, in one line, or refused with both ways to read it.

use crate::common::{code, import, shown};
use bfc_graphs::ImportError;

#[test]
fn tables_are_read_as_a_whole() {
    for (content, flags, expected) in [
        // A heading is one by what stands below it.
        ("node_1,node_2\n0,1\n1,2\n", "", "0 1 2: 0--1, 1--2"),
        ("Stadt,Nachbar,Anteil\nBonn,Hof,0.5\n", "", "Bonn Hof: Bonn--Hof 0.5"),
        ("u,v\nv,w\n", "--heading=no", "u v w: u--v, v--w"),
        ("u,v\nv,w\n", "--heading", "v w: v--w"),
        ("a,b\nb,c\n", "", "a b c: a--b, b--c"),
        // Labels with the mark of a comment.
        ("#a b\nb c\nc d\n", "--comment none", "#a b c d: #a--b, b--c, c--d"),
        ("#a b\nb c\nc d\n", "--comment #", "b c d: b--c, c--d"),
        ("# a b\nb c\nc d\n", "", "b c d: b--c, c--d"),
        ("#source target\nb c\nc d\n", "", "b c d: b--c, c--d"),
        // Labelled matrices, with rows in any order.
        (",x,y,z\nx,0,1,0\ny,1,0,1\nz,0,1,0\n", "", "x y z: y->x, x->y, z->y, y->z"),
        (",x,y,z\nz,0,1,0\nx,0,1,0\ny,1,0,1\n", "", "x y z: y->z, y->x, x->y, z->y"),
        ("node,x,y\ny,0.5,0.25\nx,0.75,0\n", "", "x y: x->y 0.5, y->y 0.25, x->x 0.75"),
        ("x y z\nz 0 1 0\nx 0 1 0\ny 1 0 1\n", "", "x y z: y->z, y->x, x->y, z->y"),
        ("A,B,C\n0,1,0\n1,0,1\n0,1,0\n", "--kind matrix", "A B C: B->A, A->B, C->B, B->C"),
        ("A,B,C\n0,1,2\n1,2,3\n2,0,4\n", "--kind edges", "0 1 2: 0--1 2, 1--2 3, 2--0 4"),
        ("a 0 1 0\nb 1 0 1\nc 0 1 0\n", "", "a b c: b->a, a->b, c->b, b->c"),
        (
            "0.5,0.5,0\n0.25,0.5,0.25\n0,0.5,0.5\n",
            "",
            "0 1 2: 0->0 0.5, 1->0 0.5, 0->1 0.25, 1->1 0.5, 2->1 0.25, 1->2 0.5, 2->2 0.5",
        ),
        // Separators are those that all lines have.
        ("Port,North Quay {}\nQuay Mill {}\n", "", "Port,North Quay Mill: Port,North--Quay, Quay--Mill"),
        (
            "North Quay,Old Mill\nOld Mill,Port\n",
            "",
            "North Quay Old Mill Port: North Quay--Old Mill, Old Mill--Port",
        ),
        ("a, b\nb, c\n", "", "a b c: a--b, b--c"),
        ("a\tb c\nb c\td\n", "", "a b c d: a--b c, b c--d"),
        ("a|b|0.5\nb|c|0.25\n", "", "a b c: a--b 0.5, b--c 0.25"),
        ("0;1;2\n1;2;3\n", "", "0 1 2: 0--1 2, 1--2 3"),
        (
            "(0, 0) (0, 1) {'weight': 0.5}\n(0, 1) (1, 1) {'weight': 1e-3}\n",
            "",
            "(0, 0) (0, 1) (1, 1): (0, 0)--(0, 1) 0.5, (0, 1)--(1, 1) 1e-3",
        ),
        // A number of nodes, and nodes without edges.
        ("4\n0 1\n1 2\n", "", "0 1 2 3: 0--1, 1--2"),
        ("4\n0,1\n1,2\n", "", "0 1 2 3: 0--1, 1--2"),
        ("4 2\n0 1\n1 2\n", "--heading", "0 1 2 3: 0--1, 1--2"),
        ("4 2\n0 1\n1 2\n", "--heading=no", "0 1 2 4: 4--2, 0--1, 1--2"),
        ("4 2\n0 1 0.5\n1 2 0.5\n", "", "0 1 2 3: 0--1 0.5, 1--2 0.5"),
        ("1 2\n2 3\n", "--nodes 1..5", "1 2 3 4 5: 1--2, 2--3"),
        ("1 2\n2 5\n", "--nodes 5", "1 2 3 4 5: 1--2, 2--5"),
        ("3 1\n1 2\n", "--kind edges --heading=no", "1 2 3: 3--1, 1--2"),
        // Columns by their names.
        (
            "Source,Target,Type,Weight\na,b,Directed,0.5\nb,c,Undirected,0.25\n",
            "",
            "a b c: a->b 0.5, b--c 0.25",
        ),
        ("Id,Source,Target,Label\n1,a,b,x\n2,b,c,y\n", "", "a b c: a--b, b--c"),
        ("source,target,color\na,b,red\nb,c,blue\n", "", "a b c: a--b, b--c"),
        ("a,b,red\nb,c,blue\n", "--columns 1,2", "a b c: a--b, b--c"),
        ("when,a,b,share\n3,x,y,0.5\n4,y,z,0.25\n", "--columns a,b,share", "x y z: x--y 0.5, y--z 0.25"),
        ("3,x,y\n4,y,z\n", "--columns 2,3", "x y z: x--y, y--z"),
        // Directions.
        ("0,1\n1,0\n0,2\n2,0\n", "", "0 1 2: 0--1, 1--0, 0--2, 2--0"),
        ("0,1,0.5\n1,0,0.25\n1,2,0.5\n2,3,0.5\n", "", "0 1 2 3: 0->1 0.5, 1->0 0.25, 1->2 0.5, 2->3 0.5"),
        ("a,b\nb,c\n", "--directed", "a b c: a->b, b->c"),
        // Adjacency lists.
        ("a b c\nb c\nc\nd\n", "--kind adjacency", "a b c d: a--b, a--c, b--c"),
        ("0: 1 2\n1: 2\n", "--kind adjacency --directed", "0 1 2: 0->1, 0->2, 1->2"),
        ("0,1\n1\n3\n", "--kind adjacency --nodes 5", "0 1 2 3 4: 0--1"),
        // Numbers.
        ("a,b,1\nb,c,1\nc,a,1\n", "", "a b c: a--b, b--c, c--a"),
        ("0 1 0 0\n0 0 1 0\n0 0 0 1\n1 0 0 0\n", "--as weights", "0 1 2 3: 1->0 1, 2->1 1, 3->2 1, 0->3 1"),
        (
            "0 1 0 0\n0 0 1 0\n0 0 0 1\n1 0 0 0\n",
            "--as adjacency --transpose",
            "0 1 2 3: 0->1, 1->2, 2->3, 3->0",
        ),
    ] {
        let imported = import("g.txt", content.as_bytes(), flags);
        let imported = imported.unwrap_or_else(|error| panic!("{content:?} {flags}: {error}"));
        assert_eq!(shown(&imported), expected, "{content:?} {flags}");
    }
}

/// Each of two ways is named with the flag that selects it, and with either flag the file is read, to different graphs.
#[test]
fn two_readings_are_refused_with_both_shown() {
    for content in [
        "u,v\nv,w\n",
        "Stadt,Nachbar\nBonn,Hof\nHof,Ulm\n",
        "#a b\nb c\nc d\n",
        "A,B,C\n0,1,0\n1,0,1\n0,1,0\n",
        "0,1,0\n1,0,1\n0,1,0\n",
        "0,1\n1,0\n",
        "4 2\n0 1\n1 2\n",
        "0;1;0,5\n1;2;0,5\n",
        "0 1,1 2\n1 2,2 3\n",
        "5\n1 2\n2 3\n",
        "0,1\n1,0\n0,2\n",
        "0 1 0 0\n0 0 1 0\n0 0 0 1\n1 0 0 0\n",
    ] {
        let error =
            import("g.txt", content.as_bytes(), "").err().unwrap_or_else(|| panic!("{content:?} is read"));
        let ImportError::Ambiguous { first_flag, second_flag, first, second, .. } = &error else {
            panic!("{content:?}: {error}")
        };
        assert!(!first.is_empty() && first != second, "{error}");
        let read = |flag: &str| import("g.txt", content.as_bytes(), flag).map(|imported| shown(&imported));
        let (first, second) = (read(first_flag), read(second_flag));
        // What decimal commas leave of a table is no weight, and may be two graphs once more.
        let is_open = |result: &Result<String, ImportError>| match result {
            Ok(_) => false,
            Err(ImportError::Ambiguous { .. } | ImportError::NotANumber { .. }) => true,
            Err(error) => panic!("{content:?}: {error}"),
        };
        assert!(
            is_open(&first) || is_open(&second) || first.unwrap() != second.unwrap(),
            "{content:?}: {error}"
        );
    }
}

#[test]
fn a_line_says_what_a_file_was_taken_for() {
    for (name, content, expected) in [
        (
            "g.csv",
            "node_1,node_2\n0,1\n1,2\n",
            "read as an edge list: separated by commas (--separator), heading `node_1 node_2` (--heading=no), columns 1 and 2 \
             (--columns), undirected (--directed), no weights (--columns), 3 nodes (--nodes)",
        ),
        (
            "g.csv",
            "0.5 0.5\n0.5 0.5\n",
            "read as a matrix: separated by blanks (--separator), no heading (--heading), row i holds what rank i takes \
             (--transpose), numbers are weights (--as adjacency), 2 nodes",
        ),
        (
            "g.gml",
            "graph [ directed 1 node [ id 0 ] node [ id 1 ] edge [ source 0 target 1 ] ]",
            "read as GML: directed (--directed=no)",
        ),
    ] {
        let imported =
            import(name, content.as_bytes(), "").unwrap_or_else(|error| panic!("{content}: {error}"));
        assert_eq!(imported.reading.to_string(), expected);
    }
}

#[test]
fn headers_are_believed() {
    let snap = "# Directed graph (each unordered pair of nodes is saved once): x.txt\n# Nodes: 3 Edges: 2\n\
                # FromNodeId\tToNodeId\n3\t5\n5\t9\n";
    assert_eq!(shown(&import("x.txt", snap.as_bytes(), "").unwrap()), "3 5 9: 3->5, 5->9");
    let undirected = snap.replace("Directed", "Undirected").replace("Edges: 2", "Edges: 7");
    let imported = import("x.txt", undirected.as_bytes(), "").unwrap();
    assert_eq!(shown(&imported), "3 5 9: 3--5, 5--9");
    assert_eq!(imported.reading.notes, ["its header counts 7 edges, and 2 were found"]);
    let konect = "% asym posweighted\n% 2 4 4\n1 2 3 1082040961\n2 3 1 1082040961\n";
    assert_eq!(shown(&import("out.x", konect.as_bytes(), "").unwrap()), "1 2 3 4: 1->2 3, 2->3 1");
    let plain = "% sym unweighted\n1\t2\n2\t3\n";
    assert_eq!(shown(&import("out.x", plain.as_bytes(), "").unwrap()), "1 2 3: 1--2, 2--3");
    let sides = "% bip unweighted\n% 3 2 2\n1 1\n1 2\n2 2\n";
    assert_eq!(
        shown(&import("out.x", sides.as_bytes(), "").unwrap()),
        "left 1 left 2 right 1 right 2: left 1--right 1, left 1--right 2, left 2--right 2"
    );
}

#[test]
fn documents_have_directions_weights_and_names() {
    let gml = "Creator \"x\"\ngraph [\n directed 0\n node [ id 1 label \"Port\" ]\n node [ id 0 label \"North &amp; Quay\" ]\n\
               edge [ source 0 target 1 weight 0.5 graphics [ width 1.0 ] ]\n]\n";
    assert_eq!(
        shown(&import("g.gml", gml.as_bytes(), "").unwrap()),
        "North & Quay Port: North & Quay--Port 0.5"
    );
    let parallel = "graph [ multigraph 1 node [ id 0 label \"a\" ] node [ id 1 label \"a\" ]\n\
                    edge [ source 0 target 1 key 0 ] edge [ source 0 target 1 key 1 ] ]";
    assert_eq!(shown(&import("g", parallel.as_bytes(), "").unwrap()), "0 1: 0--1, 0--1");
    let gexf = r#"<?xml version="1.0"?><!-- x --><gexf xmlns="http://www.gexf.net/1.2draft"><graph defaultedgetype="directed">
        <nodes><node id="0" label="a"/><node id="1" label="b"/></nodes>
        <edges><edge id="0" source="0" target="1" weight="0.25"/><edge id="1" source="1" target="0" weight="0.5" type="undirected"/></edges>
        </graph></gexf>"#;
    assert_eq!(shown(&import("g.gexf", gexf.as_bytes(), "").unwrap()), "a b: a->b 0.25, b--a 0.5");
    let graphml = r#"<graphml><key id="l" for="node" attr.name="label"/><graph edgedefault="undirected">
        <node id="n0"><data key="l">Port</data></node><node id="n1"><data key="l">Quay</data></node>
        <edge source="n0" target="n1"/></graph></graphml>"#;
    assert_eq!(shown(&import("g.graphml", graphml.as_bytes(), "").unwrap()), "Port Quay: Port--Quay");
    let directed = import("g.graphml", graphml.as_bytes(), "--directed").unwrap();
    let default = r#"<graphml><key id="w" for="edge" attr.name="weight"><default>0.5</default></key><graph>
        <node id="a"/><node id="b"/><node id="c"/><edge source="a" target="b"/>
        <edge source="b" target="c"><data key="w">1/3</data></edge></graph></graphml>"#;
    assert_eq!(shown(&import("g.graphml", default.as_bytes(), "").unwrap()), "a b c: a--b 0.5, b--c 1/3");
    assert_eq!(shown(&directed), "Port Quay: Port->Quay");
    let mtx =
        "%%MatrixMarket matrix coordinate real symmetric\n% c\n3 3 4\n1 1 0.5\n2 1 0.5\n3 2 5e-1\n3 3 .5\n";
    assert_eq!(
        shown(&import("w.mtx", mtx.as_bytes(), "").unwrap()),
        "0 1 2: 0--0 0.5, 0--1 0.5, 1--2 5e-1, 2--2 0.5"
    );
    let pattern = "%%MatrixMarket matrix coordinate pattern general\n2 2 1\n1 2\n";
    assert_eq!(shown(&import("w.mtx", pattern.as_bytes(), "").unwrap()), "0 1: 1->0");
    let array = "%%MatrixMarket matrix array real general\n2 2\n0.5\n0.25\n0.5\n0.75\n";
    assert_eq!(
        shown(&import("w", array.as_bytes(), "").unwrap()),
        "0 1: 0->0 0.5, 0->1 0.25, 1->0 0.5, 1->1 0.75"
    );
}

/// An array as `numpy.save` writes it.
fn npy(descr: &str, fortran: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    let padded = header.len().next_multiple_of(64) as u16;
    bytes.extend(padded.to_le_bytes());
    bytes.extend(format!("{header:<width$}", width = usize::from(padded)).bytes());
    bytes.extend(data);
    bytes
}

#[test]
fn arrays_keep_the_digits_of_their_precision() {
    let third = 1.0f32 / 3.0;
    let single: Vec<u8> = [third, 0.0, 0.25, 1e-10].into_iter().flat_map(f32::to_le_bytes).collect();
    let shown = |bytes: &[u8]| import("w.npy", bytes, "").map(|imported| shown(&imported));
    assert_eq!(
        shown(&npy("<f4", "False", "(2, 2)", &single)).unwrap(),
        "0 1: 0->0 0.33333334, 0->1 0.25, 1->1 1e-10"
    );
    let double: Vec<u8> = [0.5f64, 0.1, 0.5, 0.9].into_iter().flat_map(f64::to_be_bytes).collect();
    assert_eq!(
        shown(&npy(">f8", "True", "(2, 2)", &double)).unwrap(),
        "0 1: 0->0 0.5, 0->1 0.1, 1->0 0.5, 1->1 0.9"
    );
    assert_eq!(shown(&npy("|b1", "False", "(2, 2)", &[0, 1, 0, 0])).unwrap(), "0 1: 1->0");
    assert_eq!(shown(&npy("|i1", "False", "(2, 2)", &[0, 255, 2, 0])).unwrap(), "0 1: 1->0 -1, 0->1 2");
    for (bits, digits) in [
        (0xb800u16, "-0.5"),
        (0x2e66, "0.1"),
        (0x3555, "0.3333"),
        (0x3c01, "1.001"),
        (0x0001, "6e-8"),
        (0x03ff, "6.1e-5"),
        (0x0400, "6.104e-5"),
        (0x7bff, "65500.0"),
    ] {
        let half = npy("<f2", "False", "(1, 1)", &bits.to_le_bytes());
        assert_eq!(shown(&half).unwrap(), format!("0: 0->0 {digits}"));
    }
    let thirds: Vec<u8> =
        [1.0f64 / 3.0, 2.0 / 3.0, 0.5, 0.5].into_iter().flat_map(f64::to_le_bytes).collect();
    let doubles = import("w.npy", &npy("<f8", "False", "(2, 2)", &thirds), "").unwrap();
    assert!(doubles.reading.notes[0].contains("0.3333333333333333 as 1/3"), "{:?}", doubles.reading.notes);
    assert!(
        doubles
            .graph
            .edges
            .iter()
            .any(|edge| edge.weight.as_ref().is_some_and(|weight| weight.text() == "2/3"))
    );
    for (bytes, expected) in [
        (npy("<f8", "False", "(2, 3)", &[0; 48]), "not_square"),
        (npy("<f8", "False", "(2,)", &[0; 16]), "unread_array"),
        (npy("<f8", "False", "()", &[0; 8]), "unread_array"),
        (npy("<f8", "False", "(2, x, 2)", &[0; 32]), "unread_array"),
        (npy("<f2", "False", "(1, 1)", &[0x00, 0x7c]), "not_finite"),
        (npy("<c16", "False", "(1, 1)", &[0; 16]), "unread_array"),
        (npy("|O", "False", "(1, 1)", &[0; 16]), "unread_array"),
        (npy("<f8", "False", "(2, 2)", &[0; 31]), "unread_array"),
        (npy("<f8", "False", "(99999999, 99999999)", &[0; 8]), "too_large"),
        (npy("<f8", "False", "(1, 1)", &f64::NAN.to_le_bytes()), "not_finite"),
        (npy("<f8", "False", "(0, 0)", &[]), "empty"),
        (b"\x93NUMPY\x01".to_vec(), "unread_array"),
        (b"\x93NUMPY\x07\x00\xff\xff".to_vec(), "unread_array"),
    ] {
        assert_eq!(code(&import("w.npy", &bytes, "").unwrap_err()), expected);
    }
}

/// Each with a code, and a remedy that names a flag or a command.
#[test]
fn what_is_no_graph_is_refused_with_a_remedy() {
    for (name, content, expected) in [
        ("g.csv", "a,b\nb,c,d\n", "ragged_table"),
        ("g.txt", "a b\nc\n", "ragged_table"),
        ("g.csv", "1,2,3,4\n1,2,3,4\n", "unknown_columns"),
        ("g.csv", "A,B,C,D\nx,y,3,4\nz,x,3,4\n", "unknown_columns"),
        ("g.csv", "a,b,red\nb,c,blue\n", "not_a_number"),
        ("g.csv", "a,b,0.5\nb,c,nan\n", "not_a_number"),
        ("g.csv", ",x,y\nx,0,1\nz,1,0\n", "labels_differ"),
        ("g.csv", ",x,y\nx,0,1\nx,1,0\n", "repeated_node"),
        ("g.csv", ",x,x\nx,0,1\ny,1,0\n", "repeated_node"),
        ("g.txt", "9\na b\nb c\n", "node_count"),
        ("g.txt", "3\n0 1\n1 7\n", "outside_nodes"),
        ("g.txt", "99999999999\n0 1\n1 7\n", "too_large"),
        ("g.csv", "Source,Target,Type\na,b,sideways\n", "malformed"),
        ("g.csv", "\n# x\n\n", "empty"),
        ("g.csv", "source,target\n", "empty"),
        ("g.dot", "graph { a -- b }", "unknown_format"),
        ("g.npz", "PK\u{3}\u{4}", "unknown_format"),
        ("g.csv", "a,b\u{0}\n", "not_text"),
        ("g.gml", "graph [ node [ id 0 ] edge [ source 0 target 1 ] ]", "unknown_node"),
        ("g.gml", "graph [ node [ label \"x\" ] ]", "malformed"),
        ("g.gml", "x 1", "malformed"),
        ("g.gexf", "<gexf><graph><nodes><node label='x'/></nodes></graph></gexf>", "malformed"),
        ("w.mtx", "%%MatrixMarket matrix coordinate complex general\n1 1 1\n1 1 1 0\n", "malformed"),
        ("w.mtx", "%%MatrixMarket matrix coordinate real general\n2 2 2\n1 1 1\n", "malformed"),
        ("w.mtx", "%%MatrixMarket matrix coordinate real general\n2 2 1\n1 3 1\n", "malformed"),
        ("w.mtx", "%%MatrixMarket matrix coordinate real general\n2 3 1\n1 3 1\n", "not_square"),
        ("w.mtx", "%%MatrixMarket matrix coordinate real general\n", "malformed"),
        ("w.mtx", "%%MatrixMarket matrix array real symmetric\n2 2\n1\n1\n1\n1\n", "malformed"),
        ("w.mtx", "%%MatrixMarket matrix coordinate real general\n1 1 1\n1 1 x\n", "not_a_number"),
        ("g.csv", "0,1,2,x\n0,1,2,3\n0,1,2,3\n0,1,2,3\n", "not_a_number"),
        ("g.csv", "0,1,1e999\n1,2,1\n", "not_a_number"),
        ("g.csv", "0,1,1e-2147483648\n1,2,1\n", "not_a_number"),
        ("g.csv", "0,1,0.5\u{7}\n1,2,1\n", "not_a_number"),
        ("g.csv", "0,1,1/0\n1,2,1/2\n", "not_a_number"),
        ("g.csv", "0,1,0\n1,nan,1\n0,1,0\n", "not_a_number"),
        ("g.csv", "a,b,0.5\n,c,0.5\n", "malformed"),
        ("g.csv", "a,b,0.5\nb,0.5,0.5\n", "malformed"),
        ("g.csv", "% bip unweighted\n% 1 18446744073709551615 1\n1 1\n", "too_large"),
        ("g.csv", "0,1\n1,0\n0,2\n", "ambiguous"),
        ("g.csv", "0,1\n1,0\n", "ambiguous"),
        ("g.csv", "", "empty"),
        ("g.adjlist", "", "empty"),
        ("g.adjlist", "a b\u{0}\n", "not_text"),
        ("g.npy", "\u{1}NUMPY", "unread_array"),
        ("g.npy", "", "unread_array"),
        ("g.gv", "graph { a -- b }\n", "unknown_format"),
        ("g.json", "", "malformed"),
        ("g.json", "{\"nodes\": [", "malformed"),
        ("g.json", "{\"nodes\": [\u{0}", "not_text"),
        ("g.json", "[1]", "malformed"),
        ("g.json", r#"{"nodes": [], "links": []}"#, "empty"),
        ("g.json", r#"{"nodes": [{"name": 0}], "links": []}"#, "malformed"),
        ("g.json", r#"{"nodes": [{"id": 0}, {"id": 0}], "links": []}"#, "repeated_node"),
        ("g.json", r#"{"nodes": [{"id": 0}], "links": [{"source": 0}]}"#, "malformed"),
        ("g.json", r#"{"nodes": [{"id": 0}], "links": [{"source": 0, "target": 7}]}"#, "unknown_node"),
        (
            "g.json",
            r#"{"nodes": [{"id": 0}], "links": [{"source": 0, "target": 0, "weight": "x"}]}"#,
            "not_a_number",
        ),
        ("g.graphml", "", "malformed"),
        ("g.graphml", "<graphml><graph></graphml>", "malformed"),
        ("g.graphml", "<graphml/>", "malformed"),
        ("g.graphml", "<graphml><graph/></graphml>", "empty"),
        ("g.graphml", "<graphml>\u{7}</graphml>", "malformed"),
        ("g.graphml", "<graphml>\u{0}</graphml>", "not_text"),
        ("g.graphml", "<!DOCTYPE x [<!ENTITY a \"b\">]><graphml>&a;</graphml>", "malformed"),
        ("g.graphml", "<graphml><graph><node/></graph></graphml>", "malformed"),
        ("g.graphml", "<graphml><graph><node id='a'/><edge target='a'/></graph></graphml>", "malformed"),
        ("g.graphml", "<graphml><graph><node id='a'/><edge source='a'/></graph></graphml>", "malformed"),
        (
            "g.graphml",
            "<graphml><graph><node id='a'/><edge source='a' target='b'/></graph></graphml>",
            "unknown_node",
        ),
        (
            "g.graphml",
            "<graphml><key id='w' for='edge' attr.name='weight'/><graph><node id='a'/>\
             <edge source='a' target='a'><data key='w'>x</data></edge></graph></graphml>",
            "not_a_number",
        ),
        (
            "g.graphml",
            "<graphml><graph><node id='a'><graph><node id='b'/></graph></node></graph></graphml>",
            "malformed",
        ),
        ("g.gml", "", "malformed"),
        ("g.gml", "graph [ ]", "empty"),
        ("g.gml", "graph [ node [ id 0 ] edge [ source 0 ] ]", "malformed"),
        ("g.gml", "graph [ node [ id 0 ] edge [ source 0 target 0 weight \"x\" ] ]", "not_a_number"),
        ("g.gml", "graph [\u{0} ]", "not_text"),
        ("g.gexf", "", "malformed"),
        ("g.gexf", "<gexf><graph/></gexf>", "empty"),
        ("g.gexf", "<gexf>\u{0}</gexf>", "not_text"),
        (
            "g.gexf",
            "<gexf><graph><nodes><node id='a'/></nodes><edges><edge source='a'/></edges></graph></gexf>",
            "malformed",
        ),
        (
            "g.gexf",
            "<gexf><graph><nodes><node id='a'/></nodes><edges><edge source='a' target='a' weight='x'/></edges></graph></gexf>",
            "not_a_number",
        ),
        ("w.mtx", "", "malformed"),
        ("w.mtx", "%%MatrixMarket matrix coordinate real general\n\u{0}", "not_text"),
        ("w.mtx", "%%MatrixMarket matrix coordinate real general\n0 0 0\n", "empty"),
        ("w.mtx", "%%MatrixMarket matrix coordinate real general\n2 2 x\n", "malformed"),
        ("w.mtx", "%%MatrixMarket matrix coordinate real general\n99999999999 99999999999 0\n", "too_large"),
        ("w.mtx", "%%MatrixMarket matrix coordinate real general\n2 2 1\nx 1 1\n", "malformed"),
        ("w.mtx", "%%MatrixMarket matrix coordinate real general\n2 2 1\n1 0 1\n", "malformed"),
        ("w.mtx", "%%MatrixMarket matrix coordinate real general\n2 2 1\n1 1\n", "malformed"),
        ("w.mtx", "%%MatrixMarket matrix array real general\n2 2\n1\n1\n1\n", "malformed"),
        ("w.mtx", "1 1 1\n", "malformed"),
    ] {
        let error =
            import(name, content.as_bytes(), "").err().unwrap_or_else(|| panic!("{content:?} is read"));
        assert_eq!(code(&error), expected, "{content:?}: {error}");
        assert!(miette::Diagnostic::help(&error).is_some(), "{error}");
        if ["not_a_number", "unknown_node", "repeated_node", "ragged_table"].contains(&expected) {
            let places = miette::Diagnostic::labels(&error).into_iter().flatten();
            assert!(places.map(|place| place.offset()).all(|at| at < content.len()), "{error}");
            assert!(
                miette::Diagnostic::labels(&error).is_some_and(|mut places| places.next().is_some()),
                "{error}"
            );
        }
    }
    let unknown = import("g.csv", b"from,to\na,b\n", "--columns from,nowhere").unwrap_err();
    assert_eq!(code(&unknown), "unknown_column");
    let encoded = import("g.csv", b"a,b\nb,M\xfcnchen\n", "").unwrap_err();
    assert!(matches!(encoded, ImportError::NotText { line: 2, byte: 7, .. }), "{encoded}");
}

/// Weights that contradict each other are found when the source is written.
#[test]
fn weights_that_contradict_each_other_are_refused() {
    for (name, content, expected) in [
        ("g.csv", "0,1,0.5\n1,2,0.5\n0,1,0.25\n1,3,1\n", "repeated_edge"),
        ("g.txt", "0 1 {}\n1 2 {'weight': 0.5}\n", "mixed_weights"),
    ] {
        let imported =
            import(name, content.as_bytes(), "").unwrap_or_else(|error| panic!("{content}: {error}"));
        let error = bfc_graphs::source(&imported, "g", &bfc_graphs::Options::default(), None).unwrap_err();
        assert_eq!(code(&error), expected, "{content}");
    }
}

/// No text makes a reader panic, and what is read names only nodes that there are.
#[test]
fn any_text_is_read_or_refused() {
    use proptest::prelude::*;
    let words = [
        "0", "1", "2", "a", "b", "0.5", ",", " ", "\t", ";", "\n", "#", "%", "{", "}", "(", "\"", "nan",
        "source", "graph [", "]", "é",
    ];
    let kinds = [
        "",
        "--kind edges",
        "--kind matrix",
        "--kind adjacency",
        "--kind gml",
        "--kind node-link",
        "--kind matrix-market",
        "--heading",
        "--nodes 3",
    ];
    let text =
        prop::collection::vec(prop::sample::select(words.to_vec()), 0..40).prop_map(|words| words.concat());
    proptest!(ProptestConfig::with_cases(2000), |(text in text, kind in prop::sample::select(kinds.to_vec()))| {
        if let Ok(imported) = import("g", text.as_bytes(), kind) {
            let count = imported.graph.labels.len();
            prop_assert!(count > 0 && imported.graph.edges.iter().all(|edge| edge.from < count && edge.to < count));
        }
    });
}
