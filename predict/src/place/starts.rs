//! Orders of ranks from which a search for a placement begins.

use super::board::{Board, Price};
use crate::links::Wiring;
use bfc_schedule::random::shuffle;

/// Shuffled starts.
const SHUFFLES: u64 = 3;
/// Blocks of a grid that are looked at, at most.
const MOST_BLOCKS: usize = 200;
/// Messages that are counted to look at them, at most.
const MOST_COUNTED: usize = 4_000_000;

/// Ranks as they are; dealt to the machines one by one; grown along messages; the best blocks of a grid; and shuffled.
pub(super) fn starts(board: &mut Board<'_>, wiring: &Wiring, groups: &[Vec<u32>]) -> Vec<Vec<u32>> {
    let (size, machines) = (wiring.size(), wiring.machines());
    let mut dealt: Vec<u32> = (0..size).collect();
    dealt.sort_by_key(|rank| (rank % machines, rank / machines));
    let mut starts = vec![(0..size).collect(), dealt, grown(board, wiring)];
    starts.extend(best_blocks(board, wiring, groups));
    for seed in 0..SHUFFLES {
        let mut ranks: Vec<u32> = (0..size).collect();
        shuffle(&mut ranks, seed, 0);
        starts.push(ranks);
    }
    starts
}

/// Machine after machine takes the rank that exchanges most with those that it has; the first takes rank 0, every other
/// begins with the rank that exchanges most with the machines before.
fn grown(board: &Board<'_>, wiring: &Wiring) -> Vec<u32> {
    let (size, local) = (wiring.size(), wiring.ranks_per_machine());
    let mut free: Vec<u32> = (0..size).collect();
    let (mut all, mut own) = (vec![0.0; size as usize], vec![0.0; size as usize]);
    let mut ranks = vec![];
    for place in 0..size {
        if place.is_multiple_of(local) {
            own.fill(0.0);
        }
        let pull = |rank: u32| (own[rank as usize], all[rank as usize]);
        let nearest =
            |best: usize, next: usize| if pull(free[next]) > pull(free[best]) { next } else { best };
        let next = free.remove((0..free.len()).reduce(nearest).unwrap_or(0));
        for (peer, bytes) in board.peers(next) {
            own[peer as usize] += bytes;
            all[peer as usize] += bytes;
        }
        ranks.push(next);
    }
    ranks
}

/// Of the machines that are blocks of a grid those with the least price: grids of two sides, and those of the groups
/// under which phases are symmetric.
fn best_blocks(board: &mut Board<'_>, wiring: &Wiring, groups: &[Vec<u32>]) -> Option<Vec<u32>> {
    let (size, local) = (wiring.size(), wiring.ranks_per_machine());
    let sides = (2..size).filter(|side| size.is_multiple_of(*side) && side * side <= size);
    let two_sided = sides.flat_map(|side| [vec![side, size / side], vec![size / side, side]]);
    let mut shapes: Vec<Vec<u32>> = groups.iter().cloned().chain(two_sided).collect();
    shapes.sort_unstable();
    shapes.dedup();
    let most = MOST_BLOCKS.min(MOST_COUNTED / board.messages().max(1));
    let blocks =
        shapes.iter().flat_map(|shape| blocks(shape, local).into_iter().map(move |block| (shape, block)));
    let mut best: Option<(Vec<u32>, Price)> = None;
    for (shape, block) in blocks.take(most) {
        board.stand(in_blocks(shape, &block, size));
        let price = board.price();
        if best.as_ref().is_none_or(|(_, known)| price.below(*known)) {
            best = Some((board.ranks.clone(), price));
        }
    }
    best.map(|(ranks, _)| ranks)
}

/// The blocks with this number of cells whose sides divide those of a grid.
fn blocks(shape: &[u32], cells: u32) -> Vec<Vec<u32>> {
    let Some((&side, rest)) = shape.split_first() else {
        return if cells == 1 { vec![vec![]] } else { vec![] };
    };
    let own = (1..=side.min(cells)).filter(|own| side.is_multiple_of(*own) && cells.is_multiple_of(*own));
    let whole = |own: u32| {
        let others = blocks(rest, cells / own).into_iter();
        others.map(move |other| [&[own], &other[..]].concat())
    };
    own.flat_map(whole).take(MOST_BLOCKS).collect()
}

/// The cells of a grid, the last coordinate fastest, block by block.
fn in_blocks(shape: &[u32], block: &[u32], size: u32) -> Vec<u32> {
    let key = |rank: &u32| {
        let (mut rest, mut key) = (*rank, vec![]);
        for (side, own) in shape.iter().zip(block).rev() {
            let at = rest % side;
            rest /= side;
            key.push((at / own, at % own));
        }
        let (outer, inner): (Vec<u32>, Vec<u32>) = key.into_iter().rev().unzip();
        (outer, inner)
    };
    let mut ranks: Vec<u32> = (0..size).collect();
    ranks.sort_by_cached_key(key);
    ranks
}
