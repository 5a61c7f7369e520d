//! Matchings: pairs of ranks in which no rank is twice, and the edges of a graph cut into few of them.
//!
//! Alternating paths colour the edges of a bipartite graph, and of many others, with as many colours as its largest
//! degree Δ (Kőnig 1916). Where that fails, fans colour them with Δ + 1 (Vizing 1964; Misra and Gries, "A constructive
//! proof of Vizing's theorem", 1992), and a search looks for Δ: whether those suffice is a hard question (Holyer 1981).

use crate::evaluate::error::Result;
use crate::spectrum::colouring::Colouring;
use bfc_schedule::random;
use std::collections::{BTreeMap, VecDeque};

/// Counts steps; an error where there were too many.
pub type Meter<'m> = dyn FnMut(u64) -> Result<()> + 'm;

/// The pairs whose ends no earlier pair of the result has.
pub fn greedy(pairs: &[(u32, u32)]) -> Vec<bool> {
    let mut taken = std::collections::BTreeSet::new();
    let free = |&(a, b): &(u32, u32)| {
        let free = a != b && !taken.contains(&a) && !taken.contains(&b);
        if free {
            taken.extend([a, b]);
        }
        free
    };
    pairs.iter().map(free).collect()
}

/// Pairs as edges without direction: the smaller end first, sorted, each once, none from a rank to itself.
pub fn undirected(pairs: impl IntoIterator<Item = (u32, u32)>) -> Vec<(u32, u32)> {
    let mut edges: Vec<_> =
        pairs.into_iter().map(|(a, b)| (a.min(b), a.max(b))).filter(|(a, b)| a != b).collect();
    edges.sort_unstable();
    edges.dedup();
    edges
}

/// Edges as of [`undirected`], cut into matchings: Δ of them, or Δ + 1; each sorted, none empty.
pub fn colour(edges: &[(u32, u32)], meter: &mut Meter) -> Result<Vec<Vec<(u32, u32)>>> {
    let size = edges.iter().map(|(_, b)| *b as usize + 1).max().unwrap_or(0);
    let mut degrees = vec![0usize; size];
    edges.iter().for_each(|&(a, b)| [a, b].into_iter().for_each(|end| degrees[end as usize] += 1));
    let most = degrees.iter().copied().max().unwrap_or(0);
    meter((size + 4 * edges.len()) as u64)?;
    let present = degrees.iter().filter(|degree| **degree > 0).count();
    let mut by_paths = Colouring::new(most as u32, degrees);
    let coloured = if edges.iter().all(|&(a, b)| by_paths.insert(a, b)) {
        by_paths.edges().collect()
    } else if edges.len() == size * (size - 1) / 2 && size.is_multiple_of(2) {
        tournament(size as u32)
    } else {
        let fans = Fans::new(size, edges).coloured(meter)?;
        // A colour has at most half of the vertices' number of edges: Δ of them may not do.
        let fits = edges.len() <= most * (present / 2);
        match fits {
            true if edges.len() <= FEW => every_way(edges, most).unwrap_or_else(|| fans.colours()),
            true => fans.with_one_less(most as u32),
            false => fans.colours(),
        }
    };
    let mut matchings = vec![vec![]; most + 1];
    coloured.into_iter().for_each(|(a, b, colour): (u32, u32, u32)| matchings[colour as usize].push((a, b)));
    matchings.retain(|matching| !matching.is_empty());
    matchings.iter_mut().for_each(|matching| matching.sort_unstable());
    Ok(matchings)
}

/// The edges of a complete graph of even order with n − 1 colours: as on a round table, around a player who stays.
fn tournament(size: u32) -> Vec<(u32, u32, u32)> {
    let table = size - 1;
    let colour = |a: u32, b: u32| if b == table { 2 * a % table } else { (a + b) % table };
    (0..size).flat_map(|b| (0..b).map(move |a| (a, b, colour(a, b)))).collect()
}

/// Edges up to which all colourings are tried.
const FEW: usize = 16;

/// The edges with `count` colours, if there is a way.
fn every_way(edges: &[(u32, u32)], count: usize) -> Option<Vec<(u32, u32, u32)>> {
    // Colours that no edge has yet are alike: one of them is enough to try.
    fn extend(rest: &[(u32, u32)], done: &mut Vec<(u32, u32, u32)>, used: u32, count: u32) -> bool {
        let Some((&(a, b), rest)) = rest.split_first() else { return true };
        (0..count.min(used + 1)).any(|colour| {
            let meets = |&(c, d, other): &(u32, u32, u32)| {
                other == colour && [c, d].iter().any(|end| [a, b].contains(end))
            };
            if done.iter().any(meets) {
                return false;
            }
            done.push((a, b, colour));
            let fits = extend(rest, done, used.max(colour + 1), count);
            if !fits {
                done.pop();
            }
            fits
        })
    }
    let mut done = vec![];
    extend(edges, &mut done, 0, count as u32).then_some(done)
}

