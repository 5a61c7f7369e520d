//! Laws of the formatter: what is formatted stays, tokens and comments are those of the source and mean the same, no line
//! that can be broken is too long; and no text whatever makes reading or formatting panic or hang.

use crate::common::{self, read};

use std::path::Path;
use std::time::{Duration, Instant};

use bfc_dsl::{MAX_WIDTH, format};
use proptest::prelude::*;

/// The sources of the library, the examples and the programs of these tests.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut sources = common::programs();
    for folder in ["stdlib/topology", "stdlib/algorithm", "examples"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "bf") {
                sources.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    sources.sort();
    sources
}

/// The code without blanks and line breaks, and the comments. A comment begins at the first `//` of a line: the language
/// has no texts.
fn contents(text: &str) -> (String, Vec<String>) {
    let (mut code, mut comments) = (String::new(), vec![]);
    for line in text.trim_start_matches('\u{feff}').lines() {
        let at = line.find("//").unwrap_or(line.len());
        code.extend(line[..at].chars().filter(|letter| !letter.is_whitespace()));
        comments.extend(Some(line[at..].trim_end().to_string()).filter(|comment| !comment.is_empty()));
    }
    (code, comments)
}

fn check(name: &str, text: &str) {
    let once = format(text).unwrap_or_else(|errors| panic!("{}", common::render(name, text, &errors)));
    let twice = format(&once).unwrap_or_else(|errors| panic!("{}", common::render(name, &once, &errors)));
    assert_eq!(once, twice, "{name} changes again; it was\n{text}");
    assert_eq!(contents(text), contents(&once), "{name}:\n{text}\n{once}");
    let (before, after) = (read(text).unwrap(), read(&once).unwrap());
    assert_eq!(common::shape(&before), common::shape(&after), "{name} means something else:\n{text}\n{once}");
}

#[test]
fn sources_keep_their_tokens_and_comments() {
    for (name, text) in sources() {
        check(&name, &text);
        // All on as few lines as may be, and with blanks about.
        check(&name, &text.replace("  ", "\t").replace('\n', "\r\n"));
        check(&name, &text.replace('\n', "\n\n\n"));
    }
}

#[test]
fn cases() {
    for (text, expected) in [
        ("", ""),
        ("\u{feff}// c", "// c\n"),
        ("use a::b\n\n\n\nfn f(a,b:int=1)=-a+b[ 0 ]-f (1)", "error"),
        (
            "use a::b\n\n\n\nfn f( a,b:int=1 )=- a+b[ 0 ]-f(1,)^-2",
            "use a::b\n\nfn f(a, b: int = 1) = -a + b[0] - f(1,)^-2\n",
        ),
        ("fn f(x) = - -x", "fn f(x) = - -x\n"),
        ("fn f(x) = 0 ..-x++[x[1 ..],x[.. 2]]", "fn f(x) = 0..-x ++ [x[1..], x[..2]]\n"),
        ("use a::{ b,c , }", "use a::{b, c,}\n"),
        ("topology t{}", "topology t { }\n"),
        ("fn f(x) = x/2+1 / 2*x^2/3", "fn f(x) = x / 2 + 1/2 * x^2 / 3\n"),
        (
            "fn f(x) =\nif x {\n1\n}\nelse {\n2\n}",
            "fn f(x) =\n    if x {\n        1\n    }\n    else {\n        2\n    }\n",
        ),
        ("fn f(x,\ny) {\nlet a = [\n1]\na\n}", "fn f(x,\n    y) {\n    let a = [\n        1]\n    a\n}\n"),
        (
            "topology t{a->b weight -1/2\na->b weight w -1}",
            "topology t { a -> b weight -1/2\n    a -> b weight w - 1 }\n",
        ),
        (
            "topology t {\n\n  // one\n for i in ranks,// two\n j in 0..i{ // three\n i -> j // four\n   i -- j    // five\n\n }\n\n}",
            "topology t {\n    // one\n    for i in ranks, // two\n        j in 0..i { // three\n        i -> j      // four\n        i -- j      // five\n    }\n}\n",
        ),
        (
            "schedule {\ntopology ring\nalgorithm dgd\n}",
            "schedule {\n    topology  ring\n    algorithm dgd\n}\n",
        ),
        (
            "algorithm a {\nstep{ x<-mix(x)-\nlr*grad(x) }\n}",
            "algorithm a {\n    step { x <- mix(x) -\n            lr * grad(x) }\n}\n",
        ),
        (
            "fn f(x) = if x{ 1 }\nelse if y { 2 }\nelse {\n3\n}",
            "fn f(x) = if x { 1 }\n    else if y { 2 }\n    else {\n        3\n    }\n",
        ),
        (
            "/// a\n///b\n//// c\nfn f(x) = [ // d\n1, 2 // e\n]",
            "/// a\n///b\n//// c\nfn f(x) = [ // d\n    1, 2    // e\n]\n",
        ),
    ] {
        match format(text) {
            Ok(found) => assert_eq!(found, expected, "{text}"),
            Err(_) => assert_eq!(expected, "error", "{text}"),
        }
    }
}

