//! Executes a schedule: a program shared by all ranks, on tensors, over a transport.
//!
//! | file | what it turns into what |
//! |---|---|
//! | [`machine`](Machine) | a rank's schedule, a transport and a model into a machine that a trainer drives |
//! | [`communicator`] | calls of a program of one's own, such as `allreduce`, into exchanges |
//! | [`layout`](Layout) | a model's tensors into buckets, the unit of messages and of overlap |
//! | `execute`, `bucket` | a program into blocks that run up to the next question to the trainer, bucket by bucket |
//! | `expression`, [`kernel`] | expressions and weighted sums into loops over slices |
//! | [`Storage`], [`Element`] | numbers as they are stored and sent, and as they are computed |
//! | `compression` | vectors into codes and back |
//! | `exchange`, `plan` | mixes and averages into rounds with rounded weights, at once or beside the trainer |
//! | `memory`, `registers` | numbers of a type into buffers, and these into registers |
//! | [`transport`] | rounds into messages: [`local`] threads, [`process`]es that share memory, [`socket`]s, [`mpi`], [`simulated`] networks |
//! | [`gpu`] | the same on GPUs: programs into kernels, NCCL between device buckets, and between ranks of the host |
//! | [`conformance`] | a transport into the laws that it keeps |
//! | [`trace`] | what a rank does into a ring of events, and those of all ranks into who waits for whom |
//! | [`lease`], [`bell`], [`undo`] | the synchronisation of threads and of processes |
//! | [`world`], [`secret`] | what a launcher says into a rank that joins its group |
//!
//! Results do not depend on the transport: products and sums are rounded one by one, in the order self, round 0, round 1 …
//! Weights are rounded once, and the self weight takes up what they lose: of its row, or where only the columns of a
//! topology sum to 1, of its column.

pub mod bell;
mod bucket;
pub mod communicator;
mod compression;
#[cfg(not(feature = "loom"))]
pub mod conformance;
mod element;
mod error;
mod exchange;
mod execute;
mod expression;
#[cfg(not(feature = "loom"))]
pub mod gpu;
pub mod kernel;
mod layout;
pub mod lease;
#[cfg(not(feature = "loom"))]
pub mod local;
mod machine;
mod mapping;
mod memory;
#[cfg(not(feature = "loom"))]
pub mod mpi;
mod plan;
#[cfg(not(feature = "loom"))]
pub mod process;
mod registers;
#[cfg(not(feature = "loom"))]
pub mod secret;
#[cfg(not(feature = "loom"))]
pub mod simulated;
#[cfg(not(feature = "loom"))]
pub mod socket;
mod storage;
mod sync;
pub mod trace;
pub mod transport;
pub mod undo;
#[cfg(not(feature = "loom"))]
pub mod world;

pub use communicator::{
    CommunicateError, Communicator, Neighbours, NumberType, Numeric, Operand, Operation, Reduction,
};
pub use compression::{Coding, Factors};
pub use element::Element;
pub use error::{ExchangeKind, Place, RuntimeError};
pub use layout::{BUCKET_BYTES, Bucket, Layout, Tensor, TensorPlace};
pub use machine::{
    Answer, Ask, Flat, FlatAsk, FlatState, Machine, ModelAsk, State, Values, ValuesMut, Wanted,
};
pub use plan::{Action, Plan, Weight};
pub use storage::{Dtype, Slice, Storage};
pub use trace::{Trace, TraceError};
pub use transport::Transport;
#[cfg(not(feature = "loom"))]
pub use world::World;
