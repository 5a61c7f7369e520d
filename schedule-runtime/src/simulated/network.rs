//! What a network does to messages and ranks. All that it draws follows from one seed.

use bfc_schedule::{Rank, random};
use std::time::Duration;

/// A network to simulate. [`new`](Self::new) draws one; every property can be set afterwards.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// Decides everything that is drawn: one seed, one run.
    pub seed: u64,
    /// The longest delay of a message, or of a rank before a call; one in sixteen takes up to ten times as long.
    pub delay: Duration,
    /// When the memory of a message is read.
    pub reads: Reads,
    /// Whether a message may queue behind another that its receiver has not taken. Otherwise `begin` waits.
    pub queues: bool,
    /// Messages of more bytes than this are exchanged in place by ranks that ask for it; `None`: no messages are.
    pub in_place: Option<usize>,
    /// The bytes that are delivered at a time, a multiple of 64. A long message comes in larger pieces.
    pub chunk: usize,
    /// What goes wrong.
    pub faults: Vec<Injected>,
}

/// When the memory of a message is read, within what the contract allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// In `begin`.
    Earliest,
    /// When the receiver takes it; `wait_sent` waits for that.
    Latest,
    /// Each message at one of these, or at a moment between them.
    Drawn,
}

/// Something that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Injected {
    /// A rank dies. Its thread unwinds; its peers see it leave.
    Kill {
        /// The rank.
        rank: Rank,
        /// The time of its death.
        at: Duration,
    },
    /// A rank stands still, wherever it is. What it has sent travels on.
    Stop {
        /// The rank.
        rank: Rank,
        /// The time from which it does nothing.
        at: Duration,
        /// For how long; `None`: for ever.
        lasts: Option<Duration>,
    },
    /// Messages from one rank to another are lost from number `message` on, counted from 0, and the receiver does not see
    /// the sender leave. Notices of failures and of what has been taken still arrive.
    Lose {
        /// The sender.
        from: Rank,
        /// The receiver.
        to: Rank,
        /// The number of messages that arrive.
        message: u64,
    },
}

impl Network {
    /// A network without faults, drawn from `seed`.
    pub fn new(seed: u64) -> Self {
        let draw = |key: u64, below: u64| random::output(random::substream(seed, &[0]), key) % below;
        Self {
            seed,
            delay: Duration::from_nanos([0, 1_000, 100_000, 10_000_000][draw(0, 4) as usize]),
            reads: [Reads::Earliest, Reads::Latest, Reads::Drawn][draw(1, 3) as usize],
            queues: draw(2, 2) == 0,
            in_place: [None, Some(0), Some(64 << 10)][draw(3, 3) as usize],
            chunk: [64, 192, 4096, 256 << 10][draw(4, 4) as usize],
            faults: vec![],
        }
    }

    /// The network with one more fault.
    #[must_use]
    pub fn with(mut self, fault: Injected) -> Self {
        self.faults.push(fault);
        self
    }

    /// The bytes of a piece of a message: at most about 16 pieces a message.
    pub(super) fn piece(&self, bytes: usize) -> usize {
        self.chunk.max(bytes / 16 / 64 * 64)
    }

    /// How many messages from one rank to another arrive.
    pub(super) fn arriving(&self, from: Rank, to: Rank) -> u64 {
        let lost = self.faults.iter().filter_map(|fault| match *fault {
            Injected::Lose { from: sender, to: receiver, message } if (sender, receiver) == (from, to) => {
                Some(message)
            }
            _ => None,
        });
        lost.min().unwrap_or(u64::MAX)
    }
}
