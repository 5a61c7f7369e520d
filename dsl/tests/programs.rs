//! Real programs: they parse, and their canonical form reads back as the same tree.

use crate::common::{self, read};

use bfc_dsl::print;

#[test]
fn programs_parse_and_print() {
    for (path, text) in common::programs() {
        let tree =
            read(&text).unwrap_or_else(|errors| panic!("{path}:\n{}", common::render(&path, &text, &errors)));
        let printed = print(&tree);
        let again = read(&printed)
            .unwrap_or_else(|errors| panic!("{path}:\n{}", common::render(&path, &printed, &errors)));
        assert_eq!(common::shape(&tree), common::shape(&again), "{path}");
        assert_eq!(printed, print(&again), "{path}");
    }
}
