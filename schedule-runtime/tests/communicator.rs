//! Calls of a communicator that the conformance suite does not make: more ranks, same bits, faults, and each error.

use bfc_runtime::conformance::schedules::{averaging, ring, schedule};
use bfc_runtime::conformance::{Leaving, laws};
use bfc_runtime::local::{LocalTransport, spmd};
use bfc_runtime::simulated::{self, Injected, Network, SimulatedTransport};
use bfc_runtime::{
    CommunicateError, Communicator, Neighbours, Operation, Reduction, RuntimeError, Transport,
};
use bfc_schedule::{Rank, random};
use half::bf16;
use miette::Diagnostic;
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::path::Path;
use std::time::Duration;

/// Numbers of ranks beside those of the conformance suite: up to 8 send to each other, more of them in a logarithm of rounds.
const SIZES: [u32; 5] = [4, 7, 8, 9, 13];

/// Runs `body` on threads.
fn on_threads<R: Send>(size: u32, body: impl Fn(Communicator<LocalTransport>) -> R + Sync) -> Vec<R> {
    let run = |transport| Ok::<_, Infallible>(body(Communicator::new(transport)));
    spmd(size, run).unwrap_or_else(|error| panic!("{size} ranks: {error}"))
}

#[test]
fn calls_compute_what_loops_compute_on_any_number_of_ranks() {
    for size in SIZES {
        for law in laws::<LocalTransport>(size, Leaving::IsSeen) {
            if law.name().starts_with("a communicator") {
                let result = spmd(size, |transport| {
                    law.run(transport);
                    Ok::<_, Infallible>(())
                });
                result.unwrap_or_else(|error| panic!("{size} ranks, {}: {error}", law.name()));
            }
        }
    }
}

fn noise(rank: Rank, length: usize) -> Vec<f64> {
    (0..length as u64).map(|index| random::unit(rank.0.into(), index) - 0.5).collect()
}

/// All results of calls whose order of terms could matter, as bits.
fn bits<X: Transport + Send + 'static>(comm: &mut Communicator<X>, length: usize) -> Vec<u64> {
    let mut bits = vec![];
    let x = noise(comm.rank(), length);
    for reduction in [Reduction::Sum, Reduction::Mean] {
        let mut double = x.clone();
        comm.allreduce(&mut double, reduction).expect("a reduction");
        bits.extend(double.iter().map(|x| x.to_bits()));
        let mut short: Vec<bf16> = x.iter().map(|x| bf16::from_f64(*x)).collect();
        comm.allreduce(&mut short, reduction).expect("a reduction");
        bits.extend(short.iter().map(|x| u64::from(x.to_bits())));
    }
    bits
}

#[test]
fn results_are_the_same_bits_on_all_ranks_and_transports() {
    for (size, length) in [(3, 100), (5, 20_000), (8, 9_000), (9, 9_000), (13, 70)] {
        let threads = on_threads(size, |mut comm| bits(&mut comm, length));
        assert!(threads.iter().all(|rank| *rank == threads[0]), "{size} ranks, length {length}");
        let network = Network::new(u64::from(size));
        let run = simulated::run(size, network, |transport| bits(&mut Communicator::new(transport), length));
        for rank in run.ranks {
            assert!(rank.ended().as_ref() == Some(&threads[0]), "{size} ranks, length {length}");
        }
    }
}

/// Short floats are summed in `f32` and rounded once: in `bf16`, 256 + 1 + 1 would stay 256.
#[test]
fn short_floats_are_rounded_once() {
    for (size, length) in [(3, 5), (3, 30_000), (12, 30_000)] {
        let sums = on_threads(size, |mut comm| {
            let first = if comm.rank() == Rank(0) { 256.0 } else { 1.0 };
            let mut x = vec![bf16::from_f32(first); length];
            comm.allreduce(&mut x, Reduction::Sum).expect("a sum");
            x
        });
        let expected = bf16::from_f32(255.0 + size as f32);
        assert!(sums.iter().flatten().all(|sum| *sum == expected), "{:?}", sums[0][0]);
    }
}

#[test]
fn the_least_of_nan_is_nan_wherever_it_stands() {
    for nan in 0..4 {
        let least = on_threads(4, |mut comm| {
            let mut x = [if comm.rank() == Rank(nan) { f32::NAN } else { 1.0 }];
            comm.allreduce(&mut x, Reduction::Min).expect("a minimum");
            let mut y = [x[0].is_nan()].map(u8::from);
            comm.allreduce(&mut y, Reduction::Min).expect("a minimum");
            y[0]
        });
        assert_eq!(least, [1; 4]);
    }
}

