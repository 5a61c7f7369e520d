//! What is read of a source with mistakes: items without one are read as they are alone, and a mistake in one item leaves
//! the others.

use crate::common;
use bfc_dsl::tree::{File, FileId, Item, Span};
use bfc_dsl::{MAX_ERRORS, Parsed, parse};
use proptest::prelude::*;
use std::ops::Range;

/// The bytes of all spans of a tree.
fn spans(tree: &File) -> Vec<Range<usize>> {
    let debug = format!("{tree:?}");
    let number = |text: &str, key: &str| -> usize {
        let digits = &text[text.find(key).expect("a field") + key.len()..];
        digits[..digits.find(|letter: char| !letter.is_ascii_digit()).expect("an end")]
            .parse()
            .expect("a number")
    };
    debug.split("Span {").skip(1).map(|text| number(text, "start: ")..number(text, "end: ")).collect()
}

/// The text with all letters outside of `kept` blank.
fn only(text: &str, kept: Span) -> String {
    let kept = kept.start as usize..kept.end as usize;
    let blank = |byte: u8| if byte == b'\n' { b'\n' } else { b' ' };
    let letters = text.bytes().enumerate();
    let bytes = letters.map(|(at, byte)| if kept.contains(&at) { byte } else { blank(byte) });
    String::from_utf8(bytes.collect()).expect("an item ends between letters")
}

fn without_documentation(item: &Item) -> Item {
    let mut item = item.clone();
    match &mut item {
        Item::Function(item) => item.documentation.clear(),
        Item::Topology(item) => item.documentation.clear(),
        Item::Algorithm(item) => item.documentation.clear(),
        Item::Schedule(item) => item.documentation.clear(),
        Item::Use(_) => {}
    }
    item
}

/// The laws of every source.
fn check(text: &str) -> Result<Parsed, TestCaseError> {
    let parsed = parse(FileId(0), text);
    for span in spans(&parsed.file) {
        prop_assert!(text.get(span.clone()).is_some(), "{span:?} of {}", text.len());
    }
    for (number, item) in parsed.file.items.iter().enumerate().filter(|(number, _)| parsed.is_whole(*number))
    {
        let alone = common::read(&only(text, item.span()));
        let alone = alone.map_err(|errors| TestCaseError::fail(format!("item {number}: {errors:?}")))?;
        prop_assert_eq!(format!("{:?}", alone.items), format!("{:?}", [without_documentation(item)]));
    }
    let all_whole = (0..parsed.file.items.len()).all(|number| parsed.is_whole(number));
    prop_assert!(!parsed.errors.is_empty() || parsed.is_complete() && all_whole);
    Ok(parsed)
}

/// A program and one of its items, with pieces of other texts put into it.
fn with_one_damaged_item() -> impl Strategy<Value = (String, usize, String)> {
    let texts: Vec<String> = common::programs().into_iter().map(|(_, text)| text).collect();
    let pieces = proptest::collection::vec(
        (any::<prop::sample::Index>(), prop::sample::select(&common::PIECES[..])),
        1..4,
    );
    (prop::sample::select(texts), any::<prop::sample::Index>(), pieces).prop_map(|(text, item, pieces)| {
        let items = common::read(&text).expect("a program").items;
        let number = item.index(items.len());
        let (start, end) = (items[number].span().start as usize, items[number].span().end as usize);
        let mut inside = text[start..end].to_string();
        for (at, piece) in pieces {
            // Behind the first word, so that the item still begins where it did.
            let word = 1 + inside.find(' ').expect("a blank after a keyword");
            let at = word + at.index(inside.len() + 1 - word);
            let at = (at..=inside.len()).find(|at| inside.is_char_boundary(*at)).expect("an end");
            inside.insert_str(at, piece);
        }
        let damaged = format!("{}{inside}{}", &text[..start], &text[end..]);
        (text, number, damaged)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn whole_items_are_read_as_they_are_alone(text in common::mutated()) {
        check(&text)?;
    }

    #[test]
    fn arbitrary_texts_have_trees_in_range(text in "[ -~\n→'(){}\\[\\]]{0,200}") {
        check(&text)?;
    }

    #[test]
    fn a_mistake_in_one_item_leaves_the_others((text, number, damaged) in with_one_damaged_item()) {
        let parsed = parse(FileId(0), &damaged);
        let shapes = |items: &[Item]| -> Vec<_> {
            items.iter().map(|item| common::shape(&without_documentation(item))).collect()
        };
        let mut rest = shapes(&common::read(&text).expect("a program").items);
        rest.remove(number);
        let found = shapes(&parsed.file.items);
        let kept = |item: &String| found.contains(item);
        prop_assert!(rest.iter().all(kept), "{damaged}");
    }
}

#[test]
fn what_is_missing_is_known() {
    let names = |text: &str| {
        let parsed = parse(FileId(0), text);
        let names = parsed.file.items.iter().enumerate().map(|(number, item)| match item {
            Item::Topology(item) => (item.name.text.clone(), parsed.is_whole(number)),
            other => panic!("{other:?}"),
        });
        (names.collect::<Vec<_>>(), parsed.is_complete())
    };
    let [a, b] = ["a", "b"].map(str::to_string);
    let text = "topology a { 0 -> 1 }\ntopology b { 1 -> 0 }\n";
    assert_eq!(names(text), (vec![(a.clone(), true), (b.clone(), true)], true));
    // A statement is left out, an item with a bracket too few, and one without a name.
    let text = "topology a { 0 -> }\ntopology b { 1 -> 0 }\n";
    assert_eq!(names(text), (vec![(a.clone(), false), (b.clone(), true)], true));
    let text = "topology a { 0 -> 1\ntopology b { 1 -> 0 }\n";
    assert_eq!(names(text), (vec![(b.clone(), true)], false));
    let text = "topology { 0 -> 1 }\ntopology b { 1 -> 0 }\n";
    assert_eq!(names(text), (vec![(b.clone(), true)], false));
    // Where not all mistakes are reported, nothing is certain.
    let text = format!("topology a {{\n{}}}\ntopology b {{ 1 -> 0 }}\n", "0 0\n".repeat(MAX_ERRORS));
    assert_eq!(names(&text), (vec![(a, false), (b, false)], false));
    let large = parse(FileId(0), &" ".repeat(bfc_dsl::MAX_SOURCE + 1));
    assert!(large.file.items.is_empty() && !large.is_complete());
}
