//! What ranks leave behind: their events, clocks that are compared, who is found to hold up the others, and files that are
//! not what they should be.

use bfc_runtime::conformance::schedules::{atc, averaging, awc, one_peer, ring, schedule};
use bfc_runtime::local::{LocalTransport, spmd};
use bfc_runtime::simulated::{Network, run};
use bfc_runtime::trace::{
    Asked, Calibration, Cause, Doing, Event, Recording, Track, What, calibrate_clock, read, stuck,
};
use bfc_runtime::{Ask, Flat, RuntimeError, TraceError, Transport};
use bfc_schedule::{Rank, Schedule};
use miette::Diagnostic;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tempfile::{TempDir, tempdir};

type Local = Flat<f64, LocalTransport>;

/// Runs `body` on each rank's machine, which leaves its trace in the directory.
fn traced(
    schedule: &Schedule,
    length: usize,
    directory: &Path,
    body: impl Fn(&mut Local) -> Result<(), RuntimeError> + Sync,
) -> Vec<Result<(), RuntimeError>> {
    let results = spmd(schedule.size(), |transport| {
        let rank = transport.rank();
        let initial = vec![f64::from(rank.0); length];
        let deadline = Duration::from_secs(30);
        let mut machine =
            Flat::with_deadline(schedule.rank(rank), transport, &initial, deadline).expect("made");
        machine.trace_to(directory).expect("a trace");
        Ok::<_, std::convert::Infallible>(body(&mut machine))
    });
    results.expect("no panic")
}

fn gradient(ask: Ask<&[f64], &mut [f64]>) {
    if let Ask::Gradient { point, gradient } = ask {
        gradient.copy_from_slice(point);
    }
}

/// A directory with the traces of a few steps of 4 ranks.
fn recorded(schedule: &Schedule, length: usize) -> (TempDir, Vec<Recording>) {
    let directory = tempdir().expect("a directory");
    traced(schedule, length, directory.path(), |machine| {
        machine.mark("begin");
        (0..5).try_for_each(|_| machine.step(&mut gradient))?;
        machine.model().map(drop)
    })
    .into_iter()
    .for_each(|result| result.expect("a run"));
    let recordings = read(directory.path()).expect("recordings");
    (directory, recordings)
}

fn all(recording: &Recording) -> impl Iterator<Item = &Event> {
    recording.tracks.iter().flatten()
}

/// Sender, receiver, exchange and round of each message.
fn messages(
    recordings: &[Recording],
    pick: impl Fn(Rank, What) -> Option<(Rank, Rank)>,
) -> Vec<(Rank, Rank, u64, u32)> {
    let events = recordings.iter().flat_map(|all| self::all(all).map(|event| (all.rank, event)));
    let mut found: Vec<_> = events
        .filter_map(|(rank, event)| {
            let (round, (from, to)) = (event.round?, pick(rank, event.what)?);
            Some((from, to, round.exchange, round.round))
        })
        .collect();
    found.sort_unstable();
    found
}

#[test]
fn a_run_leaves_all_that_it_did() {
    for program in [atc(), awc()] {
        let schedule = schedule(program, 4, vec![vec![ring(4)]]);
        let (_directory, recordings) = recorded(&schedule, 1000);
        assert_eq!(recordings.len(), 4);
        for recording in &recordings {
            let count = |what: What| all(recording).filter(|event| event.what == what).count();
            assert_eq!([count(What::StepBegan), count(What::StepEnded)], [5, 5]);
            assert_eq!([count(What::Asked(Asked::Gradient)), count(What::Answered)], [5, 5]);
            assert_eq!([count(What::ExchangeBegan), count(What::ExchangeEnded)], [5, 5]);
            assert_eq!(count(What::Ended), 1);
            let marks = all(recording).filter_map(|event| match event.what {
                What::Mark(label) => Some(label.to_string()),
                _ => None,
            });
            assert_eq!(marks.collect::<Vec<_>>(), ["begin"]);
            let steps: BTreeSet<_> = all(recording).filter_map(|event| event.step).collect();
            assert_eq!(steps, (0..5).collect());
            assert_eq!((recording.lost, recording.size), ([0, 0], 4));
            for track in &recording.tracks {
                assert!(track.is_sorted_by_key(|event| event.time));
            }
        }
        let begun = messages(&recordings, |rank, what| match what {
            What::Began { to: Some(to), .. } => Some((rank, to)),
            _ => None,
        });
        let received = messages(&recordings, |rank, what| match what {
            What::Received { from, .. } => Some((from, rank)),
            _ => None,
        });
        assert_eq!(begun.len(), 4 * 2 * 5);
        assert_eq!(begun, received);
    }
}

