//! The file of a rank's ring: a header, then a ring for each track. All numbers are words of 64 bits, little-endian.
//!
//! | word | is |
//! |---|---|
//! | 0 | `bfctrace` |
//! | 1 | the version, 1 |
//! | 2 | rank, and in the high half the number of ranks |
//! | 3 | events that a ring has room for |
//! | 4, 5, 6 | the process: its number, when the system started it, and which start of the system that was |
//! | 7 | the zero of its clock, nanoseconds since 1970 by the clock on its wall |
//! | 8 | the number of the run, the same on all ranks; 0 before the clocks have been compared |
//! | 9 | when they were, in nanoseconds of its clock |
//! | 10 | what is added to its clock to get that of rank 0, signed, in nanoseconds |
//! | 11 | by how many nanoseconds that may be wrong |
//! | 64 | how many events the caller's track has had, and from word 72 on its ring, [eight words](super::event) an event |
//! | 72 + 8 · room | the same for the worker's track |
//!
//! Event i is in slot i modulo the room. The file has its length from the beginning, and is always current.

use super::event::{Event, WORDS};
use super::process::Process;
use super::{Calibration, TraceError, Track};
use bfc_schedule::{Rank, visible};
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The words of the header.
const HEADER: usize = 64;
const MAGIC: u64 = u64::from_le_bytes(*b"bfctrace");
const VERSION: u64 = 1;
/// The most events of a ring: a file that says more is none of ours.
const MOST: u64 = 1 << 24;
const MOST_RANKS: u32 = 1 << 20;
/// No clock shows more nanoseconds: 146 years.
const LATEST: u64 = 1 << 62;

pub(super) const TRACKS: [Track; 2] = [Track::Caller, Track::Worker];

/// The words of a file, by the room of its rings.
pub(super) fn words(slots: usize) -> usize {
    track(slots, TRACKS.len())
}

/// Where the ring of a track begins, with its count.
pub(super) fn track(slots: usize, index: usize) -> usize {
    HEADER + index * track_words(slots)
}

pub(super) fn track_words(slots: usize) -> usize {
    WORDS + slots * WORDS
}

/// Which of so many events are surely whole: the writer may be at the oldest slot.
pub(super) fn kept(count: u64, slots: u64) -> Range<u64> {
    (count + 1).saturating_sub(slots)..count
}

/// What a file says before its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    rank: Rank,
    size: u32,
    slots: usize,
    process: Process,
    zero: Duration,
    calibration: Option<Calibration>,
}

/// What a rank left: its last events, or if its ring was never full, all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// The file.
    pub path: PathBuf,
    /// The rank.
    pub rank: Rank,
    /// The number of ranks.
    pub size: u32,
    /// The rank's process.
    pub process: Process,
    /// The zero of the process's clock, since 1970 by the clock on its wall.
    pub zero: Duration,
    /// How its clock differs from that of rank 0; `None` where the rank did not get so far.
    pub calibration: Option<Calibration>,
    /// The events of the caller's track, oldest first, and those of the worker's.
    pub tracks: [Vec<Event>; 2],
    /// How many events of each track were written over.
    pub lost: [u64; 2],
}

impl Recording {
    /// How its clock differs from that of rank 0.
    ///
    /// # Errors
    /// [`TraceError::Uncalibrated`].
    pub fn calibrated(&self) -> Result<Calibration, TraceError> {
        let path = || visible::line(&self.path.to_string_lossy()).into_owned();
        self.calibration.ok_or_else(|| TraceError::Uncalibrated { rank: self.rank, path: path() })
    }
}

impl Header {
    pub(super) fn new(rank: Rank, size: u32, slots: usize, zero: Duration) -> Self {
        Self { rank, size, slots, process: Process::own(), zero, calibration: None }
    }

    fn to_bytes(&self) -> Vec<u8> {
        let Process { number, started, boot } = self.process;
        let ranks = u64::from(self.rank.0) | u64::from(self.size) << 32;
        let zero = self.zero.as_nanos() as u64;
        let mut words = vec![MAGIC, VERSION, ranks, self.slots as u64, number, started, boot, zero];
        words.resize(HEADER, 0);
        words.into_iter().flat_map(u64::to_le_bytes).collect()
    }

    fn from_words(words: &[u64], wrong: impl Fn(String) -> TraceError) -> Result<Self, TraceError> {
        let (rank, size) = (Rank(words[2] as u32), (words[2] >> 32) as u32);
        if rank.0 >= size || size > MOST_RANKS {
            return Err(wrong(format!("it says that it is of rank {rank} of {size}")));
        }
        if !(1..=MOST).contains(&words[3]) {
            return Err(wrong(format!("it says that it has room for {} events", words[3])));
        }
        let calibration = Calibration::from_words(words);
        let too_late = calibration.is_some_and(|calibration| calibration.offset.unsigned_abs() >= LATEST);
        if too_late || [words[9], words[11]].into_iter().any(|time| time >= LATEST) {
            return Err(wrong("it says that its clock differs from that of rank 0 by centuries".to_owned()));
        }
        let process = Process { number: words[4], started: words[5], boot: words[6] };
        let zero = Duration::from_nanos(words[7]);
        Ok(Self { rank, size, slots: words[3] as usize, process, zero, calibration })
    }
}

/// The file of a rank.
pub(super) fn path(directory: &Path, rank: Rank) -> PathBuf {
    directory.join(format!("rank-{rank}.trace"))
}