#[test]
fn a_long_reduction_sends_the_least_possible() {
    for size in [2, 4, 8, 16] {
        let length = 16 * 4096;
        let sent = on_threads(size, |mut comm| {
            comm.allreduce(&mut vec![1f32; length], Reduction::Sum).expect("a sum");
            comm.bytes_sent()
        });
        let least = 2 * (length as u64 * 4 / u64::from(size)) * u64::from(size - 1);
        assert_eq!(sent, vec![least; size as usize]);
    }
}

#[test]
fn a_panic_of_what_is_pending_unwinds_where_it_is_finished() {
    let panics = on_threads(2, |mut comm| {
        let pending = comm.begin(|comm| {
            comm.barrier().expect("a barrier");
            // Without a message on the terminal.
            std::panic::resume_unwind(Box::new("a bug"))
        });
        let finish = std::panic::AssertUnwindSafe(|| -> Infallible { pending.finish() });
        let panic = std::panic::catch_unwind(finish).expect_err("a panic");
        comm.barrier().expect("the communicator goes on");
        *panic.downcast::<&str>().expect("a text")
    });
    assert_eq!(panics, ["a bug"; 2]);
}

#[test]
fn a_lost_rank_is_named_with_the_call() {
    for seed in 0..200 {
        let kill = Injected::Kill { rank: Rank(1), at: Duration::from_micros(500 * (seed % 8)) };
        let network = Network { delay: Duration::from_micros(100), ..Network::new(seed) }.with(kill);
        let run = simulated::run(4, network, |transport: SimulatedTransport| {
            let mut comm = Communicator::with_deadline(transport, Duration::from_secs(30));
            let mut x = noise(comm.rank(), 9_000);
            let error = loop {
                let calls =
                    comm.allreduce(&mut x, Reduction::Mean).and_then(|()| comm.broadcast(&mut x, Rank(2)));
                if let Err(error) = calls {
                    break error;
                }
            };
            let dead = comm.barrier().expect_err("a communicator that failed");
            assert!(matches!(dead, CommunicateError::Exchange(_)));
            error.to_string()
        });
        for rank in [0, 2, 3] {
            let text = run.ranks[rank].clone().ended().expect("an error");
            assert!(text.starts_with(&format!("rank {rank}, call ")) && text.contains("rank 1"), "{text}");
        }
    }
}

#[test]
fn a_rank_that_does_not_come_is_a_deadline_that_names_the_call() {
    let errors = on_threads(3, |mut comm| {
        comm.barrier().expect("all are there");
        if comm.rank() == Rank(2) {
            std::thread::sleep(Duration::from_millis(400));
            return None;
        }
        comm.set_deadline(Duration::from_millis(if comm.rank() == Rank(0) { 100 } else { 30_000 }));
        let error = comm.allreduce(&mut [1.0], Reduction::Sum).expect_err("nobody comes");
        assert!(matches!(
            error,
            CommunicateError::Exchange(RuntimeError::Deadline { .. } | RuntimeError::PeerFailed { .. })
        ));
        Some(error.to_string())
    });
    assert_eq!(errors[0].as_deref(), Some("rank 0, call 1, `allreduce`, round 0: waited 100ms for rank 2"));
}

/// The codes of the errors of one call that each rank makes, by rank; afterwards all ranks go on.
fn codes(
    size: u32,
    call: impl Fn(&mut Communicator<LocalTransport>) -> Result<(), CommunicateError> + Sync,
) -> Vec<String> {
    on_threads(size, |mut comm| {
        let error = call(&mut comm).expect_err("an error on every rank");
        let mut x = [1u8];
        comm.allreduce(&mut x, Reduction::Sum).expect("the next call");
        assert_eq!(u32::from(x[0]), comm.size());
        let code = error.code().expect("a code").to_string();
        assert!(error.help().is_some(), "{code} has no remedy");
        code
    })
}

/// Rank 1 has an error with this code, and others learn that.
fn assert_refused(
    code: &str,
    provoked: &mut BTreeSet<String>,
    call: impl Fn(&mut Communicator<LocalTransport>, bool) -> Result<(), CommunicateError> + Sync,
) {
    let refused = "bfc::communicate::refused";
    let found = codes(4, |comm| call(comm, comm.rank() == Rank(1)));
    assert_eq!(found, [refused, code, refused, refused]);
    provoked.extend(found);
}

/// All ranks have an error with this code.
fn assert_seen(
    code: &str,
    provoked: &mut BTreeSet<String>,
    call: impl Fn(&mut Communicator<LocalTransport>) -> Result<(), CommunicateError> + Sync,
) {
    let found = codes(4, call);
    assert_eq!(found, [code; 4]);
    provoked.extend(found);
}

