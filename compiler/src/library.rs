//! The standard library: sources of `stdlib/`, embedded. No name of it stands in Rust.

/// Names such as `topology::ring` and their sources, sorted by name.
static SOURCES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/library.rs"));

/// All names, sorted.
pub fn names() -> Vec<&'static str> {
    SOURCES.iter().map(|(name, _)| *name).collect()
}

/// The source of a name.
pub fn source(name: &str) -> Option<&'static str> {
    let at = SOURCES.binary_search_by_key(&name, |(known, _)| known).ok()?;
    SOURCES.get(at).map(|(_, text)| *text)
}

/// Whether files of the library begin with this word, as in `use topology::…`.
pub fn is_part(word: &str) -> bool {
    ["topology", "algorithm"].contains(&word)
}
