//! Buckets in the memory of GPUs, kernels that compute on them, and NCCL between them. Everything of CUDA is opened at run time:
//! a program that can use a GPU is built, and runs, without one.
//!
//! | file | what |
//! |---|---|
//! | [`text`](Text) | a program into CUDA text: expressions, weighted sums, inner products, codecs |
//! | `loader` | libraries of the system into tables of functions |
//! | `driver`, [`nvrtc`](Nvrtc), [`nccl`](Nccl) | the three tables |
//! | [`device`](Gpu) | a GPU, its memory and its kernels |
//! | [`stream`](Stream), `waiting` | work in order, events, and waits with a deadline |
//! | [`kernels`](Kernels) | the kernels of a text, by what they compute |
//! | [`link`](Link) | ranks into messages: by NCCL, or as threads on one GPU |
//! | [`staged`](Staged) | the same through the memory of the host, over any transport |
//! | [`graph`](Graphs) | work that is captured once and queued by one call |
//! | [`machine`](GpuMachine), `exchange`, `handshake` | a schedule and a link into a machine that a trainer on the GPU drives |
//! | `host` | the same for a trainer that computes on the host |
//! | [`transport`](GpuTransport), `message`, `staging` | a link and another transport into a transport of the host's messages |
//!
//! The bits are those of the host: see [`Text`]. None of this has run on a GPU yet.

mod device;
mod driver;
mod error;
mod exchange;
mod graph;
mod handshake;
mod host;
pub(crate) mod kernels;
mod link;
mod loader;
mod machine;
mod message;
mod nccl;
mod nvrtc;
mod staged;
mod staging;
mod stream;
pub(crate) mod text;
mod transport;
mod waiting;

pub use device::{DeviceMemory, Gpu, Libraries, Module};
pub use error::GpuError;
pub use graph::Graphs;
pub use kernels::{Kernels, Terms, Vector};
pub use link::{Link, Threads};
pub use machine::{GpuAsk, GpuMachine};
pub use nccl::{Communicator, Id, Nccl, Piece};
pub use nvrtc::{Form, Nvrtc, OPTIONS};
pub use staged::Staged;
pub use stream::{Event, Stream};
pub use text::Text;
pub use transport::GpuTransport;
