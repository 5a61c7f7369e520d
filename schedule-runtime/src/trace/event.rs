//! What a rank does, as it stands in the ring: eight words an event.
//!
//! | word | bits 0–31 | bits 32–63 |
//! |---|---|---|
//! | 0 | nanoseconds since the zero of the process's clock | |
//! | 1 | bits 0–7 what, 8–15 kind of exchange, 16–23 what is asked or why it failed | bucket |
//! | 2 | step | |
//! | 3 | number of the exchange | |
//! | 4 | round | peer |
//! | 5 | topology | phase |
//! | 6 | bytes | |
//! | 7 | peer that it receives from | |
//!
//! A number whose bits are all 1 is none. A mark has its label in words 3 to 7.

use super::Track;
use crate::communicator::Operation;
use crate::error::ExchangeKind;
use bfc_schedule::{Rank, visible};
use std::fmt;
use std::time::Duration;

/// The words of an event.
pub(super) const WORDS: usize = 8;
/// The longest label of a mark, in bytes.
const LABEL: usize = 40;

/// Something that a rank did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// When, since the zero of the clock of its process.
    pub time: Duration,
    /// On which thread.
    pub track: Track,
    /// In which step, from 0; `None` before the first.
    pub step: Option<u64>,
    /// In which round of an exchange, where it belongs to one.
    pub round: Option<Round>,
    /// What.
    pub what: What,
}

/// Where in an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round {
    /// The number of the exchange: of those that the rank has begun, from 0, and the same on all ranks.
    pub exchange: u64,
    /// What it is.
    pub kind: ExchangeKind,
    /// The bucket of the model, where there are several.
    pub bucket: Option<u32>,
    /// The round.
    pub round: u32,
}

/// What a rank did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A step began.
    StepBegan,
    /// The step ended.
    StepEnded,
    /// It asked its trainer, which computes from now on.
    Asked(Asked),
    /// The trainer has answered for one bucket.
    Ready(u32),
    /// The trainer has answered.
    Answered,
    /// An exchange began.
    ExchangeBegan,
    /// The exchange ended.
    ExchangeEnded,
    /// It offered to average in place with a rank, and waits for it.
    Offered(Rank),
    /// It began a round: this many bytes to one rank, and a message from another.
    Began {
        /// To whom it sends.
        to: Option<Rank>,
        /// From whom it receives.
        from: Option<Rank>,
        /// The bytes that it sends.
        bytes: u64,
    },
    /// It waits for the message of a rank.
    Waiting(Rank),
    /// The first bytes of the rank's message, or the rank itself where they average in place, have come: sums begin.
    Arrived(Rank),
    /// It has all of the rank's message, and has added it up.
    Received {
        /// From whom.
        from: Rank,
        /// The bytes.
        bytes: u64,
    },
    /// It averaged in place.
    Paired {
        /// With whom.
        with: Rank,
        /// The bytes of its memory.
        bytes: u64,
    },
    /// It waits until everything that it sent has been taken.
    WaitingSent,
    /// Everything that it sent has been taken.
    Sent,
    /// It waits for the exchanges that its worker does beside it.
    WaitingWorker,
    /// The worker is done.
    WorkerDone,
    /// The program said so.
    Mark(Label),
    /// It failed.
    Failed(Cause),
    /// It ended well.
    Ended,
}

/// What the trainer is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A gradient.
    Gradient,
    /// A step of the trainer's own optimizer.
    Adapt,
    /// A minimizer.
    Prox,
}

/// Why a rank failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It waited for a rank until the deadline.
    Deadline(Rank),
    /// A rank that it waited for has left.
    Left(Rank),
    /// Another rank failed first.
    Peer(Rank),
    /// A rank sent a message of another round or length.
    Mismatch(Rank),
    /// The operating system did not let it reach a rank.
    System(Rank),
    /// A collective of the message library took too long.
    Collective,
    /// Its trainer failed.
    Trainer,
    /// It panicked.
    Panic,
}

/// What a program calls a moment: the first 40 bytes of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Label([u8; LABEL]);

impl Label {
    /// As much of a name as there is room for.
    pub fn new(name: &str) -> Self {
        let mut label = [0; LABEL];
        let end = (0..=LABEL.min(name.len())).rev().find(|&end| name.is_char_boundary(end)).unwrap_or(0);
        label[..end].copy_from_slice(&name.as_bytes()[..end]);
        Self(label)
    }

    fn from_words(words: &[u64]) -> Self {
        let mut label = [0; LABEL];
        label.as_chunks_mut().0.iter_mut().zip(words).for_each(|(bytes, word)| *bytes = word.to_le_bytes());
        Self(label)
    }