#[test]
fn a_rank_that_refuses_a_call_beforehand_keeps_nobody_waiting() {
    let found = codes(3, |comm| match comm.rank() {
        Rank(2) => comm.refuse(Operation::Allreduce),
        _ => comm.allreduce(&mut [1f32; 4], Reduction::Sum),
    });
    assert_eq!(found, ["bfc::communicate::refused"; 3]);
    let sums = on_threads(3, |mut comm| {
        let mut x = [comm.rank().0];
        let refused = if x == [2] { comm.refuse(Operation::Barrier) } else { comm.barrier() };
        comm.allreduce(&mut x, Reduction::Sum)
            .map(|()| (refused.is_err(), x[0]))
            .expect("the next call goes on")
    });
    assert_eq!(sums, [(true, 3); 3]);
}

#[test]
fn each_code_has_a_page_and_is_provoked() {
    let provoked = &mut BTreeSet::new();
    let x = || [1f32; 8];
    assert_seen("bfc::communicate::disagreement", provoked, |comm| match comm.rank() {
        Rank(1) => comm.barrier(),
        _ => comm.allreduce(&mut x(), Reduction::Sum),
    });
    let edge = |list: &[u32]| list.iter().map(|rank| (Rank(*rank), 1.0)).collect::<Vec<_>>();
    let edges = |sources: &[u32], destinations: &[u32]| {
        Neighbours::weighted(0.5, &edge(sources), &edge(destinations))
    };
    assert_refused("bfc::communicate::out_of_range", provoked, |comm, wrong| {
        comm.neighbor_allreduce(&mut x(), &edges(if wrong { &[4] } else { &[] }, &[]))
    });
    assert_refused("bfc::communicate::out_of_range", provoked, |comm, wrong| {
        comm.pair_average(&mut x(), wrong.then_some(Rank(9)))
    });
    assert_refused("bfc::communicate::self_edge", provoked, |comm, wrong| {
        comm.neighbor_allreduce(&mut x(), &edges(&[], if wrong { &[1] } else { &[] }))
    });
    assert_refused("bfc::communicate::self_edge", provoked, |comm, wrong| {
        comm.pair_average(&mut x(), wrong.then_some(Rank(1)))
    });
    assert_refused("bfc::communicate::duplicate_edge", provoked, |comm, wrong| {
        comm.neighbor_allgather(&x(), 1, &edges(if wrong { &[0, 2, 0] } else { &[] }, &[])).map(|_| ())
    });
    for (own, source) in [(f64::NAN, 1.0), (1.0, f64::INFINITY)] {
        assert_refused("bfc::communicate::weight_not_finite", provoked, |comm, wrong| {
            let neighbours = match wrong {
                true => Neighbours::weighted(own, &[(Rank(0), source)], &[]),
                false => edges(&[], &[]),
            };
            comm.neighbor_allreduce(&mut x(), &neighbours)
        });
    }
    assert_refused("bfc::communicate::different_lengths", provoked, |comm, wrong| {
        let (source, mut target) = ([1f32; 8], [0f32; 8]);
        comm.allreduce((&source[..if wrong { 7 } else { 8 }], &mut target[..]), Reduction::Sum)
    });
    assert_refused("bfc::communicate::uneven", provoked, |comm, wrong| {
        comm.allgather(&x()[..if wrong { 7 } else { 8 }], 2).map(|_| ())
    });
    let own = schedule(averaging(), 4, vec![vec![ring(4)]]);
    assert_refused("bfc::communicate::different_group", provoked, |comm, wrong| {
        let rank = if wrong { Rank(3) } else { comm.rank() };
        comm.neighbor_allreduce(&mut x(), &Neighbours::compiled(&own.rank(rank), 0, 0)?)
    });
    // All ranks are wrong in one way.
    assert_seen("bfc::communicate::uneven", provoked, |comm| comm.all_to_all(&mut [1u16; 6]));
    assert_seen("bfc::communicate::integers", provoked, |comm| {
        comm.allreduce(&mut [1i32; 6], Reduction::Mean)
    });
    assert_seen("bfc::communicate::integers", provoked, |comm| {
        comm.neighbor_allreduce(&mut [1i8; 6], &edges(&[], &[]))
    });
    assert_seen("bfc::communicate::integers", provoked, |comm| comm.pair_average(&mut [1u64; 6], None));
    assert_seen("bfc::communicate::no_topology", provoked, |comm| {
        Neighbours::compiled(&own.rank(comm.rank()), 1, 0).map(|_| ())
    });
    // Both ends of an edge.
    for (sources, destinations) in [(&[2][..], &[][..]), (&[], &[3])] {
        assert_seen("bfc::communicate::one_sided_edge", provoked, |comm| {
            let is_one = comm.rank() == Rank(1);
            let none: &[u32] = &[];
            let neighbours = if is_one { edges(sources, destinations) } else { edges(none, none) };
            comm.neighbor_allreduce(&mut x(), &neighbours)
        });
    }
    assert_seen("bfc::communicate::one_sided_edge", provoked, |comm| {
        // Around the ring: nobody's partner has it as its own.
        comm.pair_average(&mut x(), Some(Rank((comm.rank().0 + 1) % 4)))
    });
    assert_seen("bfc::communicate::one_sided_edge", provoked, |comm| {
        let machine = comm.rank().0 / 2;
        let neighbours = if machine == 0 { edges(&[1], &[]) } else { edges(&[], &[]) };
        comm.hierarchical_neighbor_allreduce(&mut x(), (machine, 2), &neighbours)
    });
    assert_seen("bfc::communicate::disagreement", provoked, |comm| {
        // Weights of the call on one rank, compiled ones on the others.
        let neighbours = match comm.rank() {
            Rank(1) => edges(&[0, 2], &[0, 2]),
            rank => Neighbours::compiled(&own.rank(rank), 0, 0)?,
        };
        comm.neighbor_allreduce(&mut x(), &neighbours)
    });
    assert_seen("bfc::communicate::empty_machine", provoked, |comm| {
        comm.hierarchical_neighbor_allreduce(&mut x(), (2 * (comm.rank().0 % 2), 3), &edges(&[], &[]))
    });
    assert_seen("bfc::communicate::divided_machine", provoked, |comm| {
        let neighbours = if comm.rank() == Rank(1) { edges(&[1], &[]) } else { edges(&[], &[]) };
        comm.hierarchical_neighbor_allreduce(&mut x(), (comm.rank().0 / 2, 2), &neighbours)
    });
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/errors/communicate");
    let pages: BTreeSet<String> = std::fs::read_dir(folder)
        .expect("a folder of pages")
        .map(|page| page.expect("a page").path().file_stem().expect("a name").to_string_lossy().into_owned())
        .map(|name| format!("bfc::communicate::{name}"))
        .collect();
    assert_eq!(*provoked, pages);
}

