//! A rank's ring of events: in its own memory, or in a file that is mapped, which others read while the rank runs, is stuck,
//! or is dead. Nothing has to be written when something goes wrong.
//!
//! Each track has one writer at a time, which never waits. Readers copy, and drop what was written over meanwhile (a sequence
//! lock; Boehm, *Can seqlocks get along with programming language memory models?*, 2012).

use super::event::{Event, Round, WORDS, What};
use super::file::{self, Header, TRACKS};
use super::{Calibration, Trace, Track, signal};
use crate::mapping::{Mapping, Pages};
use bfc_schedule::Rank;
use std::io;
use std::path::Path;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU64, fence};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime};

/// Events of a track that are kept in memory, for errors.
const KEPT: usize = 64;
/// Events of a track that are kept in a file.
const KEPT_IN_FILE: usize = 1 << 15;

/// No step.
const START: u64 = u64::MAX;

/// The zero of this process's clock.
static ZERO: LazyLock<(Instant, SystemTime)> = LazyLock::new(|| (Instant::now(), SystemTime::now()));

/// The time of the clock of this process.
pub(super) fn now() -> Duration {
    ZERO.0.elapsed()
}

/// A rank's ring.
pub(crate) struct Recorder {
    memory: Memory,
    slots: usize,
    /// The step that the caller is in.
    step: AtomicU64,
}

enum Memory {
    Own(Box<[AtomicU64]>),
    File(Mapping),
}

impl Recorder {
    /// A ring in memory.
    pub(crate) fn new() -> Arc<Self> {
        let words = (0..file::words(KEPT)).map(|_| AtomicU64::new(0)).collect();
        Arc::new(Self { memory: Memory::Own(words), slots: KEPT, step: AtomicU64::new(START) })
    }

    /// A ring in a file of this directory, which is created. A file that an earlier run has left there is replaced, not
    /// overwritten: it may be mapped.
    pub(crate) fn in_file(directory: &Path, rank: Rank, size: u32) -> io::Result<Arc<Self>> {
        let zero = ZERO.1.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let header = Header::new(rank, size, KEPT_IN_FILE, zero);
        let file = file::create(directory, rank, &header)?;
        let mapping = Mapping::new(&file, 8 * file::words(KEPT_IN_FILE), Pages::Now)?;
        let (memory, step) = (Memory::File(mapping), AtomicU64::new(START));
        let recorder = Arc::new(Self { memory, slots: KEPT_IN_FILE, step });
        signal::sync_on_request(&recorder)?;
        Ok(recorder)
    }

    fn words(&self) -> &[AtomicU64] {
        match &self.memory {
            Memory::Own(words) => words,
            // SAFETY: so many words are mapped there, aligned, as long as `self`; any bits are one, and they are changed
            // atomically by this process and by no other.
            Memory::File(mapping) => unsafe {
                std::slice::from_raw_parts(mapping.address().as_ptr().cast(), file::words(self.slots))
            },
        }
    }

    /// The number of events that a track has had, and its slots.
    fn track(&self, track: Track) -> (&AtomicU64, &[AtomicU64]) {
        let words = &self.words()[file::track(self.slots, track as usize)..][..file::track_words(self.slots)];
        (&words[0], &words[WORDS..])
    }

    /// Says which step the caller is in.
    pub(crate) fn set_step(&self, step: u64) {
        self.step.store(step, Relaxed);
    }

    /// Adds an event of the caller, in its present step.
    pub(crate) fn note_here(&self, what: What) {
        let step = self.step.load(Relaxed);
        self.note((step != START).then_some(step), None, what);
    }

    /// Adds an event of the present thread.
    pub(crate) fn note(&self, step: Option<u64>, round: Option<Round>, what: What) {
        let track = Track::current();
        let event = Event { time: now(), track, step, round, what };
        let (count, slots) = self.track(track);
        let index = u64::from_le(count.load(Relaxed));
        // A reader that sees one of the words below sees that the event before them was the last, too.
        fence(Release);
        let slot = &slots[index as usize % self.slots * WORDS..][..WORDS];
        slot.iter().zip(event.to_words()).for_each(|(to, word)| to.store(word.to_le(), Relaxed));
        count.store((index + 1).to_le(), Release);
    }

    /// The last events of both tracks, and the last sign of a peer.
    pub(crate) fn last(&self, peer: Rank) -> Trace {
        let mut events: Vec<Event> = TRACKS.into_iter().flat_map(|track| self.events(track)).collect();
        events.sort_by_key(|event| event.time);
        Trace::new(events, peer)
    }

    fn events(&self, track: Track) -> Vec<Event> {
        let (count, slots) = self.track(track);
        let end = u64::from_le(count.load(Acquire));
        let words = |index: u64| {
            let slot = &slots[index as usize % self.slots * WORDS..][..WORDS];
            std::array::from_fn(|word| u64::from_le(slot[word].load(Relaxed)))
        };
        let first = end.saturating_sub(self.slots as u64);
        let copies: Vec<_> = (first..end).map(|index| (index, words(index))).collect();
        fence(Acquire);
        let kept = file::kept(u64::from_le(count.load(Relaxed)), self.slots as u64);
        let whole = copies.into_iter().filter(|(index, _)| kept.contains(index));
        whole.filter_map(|(_, words)| Event::from_words(track, words)).collect()
    }

    /// Writes how the clock of this process differs from that of rank 0.
    pub(crate) fn set_calibration(&self, calibration: Calibration) {
        for (index, word) in calibration.to_words() {
            self.words()[index].store(word.to_le(), Release);
        }
    }

    /// Writes the file to its disk, for readers on other machines; those of this one see it anyway.
    pub(crate) fn sync(&self) {
        if let Memory::File(mapping) = &self.memory {
            // A reader may come too early; what it reads is checked.
            let _ = mapping.sync();
        }
    }
}
