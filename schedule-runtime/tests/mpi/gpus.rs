//! Machines on GPUs over MPI, on the test double of CUDA: through the memory of the host, and with addresses of the GPU, which are
//! those of the host there, for an MPI that says that it takes them.

use crate::stand_in::StandIn;
use crate::{PATIENCE, report, start, start_with};
use bfc_runtime::conformance::gpu::laws;
use bfc_runtime::gpu::Link;
use bfc_runtime::mpi::MpiTransport;
use std::process::Command;
use std::time::Instant;

/// The first argument of the ranks; the second says whether MPI gets addresses.
pub const LAWS: &str = "gpus";

const SIZE: u32 = 3;

/// Without and with an answer of MPI's that it takes addresses.
pub fn start_all() {
    start(SIZE, &[LAWS, "staged"]);
    let folder = tempfile::tempdir().expect("a directory");
    let [source, library] = ["answer.c", "answer.so"].map(|name| folder.path().join(name));
    std::fs::write(&source, "int MPIX_Query_cuda_support(void) { return 1; }\n").expect("a source");
    let built = Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([&library, &source]).status();
    assert!(built.expect("a C compiler").success());
    start_with(Command::new("mpirun").env("LD_PRELOAD", library), SIZE, &[LAWS, "reached"]);
}

/// A rank's part.
pub fn keep_laws(reached: &str) {
    let (start, stand_in) = (Instant::now(), StandIn::new());
    let world = MpiTransport::join().expect("MPI");
    assert_eq!(world.reaches_gpus(), reached == "reached");
    let laws = laws::<Box<dyn Link + Send>>(SIZE);
    for law in &laws {
        let transport = MpiTransport::join().expect("a transport");
        law.run(transport.into_link(&stand_in.gpu(), PATIENCE).expect("a link"));
    }
    report(&world, &format!("{SIZE} ranks on GPUs, {reached}, {} laws, all kept", laws.len()), start);
}
