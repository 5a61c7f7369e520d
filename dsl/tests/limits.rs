//! What would hurt is refused quickly: size, depth, and sources made to be slow.

use crate::common::{self, read};

use std::time::{Duration, Instant};

use bfc_dsl::tree::FileId;
use bfc_dsl::{MAX_DEPTH, ParseError, parse_expression, print};

const DEEP: usize = 10_000;

/// Far above what anything here takes, also on a busy machine; far below what a quadratic parser would take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Sources that nest one construct `n` deep.
fn nested(n: usize) -> Vec<(&'static str, String)> {
    let around = |open: &str, inner: &str, close: &str| open.repeat(n) + inner + &close.repeat(n);
    let value = |e: String| format!("fn f(x) = {e}\n");
    let topology = |s: String| format!("topology t {{ {s} }}\n");
    let algorithm = |s: String| format!("algorithm a {{ step {{ {s} }} }}\n");
    vec![
        ("parentheses", value(around("(", "x", ")"))),
        ("lists", value(around("[", "x", "]"))),
        ("calls", value(around("f(", "x", ")"))),
        ("blocks", value(around("{ ", "x", " }"))),
        ("lets", value(around("{ let y = ", "x", "\ny }"))),
        ("conditions", value(around("if ", "x", " { 1 } else { 2 }"))),
        ("branches", value(around("if x { ", "x", " } else { 2 }"))),
        ("else if", value("if x { 1 } else ".repeat(n) + "{ 2 }")),
        ("indices", value(around("x[", "x", "]"))),
        ("index after index", value("x".to_string() + &"[0]".repeat(n))),
        ("comprehensions", value(around("[x for x in ", "x", "]"))),
        ("minuses", value("- ".repeat(n) + "x")),
        ("nots", value("not ".repeat(n) + "x")),
        ("powers", value("x^".repeat(n) + "x")),
        ("at", value("x at ".repeat(n) + "x")),
        ("sums", value("x + ".repeat(n) + "x")),
        ("ors", value("x or ".repeat(n) + "x")),
        ("for", topology(around("for i in x { ", "0 -> 1", " }"))),
        ("phase", topology(around("phase { ", "0 -> 1", " }"))),
        ("if", topology(around("if x { ", "0 -> 1", " }"))),
        ("topology else if", topology("if x { 0 -> 1 } else ".repeat(n) + "{ }")),
        ("nested else", topology(around("if x { } else { ", "0 -> 1", " }"))),
        (
            "else if in else if",
            topology("if x { } else if y { ".repeat(n / 2) + "0 -> 1" + &" }".repeat(n / 2)),
        ),
        (
            "conditions of clauses",
            value(format!("[x for x in {}x{}]", "if ".repeat(n), " { 1 } else { 2 }".repeat(n))),
        ),
        ("conditions over lines", value("if x +\n".repeat(n / 2) + "x" + &" { 1 } else { 2 }".repeat(n / 2))),
        ("patterns", topology(format!("let {} = x", around("[", "x", "]")))),
        ("step if", algorithm(around("if x { ", "y <- 0", " }"))),
        ("step else if", algorithm("if x { y <- 0 } else ".repeat(n) + "{ }")),
    ]
}

#[test]
fn deep_nesting_is_refused() {
    for (what, text) in nested(DEEP) {
        let begin = Instant::now();
        let errors = read(&text).map(|_| ()).expect_err(what);
        let took = begin.elapsed();
        assert!(matches!(errors[0], ParseError::TooDeep { .. }), "{what}: {errors:?}");
        assert_eq!(errors.len(), 1, "{what}");
        assert!(took < PATIENCE, "{what}: {took:?}");
    }
}

#[test]
fn nesting_below_the_limit_is_read_and_printed() {
    for (what, text) in nested(MAX_DEPTH - 6) {
        let tree = read(&text).unwrap_or_else(|errors| panic!("{what}: {errors:?}"));
        let again = read(&print(&tree)).unwrap_or_else(|errors| panic!("{what}: {errors:?}"));
        assert_eq!(common::shape(&tree), common::shape(&again), "{what}");
    }
}

