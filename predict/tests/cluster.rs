//! Descriptions of clusters that are taken and refused.

use bfc_predict::{Cluster, ClusterError};
use miette::Diagnostic;

fn example() -> String {
    let module = include_str!("../src/cluster/mod.rs");
    let lines = module
        .lines()
        .filter_map(|line| line.strip_prefix("//!"))
        .map(|line| line.strip_prefix(' ').unwrap_or(line));
    let inside = lines.skip_while(|line| *line != "```toml").skip(1).take_while(|line| *line != "```");
    inside.collect::<Vec<_>>().join("\n")
}

fn refused(text: &str) -> (String, String) {
    let error = Cluster::parse("c.toml", text).expect_err("refused");
    assert!(error.help().is_some());
    (error.code().expect("a code").to_string(), error.to_string())
}

#[test]
fn the_documented_and_the_ready_ones_are_read() {
    let cluster = Cluster::parse("example.toml", &example()).expect("the example of the documentation");
    assert_eq!((cluster.ranks_per_machine(), cluster.compute().step), (8, 0.2));
    for (name, _) in Cluster::ready() {
        assert!(Cluster::named(name).is_ok(), "{name}");
    }
}

#[test]
fn a_description_is_written_as_it_is_read() {
    for text in Cluster::ready().iter().map(|(_, text)| text.to_string()).chain([example()]) {
        let cluster = Cluster::parse("a.toml", &text).expect("a cluster");
        assert_eq!(
            Cluster::parse("b.toml", &cluster.describe()).expect("a cluster"),
            cluster,
            "{}",
            cluster.describe()
        );
    }
}

#[test]
fn the_page_shows_the_same_keys() {
    let page = include_str!("../../docs/errors/cluster/malformed.md");
    let keys = |text: &str| -> Vec<String> {
        text.lines()
            .map(|line| line.split('#').next().unwrap_or("").trim().to_string())
            .filter(|l| !l.is_empty())
            .collect()
    };
    let shown = page.split("```toml\n").nth(2).and_then(|rest| rest.split("```").next()).expect("a block");
    assert_eq!(keys(shown), keys(&example()));
}

#[test]
fn bad_descriptions_are_refused_with_their_place() {
    let swap = |from: &str, to: &str| refused(&example().replace(from, to));
    for (from, to) in [
        ("latency = \"5 us\"", "latency = 5"),
        ("latency = \"5 us\"", "latency = \"5 parsec\""),
        ("bandwidth = \"25 Gb/s\"", "bandwidth = \"25 Gb\""),
        ("nics = 1", "nicks = 1"),
        ("name = ", "nothing = "),
        ("name = \"16", "name = \"\\u001B[2J"),
        ("name = \"16", "name = \"\\n✓"),
        ("name = \"16", "name = \"\u{202e}"),
        ("[compute]", "[compute"),
    ] {
        assert_eq!(swap(from, to).0, "bfc::cluster::malformed", "{to}");
    }
    for (from, to) in [
        ("machines = 16", "machines = 0"),
        ("ranks_per_machine = 8", "ranks_per_machine = -8"),
        ("nics = 1", "nics = 9"),
        ("bandwidth = \"25 Gb/s\"", "bandwidth = \"0 Gb/s\""),
        ("oversubscription = 1", "oversubscription = 0.5"),
        ("backward = 0.667", "backward = 1.5"),
        ("jitter = 0.02", "jitter = nan"),
        ("step = \"200 ms\"", "step = \"1e30 s\""),
    ] {
        let (code, message) = swap(from, to);
        assert_eq!(code, "bfc::cluster::out_of_range", "{to}: {message}");
        assert!(message.contains("expected"), "{message}");
    }
    assert_eq!(refused(&"#".repeat(1 << 17)).0, "bfc::cluster::too_long");
    let read = |bytes: &[u8]| Cluster::find("c.toml", true, || Ok::<_, ()>(bytes.to_vec())).expect("read");
    let not_text = read(b"name = \"\xff\"").expect_err("not text");
    assert_eq!(not_text.code().expect("a code").to_string(), "bfc::cluster::not_text");
    assert!(not_text.to_string().contains("byte 8") && not_text.help().is_some(), "{not_text}");
    // A character that the limit cuts is not the fault.
    let long = [&[b'#'; 1 << 16][..], "é".as_bytes()].concat();
    let too_long = read(&long[..long.len() - 1]).expect_err("too long");
    assert_eq!(too_long.code().expect("a code").to_string(), "bfc::cluster::too_long");
    let unknown = Cluster::named("cray").expect_err("unknown");
    assert!(unknown.help().expect("help").to_string().contains("v100"));
    let cluster = Cluster::parse("c.toml", &example()).expect("a cluster");
    assert!(matches!(cluster.machines(129), Err(ClusterError::TooFewMachines { .. })));
    assert_eq!(cluster.machines(121).expect("enough"), 16);
}
