//! Buckets in the memory of GPUs, kernels that compute on them, and NCCL between them. Everything of CUDA is opened at run time:
//! a program that can use a GPU is built, and runs, without one.
//!
//! | file | what |
//! |---|---|
//! | [`text`](Text) | a program into CUDA text: expressions, weighted sums, inner products, codecs |
//! | `loader` | libraries of the system into tables of functions |
//! | `driver`, [`nvrtc`](Nvrtc), [`nccl`](Nccl) | the three tables |
//! | [`device`](Gpu) | a GPU's memory, streams, events and kernels |
//! | [`kernels`](Kernels) | the kernels of a text, by what they compute |
//! | [`link`](Link) | ranks into messages: by NCCL, or as threads on one GPU |
//! | [`machine`](GpuMachine), `exchange` | a schedule and a link into a machine that a trainer on the GPU drives |
//!
//! The bits are those of the host: see [`Text`]. None of this has run on a GPU yet.

mod device;
mod driver;
mod error;
mod exchange;
pub(crate) mod kernels;
mod link;
mod loader;
mod machine;
mod nccl;
mod nvrtc;
pub(crate) mod text;

pub use device::{DeviceMemory, Event, Gpu, Libraries, Module, Stream};
pub use error::GpuError;
pub use kernels::{Kernels, Terms, Vector};
pub use link::{Link, Threads};
pub use machine::{GpuAsk, GpuMachine};
pub use nccl::{Communicator, Id, Nccl, Piece};
pub use nvrtc::{Form, Nvrtc, OPTIONS};
pub use text::Text;
