//! The example in the documentation of each algorithm of the library compiles, and its program is proved.

use bfc_compiler::{Entry, NoFiles, Request, compile, library};

#[test]
fn examples_in_the_documentation_compile() {
    let names: Vec<_> = library::names().into_iter().filter(|name| name.starts_with("algorithm::")).collect();
    assert!(names.len() >= 9, "{names:?}");
    for name in names {
        let lines = library::source(name).unwrap().lines().filter_map(|line| line.strip_prefix("///"));
        let text: Vec<_> = lines.filter_map(|line| line.strip_prefix("     ")).collect();
        assert!(!text.is_empty(), "{name} has no example");
        for size in [1, 2, 8] {
            let entry = Entry::Source { name: format!("{name}.bf"), text: text.join("\n") + "\n" };
            let allow = vec!["requirement_not_decided".to_string()];
            let request = Request { allow, ..Request::new(entry, size) };
            if let Err(errors) = compile(&request, &NoFiles)
                // Checked, and not run.
                && errors.codes() != ["bfc::lower::no_windows"]
            {
                panic!("{name} at size {size}: {:?}", errors.errors());
            }
        }
    }
}