/// Steps of a search for one colour less: this many per edge, at most this many in all.
const SEARCH: (usize, usize) = (16, 1 << 12);

/// A partial colouring: for each rank its neighbours by colour, and for each rank its colours by neighbour.
struct Fans<'e> {
    edges: &'e [(u32, u32)],
    by_colour: Vec<BTreeMap<u32, u32>>,
    by_neighbour: Vec<BTreeMap<u32, u32>>,
}

impl<'e> Fans<'e> {
    fn new(size: usize, edges: &'e [(u32, u32)]) -> Self {
        Self { edges, by_colour: vec![BTreeMap::new(); size], by_neighbour: vec![BTreeMap::new(); size] }
    }

    fn coloured(mut self, meter: &mut Meter) -> Result<Self> {
        for &(a, b) in self.edges {
            let steps = self.insert(a, b);
            meter(steps)?;
        }
        Ok(self)
    }

    fn colours(&self) -> Vec<(u32, u32, u32)> {
        let colour = |&(a, b): &(u32, u32)| (a, b, self.by_neighbour[a as usize][&b]);
        self.edges.iter().map(colour).collect()
    }

    /// The same with the colours below `count` alone, if that is found: edges of the last colour are coloured again, by an
    /// alternating path where that helps, or else in place of a neighbour, which has to be coloured again then.
    fn with_one_less(mut self, count: u32) -> Vec<(u32, u32, u32)> {
        let known = self.colours();
        let last = known.iter().filter(|edge| edge.2 >= count);
        let mut open: VecDeque<(u32, u32)> = last.map(|&(a, b, _)| (a, b)).collect();
        known.iter().filter(|edge| edge.2 >= count).for_each(|&(a, b, colour)| self.clear(a, b, colour));
        let mut left = (SEARCH.0 * known.len()).max(SEARCH.1);
        let mut drawn = 0;
        let mut draw = |from: &[u32]| {
            drawn += 1;
            from[(random::output(0, drawn) % from.len() as u64) as usize]
        };
        while let Some((u, v)) = open.pop_front() {
            let [of_u, of_v] =
                [u, v].map(|end| (0..count).filter(|c| self.is_free(end, *c)).collect::<Vec<_>>());
            let (a, b) = (draw(&of_u), draw(&of_v));
            let steps = if a == b { 0 } else { self.flip(v, b, a) };
            let Some(rest) = left.checked_sub(steps + 1) else { return known };
            left = rest;
            let common = (0..count).find(|c| self.is_free(u, *c) && self.is_free(v, *c));
            let colour = common.unwrap_or_else(|| {
                let of_u: Vec<u32> = (0..count).filter(|c| self.is_free(u, *c)).collect();
                draw(&of_u)
            });
            if let Some(&other) = self.by_colour[v as usize].get(&colour) {
                self.clear(v, other, colour);
                open.push_back((v, other));
            }
            self.set(u, v, colour);
        }
        self.colours()
    }

    /// Colours the edge of u and v; the number of steps that this took.
    fn insert(&mut self, u: u32, v: u32) -> u64 {
        let fan = self.fan(u, v);
        let (c, d) = (self.free(u), self.free(fan[fan.len() - 1]));
        let path = self.flip(u, c, d);
        let at = self.prefix(u, &fan, d);
        for k in 0..at {
            let colour = self.by_neighbour[u as usize][&fan[k + 1]];
            self.clear(u, fan[k + 1], colour);
            self.set(u, fan[k], colour);
        }
        self.set(u, fan[at], d);
        let degree = self.by_neighbour[u as usize].len();
        (degree * fan.len() + path + 8) as u64
    }

    /// Neighbours of u from v on, each joined to u by a colour that is free at the one before it; as many as there are.
    fn fan(&self, u: u32, v: u32) -> Vec<u32> {
        let mut fan = vec![v];
        let mut rest: Vec<(u32, u32)> =
            self.by_neighbour[u as usize].iter().map(|(w, colour)| (*w, *colour)).collect();
        while let Some(next) = rest.iter().position(|(_, colour)| self.is_free(fan[fan.len() - 1], *colour)) {
            fan.push(rest.remove(next).0);
        }
        fan
    }

    /// The first place of the fan at which d is free and up to which it still is a fan.
    fn prefix(&self, u: u32, fan: &[u32], d: u32) -> usize {
        let joined = |k: usize| self.is_free(fan[k - 1], self.by_neighbour[u as usize][&fan[k]]);
        let whole = (1..fan.len()).find(|&k| !joined(k)).unwrap_or(fan.len());
        (0..whole).find(|&k| self.is_free(fan[k], d)).unwrap_or(0)
    }

    /// Exchanges c and d on the path from u that begins with d; its length.
    fn flip(&mut self, u: u32, c: u32, d: u32) -> usize {
        let (mut path, mut at, mut colour) = (vec![], u, d);
        while let Some(next) = self.by_colour[at as usize].get(&colour).filter(|_| c != d) {
            path.push((at, *next, colour));
            at = *next;
            colour = c + d - colour;
        }
        path.iter().for_each(|&(a, b, colour)| self.clear(a, b, colour));
        path.iter().for_each(|&(a, b, colour)| self.set(a, b, c + d - colour));
        path.len()
    }

