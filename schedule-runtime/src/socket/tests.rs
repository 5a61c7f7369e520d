use super::*;
use crate::{Flat, RuntimeError};
use bfc_schedule::program::{Instruction, Program, Register, Shape};
use bfc_schedule::schedule::Draft;
use bfc_schedule::{Rank, Schedule};
use miette::Diagnostic;
use tempfile::tempdir;

/// Two ranks that keep what they have.
fn schedule() -> Schedule {
    let x = Register(0);
    let program = Program {
        name: "keep".into(),
        inputs: vec![],
        registers: vec![Shape::Vector],
        states: vec![("x".into(), x)],
        initial: vec![Instruction::Parameters { into: x }],
        conditions: vec![],
        steps: vec![vec![]],
        model: vec![],
        model_register: x,
    };
    let draft = Draft {
        size: 2,
        local_size: 1,
        topologies: vec![],
        program,
        average: None,
        overrides: vec![],
        metadata: serde_json::json!({}),
        certificate: serde_json::json!({}),
    };
    Schedule::new(draft).expect("a valid schedule")
}

/// What both ranks report where `rank` takes itself for another user, and so its peer for one.
fn errors(directory: &Path, rank: usize) -> [Option<RuntimeError>; 2] {
    let schedule = schedule();
    let mut transports =
        [0, 1].map(|rank| SocketTransport::join(directory, Rank(rank), 2).expect("a socket"));
    transports[rank].user += 1;
    std::thread::scope(|scope| {
        let start = |transport: SocketTransport| {
            let schedule = schedule.rank(transport.rank);
            Flat::<f64, _>::with_deadline(schedule, transport, &[0.0], Duration::from_millis(200)).err()
        };
        transports
            .map(|transport| scope.spawn(move || start(transport)))
            .map(|rank| rank.join().expect("no panic"))
    })
}

#[test]
fn ranks_of_another_user_are_neither_sought_nor_let_in() {
    let directory = tempdir().expect("a directory");
    let mine = user::own();
    for (rank, peer) in [(0, 1), (1, 0)] {
        let error = errors(directory.path(), rank)[rank].take().expect("an error");
        assert_eq!(error.code().expect("a code").to_string(), "bfc::execute::other_user");
        let expected = format!(
            "rank {rank}, start, comparison of schedules, round 0: rank {peer} belongs to user {mine}, this rank to user {}",
            mine + 1
        );
        assert_eq!(error.to_string(), expected);
    }
}
