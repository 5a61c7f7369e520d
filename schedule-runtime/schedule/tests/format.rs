//! Files: what is written is read again, and nothing else is read.

use crate::common::*;
use bfc_schedule::matrix::Row;
use bfc_schedule::{
    FormatError, Group, MixingMatrix, Phase, Rank, RankSchedule, Rational, Schedule, ScheduleError,
    VerifyError,
};
use miette::Diagnostic;
use proptest::prelude::*;
use std::time::Instant;

fn small() -> Schedule {
    Schedule::new(draft(4, vec![ring(4), star(4)], rich())).unwrap()
}

fn code(error: &ScheduleError) -> String {
    error.code().unwrap().to_string()
}

fn refused(file: &[u8]) -> String {
    code(&Schedule::decode(file).expect_err("the file is not valid"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_file_gives_the_schedule_back(draft in drafts()) {
        let schedule = Schedule::new(draft).unwrap();
        let file = schedule.encode();
        let read = Schedule::decode(&file).unwrap();
        prop_assert_eq!(&read.encode(), &file);
        for rank in (0..schedule.size()).map(Rank) {
            prop_assert_eq!(RankSchedule::decode(&file, rank).unwrap(), schedule.rank(rank));
        }
        prop_assert_eq!(read, schedule);
    }

    #[test]
    fn a_changed_file_is_refused(draft in drafts(), at in any::<prop::sample::Index>(), change in 1u8..) {
        let mut file = Schedule::new(draft).unwrap().encode();
        let at = at.index(file.len());
        file[at] ^= change;
        prop_assert!(Schedule::decode(&file).is_err());
        prop_assert!(RankSchedule::decode(&file, Rank(0)).is_err());
    }

    /// Whoever repairs the checksums gets no further than verification.
    #[test]
    fn a_mutated_file_is_refused_or_valid(
        draft in drafts(),
        section in 0usize..4,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut parts = sections(&Schedule::new(draft).unwrap().encode());
        let bytes = &mut parts[section].2;
        if !bytes.is_empty() {
            let length = bytes.len();
            changes.into_iter().for_each(|(at, value)| bytes[at.index(length)] = value);
        }
        refused_or_valid(&pack(&parts));
    }
}

fn refused_or_valid(file: &[u8]) {
    let ranks: Vec<_> = (0..13).map(|rank| RankSchedule::decode(file, Rank(rank))).collect();
    if let Ok(schedule) = Schedule::decode(file) {
        assert_eq!(schedule.encode(), file);
        for rank in (0..schedule.size().min(13)).map(Rank) {
            assert_eq!(ranks[rank.index()], Ok(schedule.rank(rank)));
            for (topology, plans) in schedule.topologies().iter().zip(schedule.rank(rank).topologies) {
                for (phase, plan) in topology.phases.iter().zip(plans) {
                    let mut received: Vec<_> =
                        plan.actions.into_iter().filter_map(|action| action.receive).collect();
                    received.sort();
                    let row = phase.matrix.row(rank);
                    assert_eq!((plan.self_weight, received), (row.self_weight, row.in_weights));
                }
            }
        }
    }
}

#[test]
fn every_bit_counts() {
    let file = small().encode();
    for bit in 0..file.len() * 8 {
        let mut changed = file.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(Schedule::decode(&changed).is_err(), "bit {bit}");
    }
}

#[test]
fn every_length_counts() {
    let file = small().encode();
    for length in 0..file.len() {
        assert!(Schedule::decode(&file[..length]).is_err(), "{length} bytes");
    }
    assert_eq!(refused(&file[..file.len() - 1]), "bfc::format::length");
    assert_eq!(refused(&[&file[..], &[0]].concat()), "bfc::format::length");
    assert_eq!(refused(b""), "bfc::format::magic");
    assert_eq!(refused(b"topology ring {}"), "bfc::format::magic");
}

#[test]
fn a_future_version_is_named() {
    let mut file = small().encode();
    file[8] = 7;
    assert_eq!(Schedule::decode(&file), Err(FormatError::Version { found: 7 }.into()));
}

#[test]
fn faults_of_the_container_have_codes() {
    let parts = sections(&small().encode());
    let with = |change: &dyn Fn(&mut Vec<_>)| {
        let mut parts = parts.clone();
        change(&mut parts);
        refused(&pack(&parts))
    };
    assert_eq!(with(&|parts| parts[0].1 = 1), "bfc::format::layout");
    assert_eq!(with(&|parts| parts.push(parts[4].clone())), "bfc::format::layout");
    assert_eq!(with(&|parts| drop(parts.remove(3))), "bfc::format::missing_section");
    assert_eq!(with(&|parts| parts.push((*b"tensors\0", 0, vec![1]))), "bfc::format::unknown_section");
    assert_eq!(with(&|parts| parts[4].2 = b"{".to_vec()), "bfc::format::json");
    assert_eq!(with(&|parts| parts[4].2 = b"{}".to_vec()), "bfc::format::malformed");
    assert_eq!(with(&|parts| parts[2].2.push(0)), "bfc::format::malformed");

    let sealed = |at: usize, value: u8| {
        let mut file = pack(&parts);
        file[at] ^= value;
        seal(&mut file);
        refused(&file)
    };
    assert_eq!(sealed(32, 1), "bfc::format::digest");
    assert_eq!(sealed(64 + 12, 1), "bfc::format::section_checksum");
    assert_eq!(sealed(28, 1), "bfc::format::layout");
    assert_eq!(sealed(12, 0x80), "bfc::format::layout");
    let mut file = pack(&parts);
    file[24] ^= 1;
    assert_eq!(refused(&file), "bfc::format::checksum");
}

#[test]
fn a_section_that_may_be_skipped_is() {
    let schedule = small();
    let mut parts = sections(&schedule.encode());
    parts.push((*b"notes\0\0\0", 1, vec![1, 2, 3]));
    assert_eq!(Schedule::decode(&pack(&parts)).unwrap(), schedule);
}

#[test]
fn the_digest_covers_what_ranks_run_and_nothing_else() {
    let digest = |change: &dyn Fn(&mut bfc_schedule::Draft)| {
        let mut draft = draft(4, vec![ring(4), star(4)], rich());
        change(&mut draft);
        Schedule::new(draft).unwrap().digest()
    };
    let same = digest(&|_| ());
    assert_eq!(same, digest(&|draft| draft.metadata = serde_json::Value::Null));
    assert_eq!(same, digest(&|draft| draft.certificate = serde_json::Value::Null));
    assert_eq!(same, digest(&|draft| draft.overrides.clear()));
    assert_ne!(same, digest(&|draft| draft.local_size = 2));
    assert_ne!(same, digest(&|draft| draft.topologies[0].phases.reverse()));
    assert_ne!(same, digest(&|draft| draft.program.inputs[0].default = Rational::zero()));
    assert_eq!(same.to_string().len(), 64);
    assert!(same.to_string().bytes().all(|digit| digit.is_ascii_hexdigit()));
}

/// Weights that are written with other bytes than the specification says, checksums repaired.
#[test]
fn a_second_encoding_is_refused() {
    let parts = sections(&small().encode());
    let mut unused = parts.clone();
    let weights = &mut unused[1].2;
    let count = u32::from_le_bytes(weights[..4].try_into().unwrap()) as usize;
    let end = u64::from_le_bytes(weights[8 * count..][..8].try_into().unwrap());
    weights[..4].copy_from_slice(&(count as u32 + 1).to_le_bytes());
    let value = [0, 1, 0, 0, 0, 77, 1];
    weights.splice(8 + 8 * count..8 + 8 * count, (end + value.len() as u64).to_le_bytes());
    weights.extend(value);
    assert_eq!(refused(&pack(&unused)), "bfc::format::not_canonical");
}

#[test]
fn huge_counts_cost_nothing() {
    let parts = sections(&small().encode());
    let start = Instant::now();
    for section in 0..4 {
        for at in 0..parts[section].2.len().saturating_sub(4) {
            for value in [u32::MAX, u32::MAX - 1, i32::MAX as u32] {
                let mut parts = parts.clone();
                parts[section].2[at..at + 4].copy_from_slice(&value.to_le_bytes());
                refused_or_valid(&pack(&parts));
            }
        }
    }
    assert!(start.elapsed().as_secs() < 60, "took {:?}", start.elapsed());
}

/// A weight of a kilobyte, used by a hundred thousand hops of eight bytes each.
#[test]
fn long_weights_cannot_be_multiplied() {
    let size = 100_000;
    let with = |weight: Rational| {
        let hops = (1..size).map(|hop| (Rank(hop), weight.clone())).collect();
        Schedule::new(draft(size, vec![symbolic(Group::cyclic(size), Rational::zero(), hops)], gossip()))
    };
    let long = Rational::new(1, num_bigint::BigInt::from(1) << 8000);
    let errors = with(long).unwrap_err();
    assert_eq!(errors[0].code().unwrap().to_string(), "bfc::verify::weight_total");

    let mut parts = sections(&with(Rational::new(1, 3)).unwrap().encode());
    let weights = &mut parts[1].2;
    let end = u64::from_le_bytes(weights[16..24].try_into().unwrap());
    weights.extend([1; 1000]);
    weights[16..24].copy_from_slice(&(end + 1000).to_le_bytes());
    assert_eq!(refused(&pack(&parts)), "bfc::format::too_large");
}

#[test]
fn a_million_ranks_take_little_room_and_time() {
    let size = 1 << 20;
    let weight = |degree: u32| Rational::new(1, degree + 1);
    let one_peer = (0..20).map(|t| symbolic(Group::cyclic(size), weight(1), vec![(Rank(1 << t), weight(1))]));
    let exponential = (0..20).map(|t| (Rank(1 << t), weight(20))).collect();
    for phases in [one_peer.collect(), vec![symbolic(Group::cyclic(size), weight(20), exponential)]] {
        let start = Instant::now();
        let schedule = Schedule::new(draft(size, phases, rich())).unwrap();
        let file = schedule.encode();
        let part = RankSchedule::decode(&file, Rank(size - 1)).unwrap();
        assert_eq!(part, Schedule::decode(&file).unwrap().rank(Rank(size - 1)));
        assert!(file.len() < 3072, "{} bytes", file.len());
        assert!(start.elapsed().as_millis() < 500, "took {:?}", start.elapsed());
    }
}

/// Whether rounding must keep the sums of columns is known from all rows, and what they are from the receivers' actions.
#[test]
fn a_rank_reads_the_weights_of_its_column_where_they_count() {
    let (half, third) = (Rational::new(1, 2), Rational::new(1, 3));
    let leaf = |_| Row { self_weight: half.clone(), in_weights: vec![(Rank(0), third.clone())] };
    let centre = Row {
        self_weight: third.clone(),
        in_weights: vec![(Rank(1), half.clone()), (Rank(2), half.clone())],
    };
    let columns = table(std::iter::once(centre).chain((1..3).map(leaf)).collect());
    let decoded = |phases: Vec<Phase>, rank: u32| {
        let schedule = Schedule::new(draft(3, phases, gossip())).unwrap();
        let part = RankSchedule::decode(&schedule.encode(), Rank(rank)).unwrap();
        assert_eq!(part, schedule.rank(Rank(rank)));
        part.topologies[0].iter().map(|plan| plan.column.clone()).collect::<Vec<_>>()
    };
    assert_eq!(decoded(vec![columns.clone()], 0), [Some(vec![third.clone(), third.clone()])]);
    assert_eq!(decoded(vec![columns.clone()], 2), [Some(vec![half.clone()])]);
    // All rows of a star sum to 1; beside the other phase its columns do not.
    assert_eq!(decoded(vec![star(3)], 0), [None]);
    assert_eq!(decoded(vec![star(3), columns.clone()], 0), [None, None]);
    // A symbolic phase keeps both sums.
    let ring = symbolic(Group::cyclic(3), half.clone(), vec![(Rank(1), half.clone())]);
    assert_eq!(decoded(vec![ring, columns], 1), [None, Some(vec![half.clone()])]);
}

#[test]
fn a_rank_out_of_range_is_refused() {
    let file = small().encode();
    assert_eq!(
        RankSchedule::decode(&file, Rank(4)),
        Err(FormatError::Rank { rank: Rank(4), size: 4 }.into())
    );
}

/// What one rank cannot run is refused to it, although it does not look at the others.
#[test]
fn a_rank_verifies_its_own_part() {
    let mut parts = sections(&small().encode());
    let tables = parts[3].2.len();
    parts[3].2[tables - 4..].copy_from_slice(&0u32.to_le_bytes());
    let file = pack(&parts);
    assert_eq!(code(&RankSchedule::decode(&file, Rank(3)).unwrap_err()), "bfc::verify::invalid");
    assert!(RankSchedule::decode(&file, Rank(2)).is_ok());
    assert_eq!(refused(&file), "bfc::verify::invalid");
}

/// Files whose checksums are right, and whose programs no compiler writes.
#[test]
fn forged_codes_are_refused() {
    let file = Schedule::new(draft(4, vec![both_ways(4)], neighbours())).unwrap().encode();
    let forged = |from: &[u8], to: &[u8]| {
        let mut parts = sections(&file);
        let program = &mut parts[0].2;
        let at = program.windows(from.len()).position(|bytes| bytes == from).unwrap();
        program.splice(at..at + from.len(), to.iter().copied());
        Schedule::decode(&pack(&parts)).unwrap_err().to_string()
    };
    let fraction = |numerator: u64, denominator: u64| {
        [&[3][..], &numerator.to_le_bytes(), &denominator.to_le_bytes()].concat()
    };
    let twice = forged(&fraction(1, 100), &fraction(2, 200));
    assert!(twice.contains("`top_fraction(2/200)`, which does not exist"), "{twice}");
    // The state `k` moves from the scalars per edge of register 2 to the code of register 7.
    let moved = forged(b"\x01\0\0\0k\x02\0", b"\x01\0\0\0k\x07\0");
    assert!(moved.contains("state `k` is a code"), "{moved}");
}

#[test]
fn forged_names_are_refused_by_every_reader() {
    let file = Schedule::new(draft(4, vec![star(4)], gossip())).unwrap().encode();
    let mut parts = sections(&file);
    let rounds = parts.iter_mut().find(|(tag, _, _)| tag.starts_with(b"rounds")).unwrap();
    let at = rounds.2.windows(5).position(|bytes| bytes == b"\x01\0\0\0W").unwrap();
    let name = "W)\n\u{1b}[32m\u{2713} exact_average(W";
    let forged = [&(name.len() as u32).to_le_bytes()[..], name.as_bytes()].concat();
    rounds.2.splice(at..at + 5, forged);
    let file = pack(&parts);
    for error in [Schedule::decode(&file).unwrap_err(), RankSchedule::decode(&file, Rank(1)).unwrap_err()] {
        let ScheduleError::Invalid { errors } = &error else { panic!("{error}") };
        assert!(matches!(&errors[..], [VerifyError::Name { what: "a topology", .. }]), "{errors:?}");
        assert!(!error.to_string().contains(bfc_schedule::visible::is_hidden), "{error:?}");
    }
}

#[test]
fn equal_matrices_in_other_words_have_one_digest() {
    let plain = draft(3, vec![star(3)], gossip());
    let mut other = plain.clone();
    let MixingMatrix::Sparse(matrix) = &plain.topologies[0].phases[0].matrix else { unreachable!() };
    let padded = [vec![Rational::integer(9)], matrix.weights().to_vec()].concat();
    let ranks = || (0..3).map(Rank);
    let edges =
        ranks().flat_map(|rank| matrix.in_edges(rank)).map(|&(source, id)| (source, id + 1)).collect();
    let own = ranks().map(|rank| matrix.self_weight(rank) + 1).collect();
    let offsets = [0, 2, 3, 4].to_vec();
    other.topologies[0].phases[0].matrix =
        MixingMatrix::Sparse(bfc_schedule::SparseMatrix::from_parts(padded, own, offsets, edges).unwrap());
    assert_eq!(Schedule::new(plain).unwrap().digest(), Schedule::new(other).unwrap().digest());
}
