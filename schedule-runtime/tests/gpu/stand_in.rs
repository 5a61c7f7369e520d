//! Builds the test double, each time as libraries of its own, so that tests do not share faults.

use bfc_runtime::gpu::{Gpu, Libraries};
use std::ffi::{OsString, c_int, c_long};
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// The libraries, in a directory that goes with them.
pub struct StandIn {
    directory: TempDir,
    /// It forgets its faults when nobody has it open.
    library: libloading::Library,
}

/// What it can be asked to do wrong; see `stand_in.c`.
#[derive(Clone, Copy)]
#[allow(dead_code)]
pub enum Fault {
    Slow = 0,
    LostSend = 1,
    AsyncError = 2,
    OldDriver = 3,
    NoGpu = 4,
    FailingWork = 5,
    StuckAbort = 6,
}

impl StandIn {
    pub fn new() -> Self {
        Self::with(&[])
    }

    /// With further definitions for the compiler.
    pub fn with(definitions: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let sources = directory.path();
        for (name, text) in
            [("stand_in.c", include_str!("stand_in.c")), ("bfc_host.h", include_str!("bfc_host.h"))]
        {
            std::fs::write(sources.join(name), text).expect("a source");
        }
        let status = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror"])
            .arg(format!("-DSCRATCH=\"{}\"", directory.path().display()))
            .arg(format!("-DINCLUDE=\"{}\"", sources.display()))
            .args(definitions)
            .arg(sources.join("stand_in.c"))
            .args(["-lpthread", "-ldl", "-o"])
            .arg(directory.path().join("stand_in.so"))
            .status();
        assert!(status.expect("a C compiler").success(), "the stand-in compiles");
        // SAFETY: it has no initialisers.
        let library = unsafe { libloading::Library::new(directory.path().join("stand_in.so")) };
        Self { library: library.expect("the stand-in"), directory }
    }

    pub fn file(&self) -> PathBuf {
        self.directory.path().join("stand_in.so")
    }

    pub fn libraries(&self) -> Libraries {
        let file: Option<OsString> = Some(self.file().into());
        Libraries { driver: file.clone(), nvrtc: file.clone(), nccl: file }
    }

    pub fn gpu(&self) -> Gpu {
        Gpu::open(&self.libraries(), 0).expect("the stand-in")
    }

    /// How many kernels were launched or captured so far.
    pub fn launched(&self) -> i64 {
        // SAFETY: the function of the stand-in takes no arguments.
        unsafe {
            let launched: libloading::Symbol<unsafe extern "C" fn() -> c_long> =
                self.library.get(b"stand_in_launched").expect("its function");
            launched()
        }
    }

    /// From now on it does this wrong.
    pub fn fault(&self, fault: Fault, value: i64) {
        // SAFETY: the function of the stand-in takes these arguments.
        unsafe {
            let set: libloading::Symbol<unsafe extern "C" fn(c_int, c_long)> =
                self.library.get(b"stand_in_fault").expect("its function");
            set(fault as c_int, value);
        }
    }
}
