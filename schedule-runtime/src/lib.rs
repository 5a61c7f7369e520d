//! Executes a schedule: a program shared by all ranks, on tensors, over a transport.
//!
//! | file | what it turns into what |
//! |---|---|
//! | [`machine`](Machine) | a rank's schedule, a transport and a model into a machine that a trainer drives |
//! | `execute` | a program into blocks that run up to the next question to the trainer |
//! | `expression`, `kernel` | expressions and weighted sums into loops over slices |
//! | `compression` | vectors into codes and back |
//! | `exchange`, `plan` | mixes and averages into rounds with rounded weights |
//! | [`transport`] | rounds into messages: [`local`] threads, [`process`]es that share memory, [`socket`]s, `mpi`, [`simulated`] networks |
//! | [`conformance`] | a transport into the laws that it keeps |
//! | [`lease`], [`bell`], [`undo`] | the synchronisation of threads and of processes |
//! | [`world`], [`secret`] | what a launcher says into a rank that joins its group |
//!
//! Results do not depend on the transport: products and sums are rounded one by one, in the order self, round 0, round 1 …
//! Weights are rounded once, and the self weight takes up what they lose: of its row, or where only the columns of a
//! topology sum to 1, of its column.

pub mod bell;
mod compression;
#[cfg(not(feature = "loom"))]
pub mod conformance;
mod element;
mod error;
mod exchange;
mod execute;
mod expression;
pub mod kernel;
pub mod lease;
#[cfg(not(feature = "loom"))]
pub mod local;
mod machine;
#[cfg(feature = "mpi")]
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
mod sync;
pub mod transport;
pub mod undo;
#[cfg(not(feature = "loom"))]
pub mod world;

pub use element::Element;
pub use error::{Event, ExchangeKind, Place, RuntimeError, Trace, What};
pub use machine::{Answer, Ask, DEADLINE, Machine, State, Wanted};
pub use transport::Transport;
#[cfg(not(feature = "loom"))]
pub use world::World;
