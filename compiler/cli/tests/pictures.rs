//! Pictures and pages: what they contain, that they are well-formed, and that they replace only their own kind.

use crate::common::{bfc, codes, files, json, json_with_exit, root, stdout};
use bfc_schedule::visible::is_hidden;
use roxmltree::Document;
use serde_json::Value;
use std::fs;

const KINDS: [&str; 5] = ["topology", "schedule", "matrix", "spectrum", "consensus"];

fn drawn(arguments: &[&str]) -> String {
    stdout(&[&["draw"], arguments].concat())
}

/// The number of subpaths that begin with a letter in paths that are filled, or that are not.
fn subpaths(picture: &Document, filled: bool, letter: char) -> usize {
    let paths = picture.descendants().filter(|node| node.has_tag_name("path"));
    let chosen = paths.filter(|node| (node.attribute("fill") != Some("none")) == filled);
    chosen.map(|node| node.attribute("d").expect("a path").matches(letter).count()).sum()
}

/// Each kind of picture is XML and has only finite numbers, below and above the sizes that are drawn rank by rank.
#[test]
fn every_picture_is_well_formed() {
    for source in ["topology::ring", "topology::one_peer_exp2", "topology::random_regular", "topology::torus"]
    {
        for size in ["1", "2", "8", "64", "150"] {
            if bfc(&["analyze", source, "--size", size]).output().expect("runs").status.code() != Some(0) {
                continue;
            }
            for kind in KINDS {
                let text = drawn(&[kind, source, "--size", size]);
                Document::parse(&text).unwrap_or_else(|error| panic!("{kind} {source} {size}: {error}"));
                assert!(text.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 880 "));
                for wrong in ["NaN", "inf", "\"-0\"", " -0 "] {
                    assert!(!text.contains(wrong), "{kind} {source} {size}: {wrong}");
                }
            }
        }
    }
}

#[test]
fn a_topology_has_its_ranks_and_messages() {
    for layout in ["circular", "grid", "machines"] {
        let text = drawn(&[
            "topology",
            "topology::one_peer_exp2",
            "--size",
            "16",
            "--local-size",
            "4",
            "--layout",
            layout,
        ]);
        let picture = Document::parse(&text).expect("XML");
        let of_class =
            |class: &str| picture.descendants().filter(|node| node.attribute("class") == Some(class)).count();
        assert_eq!((of_class("phase"), of_class("rank")), (4, 4 * 16), "{layout}");
        // Three phases of directed messages, and one in which ranks exchange pairwise: eight lines.
        assert_eq!(subpaths(&picture, true, 'z'), 3 * 16, "{layout}");
        assert_eq!(subpaths(&picture, false, 'M'), 3 * 16 + 8, "{layout}");
    }
}

#[test]
fn a_schedule_has_an_arrow_for_each_message() {
    let text = drawn(&["schedule", "topology::exponential", "--size", "16"]);
    let picture = Document::parse(&text).expect("XML");
    assert_eq!(subpaths(&picture, false, 'M'), 4 * 16);
    let large = drawn(&["schedule", "topology::one_peer_exp2", "--size", "1048576"]);
    assert!(large.contains("every rank i sends to i + 524288"), "{large}");
    assert!(large.len() < 20_000);
}

/// As many cells as the matrix has entries, and with several phases those of the product.
#[test]
fn a_heat_map_has_the_entries() {
    let cells = |source: &str, size: &str| {
        let text = drawn(&["matrix", source, "--size", size]);
        let picture = Document::parse(&text).expect("XML");
        // The scale of each matrix has eight cells.
        let matrices = picture.descendants().filter(|node| node.attribute("class") == Some("matrix")).count();
        subpaths(&picture, true, 'z') - 8 * matrices
    };
    assert_eq!(cells("topology::ring", "8"), 3 * 8);
    assert_eq!(cells("topology::one_peer_exp2", "8"), 3 * 2 * 8 + 8 * 8);
}

#[test]
fn eigenvalues_are_those_of_the_matrix() {
    // The ring of 4 with weights of a third has 1, a third twice, and -1/3.
    let document = json(&["report", "topology::ring", "--size", "4"]);
    let analysis = &document["files"][0]["analysis"];
    let values: Vec<Vec<f64>> =
        serde_json::from_value(analysis["eigenvalues"]["values"].clone()).expect("pairs");
    let mut real: Vec<f64> = values.iter().map(|value| (value[0] * 1e9).round() / 1e9).collect();
    real.sort_by(f64::total_cmp);
    let third = (1e9 / 3.0f64).round() / 1e9;
    assert_eq!(real, [-third, third, 1.0]);
    assert!(values.iter().all(|value| value[1].abs() < 1e-12));
    // A dense solver finds a circle of rounding errors around the 0 of a nilpotent matrix.
    let exact = json(&["report", "topology::base", "--size", "12"]);
    assert_eq!(
        exact["files"][0]["analysis"]["eigenvalues"]["values"],
        serde_json::json!([[1.0, 0.0], [0.0, 0.0]])
    );
    // The asymptotic rate is what the second eigenvalue says.
    for (source, size) in
        [("topology::exponential", "33"), ("topology::random_regular", "20"), ("topology::tree_pull", "7")]
    {
        let document = json(&["report", source, "--size", size]);
        let analysis = &document["files"][0]["analysis"];
        let values: Vec<[f64; 2]> =
            serde_json::from_value(analysis["eigenvalues"]["values"].clone()).expect("pairs");
        let second = values.get(1).map_or(0.0, |value| value[0].hypot(value[1]));
        let rate = analysis["asymptotic_rate"].as_f64().expect("a rate");
        let period = analysis["period"].as_u64().expect("a count") as i32;
        assert!((second - rate.powi(period)).abs() < 1e-2, "{source}: {second}, {rate}");
    }
}

#[test]
fn the_document_of_a_report_is_that_of_its_parts() {
    let document = json(&["report", "examples/digits.bf", "--size", "16", "--sizes", "2..8"]);
    let file = &document["files"][0];
    let mut analysis = file["analysis"].clone();
    analysis.as_object_mut().expect("an object").remove("eigenvalues");
    assert_eq!(analysis, json(&["analyze", "examples/digits.bf", "--size", "16"]));
    assert_eq!(file["sweep"]["worst"], json(&["analyze", "examples/digits.bf", "--size", "2..8"])["worst"]);
    let checked = json(&["check", "examples/digits.bf", "--size", "16"]);
    assert_eq!(file["compilation"]["checks"], checked["checks"]);
    assert_eq!(file["compilation"]["phases"], checked["phases"]);
    let (_directory, path) = files(&[]);
    let schedule = path("s.bin");
    bfc(&["compile", "examples/digits.bf", "--size", "16", "-o", &schedule]).assert().code(0);
    let inspected = json(&["inspect", &schedule]);
    assert_eq!(file["program"], inspected["program"]);
    let edges: u64 = file["topologies"][0]["phases"]
        .as_array()
        .expect("phases")
        .iter()
        .map(|phase| phase["edges"].as_array().expect("edges").len() as u64)
        .sum();
    assert_eq!(edges, 4 * 16);
}

#[test]
fn a_refused_source_has_a_report_of_its_diagnostics() {
    let (_directory, path) =
        files(&[("bad.bf", b"topology t {\n    for i in ranks { i -- (i + 1) mod sise }\n}\n")]);
    let (bad, page) = (path("bad.bf"), path("bad.html"));
    bfc(&["report", &bad, "--size", "4", "-o", &page]).assert().code(1);
    let text = fs::read_to_string(&page).expect("written");
    assert!(text.contains("bfc::resolve::unknown_name") && text.contains("line faulty"), "{text}");
    let document = json_with_exit(&["report", &bad, "topology::ring", "--size", "4"], 1);
    let checked = json_with_exit(&["check", &bad, "--size", "4"], 1);
    assert_eq!(document["files"][0]["diagnostics"][0]["code"], checked["diagnostics"][0]["code"]);
    assert_eq!(document["files"][0]["analysis"], Value::Null);
    assert!(document["files"][1]["analysis"]["rho"].is_number(), "the other file has its own");
    assert_eq!(codes(&["report", &path("no.bf"), "--size", "4"], 2), ["bfc::cli::missing_file"]);
}

#[test]
fn only_pictures_and_pages_are_replaced() {
    let (_directory, path) = files(&[("s.bf", b"topology t { 0 -- 1 }\n"), ("full.svg", b"mine")]);
    let (source, picture, page) = (path("s.bf"), path("out/t.svg"), path("out/t.html"));
    for _ in 0..2 {
        bfc(&["draw", "topology", &source, "--size", "2", "-o", &picture]).assert().code(0);
        bfc(&["report", &source, "--size", "2", "-o", &page]).assert().code(0);
    }
    let draw = |output: &str| codes(&["draw", "topology", &source, "--size", "2", "-o", output], 2);
    for taken in [&source, &page, &path("full.svg")] {
        assert_eq!(draw(taken)[0], if *taken == page { "bfc::cli::usage" } else { "bfc::cli::file_exists" });
    }
    assert_eq!(codes(&["report", &source, "--size", "2", "-o", &source], 2), ["bfc::cli::file_exists"]);
    assert_eq!(draw(&path("t.pdf")), ["bfc::cli::usage"], "a picture of another format is not promised");
    assert_eq!(fs::read_to_string(path("full.svg")).expect("there"), "mine");
}

/// Width, height and dots per metre of a PNG file.
fn png(path: &str) -> [u32; 3] {
    let bytes = fs::read(path).expect("written");
    assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n"));
    let word = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    let resolution = bytes.windows(4).position(|name| name == b"pHYs").expect("a resolution") + 4;
    [word(16), word(20), word(resolution)]
}

#[test]
fn every_picture_can_be_a_png() {
    let (_directory, path) = files(&[("photo.png", b"\x89PNG\r\n\x1a\nmine")]);
    let picture = path("picture.png");
    for kind in KINDS {
        let draw = ["draw", kind, "topology::one_peer_exp2", "--size", "8", "-o", &picture];
        bfc(&[&draw[..], &["--dpi", "96"]].concat()).assert().code(0);
        let svg = drawn(&[kind, "topology::one_peer_exp2", "--size", "8"]);
        let root = Document::parse(&svg).expect("XML");
        let height: f64 =
            root.root_element().attribute("height").and_then(|text| text.parse().ok()).expect("a height");
        assert_eq!(png(&picture), [880, height.ceil() as u32, 3780], "{kind}");
    }
    let draw = ["draw", "matrix", "topology::ring", "--size", "4", "-o", &picture];
    bfc(&draw).assert().code(0);
    assert_eq!([png(&picture)[0], png(&picture)[2]], [2750, 11811], "300 dots per inch");
    // Only its own files are replaced, whatever their extension.
    let photo = ["draw", "matrix", "topology::ring", "--size", "4", "-o", &path("photo.png")];
    assert_eq!(codes(&photo, 2), ["bfc::cli::file_exists"]);
    let svg = ["draw", "matrix", "topology::ring", "--size", "4", "--dpi", "200"];
    assert_eq!(codes(&svg, 2), ["bfc::cli::usage"], "a resolution without pixels");
    let tall = [
        "draw",
        "matrix",
        "topology::one_peer_exp2",
        "--size",
        "1048576",
        "--dpi",
        "1200",
        "-o",
        &path("tall.png"),
    ];
    assert_eq!(codes(&tall, 2), ["bfc::cli::usage"], "too many pixels");
}

#[test]
fn one_of_several_topologies_is_picked() {
    fn draw<'a>(what: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        let topologies = ["--topology", "R=tree_pull", "--topology", "C=ring_directed"];
        [&["draw", what, "algorithm::push_pull", "--size", "7"], &topologies[..], more].concat()
    }
    let refused = json_with_exit(&draw("topology", &[]), 2);
    let help = refused["diagnostics"][0]["help"].as_str().expect("help");
    let names: Vec<&str> = help.split('`').filter_map(|part| part.strip_prefix("--pick ")).collect();
    assert_eq!(names.len(), 2, "{help}");
    for name in names {
        for what in ["topology", "matrix"] {
            let text = stdout(&draw(what, &["--pick", name]));
            assert!(text.contains(&format!("<title>{name}</title>")), "{text}");
        }
    }
    assert_eq!(codes(&draw("matrix", &["--pick", "Q"]), 2), ["bfc::cli::usage"]);
    // Flags without effect are refused.
    assert_eq!(codes(&draw("spectrum", &["--pick", "R"]), 2), ["bfc::cli::usage"]);
    assert_eq!(codes(&draw("schedule", &["--layout", "grid"]), 2), ["bfc::cli::usage"]);
}