    fn words(&self) -> impl Iterator<Item = u64> {
        self.0.as_chunks().0.iter().map(|bytes| u64::from_le_bytes(*bytes))
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = self.0.iter().position(|byte| *byte == 0).unwrap_or(LABEL);
        f.write_str(&visible::line(&String::from_utf8_lossy(&self.0[..end])))
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

/// Two numbers in one word.
fn pair(low: u32, high: u32) -> u64 {
    u64::from(low) | u64::from(high) << 32
}

fn halves(word: u64) -> (u32, u32) {
    (word as u32, (word >> 32) as u32)
}

fn optional(rank: Option<Rank>) -> u32 {
    rank.map_or(u32::MAX, |rank| rank.0)
}

impl Event {
    pub(super) fn to_words(self) -> [u64; WORDS] {
        let Self { time, step, round, what, .. } = self;
        let (code, detail, peer, from, bytes) = what.numbers();
        let mut words = [0; WORDS];
        words[0] = time.as_nanos() as u64;
        words[2] = step.unwrap_or(u64::MAX);
        if let What::Mark(label) = what {
            words[1] = pair(u32::from(code), u32::MAX);
            words[3..].iter_mut().zip(label.words()).for_each(|(word, letters)| *word = letters);
            return words;
        }
        let (kind, topology, phase) = match round.map(|round| round.kind) {
            None | Some(ExchangeKind::Greeting) => (0, 0, 0),
            Some(ExchangeKind::Mix { topology, phase }) => (1, topology, phase),
            Some(ExchangeKind::Average) => (2, 0, 0),
            Some(ExchangeKind::Call { number, operation }) => (3, operation as u32, number as u32),
        };
        let bucket = match what {
            What::Ready(bucket) => bucket,
            _ => round.and_then(|round| round.bucket).unwrap_or(u32::MAX),
        };
        words[1] = pair(u32::from_le_bytes([code, kind, detail, 0]), bucket);
        words[3] = round.map_or(u64::MAX, |round| round.exchange);
        words[4] = pair(round.map_or(0, |round| round.round), peer);
        words[5] = pair(topology, phase);
        words[6] = bytes;
        words[7] = pair(from, 0);
        words
    }

    /// The event that has these words; `None` where none has.
    pub(super) fn from_words(track: Track, words: [u64; WORDS]) -> Option<Self> {
        let (codes, bucket) = halves(words[1]);
        let [code, kind, detail, _] = codes.to_le_bytes();
        let (index, peer) = halves(words[4]);
        let ((topology, phase), (from, _)) = (halves(words[5]), halves(words[7]));
        let kind = match kind {
            0 => ExchangeKind::Greeting,
            1 => ExchangeKind::Mix { topology, phase },
            2 => ExchangeKind::Average,
            3 => {
                let operation = *Operation::ALL.get(topology as usize)?;
                ExchangeKind::Call { number: phase.into(), operation }
            }
            _ => return None,
        };
        let what = match code {
            MARK => What::Mark(Label::from_words(&words[3..])),
            READY => What::Ready(bucket),
            _ => What::from_numbers(code, detail, peer, from, words[6])?,
        };
        let bucket = Some(bucket).filter(|bucket| *bucket != u32::MAX);
        let has_round = !matches!(what, What::Mark(_) | What::Ready(_)) && words[3] != u64::MAX;
        Some(Self {
            time: Duration::from_nanos(words[0]),
            track,
            step: Some(words[2]).filter(|step| *step != u64::MAX),
            round: has_round.then_some(Round { exchange: words[3], kind, bucket, round: index }),
            what,
        })
    }
}

const READY: u8 = 3;
const MARK: u8 = 17;

impl What {
    /// Its code, a detail, a peer, the peer that it receives from, and bytes.
    fn numbers(self) -> (u8, u8, u32, u32, u64) {
        let none = u32::MAX;
        let alone = |code| (code, 0, none, none, 0);
        let with = |code, Rank(peer): Rank, bytes| (code, 0, peer, none, bytes);
        match self {
            Self::StepBegan => alone(0),
            Self::StepEnded => alone(1),
            Self::Asked(asked) => (2, asked as u8, none, none, 0),
            Self::Ready(_) => alone(READY),
            Self::Answered => alone(4),
            Self::ExchangeBegan => alone(5),
            Self::ExchangeEnded => alone(6),
            Self::Offered(peer) => with(7, peer, 0),
            Self::Began { to, from, bytes } => (8, 0, optional(to), optional(from), bytes),
            Self::Waiting(peer) => with(9, peer, 0),
            Self::Arrived(peer) => with(10, peer, 0),
            Self::Received { from, bytes } => with(11, from, bytes),
            Self::Paired { with: peer, bytes } => with(12, peer, bytes),
            Self::WaitingSent => alone(13),
            Self::Sent => alone(14),
            Self::WaitingWorker => alone(15),
            Self::WorkerDone => alone(16),
            Self::Mark(_) => alone(MARK),
            Self::Failed(cause) => {
                let (detail, peer) = match cause {
                    Cause::Deadline(peer) => (0, Some(peer)),
                    Cause::Left(peer) => (1, Some(peer)),
                    Cause::Peer(peer) => (2, Some(peer)),
                    Cause::Mismatch(peer) => (3, Some(peer)),
                    Cause::System(peer) => (4, Some(peer)),
                    Cause::Trainer => (5, None),
                    Cause::Panic => (6, None),
                    Cause::Collective => (7, None),
                };
                (18, detail, optional(peer), none, 0)
            }
            Self::Ended => alone(19),
        }
    }

    fn from_numbers(code: u8, detail: u8, peer: u32, from: u32, bytes: u64) -> Option<Self> {
        let rank = |number: u32| Some(Rank(number)).filter(|_| number != u32::MAX);
        Some(match code {
            0 => Self::StepBegan,
            1 => Self::StepEnded,
            2 => Self::Asked(match detail {
                0 => Asked::Gradient,
                1 => Asked::Adapt,
                2 => Asked::Prox,
                _ => return None,
            }),
            4 => Self::Answered,
            5 => Self::ExchangeBegan,
            6 => Self::ExchangeEnded,
            7 => Self::Offered(rank(peer)?),
            8 => Self::Began { to: rank(peer), from: rank(from), bytes },
            9 => Self::Waiting(rank(peer)?),
            10 => Self::Arrived(rank(peer)?),
            11 => Self::Received { from: rank(peer)?, bytes },
            12 => Self::Paired { with: rank(peer)?, bytes },
            13 => Self::WaitingSent,
            14 => Self::Sent,
            15 => Self::WaitingWorker,
            16 => Self::WorkerDone,
            18 => Self::Failed(match detail {
                0 => Cause::Deadline(rank(peer)?),
                1 => Cause::Left(rank(peer)?),
                2 => Cause::Peer(rank(peer)?),
                3 => Cause::Mismatch(rank(peer)?),
                4 => Cause::System(rank(peer)?),
                5 => Cause::Trainer,
                6 => Cause::Panic,
                7 => Cause::Collective,
                _ => return None,
            }),
            19 => Self::Ended,
            _ => return None,
        })
    }

    /// The ranks that it names.
    pub(super) fn peers(self) -> impl Iterator<Item = Rank> {
        let (_, _, peer, from, _) = self.numbers();
        [peer, from].into_iter().filter(|number| *number != u32::MAX).map(Rank)
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.step {
            Some(step) => write!(f, "step {step}, ")?,
            None => write!(f, "start, ")?,
        }
        match self.round {
            Some(round) => write!(f, "{round}: {}", self.what),
            None => write!(f, "{}", self.what),
        }
    }
}

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, ", self.kind)?;
        if let Some(bucket) = self.bucket {
            write!(f, "bucket {bucket}, ")?;
        }
        write!(f, "round {}", self.round)
    }
}