/// What begins before a question is exchanged on the other track, and the caller waits for it there.
#[test]
fn both_threads_have_their_track() {
    let schedule = schedule(awc(), 4, vec![vec![ring(4)]]);
    let (_directory, recordings) = recorded(&schedule, 1000);
    for recording in &recordings {
        let [caller, worker] = &recording.tracks;
        assert!(caller.iter().all(|event| event.track == Track::Caller && event.round.is_none()));
        assert!(worker.iter().all(|event| event.track == Track::Worker && event.round.is_some()));
        let waits = caller.iter().filter(|event| event.what == What::WaitingWorker).count();
        assert_eq!(waits, 5);
    }
}

#[test]
fn a_pair_in_place_is_seen_on_both_sides() {
    let schedule = schedule(averaging(), 2, vec![one_peer(2)]);
    let directory = tempdir().expect("a directory");
    traced(&schedule, 100_000, directory.path(), |machine| machine.step(&mut |_| ()));
    for recording in read(directory.path()).expect("recordings") {
        let peer = Rank(1 - recording.rank.0);
        let did = |what: What| all(&recording).any(|event| event.what == what);
        assert!(did(What::Offered(peer)) && did(What::Paired { with: peer, bytes: 800_000 }));
    }
}

/// The oldest events give way, and the last are whole while the rank goes on.
#[test]
fn a_ring_can_be_read_while_it_is_written() {
    let schedule = schedule(averaging(), 1, vec![vec![ring(1)]]);
    let directory = tempdir().expect("a directory");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let run = traced(&schedule, 1, directory.path(), |machine| {
                (0..200_000).for_each(|number| machine.mark(&format!("mark {number}")));
                Ok(())
            });
            done.store(true, Ordering::Release);
            run.into_iter().for_each(|result| result.expect("a run"));
        });
        let mut reads = 0;
        while !done.load(Ordering::Acquire) {
            match read(directory.path()) {
                Ok(recordings) => {
                    let [caller, _] = &recordings[0].tracks;
                    let marks = caller.iter().filter_map(|event| match event.what {
                        What::Mark(label) => {
                            Some(label.to_string()["mark ".len()..].parse::<u64>().expect("whole"))
                        }
                        _ => None,
                    });
                    let marks: Vec<u64> = marks.collect();
                    assert!(marks.is_sorted_by(|a, b| *b == a + 1), "{marks:?}");
                    reads += 1;
                }
                Err(TraceError::NoRecordings { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
        assert!(reads > 0);
    });
    let recording = &read(directory.path()).expect("recordings")[0];
    assert!(recording.lost[0] > 100_000, "{}", recording.lost[0]);
    assert_eq!(recording.lost[0] + recording.tracks[0].len() as u64, 200_001);
    assert_eq!(recording.tracks[0].last().expect("events").what, What::Ended);
}

#[test]
fn a_rank_whose_trainer_hangs_holds_up_the_others() {
    let schedule = schedule(atc(), 4, vec![vec![ring(4)]]);
    let directory = tempdir().expect("a directory");
    let failed = Barrier::new(4);
    let results = traced(&schedule, 100, directory.path(), |machine| {
        let rank = machine.rank();
        // Rank 0 is not beside rank 2, and is to learn of it from those that are.
        machine.set_deadline(Duration::from_millis(if rank == Rank(0) { 5000 } else { 200 }));
        machine.step(&mut gradient)?;
        machine.mark("second step");
        if rank == Rank(2) {
            return machine.step(&mut |_| {
                failed.wait();
            });
        }
        let steps = (0..2).try_for_each(|_| machine.step(&mut gradient));
        failed.wait();
        steps
    });
    // Rank 2 finds the messages of the others when it comes back.
    assert!([0, 1, 3].into_iter().all(|rank| results[rank].is_err()));
    let error = results[1].as_ref().expect_err("a failure");
    assert!(error.help().expect("help").to_string().contains("step 1, phase 0, round "), "{error:?}");

    let found = stuck(&read(directory.path()).expect("recordings"));
    assert_eq!(found.roots, [Rank(2)]);
    assert_eq!(found.circle, []);
    let (first, _) = found.first_failure.expect("a failure");
    assert!([Rank(1), Rank(3)].contains(&first), "{first}");
    let help = results[first.index()].as_ref().expect_err("a failure").help().expect("help").to_string();
    let seen = help.lines().find(|line| line.starts_with("rank 2 was last seen ")).expect("a line");
    assert!(seen.contains(" ms before: step 0, phase 0, round "), "{seen}");
    let state = &found.ranks[2];
    assert_eq!((state.step, &state.doing), (Some(1), &Doing::Training(Asked::Gradient)));
    assert_eq!(state.mark.expect("a mark").to_string(), "second step");
    let Doing::Failed { cause: Cause::Deadline(Rank(2)), round: Some(round), waited: Some(waited) } =
        found.ranks[first.index()].doing
    else {
        panic!("{:?}", found.ranks[first.index()])
    };
    assert_eq!((round.kind.to_string().as_str(), round.exchange), ("phase 0", 4));
    assert!(waited >= Duration::from_millis(200), "{waited:?}");
    // Who is not beside it waits for one that is.
    let waits_for = found.ranks[0].waits_for();
    assert!(waits_for.iter().all(|peer| [Rank(1), Rank(3)].contains(peer)) && !waits_for.is_empty());
}

#[test]
fn a_rank_that_ends_early_or_fails_by_itself_is_the_root() {
    let schedule = schedule(atc(), 3, vec![vec![ring(3)]]);
    let directory = tempdir().expect("a directory");
    traced(&schedule, 10, directory.path(), |machine| {
        let steps = if machine.rank() == Rank(0) { 1 } else { 3 };
        (0..steps).try_for_each(|_| machine.step(&mut gradient))
    });
    let found = stuck(&read(directory.path()).expect("recordings"));
    assert_eq!((&found.roots[..], &found.ranks[0].doing), (&[Rank(0)][..], &Doing::Ended));

    traced(&schedule, 10, directory.path(), |machine| {
        let rank = machine.rank();
        machine.step(&mut gradient)?;
        machine.step(&mut |ask| {
            gradient(ask);
            if rank == Rank(1) { Err("no data") } else { Ok(()) }
        })
    });
    let found = stuck(&read(directory.path()).expect("recordings"));
    assert_eq!(found.roots, [Rank(1)], "{found:?}");
    assert!(matches!(found.ranks[1].doing, Doing::Failed { cause: Cause::Trainer, .. }), "{found:?}");
}

#[test]
fn a_rank_without_a_file_is_absent() {
    let schedule = schedule(atc(), 3, vec![vec![ring(3)]]);
    let (directory, _) = recorded(&schedule, 10);
    std::fs::remove_file(directory.path().join("rank-1.trace")).expect("removed");
    let found = stuck(&read(directory.path()).expect("recordings"));
    assert_eq!(found.ranks[1].doing, Doing::Absent);
    assert_eq!(found.ranks[0].doing, Doing::Ended);
    assert!(found.roots.is_empty());
}

/// Clocks that run apart by known times, on networks of any delay.
#[test]
fn clocks_with_an_offset_come_out_right() {
    for (size, seed) in (1..=9).flat_map(|size| (0..12).map(move |seed| (size, seed))) {
        let skew = |rank: Rank| Duration::from_millis(10_000 - 777 * u64::from(rank.0) * (seed + 1) % 9_000);
        let run = run(size, Network::new(seed), |mut transport| {
            let (clock, skew) = (transport.clock(), skew(transport.rank()));
            calibrate_clock(&mut transport, 0, Duration::from_secs(600), &|| clock.now() + skew)
        });
        let calibrations: Vec<Calibration> =
            run.ranks.into_iter().map(|rank| rank.ended().expect("an end").expect("no fault")).collect();
        for (calibration, rank) in calibrations.iter().zip((0..).map(Rank)) {
            let right = skew(Rank(0)).as_nanos() as i64 - skew(rank).as_nanos() as i64;
            let wrong = Duration::from_nanos(calibration.offset.abs_diff(right));
            assert!(wrong <= calibration.uncertainty, "rank {rank} of {size}, seed {seed}: {calibration:?}");
            assert_eq!(calibration.run, calibrations[0].run);
            // Within the longest delays of a few messages.
            assert!(calibration.uncertainty < Duration::from_secs(1), "{calibration:?}");
        }
        assert_eq!((calibrations[0].offset, calibrations[0].uncertainty), (0, Duration::ZERO));
    }
}

/// Without a deadline of their own, ranks wait longer in the first steps, and later not less than 10 seconds.
#[test]
fn deadlines_follow_from_steps_unless_they_are_set() {
    let schedule = schedule(atc(), 2, vec![vec![ring(2)]]);
    let late = |step: u64, sleep: Duration, set: Option<Duration>| {
        let run = run(2, Network::new(5), |transport| {
            let (rank, clock) = (transport.rank(), transport.clock());
            let mut machine = Flat::new(schedule.rank(rank), transport, &[1.0; 4])?;
            set.into_iter().for_each(|deadline| machine.set_deadline(deadline));
            (0..5).try_for_each(|number| {
                machine.step(&mut |ask| {
                    gradient(ask);
                    if (rank, number) == (Rank(1), step) {
                        clock.sleep(sleep);
                    }
                })
            })
        });
        let mut ranks = run.ranks.into_iter();
        ranks.next().expect("rank 0").ended().expect("an end")
    };
    let seconds = Duration::from_secs;
    assert!(late(1, seconds(50), None).is_ok());
    assert!(late(3, seconds(9), None).is_ok());
    assert!(late(3, seconds(50), Some(seconds(80))).is_ok());
    for (step, sleep, set, least, most) in [
        (1, 70, None, 60, 60),
        // A step takes less than a second, also where this machine is busy.
        (3, 200, None, 10, 100),
        (1, 50, Some(5), 5, 5),
        (4, 50, Some(5), 5, 5),
    ] {
        let error = late(step, seconds(sleep), set.map(seconds)).expect_err("a deadline");
        let RuntimeError::Deadline { waited, peer: Rank(1), .. } = error else { panic!("{error}") };
        assert!((seconds(least)..=seconds(most)).contains(&waited), "{waited:?}");
    }
}

#[test]
fn a_directory_that_cannot_be_written_is_an_error() {
    let directory = tempdir().expect("a directory");
    let file = directory.path().join("file");
    std::fs::write(&file, "").expect("written");
    let schedule = schedule(averaging(), 2, vec![vec![ring(2)]]);
    let errors = spmd(2, |transport| {
        let mut machine = Flat::new(schedule.rank(transport.rank()), transport, &[1.0]).expect("made");
        // The others learn of it.
        let here = if machine.rank() == Rank(0) { &file } else { directory.path() };
        Ok::<_, std::convert::Infallible>(machine.trace_to(here).expect_err("an error"))
    });
    let errors = errors.expect("no panic");
    assert_eq!(errors[0].code().expect("a code").to_string(), "bfc::trace::unwritable");
    assert!(matches!(errors[1], RuntimeError::PeerFailed { peer: Rank(0), .. }), "{}", errors[1]);
}

/// The code with which a directory is refused.
fn refused(directory: &Path) -> String {
    let error = read(directory).expect_err("a refusal");
    assert!(error.help().is_some(), "{error}");
    error.code().expect("a code").to_string()
}

#[test]
fn files_that_are_no_traces_are_refused() {
    let schedule = schedule(atc(), 2, vec![vec![ring(2)]]);
    let (directory, _) = recorded(&schedule, 10);
    let (path, other) = (directory.path().join("rank-0.trace"), directory.path().join("rank-1.trace"));
    let whole = std::fs::read(&path).expect("a file");
    let changed = |at: usize, word: u64| {
        let mut bytes = whole.clone();
        bytes[8 * at..][..8].copy_from_slice(&word.to_le_bytes());
        std::fs::write(&path, bytes).expect("written");
        refused(directory.path())
    };
    assert_eq!(changed(0, 0), "bfc::trace::foreign");
    assert_eq!(changed(1, 2), "bfc::trace::version");
    // Rank 2 of 2, rank 1 of 2, more ranks than there can be, no room, and rings larger than the file.
    assert_eq!(changed(2, 2 << 32 | 2), "bfc::trace::malformed");
    assert_eq!(changed(2, 2 << 32 | 1), "bfc::trace::malformed");
    assert_eq!(changed(2, u64::MAX << 32), "bfc::trace::malformed");
    assert_eq!(changed(2, 3 << 32), "bfc::trace::mixed");
    assert_eq!(changed(3, 0), "bfc::trace::malformed");
    assert_eq!(changed(3, 1 << 20), "bfc::trace::cut");
    assert_eq!(changed(8, 77), "bfc::trace::mixed");
    assert_eq!(changed(10, 1 << 62), "bfc::trace::malformed");
    // A count of events that never were, and an event that is none.
    assert_eq!(changed(64, u64::MAX), "bfc::trace::malformed");
    assert_eq!(changed(73, 99), "bfc::trace::malformed");
    for length in [0, 7, 8, 100, whole.len() - 1] {
        std::fs::write(&path, &whole[..length]).expect("written");
        let code = if length < 16 { "bfc::trace::foreign" } else { "bfc::trace::cut" };
        assert_eq!(refused(directory.path()), code, "{length} bytes");
    }
    std::fs::remove_file(&path).expect("removed");
    std::fs::create_dir(&path).expect("a directory");
    assert_eq!(refused(directory.path()), "bfc::trace::unreadable");
    std::fs::remove_dir(&path).expect("removed");
    std::fs::remove_file(&other).expect("removed");
    assert_eq!(refused(directory.path()), "bfc::trace::no_recordings");
    assert_eq!(refused(&other), "bfc::trace::unreadable");
}

/// Whatever is in a file, reading it and asking who is stuck ends.
#[test]
fn any_bytes_are_read_or_refused() {
    let schedule = schedule(atc(), 2, vec![vec![ring(2)]]);
    let (directory, _) = recorded(&schedule, 10);
    let path = directory.path().join("rank-0.trace");
    let whole = std::fs::read(&path).expect("a file");
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(200));
    // In the header and in the first events.
    let changes = prop::collection::vec((0..2000usize, any::<u8>()), 1..6);
    let result = runner.run(&changes, |changes| {
        let mut bytes = whole.clone();
        changes.into_iter().for_each(|(at, byte)| bytes[at] = byte);
        std::fs::write(&path, bytes).expect("written");
        if let Ok(recordings) = read(directory.path()) {
            stuck(&recordings);
        }
        Ok(())
    });
    result.expect("no panic");
}