/// A new file for a ring, in place of one of this name. All of it is written, so that there is room for it later.
pub(super) fn create(directory: &Path, rank: Rank, header: &Header) -> io::Result<File> {
    std::fs::create_dir_all(directory)?;
    let new = directory.join(format!(".rank-{rank}.trace-{}", std::process::id()));
    let made = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&new);
    let written = made.and_then(|mut file| {
        file.write_all(&header.to_bytes())?;
        file.write_all(&vec![0; 8 * (words(header.slots) - HEADER)])?;
        std::fs::rename(&new, path(directory, rank))?;
        Ok(file)
    });
    if written.is_err() {
        let _ = std::fs::remove_file(&new);
    }
    written
}

/// The recordings in a directory, by rank. The ranks may still run.
///
/// # Errors
/// Where there are none, a file cannot be read or is not one, or the files are of different runs.
pub fn read(directory: &Path) -> Result<Vec<Recording>, TraceError> {
    let shown = |path: &Path| visible::line(&path.to_string_lossy()).into_owned();
    let unreadable = |error| TraceError::Unreadable { path: shown(directory), error };
    let mut recordings = vec![];
    for entry in std::fs::read_dir(directory).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let number = name.strip_prefix("rank-").and_then(|name| name.strip_suffix(".trace"));
        let Some(rank) = number.and_then(|number| number.parse().ok()).map(Rank) else { continue };
        let recording = read_file(&path, shown(&path))?;
        if recording.rank != rank {
            let reason = format!("it is of rank {}", recording.rank);
            return Err(TraceError::Malformed { path: shown(&path), reason });
        }
        recordings.push(recording);
    }
    recordings.sort_by_key(|recording| recording.rank);
    let Some(first) = recordings.first() else {
        return Err(TraceError::NoRecordings { directory: shown(directory) });
    };
    let run = |recording: &Recording| recording.calibration.map(|calibration| calibration.run);
    let known = recordings.iter().find_map(run);
    let differs =
        |other: &&Recording| other.size != first.size || run(other).is_some_and(|run| Some(run) != known);
    match recordings.iter().find(differs) {
        Some(other) => Err(TraceError::Mixed { first: shown(&first.path), second: shown(&other.path) }),
        None => Ok(recordings),
    }
}

fn read_file(path: &Path, name: String) -> Result<Recording, TraceError> {
    let unreadable = |error| TraceError::Unreadable { path: name.clone(), error };
    let wrong = |reason| TraceError::Malformed { path: name.clone(), reason };
    // A pipe that nobody writes to would never end.
    if !path.metadata().map_err(unreadable)?.is_file() {
        return Err(unreadable(io::Error::new(ErrorKind::InvalidInput, "it is not a regular file")));
    }
    let mut file = File::open(path).map_err(unreadable)?;
    let found = file.metadata().map_err(unreadable)?.len();
    let short = |expected: usize| TraceError::Cut { path: name.clone(), found, expected: expected as u64 };
    let mut read = |bytes: usize| match read_words(&mut file, bytes) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
        words => words.map(Some),
    };
    let head = read(8 * HEADER.min(found as usize / 8)).map_err(unreadable)?.unwrap_or_default();
    match head[..] {
        [MAGIC, VERSION, ..] => {}
        [MAGIC, version, ..] => return Err(TraceError::Version { path: name, version }),
        _ => return Err(TraceError::Foreign { path: name }),
    }
    if head.len() < HEADER {
        return Err(short(8 * HEADER));
    }
    let Header { rank, size, slots, process, zero, calibration } = Header::from_words(&head, wrong)?;
    let expected = 8 * words(slots);
    if found < expected as u64 {
        return Err(short(expected));
    }
    let body = read(expected - 8 * HEADER).map_err(unreadable)?.ok_or_else(|| short(expected))?;
    let mut recording = Recording {
        path: path.to_path_buf(),
        rank,
        size,
        process,
        zero,
        calibration,
        tracks: [vec![], vec![]],
        lost: [0, 0],
    };
    for (index, (which, words)) in TRACKS.into_iter().zip(body.chunks_exact(track_words(slots))).enumerate() {
        let before = words[0];
        // What was written over while the file was read is not looked at.
        file.seek(SeekFrom::Start(8 * track(slots, index) as u64)).map_err(unreadable)?;
        let after = read_words(&mut file, 8).map_err(unreadable)?[0];
        if before > after || after >= LATEST {
            return Err(wrong(format!("it says that {before} events became {after}")));
        }
        let (slots, mut last) = (slots as u64, Duration::ZERO);
        for number in kept(after, slots).start..before {
            let slot = &words[WORDS + (number % slots) as usize * WORDS..][..WORDS];
            let event = Event::from_words(which, std::array::from_fn(|word| slot[word]));
            let event = event.ok_or_else(|| wrong(format!("event {number} is none")))?;
            let is_of_run = event.what.peers().all(|peer| peer.0 < size);
            if event.time < last || event.time.as_nanos() >= u128::from(LATEST) || !is_of_run {
                return Err(wrong(format!("event {number}, `{event}`, cannot be")));
            }
            last = event.time;
            recording.tracks[index].push(event);
        }
        recording.lost[index] = before - recording.tracks[index].len() as u64;
    }
    Ok(recording)
}

fn read_words(file: &mut File, bytes: usize) -> io::Result<Vec<u64>> {
    let mut buffer = vec![0; bytes];
    file.read_exact(&mut buffer)?;
    Ok(buffer.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)).collect())
}