    fn is_free(&self, rank: u32, colour: u32) -> bool {
        !self.by_colour[rank as usize].contains_key(&colour)
    }

    fn free(&self, rank: u32) -> u32 {
        let used = self.by_colour[rank as usize].keys();
        used.zip(0..)
            .find(|(used, colour)| **used != *colour)
            .map_or(self.by_colour[rank as usize].len() as u32, |(_, colour)| colour)
    }

    fn set(&mut self, a: u32, b: u32, colour: u32) {
        for (from, to) in [(a, b), (b, a)] {
            self.by_colour[from as usize].insert(colour, to);
            self.by_neighbour[from as usize].insert(to, colour);
        }
    }

    fn clear(&mut self, a: u32, b: u32, colour: u32) {
        for (from, to) in [(a, b), (b, a)] {
            self.by_colour[from as usize].remove(&colour);
            self.by_neighbour[from as usize].remove(&to);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(edges: &[(u32, u32)], matchings: &[Vec<(u32, u32)>]) {
        let mut all = matchings.concat();
        all.sort_unstable();
        assert_eq!(all, edges, "every edge is in one matching");
        for matching in matchings {
            let mut ends: Vec<u32> = matching.iter().flat_map(|&(a, b)| [a, b]).collect();
            ends.sort_unstable();
            assert!(ends.windows(2).all(|pair| pair[0] != pair[1]), "{matching:?}");
        }
    }

    fn largest_degree(edges: &[(u32, u32)]) -> usize {
        let degree = |rank| edges.iter().filter(|(a, b)| *a == rank || *b == rank).count();
        (0..64).map(degree).max().unwrap_or(0)
    }

    proptest! {
        #[test]
        fn edges_are_cut_into_few_matchings(pairs in prop::collection::vec((0u32..14, 0u32..14), 0..80)) {
            let edges = undirected(pairs);
            let matchings = colour(&edges, &mut |_| Ok(())).unwrap();
            check(&edges, &matchings);
            prop_assert!(matchings.len() <= largest_degree(&edges) + 1);
            let fans = Fans::new(14, &edges).coloured(&mut |_| Ok(())).unwrap().colours();
            prop_assert!(fans.iter().all(|edge| edge.2 as usize <= largest_degree(&edges)));
        }

        #[test]
        fn bipartite_graphs_need_no_more_than_their_degree(pairs in prop::collection::vec((0u32..8, 8u32..16), 0..60)) {
            let edges = undirected(pairs);
            let matchings = colour(&edges, &mut |_| Ok(())).unwrap();
            check(&edges, &matchings);
            prop_assert_eq!(matchings.len(), largest_degree(&edges));
        }
    }

    /// Whether the edges can be coloured with `colours` colours, by trying all ways.
    fn can_do(edges: &[(u32, u32)], used: &mut Vec<Vec<bool>>, colours: usize) -> bool {
        let Some((&(a, b), rest)) = edges.split_first() else { return true };
        (0..colours).any(|colour| {
            if used[a as usize][colour] || used[b as usize][colour] {
                return false;
            }
            [a, b].into_iter().for_each(|end| used[end as usize][colour] = true);
            let done = can_do(rest, used, colours);
            [a, b].into_iter().for_each(|end| used[end as usize][colour] = false);
            done
        })
    }

    proptest! {
        #[test]
        fn small_graphs_take_as_few_matchings_as_can_be(pairs in prop::collection::vec((0u32..6, 0u32..6), 0..22)) {
            let edges = undirected(pairs);
            let matchings = colour(&edges, &mut |_| Ok(())).unwrap();
            check(&edges, &matchings);
            let degree = largest_degree(&edges);
            let least = if can_do(&edges, &mut vec![vec![false; degree]; 6], degree) { degree } else { degree + 1 };
            prop_assert_eq!(matchings.len(), least);
        }
    }

    #[test]
    fn complete_graphs_of_even_order_need_no_more_than_their_degree() {
        for size in 2u32..40 {
            let edges = undirected((0..size).flat_map(|b| (0..b).map(move |a| (a, b))));
            let matchings = colour(&edges, &mut |_| Ok(())).unwrap();
            check(&edges, &matchings);
            assert_eq!(matchings.len() as u32, size - 1 + size % 2, "{size}");
        }
    }

    #[test]
    fn petersen_needs_four() {
        let rim = (0..5).map(|i| (i, (i + 1) % 5));
        let spokes = (0..5).map(|i| (i, i + 5));
        let star = (0..5).map(|i| (i + 5, (i + 2) % 5 + 5));
        let edges = undirected(rim.chain(spokes).chain(star));
        let matchings = colour(&edges, &mut |_| Ok(())).unwrap();
        check(&edges, &matchings);
        assert_eq!(matchings.len(), 4);
    }
}