#[test]
fn long_lines_are_broken() {
    let list = |n: usize| (0..n).map(|k| format!("[{k}, {}]", k + 1)).collect::<Vec<_>>().join(",");
    let words = |symbol: &str| vec!["something"; 40].join(symbol);
    let many = format!("[{}]", list(5000));
    for text in [
        format!("topology t {{ for [i, j] in {many} {{ i -- j }} }}"),
        format!("fn f(something) = {}", words(" + ")),
        format!(
            "fn f(something) = if {} {{ {} }} else {{ {} }}",
            words(" and "),
            words(" * "),
            words(" ++ ")
        ),
        format!("fn f(something) = g({}, h({}))", words(", "), words(" == ")),
        format!("fn f(something) {{ let a = {}\n a }}", words(" - ")),
        format!("topology t {{ requires {} }}", words(", ")),
        format!("topology t {{ {} -> {} weight {} }}", words(" + "), words(" + "), words(" + ")),
        format!("algorithm a {{ step {{ if {} {{ x <- {} }} }} }}", words(" or "), words(" / ")),
    ] {
        // A list of 40 factors and the like is as deep as it is long; chains of comparisons are not programs.
        let Ok(formatted) = format(&text) else { continue };
        check("long", &text);
        assert!(formatted.lines().all(|line| line.chars().count() <= MAX_WIDTH), "{formatted}");
        assert!(formatted.lines().count() < 2 + text.len() / 40, "{formatted}");
    }
}

/// Changes of a source at places that a small generator picks.
fn mutated(text: &str, state: &mut u64) -> String {
    let mut random = |below: usize| {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        (*state % below.max(1) as u64) as usize
    };
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..1 + random(6) {
        let at = random(bytes.len() + 1);
        let end = (at + random(6)).min(bytes.len());
        match random(4) {
            0 => drop(bytes.splice(at..end, [])),
            1 => drop(bytes.splice(at..end, common::PIECES[random(common::PIECES.len())].bytes())),
            2 => drop(bytes.splice(at..at, common::PIECES[random(common::PIECES.len())].bytes())),
            _ => {
                let from = random(bytes.len());
                let copied = bytes[from..(from + 40).min(bytes.len())].to_vec();
                drop(bytes.splice(at..at, copied));
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Ten million bytes of mutated sources; those that are still programs keep the laws.
#[test]
fn mutated_sources_never_panic_or_hang() {
    let sources = sources();
    let (mut state, mut bytes, mut programs) = (0x9e37_79b9_7f4a_7c15_u64, 0, 0);
    let mut longest = Duration::ZERO;
    while bytes < 10_000_000 {
        for (name, text) in &sources {
            let text = mutated(text, &mut state);
            bytes += text.len();
            let begin = Instant::now();
            if let Ok(formatted) = format(&text) {
                programs += 1;
                assert_eq!(contents(&text), contents(&formatted), "{name}:\n{text}");
                if programs % 16 == 0 {
                    check(name, &text);
                }
            }
            longest = longest.max(begin.elapsed());
        }
    }
    println!("{bytes} bytes, {programs} programs, the longest took {longest:?}");
    assert!(programs > 100 && longest < Duration::from_secs(20), "{programs} programs, {longest:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_texts_never_panic(text in "[ -~\n→'(){}\\[\\]]{0,200}") {
        let _ = format(&text);
    }
}