/// The sign of a weight shows without colours: a bar in each negative cell.
#[test]
fn negative_weights_are_marked() {
    let source = "topology t {\n    0 -- 1 weight -1/4\n    1 -- 2 weight 1/2\n    self 0 weight 5/4\n    self 1 weight 3/4\n    \
                  self 2 weight 1/2\n}\n";
    let (_directory, path) = files(&[("t.bf", source.as_bytes())]);
    let text = drawn(&["matrix", &path("t.bf"), "--size", "3"]);
    assert!(text.contains("negative weights in red with a bar"), "{text}");
    assert_eq!(subpaths(&Document::parse(&text).expect("XML"), false, 'M'), 2);
}

/// Each phase of a report names the lines that make it: several lines, or one rule for all.
#[test]
fn phases_have_their_lines() {
    let lines = b"topology t {\n    phase {\n        0 -- 1\n    }\n    phase { 1 -- 2 }\n    weights metropolis\n}\n";
    let rule = b"topology t {\n    for k in 1..3 {\n        phase { for i in ranks { i -> (i + k) mod size } }\n    }\n}\n";
    let (_directory, path) = files(&[("lines.bf", lines), ("rule.bf", rule)]);
    let document = json(&["report", &path("lines.bf"), &path("rule.bf"), "topology::ring", "--size", "3"]);
    let found = |file: usize| -> Vec<Value> {
        let phases = document["files"][file]["topologies"][0]["phases"].as_array().expect("phases");
        phases.iter().map(|phase| phase["lines"].clone()).collect()
    };
    assert_eq!(found(0), [serde_json::json!([2, 4]), serde_json::json!([5, 5])]);
    assert_eq!(found(1), [serde_json::json!([3, 3]), serde_json::json!([3, 3])]);
}

