//! Loads of shared ports: by symmetry, by enumeration, and by hand.

use crate::common::{close, cluster};
use bfc_predict::links::Wiring;
use bfc_schedule::{Action, Group, Rank, Rational, RoundPlan, RoundTable};
use proptest::prelude::*;

/// The round of a hop as a table of all ranks.
fn table(group: &Group, hop: Rank) -> RoundPlan {
    let ranks = (0..group.order()).map(Rank);
    RoundPlan::Table(RoundTable {
        rounds: 1,
        weights: vec![Rational::one()],
        self_weights: vec![0; group.order() as usize],
        offsets: (0..=group.order() as usize).collect(),
        actions: ranks
            .map(|rank| Action {
                round: 0,
                send_to: Some(group.add(rank, hop)),
                receive: Some((group.subtract(rank, hop), 0)),
            })
            .collect(),
    })
}

proptest! {
    #[test]
    fn symmetry_gives_the_loads_of_all_ranks(
        radices in prop::collection::vec(2u32..13, 1..4),
        hop in 1u32..2000,
        ranks_per_machine in 1u32..13,
        nics in 1u32..4,
        oversubscription in 1u32..5,
        sites in prop::option::of(1u32..5),
    ) {
        let group = Group::new(radices).expect("a group");
        let hop = Rank(1 + (hop - 1) % (group.order() - 1));
        let more = format!("nics = {}\noversubscription = {oversubscription}", nics.min(ranks_per_machine));
        let rest = sites.map_or(String::new(), |machines| {
            format!("[wide]\nmachines_per_site = {machines}\nlatency = \"1 ms\"\nbandwidth = \"100 MB/s\"")
        });
        let cluster = cluster(ranks_per_machine, &more, &rest);
        let wiring = Wiring::new(&cluster, group.order()).expect("as many machines as needed");
        let by_symmetry = wiring.shift(&group, hop);
        let by_rank = wiring.rounds(&table(&group, hop)).remove(0);
        for bytes in [0.0, 1e3, 1e8] {
            let (a, b) = (by_symmetry.seconds(&wiring, bytes), by_rank.seconds(&wiring, bytes));
            prop_assert!(close(a, b), "{bytes}: {a} {b}");
        }
    }
}

#[test]
fn messages_share_nics() {
    let seconds = |more: &str, hop: u32| {
        let wiring = Wiring::new(&cluster(8, more, ""), 64).expect("machines");
        wiring.shift(&Group::cyclic(64), Rank(hop)).seconds(&wiring, 1e9)
    };
    assert!(close(seconds("", 1), 1.00001), "one of eight leaves its machine");
    assert!(close(seconds("", 2), 2.00001));
    assert!(close(seconds("", 8), 8.00001), "all do");
    assert!(close(seconds("nics = 8", 8), 1.00001), "each through its own NIC");
    assert!(close(seconds("nics = 2", 8), 4.00001));
    assert!(
        close(seconds("nics = 8\noversubscription = 4", 8), 4.00001),
        "the network between carries a quarter"
    );
}

#[test]
fn a_machine_alone_needs_no_nic() {
    let wiring = Wiring::new(&cluster(8, "", ""), 8).expect("a machine");
    assert!(close(wiring.shift(&Group::cyclic(8), Rank(3)).seconds(&wiring, 1e9), 0.100001));
}

#[test]
fn sites_share_an_uplink() {
    let wide = "[wide]\nmachines_per_site = 4\nlatency = \"1 s\"\nbandwidth = \"100 MB/s\"";
    let wiring = Wiring::new(&cluster(2, "", wide), 32).expect("machines");
    let seconds = |hop| wiring.shift(&Group::cyclic(32), Rank(hop)).seconds(&wiring, 1e8);
    assert!(close(seconds(1), 2.0), "one of a site's eight ranks leaves it");
    assert!(close(seconds(8), 9.0), "all do");
}

#[test]
fn a_million_ranks_are_as_quick_as_one_machine() {
    let start = std::time::Instant::now();
    for (radices, hops) in [(vec![1 << 20], 20), (vec![100, 100, 100], 3), (vec![2; 20], 20)] {
        let group = Group::new(radices).expect("a group");
        let wiring = Wiring::new(&cluster(8, "", ""), group.order()).expect("machines");
        for hop in 0..hops {
            assert!(wiring.shift(&group, Rank(1 << hop)).seconds(&wiring, 1.0) > 0.0);
        }
    }
    assert!(start.elapsed().as_millis() < 500, "{:?}", start.elapsed());
}
