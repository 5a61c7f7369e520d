//! Embeds `stdlib/<part>/<name>.bf` as a sorted table of names `part::name` and texts.

use std::fs;
use std::path::{Path, PathBuf};

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../stdlib");
    let mut sources: Vec<(String, PathBuf)> = Vec::new();
    for part in ["topology", "algorithm"] {
        let directory = root.join(part);
        println!("cargo::rerun-if-changed={}", directory.display());
        for entry in fs::read_dir(&directory).into_iter().flatten() {
            let path = entry.expect("an entry of stdlib is readable").path();
            if path.extension().is_some_and(|extension| extension == "bf") {
                println!("cargo::rerun-if-changed={}", path.display());
                let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                sources.push((format!("{part}::{name}"), path.canonicalize().expect("a file has a path")));
            }
        }
    }
    sources.sort();
    let entries: String =
        sources.iter().map(|(name, path)| format!("    ({name:?}, include_str!({path:?})),\n")).collect();
    let out = Path::new(&std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("library.rs");
    fs::write(out, format!("&[\n{entries}]\n")).expect("OUT_DIR is writable");
}
