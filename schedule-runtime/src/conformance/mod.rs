//! What every transport must do, as a suite: the laws of the [contract](crate::transport), one by one.
//!
//! A [`Law`] is run by all ranks of a group at once, each with a transport that nothing else has used; it panics on a rank
//! that sees it broken. [`laws`] lists them in the same order on every rank, so that ranks may be threads or processes:
//!
//! ```
//! use bfc_runtime::conformance::{Leaving, laws};
//! use bfc_runtime::local::{LocalTransport, spmd};
//!
//! for law in laws::<LocalTransport>(3, Leaving::IsSeen) {
//!     # if law.name().contains("300007") { continue }
//!     println!("{}", law.name());
//!     spmd(3, |transport| {
//!         law.run(transport);
//!         Ok::<_, String>(())
//!     })
//!     .unwrap();
//! }
//! ```
//!
//! The laws of machines compare models and states, bit for bit, with those of threads; those of communicators compare vectors
//! with what plain loops compute.
//!
//! The module is not behind a feature: it has no dependencies, a program that does not call it does not contain it, and tests
//! that need a feature are easily not run.

mod communicator;
mod exchange;
mod faults;
pub mod gpu;
mod in_place;
pub mod kernels;
mod machines;
mod messages;
pub mod schedules;

use crate::transport::Transport;
pub use machines::{bits, state_bits};

/// Something that all transports do.
pub struct Law<X> {
    name: String,
    body: Box<dyn Fn(X) + Send + Sync>,
}

/// Whether a transport sees that a peer has ended, or only that nothing comes from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// A wait for it is [`Fault::Left`](crate::transport::Fault::Left).
    IsSeen,
    /// A wait for it is [`Fault::Deadline`](crate::transport::Fault::Deadline).
    IsNotSeen,
}

impl<X> Law<X> {
    fn new(name: impl Into<String>, body: impl Fn(X) + Send + Sync + 'static) -> Self {
        Self { name: name.into(), body: Box::new(body) }
    }

    /// What it says.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// One rank's part.
    ///
    /// # Panics
    /// Where the transport breaks the law.
    pub fn run(&self, transport: X) {
        (self.body)(transport);
    }
}

/// The laws for this number of ranks, in the order in which all ranks run them.
pub fn laws<X: Transport + Send + 'static>(size: u32, leaving: Leaving) -> Vec<Law<X>> {
    let mut laws = machines::laws(size);
    laws.extend(communicator::laws(size));
    if size > 1 {
        laws.extend(messages::laws());
        laws.extend(faults::laws(leaving));
        laws.extend(in_place::laws());
    }
    laws
}