/// Names and comments with tags or bidirectional controls stay text.
#[cfg(unix)]
#[test]
fn names_stay_text() {
    let name = "</title><script>alert(1)</script>\u{202e}\u{1b}[2J&quot;.bf".replace('/', "\u{2215}");
    let source = "// </pre><script>alert(2)</script>\ntopology t { 0 -- 1 }\n";
    let (_directory, path) = files(&[(&name, source.as_bytes())]);
    let (file, page) = (path(&name), path("page.html"));
    for kind in KINDS {
        let text = drawn(&[kind, &file, "--size", "2"]);
        let picture = Document::parse(&text).expect("XML");
        assert!(!picture.descendants().any(|node| node.has_tag_name("script")));
        assert!(!text.chars().any(|letter| is_hidden(letter) && letter != '\n'), "{text}");
    }
    bfc(&["report", &file, "--size", "2", "-o", &page]).assert().code(0);
    let text = fs::read_to_string(page).expect("written");
    assert!(!text.contains("<script>alert") && text.contains("&lt;script&gt;alert(2)"));
    assert_eq!(text.matches("<script").count(), 2, "the data and the script of the page");
    assert!(!text.chars().any(|letter| is_hidden(letter) && letter != '\n'));
}

#[test]
fn a_page_is_served_on_a_free_port_of_a_file() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let refused = json_with_exit(&["view", "topology::ring", "--size", "4", "--port", &port], 3);
    assert_eq!(refused["diagnostics"][0]["code"], "bfc::cli::no_port");
    assert_eq!(codes(&["view", "no.bf", "--size", "4"], 2), ["bfc::cli::missing_file"]);
    assert_eq!(codes(&["view", "-", "--size", "4"], 2), ["bfc::cli::usage"]);
}

