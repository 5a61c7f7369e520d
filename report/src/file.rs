//! Bytes → a file that appears whole or not at all, and nothing is destroyed that was there.
//!
//! A regular file is replaced by a new one that was written beside it. Devices and pipes are written to; a symbolic link
//! stays, and what it leads to is written; directories that are missing are created.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many links may lead from one to the next.
const MOST_LINKS: usize = 40;
/// How many names are tried for the file that is written first.
const MOST_NAMES: usize = 100;

/// Held while a file is replaced, so that an interrupt waits until it is whole or gone.
static REPLACING: Mutex<()> = Mutex::new(());

/// Keeps files from being replaced while the guard lives.
pub fn hold_writes() -> MutexGuard<'static, ()> {
    REPLACING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes a file.
///
/// # Errors
/// Where the path is a directory, its permissions forbid it, or the disk does not take it; a file that was there is then
/// untouched.
pub fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Opening changes nothing, and shows in one step what is there and whether it may be written.
    match OpenOptions::new().write(true).open(path) {
        Ok(mut there) => match there.metadata()? {
            old if old.is_file() => replace(&followed(path)?, bytes, Some(&old)),
            _ => there.write_all(bytes),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let path = followed(path)?;
            fs::create_dir_all(path.parent().unwrap_or(Path::new("")))?;
            replace(&path, bytes, None)
        }
        Err(error) => Err(error),
    }
}

/// Whether a file is there that holds something, or a directory.
pub fn is_taken(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|there| there.is_dir() || holds_something(&there))
}

/// Devices and pipes are written to, and an empty file holds nothing to lose.
pub fn holds_something(there: &Metadata) -> bool {
    there.is_file() && there.len() > 0
}

/// The text of a regular file of at most this number of bytes.
///
/// # Errors
/// Why it cannot be read, in words.
pub fn read_regular(path: &Path, limit: u64) -> Result<String, String> {
    let read = || -> io::Result<String> {
        let there = fs::metadata(path)?;
        if !there.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        if there.len() > limit {
            return Err(io::Error::other(format!("it has more than {limit} bytes")));
        }
        fs::read_to_string(path)
    };
    read().map_err(|error| error.to_string())
}

/// Where a path leads if it is a link, whether or not that exists.
fn followed(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_path_buf();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&path) {
            Ok(to) => path = path.parent().unwrap_or(Path::new("")).join(to),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("links lead from one to the next without end"))
}

/// The bytes go to a new file beside it, which takes over the old one's permissions and then its name.
fn replace(path: &Path, bytes: &[u8], old: Option<&Metadata>) -> io::Result<()> {
    let _guard = hold_writes();
    let (mut file, temporary) = beside(path)?;
    let written = file
        .write_all(bytes)
        .and_then(|()| old.map_or(Ok(()), |old| take_over(&file, old)))
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// A new file in the same directory; no file or link that someone has put there is opened.
fn beside(path: &Path) -> io::Result<(File, PathBuf)> {
    let directory = path.parent().unwrap_or(Path::new(""));
    for number in 0..MOST_NAMES {
        let temporary = directory.join(format!(".bfc-{}-{number}.tmp", std::process::id()));
        match OpenOptions::new().write(true).create_new(true).open(&temporary) {
            Ok(file) => return Ok((file, temporary)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

fn take_over(file: &File, old: &Metadata) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, fchown};
        // Only the administrator can give a file away; another's file becomes the writer's own.
        let _ = fchown(file, Some(old.uid()), Some(old.gid()));
    }
    file.set_permissions(old.permissions())
}
