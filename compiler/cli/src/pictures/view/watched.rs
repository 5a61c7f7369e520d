//! The files that a page was made from, and when they change.

use crate::input;
use bfc_compiler::Files;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

/// When a file was last modified, and its length; `None` if it does not exist.
pub type State = Option<(SystemTime, u64)>;

/// The state of a file.
pub fn state(path: &Path) -> State {
    let there = fs::metadata(path).ok()?;
    Some((there.modified().ok()?, there.len()))
}

/// The files beside a source. It remembers each path that is read, and its state before that: a file that changes while it is
/// read counts as changed.
#[derive(Default)]
pub struct Watched(Mutex<BTreeMap<PathBuf, State>>);

impl Watched {
    /// Remembers a file that is about to be read.
    pub fn note(&self, path: PathBuf) {
        let state = state(&path);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(path).or_insert(state);
    }

    /// What was remembered.
    pub fn states(self) -> BTreeMap<PathBuf, State> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_beside(&self, from: &str, name: &str) {
        self.note(Path::new(from).parent().unwrap_or(Path::new("")).join(name));
    }
}

impl Files for Watched {
    fn read(&self, from: &str, name: &str) -> Result<(String, String), String> {
        self.note_beside(from, &format!("{name}.bf"));
        input::Beside.read(from, name)
    }

    fn read_edges(&self, from: &str, name: &str) -> Result<String, String> {
        self.note_beside(from, name);
        input::Beside.read_edges(from, name)
    }
}
