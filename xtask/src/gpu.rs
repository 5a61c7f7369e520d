//! The compiler of GPU kernels, which needs no GPU, from its Python wheel.

use crate::shell::{cargo, run};
use crate::venv;
use std::path::{Path, PathBuf};

/// The last one of CUDA 12.
const NVRTC: &str = "nvidia-cuda-nvrtc-cu12==12.9.86";

/// All kernels compile with the real NVRTC.
pub fn check() -> Result<(), String> {
    let python = venv::python("nvrtc", &[NVRTC])?;
    let library = library(&python).ok_or("the wheel of NVRTC has no libnvrtc.so.12")?;
    run(cargo(&["test", "--workspace", "--test", "nvrtc"]).env("BFC_NVRTC", library))
}

fn library(python: &Path) -> Option<PathBuf> {
    let packages = python.parent()?.parent()?.join("lib");
    let versions = std::fs::read_dir(packages).ok()?.flatten();
    let place = |version: std::fs::DirEntry| {
        version.path().join("site-packages/nvidia/cuda_nvrtc/lib/libnvrtc.so.12")
    };
    versions.map(place).find(|place| place.exists())
}
