//! From several starts, ranks swap places for as long as that helps.

use super::board::{Aim, Board, Price};
use super::starts::starts;
use crate::links::Wiring;

/// Ends of messages that swaps move, at most: about a second.
const MOST_WORK: usize = 30_000_000;
/// Messages that are counted to try all placements, at most.
const MOST_EXHAUSTIVE: f64 = 2e6;
/// Up to how many ranks each is swapped with every other, and not only with those beside its neighbours.
const MOST_PAIRS: u32 = 64;

/// The best placement found, as the rank on each place, and whether all have been tried. Ties are for the ranks as they
/// are, then for what is found first. `groups` are the radices of groups under which phases are symmetric.
pub(super) fn search(board: &mut Board<'_>, wiring: &Wiring, groups: &[Vec<u32>]) -> (Vec<u32>, bool) {
    let size = wiring.size();
    if let Some(best) = exhaustive(board, wiring) {
        return (in_order(best, wiring), true);
    }
    let starts = starts(board, wiring, groups);
    let mut best: Option<(Vec<u32>, Price)> = None;
    let mut keep = |board: &Board<'_>| {
        let price = board.price();
        if best.as_ref().is_none_or(|(_, known)| price.below(*known)) {
            best = Some((board.ranks.clone(), price));
        }
    };
    board.stand((0..size).collect());
    keep(board);
    // Squares lead away from starts that are good already, and from bad ones to where seconds can be lessened.
    let ways: [&[Aim]; 2] = [&[Aim::Seconds], &[Aim::Squares, Aim::Seconds]];
    let share = MOST_WORK / (3 * starts.len());
    for (start, way) in starts.iter().flat_map(|start| ways.map(|way| (start, way))) {
        board.stand(start.clone());
        for aim in way {
            descend(board, wiring, *aim, share);
            keep(board);
        }
    }
    (best.map_or_else(|| (0..size).collect(), |(ranks, _)| in_order(ranks, wiring)), false)
}

/// Whether all machines are alike, and all places of one.
fn alike(wiring: &Wiring) -> bool {
    let full = wiring.size().is_multiple_of(wiring.ranks_per_machine());
    full && wiring.sites() == 1 && wiring.all_nics() == wiring.machines() as usize
}

/// The same placement with the ranks of a machine ascending, and the machines by their first, where that is all the same.
fn in_order(mut ranks: Vec<u32>, wiring: &Wiring) -> Vec<u32> {
    if !alike(wiring) {
        return ranks;
    }
    let mut machines: Vec<&mut [u32]> = ranks.chunks_mut(wiring.ranks_per_machine() as usize).collect();
    machines.iter_mut().for_each(|machine| machine.sort_unstable());
    machines.sort_unstable();
    machines.into_iter().flat_map(|machine| machine.to_vec()).collect()
}

fn descend(board: &mut Board<'_>, wiring: &Wiring, aim: Aim, most_work: usize) {
    let (size, local) = (wiring.size(), wiring.ranks_per_machine());
    let end = board.work + most_work;
    loop {
        let mut improved = false;
        for rank in 0..size {
            let others: Vec<u32> = if size <= MOST_PAIRS {
                (rank + 1..size).collect()
            } else {
                let machines = board.machines_of_peers(rank);
                let places = machines.iter().flat_map(|machine| machine * local..(machine + 1) * local);
                places.filter(|place| *place < size).map(|place| board.ranks[place as usize]).collect()
            };
            for other in others {
                improved |=
                    board.machine(rank) != board.machine(other) && board.swap_if_better(rank, other, aim);
            }
            if board.work > end {
                return;
            }
        }
        if !improved {
            return;
        }
    }
}

/// The best of all placements, where there are few and machines alike.
fn exhaustive(board: &mut Board<'_>, wiring: &Wiring) -> Option<Vec<u32>> {
    let (size, local) = (wiring.size(), wiring.ranks_per_machine());
    if !alike(wiring) || size > 64 {
        return None;
    }
    let factorial = |n: u32| (1..=n).map(f64::from).product::<f64>();
    let machines = size / local;
    let placements = factorial(size) / (factorial(local).powi(machines as i32) * factorial(machines));
    if placements * (board.messages().max(1) as f64) > MOST_EXHAUSTIVE {
        return None;
    }
    let identity: Vec<u32> = (0..size).collect();
    board.stand(identity.clone());
    let mut best = (identity, board.price());
    let mut groups: Vec<Vec<u32>> = vec![];
    assign(0, size, local, &mut groups, &mut |groups| {
        board.stand(groups.concat());
        let price = board.price();
        if price.below(best.1) {
            best = (board.ranks.clone(), price);
        }
    });
    Some(best.0)
}

/// All ways to fill machines with the ranks from `rank` on; the least free rank opens the next machine.
fn assign(rank: u32, size: u32, local: u32, groups: &mut Vec<Vec<u32>>, found: &mut impl FnMut(&[Vec<u32>])) {
    if rank == size {
        return found(groups);
    }
    for group in 0..groups.len() {
        if groups[group].len() < local as usize {
            groups[group].push(rank);
            assign(rank + 1, size, local, groups, found);
            groups[group].pop();
        }
    }
    if groups.len() < (size / local) as usize {
        groups.push(vec![rank]);
        assign(rank + 1, size, local, groups, found);
        groups.pop();
    }
}
