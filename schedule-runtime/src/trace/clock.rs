//! The clocks of a group, compared with that of rank 0 by messages (Cristian, *Probabilistic clock synchronization*, 1989).
//!
//! A rank asks another that already knows the time of rank 0, and takes its own time before and after. The answer belongs to
//! some moment in between, so it is wrong by half of the time in between at most; the fastest of a few tries counts. Rank
//! r ≥ 1 asks r less its highest power of two, so that n ranks take ⌈log₂ n⌉ turns.

use super::recorder;
use crate::transport::{Fault, Tag, Transport, rounds};
use bfc_schedule::Rank;
use std::time::Duration;

/// How often a rank asks.
const TRIES: u32 = 8;
/// The bytes of an answer: the time of rank 0, by how much it may be wrong, and the number of the run.
const ANSWER: usize = 24;

/// How a rank's clock differs from that of rank 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calibration {
    /// The number of the run, which rank 0 has drawn; not 0.
    pub run: u64,
    /// When the clocks were compared, by the rank's own.
    pub at: Duration,
    /// What is added to the rank's time to get that of rank 0, in nanoseconds.
    pub offset: i64,
    /// By how much that may be wrong.
    pub uncertainty: Duration,
}

/// A clock that differs from the process's own, for ranks that have another one.
pub type Clock<'a> = &'a dyn Fn() -> Duration;

impl Calibration {
    /// The words of a file that it is written in, the one that says that it is there last.
    pub(super) fn to_words(self) -> [(usize, u64); 4] {
        let Self { run, at, offset, uncertainty } = self;
        [(9, at.as_nanos() as u64), (10, offset as u64), (11, uncertainty.as_nanos() as u64), (8, run)]
    }

    pub(super) fn from_words(words: &[u64]) -> Option<Self> {
        let times = [words[9], words[11]].map(Duration::from_nanos);
        let calibration =
            Self { run: words[8], at: times[0], offset: words[10] as i64, uncertainty: times[1] };
        (calibration.run != 0).then_some(calibration)
    }
}

/// Compares the clocks of the processes of a group. Collective: an exchange of this number.
///
/// # Errors
/// As [`Transport`] says.
pub(crate) fn calibrate(
    transport: &mut impl Transport,
    exchange: u64,
    deadline: Duration,
) -> Result<Calibration, Fault> {
    calibrate_clock(transport, exchange, deadline, &recorder::now)
}

/// [Compares](self) what `clock` says on each rank of a group. Collective: `exchange` is the number of an exchange that has not
/// been used on this transport, the same on all ranks.
///
/// # Errors
/// As [`Transport`] says.
pub fn calibrate_clock(
    transport: &mut impl Transport,
    exchange: u64,
    deadline: Duration,
    clock: Clock<'_>,
) -> Result<Calibration, Fault> {
    let (Rank(rank), size) = (transport.rank(), transport.size());
    let system = |error: getrandom::Error| Fault::System { peer: Rank(rank), reason: error.to_string() };
    let run = getrandom::u64().map_err(system)?.max(1);
    let mut mine = Calibration { run, at: clock(), offset: 0, uncertainty: Duration::ZERO };
    let turns = (0..u32::BITS).map(|turn| 1 << turn).take_while(|distance| *distance < size);
    for distance in turns {
        if rank < distance && rank + distance < size {
            let mut peer = Peer { transport, peer: Rank(rank + distance), exchange, deadline };
            (0..TRIES).try_for_each(|round| peer.answer(round, mine, clock))?;
        } else if (distance..2 * distance).contains(&rank) {
            let mut peer = Peer { transport, peer: Rank(rank - distance), exchange, deadline };
            let tries: Result<Vec<_>, _> = (0..TRIES).map(|round| peer.ask(round, clock)).collect();
            let best = tries?.into_iter().min_by_key(|one| one.uncertainty);
            mine = best.expect("there are tries");
        }
    }
    Ok(mine)
}

/// The other rank of a turn.
struct Peer<'a, X> {
    transport: &'a mut X,
    peer: Rank,
    exchange: u64,
    deadline: Duration,
}

impl<X: Transport> Peer<'_, X> {
    fn answer(&mut self, round: u32, mine: Calibration, clock: Clock<'_>) -> Result<(), Fault> {
        let &mut Self { ref mut transport, peer, exchange, deadline } = self;
        let tag = Tag { exchange, round };
        rounds(*transport, |rounds| {
            let asked = rounds.begin(tag, None, Some((peer, &[1])), deadline)?;
            rounds.finish(asked, deadline, &mut |_| ())
        })?;
        let time = (clock().as_nanos() as i64).wrapping_add(mine.offset);
        let uncertainty = mine.uncertainty.as_nanos() as u64;
        let answer = [time as u64, uncertainty, mine.run].map(u64::to_le_bytes);
        rounds(*transport, |rounds| {
            let _told = rounds.begin(tag, Some((peer, &[answer.as_flattened()])), None, deadline)?;
            rounds.wait_sent(deadline)
        })
    }

    fn ask(&mut self, round: u32, clock: Clock<'_>) -> Result<Calibration, Fault> {
        let &mut Self { ref mut transport, peer, exchange, deadline } = self;
        let mut answer = [0; ANSWER];
        let before = clock();
        rounds(*transport, |rounds| {
            let tag = Tag { exchange, round };
            let answered = rounds.begin(tag, Some((peer, &[&[0]])), Some((peer, &[ANSWER])), deadline)?;
            rounds.finish(answered, deadline, &mut |chunk| {
                answer[chunk.offset..][..chunk.bytes.len()].copy_from_slice(chunk.bytes);
            })?;
            rounds.wait_sent(deadline)
        })?;
        let after = clock();
        let word = |at: usize| answer.as_chunks().0.get(at).map_or(0, |word| u64::from_le_bytes(*word));
        // Rounded up, as half of an odd number of nanoseconds is none.
        let half = Duration::from_nanos(((after - before).as_nanos() as u64).div_ceil(2));
        let middle = (before + half).as_nanos() as i64;
        Ok(Calibration {
            run: word(2),
            at: after,
            offset: (word(0) as i64).wrapping_sub(middle),
            uncertainty: Duration::from_nanos(word(1)) + half,
        })
    }
}