#[test]
fn an_error_names_both_ends() {
    let texts = on_threads(2, |mut comm| {
        let mut x = [1f32; 3];
        let call = match comm.rank() {
            Rank(0) => comm.allreduce(&mut x, Reduction::Mean),
            _ => comm.broadcast(&mut x, Rank(0)),
        };
        call.expect_err("a disagreement").to_string()
    });
    let (mean, broadcast) = ("`allreduce` (mean) of 3 × f32", "`broadcast` of 3 × f32 from rank 0");
    assert_eq!(texts[0], format!("call 0: rank 0 calls {mean}, rank 1 calls {broadcast}"));
    assert_eq!(texts[1], format!("call 0: rank 1 calls {broadcast}, rank 0 calls {mean}"));
}

#[test]
fn an_error_names_phases() {
    let own = schedule(averaging(), 3, vec![vec![ring(3), ring(3)]]);
    let texts = on_threads(3, |mut comm| {
        let phase = u64::from(comm.rank() == Rank(2));
        let neighbours = Neighbours::compiled(&own.rank(comm.rank()), 0, phase).expect("a phase");
        comm.neighbor_allreduce(&mut [1f32; 3], &neighbours).expect_err("a disagreement").to_string()
    });
    let digest = &own.digest().to_string()[..16];
    let said = |phase| {
        format!("`neighbor_allreduce` of 3 × f32 over phase {phase} of topology 0 of schedule {digest}…")
    };
    assert_eq!(texts[0], format!("call 0: rank 0 calls {}, rank 2 calls {}", said(0), said(1)));
}

#[test]
fn a_bystander_of_a_pair_keeps_its_vector() {
    let results = on_threads(5, |mut comm| {
        let mut x = vec![f64::from(comm.rank().0); 50_000];
        let partner = [Some(3), None, Some(4), Some(0), Some(2)][comm.rank().index()];
        comm.pair_average(&mut x, partner.map(Rank)).expect("an average");
        assert!(x.iter().all(|value| *value == x[0]));
        x[0]
    });
    assert_eq!(results, [1.5, 1.0, 3.0, 1.5, 3.0]);
}