#[test]
fn conditions_side_by_side_are_no_nesting() {
    let lines = "ensure a if b\nfor i in x, if a, if b { let c = if a { 1 } else { 2 } }\n".repeat(500);
    let clauses = ", if x".repeat(500);
    let text = format!("topology t {{\n{lines}}}\nfn f(x) = [x for x in x{clauses}]\n");
    read(&text).expect("a flat source");
}

#[test]
fn brackets_never_closed_are_refused() {
    for open in ["(", "[", "{", "([{", "f(", "if x {", ")", "]", "}"] {
        let begin = Instant::now();
        let errors = read(&open.repeat(1_000_000 / open.len())).map(|_| ()).expect_err(open);
        assert!(begin.elapsed() < PATIENCE, "{open}");
        assert_eq!(errors.len(), 1, "{open}");
    }
}

#[test]
fn a_large_source_is_refused() {
    let text = "topology ring { }\n".repeat(600_000);
    let begin = Instant::now();
    let errors = read(&text).map(|_| ()).expect_err("10 MB");
    assert!(begin.elapsed() < PATIENCE);
    assert!(matches!(errors[..], [ParseError::SourceTooLarge { bytes: 10_800_000, .. }]));
}

#[test]
fn ordinary_sources_are_read_fast() {
    let all: String = common::programs().into_iter().map(|(_, text)| text).collect();
    let text = all.repeat(1_000_000 / all.len() + 1);
    let begin = Instant::now();
    read(&text).expect("programs");
    let took = begin.elapsed();
    println!("{} bytes in {took:?}", text.len());
    assert!(took < PATIENCE, "{took:?}");
}

#[test]
fn errors_do_not_take_long() {
    let slow = [
        "\"".repeat(1 << 20),
        "'`\" ".repeat(1 << 18),
        "/*\n".repeat(1 << 18),
        "é".repeat(1 << 20),
        "\0".repeat(1 << 20),
        "; ".repeat(1 << 19),
        "1.".repeat(1 << 19),
        "topology t {\n".repeat(1 << 16),
        "fn f(x) = (\n".repeat(1 << 16),
        "x ".repeat(1 << 19),
        "x\n".repeat(1 << 19),
        format!("topology t {{\n{}}}\n", "i -> \n j k\n".repeat(1 << 16)),
        format!(
            "topology t {{\n{}}}\n",
            "for i on x {\n".repeat(200) + &"i j\n".repeat(1 << 16) + &"}\n".repeat(200)
        ),
        format!("fn f(x) = {}", "{ let a = ".repeat(200) + &"x ".repeat(1 << 18) + &" ! \nx } !".repeat(200)),
        format!("fn f(x) = {}", "f(".repeat(200) + &"x ".repeat(1 << 18) + &" x) x".repeat(200)),
        format!("fn f(x) = {}", "if x { ".repeat(200) + &"x() ".repeat(1 << 18) + &" x } else ".repeat(200)),
    ];
    for text in &slow {
        let begin = Instant::now();
        let errors = read(text).map(|_| ()).expect_err("nonsense");
        let took = begin.elapsed();
        let start: String = text.chars().take(20).collect();
        println!("{start:?}: {} errors in {took:?}", errors.len());
        assert!(errors.len() <= bfc_dsl::MAX_ERRORS);
        assert!(took < PATIENCE, "{start:?}: {took:?}");
    }
}

#[test]
fn one_expression_is_read_alone() {
    assert!(parse_expression(FileId(0), "topology::ring(3) ++ [1, 2][0..1]").is_ok());
    assert!(parse_expression(FileId(0), " -1 / 3 // a third ").is_ok());
    for wrong in ["", "1 +", "1 2", "a\nb", "let x = 1", "{ let x = 1 }", "(1", "1)", "x;", "\u{1}"] {
        assert!(parse_expression(FileId(0), wrong).is_err(), "{wrong}");
    }
}