#[test]
fn a_run_has_its_curves_in_a_report() {
    let (_directory, path) = files(&[("mine.html", b"mine")]);
    let page = path("run.html");
    let run = ["run", "examples/digits.bf", "--size", "4", "--steps", "3", "--report"];
    let document = json(&[&run[..], &[&page]].concat());
    let text = fs::read_to_string(&page).expect("written");
    let data =
        text.split("id=\"data\">").nth(1).and_then(|rest| rest.split("</script>").next()).expect("data");
    let data: Value = serde_json::from_str(data).expect("JSON");
    assert_eq!(data["files"][0]["training"], document);
    assert!(data["files"][0]["analysis"]["exact_after"].is_number());
    assert!(text.contains("training loss above the optimum") && text.contains("consensus distance"));
    assert_eq!(codes(&[&run[..], &[&path("mine.html")]].concat(), 2), ["bfc::cli::file_exists"]);
}

#[test]
fn a_traced_run_has_its_timeline_in_a_report() {
    let (_directory, path) = files(&[]);
    let (page, traces) = (path("run.html"), path("traces"));
    let run =
        ["run", "examples/digits.bf", "--size", "4", "--steps", "20", "--trace", &traces, "--report", &page];
    let document = json(&run);
    // The distances of each rank, whose root mean square is the curve's.
    let distances = &document["distances"];
    let ranks: Vec<Vec<f64>> = serde_json::from_value(distances["ranks"].clone()).expect("distances");
    assert_eq!((ranks.len(), distances["steps"].as_array().map(Vec::len)), (4, Some(21)));
    for (step, point) in document["curve"].as_array().expect("a curve").iter().enumerate() {
        let square: f64 = ranks.iter().map(|rank| rank[step] * rank[step]).sum();
        let found = point["consensus_distance"].as_f64().expect("a distance");
        assert!(((square / 4.0).sqrt() - found).abs() <= 1e-12 * found, "{step}");
    }
    let text = fs::read_to_string(&page).expect("written");
    let data = text.split("id=\"data\">").nth(1).and_then(|rest| rest.split("</script>").next());
    let data: Value = serde_json::from_str(data.expect("data")).expect("JSON");
    let gantt = &data["files"][0]["gantt"];
    let [first, last] = [0, 1].map(|end| gantt["steps"][end].as_u64().expect("a step"));
    assert!((1..=6).contains(&(last - first + 1)) && last < 20, "{gantt:#}");
    let seconds = gantt["seconds"].as_f64().expect("a time");
    for (number, row) in gantt["ranks"].as_array().expect("ranks").iter().enumerate() {
        assert_eq!(row["rank"], number);
        assert_eq!(row["begins"].as_array().map(Vec::len), Some((last - first + 1) as usize));
        assert!((0.0..=1.0).contains(&row["waiting"].as_f64().expect("a share")));
        let bars = row["bars"].as_array().expect("bars");
        assert!(bars.iter().any(|bar| bar["activity"] == "trainer"), "{row:#}");
        for bar in bars {
            let [start, end] = ["start", "end"].map(|key| bar[key].as_f64().expect("a time"));
            assert!(-1e-9 <= start && start <= end && end <= seconds + 1e-9, "{bar} of {seconds}");
        }
    }
    assert_eq!(text.matches("class=\"gantt\"").count(), 4);
    assert!(text.contains(&format!("What each rank did in steps {first} to {last}")));
    // Two exchanges a step with one partner each; at the edges some messages are cut off.
    assert!(gantt["messages"].as_array().is_some_and(|messages| messages.len() >= 4), "{gantt:#}");
}

/// The README opens with a picture of what it describes, as the command draws it.
#[test]
fn the_picture_of_the_readme_is_drawn_by_the_command() {
    let readme = fs::read_to_string(root().join("README.md")).expect("there");
    let opening: String = readme.lines().take(12).collect::<Vec<_>>().join("\n");
    assert!(opening.contains("(docs/pictures/one_peer_exp2.svg)"), "{opening}");
    let committed = fs::read_to_string(root().join("docs/pictures/one_peer_exp2.svg")).expect("there");
    assert_eq!(committed, drawn(&["topology", "topology::one_peer_exp2", "--size", "8"]));
}
