//! From edges to classes whose weights can be taken equal without loss.
//!
//! Averaging W over the relations of a coherent configuration is the projection to an algebra that is closed under
//! products and transposes and holds J: it keeps sums and signs, and ‖W − J‖₂ does not grow. The coarsest one that
//! keeps the edges apart is found by refining colours of pairs (Weisfeiler, Leman, 1968); on a group, of elements.
//! Colours are distinguished by 128 bits.

use bfc_schedule::{Group, Rank, random};
use std::collections::BTreeMap;

/// Ranks up to which pairs are coloured.
const PAIRS_LIMIT: usize = 200;

/// Elements up to which those of a group are coloured.
const ELEMENTS_LIMIT: u32 = 2048;

/// For each undirected edge (i, j), i ≠ j, of a graph on `size` ranks the number of its class, in order of first use.
pub(super) fn edge_classes(size: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    if size > PAIRS_LIMIT {
        return (0..edges.len()).collect();
    }
    let mut colours = vec![0u32; size * size];
    for &(i, j) in edges {
        colours[i * size + j] = 2;
        colours[j * size + i] = 2;
    }
    (0..size).for_each(|i| colours[i * size + i] = 1);
    let colours = stable(colours, |colours, at| {
        let (i, j) = (at / size, at % size);
        let pair = |k: usize| scrambled(colours[i * size + k], colours[k * size + j]);
        (0..size).map(pair).fold(0u128, u128::wrapping_add)
    });
    let key = |&(i, j): &(usize, usize)| {
        let (there, back) = (colours[i * size + j], colours[j * size + i]);
        (there.min(back), there.max(back))
    };
    numbered(edges.iter().map(key))
}

/// For each hop of a Cayley graph the number of its class, that of its inverse too, in order of first use.
pub(super) fn hop_classes(group: &Group, hops: &[Rank]) -> Vec<usize> {
    let keys = if group.order() <= ELEMENTS_LIMIT { by_element(group, hops) } else { by_digits(group, hops) };
    let place = |hop: Rank| hops.binary_search(&hop).unwrap_or(0);
    let key = |at: usize| {
        let (there, back) = (keys[at], keys[place(group.negate(hops[at]))]);
        (there.min(back), there.max(back))
    };
    numbered((0..hops.len()).map(key))
}

fn by_element(group: &Group, hops: &[Rank]) -> Vec<u32> {
    let mut colours = vec![0u32; group.order() as usize];
    hops.iter().for_each(|hop| colours[hop.index()] = 2);
    colours[0] = 1;
    let colours = stable(colours, |colours, at| {
        let rest = |k: u32| colours[group.subtract(Rank(at as u32), Rank(k)).index()];
        let pair = |k: u32| scrambled(colours[k as usize], rest(k));
        (0..group.order()).map(pair).fold(0u128, u128::wrapping_add)
    });
    hops.iter().map(|hop| colours[hop.index()]).collect()
}

/// Orbits under exchanges of two digits that map the hops to themselves.
fn by_digits(group: &Group, hops: &[Rank]) -> Vec<u32> {
    let radices = group.radices();
    let mut orbits = petgraph::unionfind::UnionFind::<u32>::new(hops.len());
    let digits: Vec<Vec<u32>> = hops.iter().map(|hop| group.digits(*hop)).collect();
    let places: BTreeMap<&[u32], usize> = digits.iter().map(Vec::as_slice).zip(0..).collect();
    for a in 0..radices.len() {
        for b in (a + 1..radices.len()).filter(|&b| radices[b] == radices[a]) {
            let exchanged = |digits: &Vec<u32>| {
                let mut digits = digits.clone();
                digits.swap(a, b);
                places.get(digits.as_slice()).copied()
            };
            if let Some(images) = digits.iter().map(exchanged).collect::<Option<Vec<usize>>>() {
                for (hop, image) in (0..).zip(images) {
                    orbits.union(hop, image as u32);
                }
            }
        }
    }
    orbits.into_labeling()
}

/// Refines colours by what `around` says of a place until their number stays.
fn stable(mut colours: Vec<u32>, around: impl Fn(&[u32], usize) -> u128) -> Vec<u32> {
    let mut count = 0;
    loop {
        let keys: Vec<(u32, u128)> =
            (0..colours.len()).map(|at| (colours[at], around(&colours, at))).collect();
        let mut sorted = keys.clone();
        sorted.sort_unstable();
        sorted.dedup();
        let colour = |key: &(u32, u128)| sorted.binary_search(key).unwrap_or(0) as u32;
        colours = keys.iter().map(colour).collect();
        if sorted.len() == count {
            return colours;
        }
        count = sorted.len();
    }
}

/// 128 bits of a pair of colours, to be added up over a set of pairs.
fn scrambled(a: u32, b: u32) -> u128 {
    let low = random::output((u64::from(a) << 32) | u64::from(b), 0);
    let high = random::scrambled(low.wrapping_add(0x6a09_e667_f3bc_c909));
    (u128::from(high) << 64) | u128::from(low)
}

/// Numbers keys in order of first use.
fn numbered<K: Ord>(keys: impl Iterator<Item = K>) -> Vec<usize> {
    let mut known = BTreeMap::new();
    keys.map(|key| {
        let next = known.len();
        *known.entry(key).or_insert(next)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(classes: &[usize]) -> usize {
        classes.iter().max().map_or(0, |most| most + 1)
    }

    fn grid(rows: usize, columns: usize) -> Vec<(usize, usize)> {
        let across = (0..rows * columns).filter(|i| i % columns + 1 < columns).map(|i| (i, i + 1));
        across.chain((0..(rows - 1) * columns).map(|i| (i, i + columns))).collect()
    }

    #[test]
    fn orbits_of_edges_are_found() {
        let path: Vec<_> = (1..8).map(|i| (i - 1, i)).collect();
        assert_eq!(edge_classes(8, &path), [0, 1, 2, 3, 2, 1, 0]);
        let star: Vec<_> = (1..9).map(|i| (0, i)).collect();
        assert_eq!(count(&edge_classes(9, &star)), 1);
        let complete: Vec<_> = (0..7).flat_map(|i| (0..i).map(move |j| (i, j))).collect();
        assert_eq!(count(&edge_classes(7, &complete)), 1);
        assert_eq!(count(&edge_classes(9, &grid(3, 3))), 2);
        assert_eq!(count(&edge_classes(12, &grid(3, 4))), 6);
    }

    #[test]
    fn classes_of_hops_follow_the_symmetry_of_the_group() {
        let hypercube = Group::new(vec![2; 12]).expect("radices");
        let hops: Vec<Rank> = (0..12).map(|bit| Rank(1 << bit)).collect();
        assert_eq!(hop_classes(&hypercube, &hops), [0; 12]);
        let small = Group::new(vec![2; 4]).expect("radices");
        let hops: Vec<Rank> = (0..4).map(|bit| Rank(1 << bit)).collect();
        assert_eq!(hop_classes(&small, &hops), [0; 4]);
        let ring = Group::cyclic(12);
        assert_eq!(hop_classes(&ring, &[1, 3, 9, 11].map(Rank)), [0, 1, 1, 0]);
        assert_eq!(count(&hop_classes(&ring, &(1..12).map(Rank).collect::<Vec<_>>())), 1);
    }
}
