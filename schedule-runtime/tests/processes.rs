//! Ranks that share memory, killed and stopped at any moment: this binary starts itself as the other ranks.

use bfc_runtime::conformance::schedules::{averaging, ring, schedule};
use bfc_runtime::process::ProcessTransport;
use bfc_runtime::secret::Secret;
use bfc_runtime::trace::{Cause, Doing, Event, Stuck, What, read, stuck};
use bfc_runtime::transport::{Fault, Memory, PairChunk, Tag, rounds};
use bfc_runtime::{Flat, RuntimeError, Transport, World};
use bfc_schedule::{Rank, random};
use miette::Diagnostic;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::tempdir;

const PATIENCE: Duration = Duration::from_secs(60);
/// Some hundred blocks on each side, and a last one that is shorter.
const WORDS: usize = 300_001;
/// Words of a block.
const BLOCK: usize = 256;
const FIRST: Rank = Rank(0);
const SECOND: Rank = Rank(1);
const TAG: Tag = Tag { exchange: 0, round: 0 };

/// A rank that runs a test of this binary, killed where it is dropped.
struct Process(Child);

impl Process {
    /// `rank` of `size` in a group that meets in `directory`; the seed is for the test.
    fn start(test: &str, directory: &Path, rank: u32, size: u32, seed: u64) -> Self {
        Self::start_with(test, directory, rank, size, seed, &[])
    }

