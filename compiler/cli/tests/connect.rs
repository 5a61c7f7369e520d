//! `bfc mpi` and engine `mpi` where MPI is not there, or not what it should be.

use crate::common::{bfc, codes, files};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

#[test]
fn a_compiler_that_is_none_is_named() {
    let (_directory, path) = files(&[("mpicc", b"#!/bin/sh\necho mpi.h: not here >&2\nexit 3\n")]);
    std::fs::set_permissions(path("mpicc"), Permissions::from_mode(0o755)).expect("mine");
    let out = path("new/library.so");
    for (compiler, said) in [(path("mpicc"), "mpi.h: not here"), (path("nothing"), "No such file")] {
        let told = bfc(&["mpi", "--compiler", &compiler, "-o", &out]).assert().code(3);
        let err = String::from_utf8_lossy(&told.get_output().stderr).into_owned();
        assert!(err.contains("bfc::mpi::connect") && err.contains(said), "{err}");
    }
    let left: Vec<_> = std::fs::read_dir(path("new")).expect("made").collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_library_that_is_none_is_refused() {
    let (_directory, path) = files(&[("library.so", b"text")]);
    let told = |library: &str| {
        let told = bfc(&["mpi", "--check"]).env("BFC_MPI", path(library)).assert().code(3);
        String::from_utf8_lossy(&told.get_output().stderr).into_owned()
    };
    assert!(told("library.so").contains("bfc::mpi::load"));
    assert!(told("nothing.so").contains("bfc::mpi::not_connected"));
}

#[test]
fn a_run_says_how_mpirun_ended() {
    let (_directory, path) = files(&[("library.so", b""), ("mpirun", b"#!/bin/sh\nexit 3\n")]);
    std::fs::set_permissions(path("mpirun"), Permissions::from_mode(0o755)).expect("mine");
    let run = |library: &str, programs: &str| {
        let arguments = ["run", "examples/digits.bf", "--size", "2", "--steps", "1", "--engine", "mpi"];
        let told = bfc(&arguments).env("BFC_MPI", path(library)).env("PATH", path(programs)).assert().code(3);
        String::from_utf8_lossy(&told.get_output().stderr).into_owned()
    };
    assert!(run("nothing.so", "").contains("bfc::mpi::not_connected"));
    let err = run("library.so", "");
    assert!(err.contains("bfc::run::mpirun") && err.contains("exit status: 3"), "{err}");
    assert!(run("library.so", "nowhere").contains("cannot be started"));
    assert_eq!(codes(&["mpi", "--check", "--output", "x"], 2), ["bfc::cli::usage"]);
}
