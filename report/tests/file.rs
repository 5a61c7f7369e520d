//! A file is replaced whole; devices, pipes and links are left as they are.
#![cfg(unix)]

use bfc_report::write_file;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .expect("listed")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_file_is_replaced_and_keeps_its_permissions_and_owner() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("a");
    write_file(&path, b"first").expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o604)).expect("set");
    // Where this is not the administrator, the owner stays anyway.
    let _ = std::os::unix::fs::chown(&path, Some(12), Some(34));
    let old = fs::metadata(&path).expect("there");
    write_file(&path, b"second").expect("written");
    let new = fs::metadata(&path).expect("there");
    assert_eq!(fs::read(&path).expect("read"), b"second");
    assert_eq!((new.mode(), new.uid(), new.gid()), (old.mode(), old.uid(), old.gid()));
    assert_ne!(new.ino(), old.ino(), "whoever reads the old one reads all of it");
    assert_eq!(names(directory.path()), ["a"]);
}

#[test]
fn missing_directories_are_created() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("no/such/a");
    write_file(&path, b"x").expect("written");
    assert_eq!(fs::read(&path).expect("read"), b"x");
}

#[test]
fn links_stay_and_what_they_lead_to_is_written() {
    let directory = tempfile::tempdir().expect("a directory");
    let at = |name: &str| directory.path().join(name);
    fs::create_dir(at("d")).expect("made");
    fs::write(at("d/old"), "old").expect("written");
    symlink("d/old", at("to_old")).expect("linked");
    symlink("to_old", at("to_link")).expect("linked");
    symlink(at("d/new"), at("to_new")).expect("linked");
    symlink("e/f/new", at("to_nowhere")).expect("linked");
    for (link, target) in [("to_link", "d/old"), ("to_new", "d/new"), ("to_nowhere", "e/f/new")] {
        write_file(&at(link), link.as_bytes()).expect("written");
        assert!(fs::symlink_metadata(at(link)).expect("there").is_symlink(), "{link}");
        assert_eq!(fs::read(at(target)).expect("read"), link.as_bytes());
    }
    assert!(fs::symlink_metadata(at("to_old")).expect("there").is_symlink());
    assert_eq!(names(&at("d")), ["new", "old"]);
    symlink("loop", at("loop")).expect("linked");
    assert!(write_file(&at("loop"), b"x").is_err());
}

#[test]
fn pipes_are_written_to() {
    let directory = tempfile::tempdir().expect("a directory");
    let (pipe, link) = (directory.path().join("pipe"), directory.path().join("link"));
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("runs").success());
    symlink("pipe", &link).expect("linked");
    for path in [&pipe, &link] {
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::read(pipe).expect("read")
        });
        let bytes = vec![7; 200_000];
        write_file(path, &bytes).expect("written");
        assert_eq!(reader.join().expect("read"), bytes);
        assert!(fs::metadata(&pipe).expect("there").file_type().is_fifo());
    }
    assert_eq!(names(directory.path()), ["link", "pipe"]);
}

/// A device of the same number as `/dev/null`, where making one is allowed and devices work; else nothing to destroy.
#[test]
fn devices_are_written_to() {
    let directory = tempfile::tempdir().expect("a directory");
    let device = directory.path().join("null");
    let made = Command::new("mknod").arg(&device).args(["c", "1", "3"]).status().expect("runs").success();
    if !made {
        assert!(!device.exists());
        return;
    }
    let written = write_file(&device, b"x");
    let there = fs::metadata(&device).expect("there");
    assert!(there.file_type().is_char_device() && names(directory.path()) == ["null"], "{written:?}");
    assert_eq!(there.rdev(), 0x103);
    if let Err(error) = written {
        assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied, "no devices on this file system");
    }
}

#[test]
fn what_cannot_be_written_leaves_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let at = |name: &str| directory.path().join(name);
    fs::write(at("file"), "kept").expect("written");
    fs::create_dir(at("d")).expect("made");
    for path in [at("d"), at("file/a"), at("d/.."), at("new/"), directory.path().into()] {
        assert!(write_file(&path, b"x").is_err(), "{}", path.display());
    }
    assert!(write_file(Path::new(""), b"x").is_err());
    assert_eq!(fs::read(at("file")).expect("read"), b"kept");
    assert_eq!((names(directory.path()), names(&at("d"))), (vec!["d".into(), "file".into()], vec![]));
}

#[test]
fn threads_that_write_one_file_leave_one_of_their_texts() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("a");
    std::thread::scope(|scope| {
        for letter in b'a'..b'i' {
            let path = &path;
            scope.spawn(move || (0..20).for_each(|_| write_file(path, &[letter; 5000]).expect("written")));
        }
        for _ in 0..200 {
            let found = fs::read(&path).unwrap_or(vec![b'x'; 5000]);
            assert!(found.len() == 5000 && found.iter().all(|byte| *byte == found[0]));
        }
    });
    assert_eq!(names(directory.path()), ["a"]);
}