impl What {
    /// Whether a message of this rank has come.
    pub(super) fn is_sign_of(&self, rank: Rank) -> bool {
        match *self {
            Self::Arrived(from) | Self::Received { from, .. } | Self::Paired { with: from, .. } => {
                from == rank
            }
            _ => false,
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StepBegan => write!(f, "the step began"),
            Self::StepEnded => write!(f, "the step ended"),
            Self::Asked(asked) => write!(f, "asked the trainer for {asked}"),
            Self::Ready(bucket) => write!(f, "the trainer answered for bucket {bucket}"),
            Self::Answered => write!(f, "the trainer answered"),
            Self::ExchangeBegan => write!(f, "the exchange began"),
            Self::ExchangeEnded => write!(f, "the exchange ended"),
            Self::Offered(peer) => write!(f, "waiting to average in place with rank {peer}"),
            Self::Began { to: Some(to), from: Some(from), .. } => {
                write!(f, "sending to rank {to}, receiving from rank {from}")
            }
            Self::Began { to: Some(to), from: None, .. } => write!(f, "sending to rank {to}"),
            Self::Began { to: None, from: Some(from), .. } => write!(f, "receiving from rank {from}"),
            Self::Began { to: None, from: None, .. } => write!(f, "idle"),
            Self::Waiting(peer) => write!(f, "waiting for rank {peer}"),
            Self::Arrived(peer) => write!(f, "rank {peer} has come"),
            Self::Received { from, .. } => write!(f, "received from rank {from}"),
            Self::Paired { with, .. } => write!(f, "averaged in place with rank {with}"),
            Self::WaitingSent => write!(f, "waiting until all that was sent is taken"),
            Self::Sent => write!(f, "all that was sent is taken"),
            Self::WaitingWorker => write!(f, "waiting for exchanges in flight"),
            Self::WorkerDone => write!(f, "the exchanges in flight are done"),
            Self::Mark(label) => write!(f, "mark `{label}`"),
            Self::Failed(cause) => write!(f, "failed: {cause}"),
            Self::Ended => write!(f, "ended"),
        }
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gradient => "a gradient",
            Self::Adapt => "a step of its optimizer",
            Self::Prox => "a minimizer",
        })
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deadline(peer) => write!(f, "it waited for rank {peer} until the deadline"),
            Self::Left(peer) => write!(f, "rank {peer} had left"),
            Self::Peer(peer) => write!(f, "rank {peer} had failed"),
            Self::Mismatch(peer) => write!(f, "rank {peer} sent another message than expected"),
            Self::System(peer) => write!(f, "the system did not let it reach rank {peer}"),
            Self::Collective => write!(f, "a collective of the message library took too long"),
            Self::Trainer => write!(f, "its trainer failed"),
            Self::Panic => write!(f, "it panicked"),
        }
    }
}
