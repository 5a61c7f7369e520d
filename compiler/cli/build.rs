//! Embeds the pages of `docs/errors/<stage>/<name>.md` as a sorted table of codes and texts.

use std::fs;
use std::path::{Path, PathBuf};

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors");
    println!("cargo::rerun-if-changed={}", root.display());
    let mut pages: Vec<(String, PathBuf)> = children(&root)
        .into_iter()
        .flat_map(|stage| {
            println!("cargo::rerun-if-changed={}", stage.display());
            children(&stage).into_iter().map(move |page| {
                let part = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                (format!("bfc::{}::{}", part(&stage), part(&page)), page)
            })
        })
        .collect();
    pages.sort();
    let entries: String =
        pages.iter().map(|(code, page)| format!("    ({code:?}, include_str!({page:?})),\n")).collect();
    let out = Path::new(&std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("pages.rs");
    fs::write(out, format!("&[\n{entries}]\n")).expect("OUT_DIR is writable");
}

fn children(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("the directory of error pages is readable");
    entries.map(|entry| entry.expect("its entries are readable").path()).collect()
}
