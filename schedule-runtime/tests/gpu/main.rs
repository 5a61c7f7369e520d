//! GPUs, on a test double of the CUDA driver, NVRTC and NCCL: see `stand_in.c`, which also says what it cannot show.

mod graphs;
mod kernels;
mod libraries;
mod machines;
mod nccl;
mod staged;
mod stand_in;
mod transport;