    fn start_with(
        test: &str,
        directory: &Path,
        rank: u32,
        size: u32,
        seed: u64,
        variables: &[(&str, &Path)],
    ) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this binary"));
        command
            .args(["--exact", test, "--ignored", "--quiet", "--nocapture"])
            .envs(
                [("BFC_RANK", rank), ("BFC_SIZE", size), ("BFC_LOCAL_RANK", rank), ("BFC_LOCAL_SIZE", size)]
                    .map(|(name, number)| (name, number.to_string())),
            )
            .env("BFC_RENDEZVOUS", directory)
            .env("BFC_TEST_SEED", seed.to_string())
            .env_remove("BFC_TRACE")
            .envs(variables.iter().copied())
            .stdout(Stdio::null());
        Self(command.spawn().expect("a process"))
    }

    fn signal(&self, signal: i32) {
        // SAFETY: it has no preconditions; the process has not been waited for.
        unsafe { libc::kill(self.0.id() as i32, signal) };
    }

    fn succeeds(mut self) {
        assert!(self.0.wait().expect("a child").success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The seed, in a process that a test has started.
fn seed() -> Option<u64> {
    std::env::var("BFC_TEST_SEED").ok().map(|seed| seed.parse().expect("a number"))
}

fn join(directory: &Path, rank: Rank, size: u32) -> ProcessTransport {
    ProcessTransport::join(directory, rank, size, &Secret::default(), PATIENCE).expect("a group")
}

/// The transport that the environment asks for.
fn rendezvous() -> ProcessTransport {
    let world = World::from_environment().expect("variables of a launcher");
    let directory = std::env::var_os("BFC_RENDEZVOUS").expect("a directory");
    join(Path::new(&directory), world.rank(), world.size())
}

fn old(rank: Rank, word: usize) -> u64 {
    random::output(random::substream(7, &[rank.0.into()]), word as u64)
}

/// What the kernel below makes of the words of both ranks.
fn new(rank: Rank, word: usize) -> u64 {
    old(Rank(1 - rank.0), word).wrapping_add(1)
}

fn swap(chunk: PairChunk<'_>) {
    let (mine, theirs) = (bytemuck::cast_slice_mut(chunk.mine), bytemuck::cast_slice_mut(chunk.theirs));
    for (mine, theirs) in mine.iter_mut().zip(theirs) {
        (*mine, *theirs) = (u64::wrapping_add(*theirs, 1), u64::wrapping_add(*mine, 1));
    }
}

fn words(memory: &Memory) -> &[u64] {
    bytemuck::cast_slice(memory)
}

fn vector(transport: &mut ProcessTransport) -> Memory {
    let rank = transport.rank();
    let mut memory = transport.allocate(8 * WORDS).expect("memory");
    let words: &mut [u64] = bytemuck::cast_slice_mut(&mut memory);
    words.iter_mut().enumerate().for_each(|(index, word)| *word = old(rank, index));
    memory
}

fn pair(
    transport: &mut ProcessTransport,
    memory: &mut Memory,
    deadline: Duration,
    mut before: impl FnMut(),
) -> Result<bool, Fault> {
    let peer = Rank(1 - transport.rank().0);
    let mut kernel = |chunk: PairChunk<'_>| {
        before();
        swap(chunk);
    };
    transport.pair(TAG, peer, &mut [&mut memory[..]], [0.0; 4], deadline, &mut kernel)
}

/// Which blocks are new; each is wholly new or wholly old.
fn new_blocks(rank: Rank, words: &[u64]) -> Vec<bool> {
    let is_new = |(block, words): (usize, &[u64])| {
        let all = |value: fn(Rank, usize) -> u64| {
            words.iter().enumerate().all(|(at, word)| *word == value(rank, block * BLOCK + at))
        };
        let is_new = all(new);
        assert!(is_new || all(old), "block {block} is neither old nor new");
        is_new
    };
    words.chunks(BLOCK).enumerate().map(is_new).collect()
}

/// This process gets `signal` before its `number`th block, or a moment after the exchange begins: between any two
/// instructions.
fn strike(signal: i32, seed: u64) -> impl FnMut() {
    // SAFETY: it has no preconditions.
    let strike = move || {
        // SAFETY: it has no preconditions.
        unsafe { libc::kill(libc::getpid(), signal) };
    };
    let mut blocks = if seed.is_multiple_of(2) {
        1 + random::output(seed, 0) % 500
    } else {
        let moment = Duration::from_micros(random::output(seed, 0) % 5000);
        std::thread::spawn(move || {
            let start = Instant::now();
            while start.elapsed() < moment {
                std::hint::spin_loop();
            }
            strike();
        });
        0
    };
    move || {
        blocks = blocks.wrapping_sub(1);
        if blocks == 0 {
            strike();
        }
    }
}

#[test]
fn a_pair_survives_the_death_of_either() {
    let directory = tempdir().expect("a directory");
    let mut completed = 0;
    for seed in 0..40 {
        let _peer = Process::start("dies_in_a_pair", directory.path(), 1, 2, seed);
        let mut transport = join(directory.path(), FIRST, 2);
        let mut memory = vector(&mut transport);
        let result = pair(&mut transport, &mut memory, PATIENCE, || ());
        let blocks = new_blocks(FIRST, words(&memory));
        match result {
            Ok(true) => {
                assert!(blocks.iter().all(|block| *block), "seed {seed}");
                completed += 1;
            }
            // It died before this rank could share its memory with it, or before it had offered its own.
            Ok(false) => assert!(!blocks.contains(&true), "seed {seed}"),
            Err(fault) => {
                assert_eq!(fault, Fault::Left { peer: SECOND }, "seed {seed}");
                assert!(!blocks.contains(&true), "seed {seed}");
            }
        }
    }
    assert!(completed > 20, "{completed} of 40 exchanges were completed by the survivor");
}

#[test]
#[ignore = "the other process of the test above"]
fn dies_in_a_pair() {
    let Some(seed) = seed() else { return };
    let mut transport = rendezvous();
    let mut memory = vector(&mut transport);
    let _ = pair(&mut transport, &mut memory, PATIENCE, strike(libc::SIGKILL, seed));
    // The stroke may be yet to come.
    std::thread::sleep(PATIENCE);
}

#[test]
fn a_pair_with_a_stopped_rank_is_whole_on_both() {
    let directory = tempdir().expect("a directory");
    let mut interrupted = 0;
    for seed in 0..40 {
        let peer = Process::start("stops_in_a_pair", directory.path(), 1, 2, seed);
        let mut transport = join(directory.path(), FIRST, 2);
        let mut memory = vector(&mut transport);
        let result = pair(&mut transport, &mut memory, Duration::from_millis(150), || ());
        let mine = new_blocks(FIRST, words(&memory));
        match &result {
            Ok(done) => assert!(done & mine.iter().all(|block| *block), "seed {seed}"),
            Err(fault) => {
                assert!(matches!(fault, Fault::Deadline { peer: SECOND, .. }), "seed {seed}: {fault}");
                interrupted += 1;
            }
        }
        // It is this rank's again, whatever the peer does when it goes on.
        memory.fill(0xa5);
        until_stopped(&peer);
        peer.signal(libc::SIGCONT);
        peer.succeeds();
        assert!(memory.iter().all(|byte| *byte == 0xa5), "seed {seed}: the peer has written");
        let theirs = std::fs::read(directory.path().join("blocks")).expect("what the peer has found");
        let theirs: Vec<bool> = theirs.into_iter().map(|block| block == 1).collect();
        let differ = mine.iter().zip(&theirs).position(|(mine, theirs)| mine != theirs);
        // Where the exchange was complete for this rank, the peer may have to be told so yet.
        assert_eq!(differ, None, "seed {seed}, {result:?}: half a pair");
    }
    assert!(interrupted > 5, "{interrupted} of 40 exchanges were interrupted");
}

fn until_stopped(process: &Process) {
    let stat = || std::fs::read_to_string(format!("/proc/{}/stat", process.0.id())).unwrap_or_default();
    let start = Instant::now();
    while !stat().rsplit(')').next().unwrap_or_default().trim().starts_with(['T', 'Z']) {
        assert!(start.elapsed() < PATIENCE, "it does not stop");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
#[ignore = "the other process of the test above"]
fn stops_in_a_pair() {
    let Some(seed) = seed() else { return };
    let mut transport = rendezvous();
    let mut memory = vector(&mut transport);
    let _ = pair(&mut transport, &mut memory, PATIENCE, strike(libc::SIGSTOP, seed));
    let blocks: Vec<u8> = new_blocks(SECOND, words(&memory)).into_iter().map(u8::from).collect();
    let directory = std::env::var_os("BFC_RENDEZVOUS").expect("a directory");
    std::fs::write(Path::new(&directory).join("blocks"), blocks).expect("written");
    // The stroke may be yet to come.
    std::thread::sleep(Duration::from_millis(2));
}

/// The owner of a message goes on while its reader is stopped, and the reader gets what was sent.
#[test]
fn a_message_is_whole_although_its_sender_goes_on() {
    let directory = tempdir().expect("a directory");
    let peer = Process::start("reads_slowly", directory.path(), 1, 2, 0);
    let mut transport = join(directory.path(), FIRST, 2);
    let mut memory = vector(&mut transport);
    let fault = rounds(&mut transport, |rounds| {
        let deadline = Duration::from_millis(300);
        let _begun = rounds.begin(TAG, Some((SECOND, &[&memory])), None, deadline).expect("begun");
        rounds.wait_sent(deadline)
    });
    assert_eq!(fault, Err(Fault::Deadline { peer: SECOND, waited: Duration::from_millis(300) }));
    assert!(words(&memory).iter().enumerate().all(|(index, word)| *word == old(FIRST, index)));
    memory.fill(0xa5);
    until_stopped(&peer);
    peer.signal(libc::SIGCONT);
    peer.succeeds();
    assert!(memory.iter().all(|byte| *byte == 0xa5));
}

#[test]
#[ignore = "the other process of the test above"]
fn reads_slowly() {
    let Some(_) = seed() else { return };
    let mut transport = rendezvous();
    let mut read = 0;
    let finished = rounds(&mut transport, |rounds| {
        let ticket = rounds.begin(TAG, None, Some((FIRST, &[8 * WORDS])), PATIENCE).expect("begun");
        rounds.finish(ticket, PATIENCE, &mut |chunk| {
            if chunk.offset == 0 {
                strike(libc::SIGSTOP, 0)();
                // SAFETY: it has no preconditions.
                unsafe { libc::raise(libc::SIGSTOP) };
            }
            for word in bytemuck::cast_slice::<u8, u64>(chunk.bytes) {
                assert_eq!(*word, old(FIRST, read), "word {read}");
                read += 1;
            }
        })
    });
    assert_eq!((finished, read), (Ok(()), WORDS));
}

#[test]
fn the_death_of_a_rank_reaches_all_others() {
    let directory = tempdir().expect("a directory");
    let size = 4;
    let start = |rank| Process::start("waits_for_the_rank_before", directory.path(), rank, size, 0);
    let others: Vec<Process> = (1..size).map(start).collect();
    let mut transport = join(directory.path(), FIRST, size);
    std::thread::sleep(Duration::from_millis(100));
    let killed = Instant::now();
    others[0].signal(libc::SIGKILL);
    let fault = hear(&mut transport, Rank(size - 1)).expect_err("a failure");
    let after = killed.elapsed();
    assert!(matches!(fault, Fault::Failed { peer: SECOND, .. } | Fault::Left { .. }), "{fault}");
    println!("rank 0 learned of the death after {after:?}");
    assert!(after < Duration::from_secs(10), "{after:?}");
    others.into_iter().skip(1).for_each(Process::succeeds);
}

fn hear(transport: &mut ProcessTransport, from: Rank) -> Result<(), Fault> {
    rounds(transport, |rounds| {
        let ticket = rounds.begin(TAG, None, Some((from, &[8])), PATIENCE)?;
        rounds.finish(ticket, PATIENCE, &mut |_| ())
    })
}

#[test]
#[ignore = "the other processes of the test above"]
fn waits_for_the_rank_before() {
    let Some(_) = seed() else { return };
    let mut transport = rendezvous();
    let before = Rank(transport.rank().0 - 1);
    hear(&mut transport, before).expect_err("a failure");
}

#[test]
fn a_rank_that_never_comes_is_named() {
    let directory = tempdir().expect("a directory");
    let soon = Duration::from_millis(300);
    let errors = std::thread::scope(|scope| {
        let start = |rank| {
            let directory = directory.path();
            scope.spawn(move || ProcessTransport::join(directory, Rank(rank), 4, &Secret::default(), soon))
        };
        [0, 1, 3].map(start).map(|rank| rank.join().expect("no panic").err().expect("an error").to_string())
    });
    assert_eq!(errors, ["rank 2 did not come within 300ms"; 3]);
    assert_eq!(std::fs::read_dir(directory.path()).expect("the directory").count(), 0, "no socket is left");
}

#[test]
fn a_full_directory_is_an_error() {
    let directory = tempdir().expect("a directory");
    let path = directory.path().to_str().expect("a plain path");
    let binary = std::env::current_exe().expect("this binary");
    // A file system of its own, which only this process sees, with room for its root alone.
    let mount = format!("mount -t tmpfs -o nr_inodes=1 none {path} || exit 77; exec \"$0\" \"$@\"");
    let test = ["--exact", "joins_in_a_full_directory", "--ignored", "--quiet"];
    let status = Command::new("unshare")
        .args(["--mount", "sh", "-c", &mount])
        .arg(binary)
        .args(test)
        .env("BFC_TEST_SEED", "0")
        .env("BFC_RENDEZVOUS", path)
        .status();
    match status {
        Ok(status) if status.success() => {}
        Ok(status) if status.code() == Some(101) => panic!("another error"),
        other => println!("not tried, a file system cannot be mounted here: {other:?}"),
    }
}

#[test]
#[ignore = "the other process of the test above"]
fn joins_in_a_full_directory() {
    let Some(_) = seed() else { return };
    let directory = std::env::var_os("BFC_RENDEZVOUS").expect("a directory");
    let joined = ProcessTransport::join(Path::new(&directory), FIRST, 1, &Secret::default(), PATIENCE);
    assert_eq!(joined.err().expect("an error").kind(), std::io::ErrorKind::StorageFull);
}

/// A machine of this process's rank, which leaves its trace where the environment says.
fn machine(deadline: Duration) -> Result<Flat<f64, ProcessTransport>, RuntimeError> {
    let transport = rendezvous();
    let schedule = schedule(averaging(), transport.size(), vec![vec![ring(transport.size())]]);
    Flat::with_deadline(schedule.rank(transport.rank()), transport, &[1.0; 50_000], deadline)
}

/// The state of a run that is stuck, once `ready`.
fn stuck_in(directory: &Path, ready: impl Fn(&Stuck) -> bool) -> Stuck {
    let start = Instant::now();
    loop {
        if let Ok(found) = read(directory).map(|recordings| stuck(&recordings))
            && ready(&found)
        {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "{:?}", read(directory).map(|recordings| stuck(&recordings)));
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// While they run, without any signal; and SIGUSR1 ends none of them.
#[test]
fn who_holds_up_the_others_is_seen_while_they_wait() {
    let (directory, size) = (tempdir().expect("a directory"), 4);
    let traces = directory.path().join("traces");
    let start = |rank| {
        Process::start_with(
            "steps_until_it_fails",
            directory.path(),
            rank,
            size,
            0,
            &[("BFC_TRACE", &traces)],
        )
    };
    let ranks: Vec<Process> = (0..size).map(start).collect();
    let all = |found: &Stuck| found.ranks.iter().all(|rank| rank.step.is_some_and(|step| step > 10));
    stuck_in(&traces, all);
    ranks.iter().for_each(|rank| rank.signal(libc::SIGUSR1));
    ranks[2].signal(libc::SIGSTOP);
    until_stopped(&ranks[2]);
    let waiting = |found: &Stuck| {
        let waits = found.ranks.iter().filter(|rank| !rank.waits_for().is_empty()).count();
        found.roots == [Rank(2)] && waits == 3
    };
    let found = stuck_in(&traces, waiting);
    assert!(found.ranks[2].is_stopped && !found.ranks[2].is_dead);
    assert_eq!(found.first_failure, None);

    ranks[2].signal(libc::SIGKILL);
    let failed = |found: &Stuck| found.first_failure.is_some() && found.ranks[2].is_dead;
    let found = stuck_in(&traces, failed);
    assert_eq!(found.roots, [Rank(2)]);
    let (first, _) = found.first_failure.expect("a failure");
    let doing = &found.ranks[first.index()].doing;
    assert!(matches!(doing, Doing::Failed { cause: Cause::Left(Rank(2)), .. }), "{found:?}");
}

#[test]
#[ignore = "the processes of the test above"]
fn steps_until_it_fails() {
    let Some(_) = seed() else { return };
    let mut machine = machine(PATIENCE).expect("a machine");
    while machine.step(&mut |_| ()).is_ok() {}
}

#[test]
fn traces_are_for_all_ranks_or_for_none() {
    let directory = tempdir().expect("a directory");
    let traces = directory.path().join("traces");
    let peer = Process::start_with("leaves_a_trace", directory.path(), 1, 2, 0, &[("BFC_TRACE", &traces)]);
    let other = Process::start("leaves_a_trace", directory.path(), 0, 2, 0);
    peer.succeeds();
    other.succeeds();
}

#[test]
#[ignore = "the processes of the test above"]
fn leaves_a_trace() {
    let Some(_) = seed() else { return };
    let error = machine(PATIENCE).err().expect("an error");
    let code = error.code().expect("a code").to_string();
    // Who learns of the difference first says so to the other.
    assert!(
        code == "bfc::trace::different"
            || error.to_string().contains("rank 1 writes a trace, rank 0 does not"),
        "{error}"
    );
}

/// Each machine of a rank has a directory of its own.
#[test]
fn machines_after_the_first_leave_their_traces_beside_it() {
    let directory = tempdir().expect("a directory");
    let traces = directory.path().join("traces");
    Process::start_with("makes_two_machines", directory.path(), 0, 1, 0, &[("BFC_TRACE", &traces)])
        .succeeds();
    for (directory, steps) in [(traces.clone(), 1), (traces.join("2"), 2)] {
        let recordings = read(&directory).expect("recordings");
        let ended = |event: &&Event| event.what == What::StepEnded;
        assert_eq!(recordings[0].tracks[0].iter().filter(ended).count(), steps, "{}", directory.display());
    }
}

#[test]
#[ignore = "the process of the test above"]
fn makes_two_machines() {
    let Some(_) = seed() else { return };
    let mut machines = [machine(PATIENCE).expect("a machine"), machine(PATIENCE).expect("a machine")];
    machines[0].step(&mut |_| ()).expect("a step");
    (0..2).for_each(|_| machines[1].step(&mut |_| ()).expect("a step"));
}
