//! Real programs: they parse, and their canonical form reads back as the same tree.

mod common;

use bfc_dsl::tree::FileId;
use bfc_dsl::{parse, print};

#[test]
fn programs_parse_and_print() {
    for (path, text) in common::programs() {
        let tree = parse(FileId(0), &text)
            .unwrap_or_else(|errors| panic!("{path}:\n{}", common::render(&path, &text, &errors)));
        let printed = print(&tree);
        let again = parse(FileId(0), &printed)
            .unwrap_or_else(|errors| panic!("{path}:\n{}", common::render(&path, &printed, &errors)));
        assert_eq!(common::shape(&tree), common::shape(&again), "{path}");
        assert_eq!(printed, print(&again), "{path}");
    }
}
