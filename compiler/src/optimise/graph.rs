//! Optimised weights for undirected edges without known structure.

use super::enclose::Map;
use super::{Effort, Optimum, Signs, TooLarge, best_step, exact, floats, symmetry};
use bfc_algebra::lowrank::{self, Limit};
use bfc_algebra::reproducible::Square;
use bfc_algebra::semidefinite::{self, Block, Row};
use bfc_schedule::Rational;
use std::collections::{BTreeMap, BTreeSet};

/// Undirected edges i < j, each once, ascending.
pub struct Graph<'e> {
    /// The number of ranks.
    pub size: usize,
    /// The edges.
    pub edges: &'e [(u32, u32)],
}

/// A connected part with at least one edge, its ranks numbered anew.
struct Component {
    size: usize,
    edges: Vec<(usize, usize)>,
    /// Their places among the edges of the graph.
    places: Vec<usize>,
    degrees: Vec<u32>,
}

impl Graph<'_> {
    /// The weight of `best_constant`: 2/(λ₂ + λ_n), λ₂ being the least positive eigenvalue of L.
    pub fn best_constant(&self) -> Rational {
        let extremes = self.components().iter().map(Component::laplacian_extremes).collect::<Vec<_>>();
        let least = extremes.iter().map(|extreme| extreme.0).fold(f64::INFINITY, f64::min);
        let greatest = extremes.iter().map(|extreme| extreme.1).fold(0.0, f64::max);
        if greatest > 0.0 { best_step(least, greatest, Signs::Any, 1) } else { Rational::one() }
    }

    /// The weight of every edge by `fastest`, and how good they are.
    pub fn fastest(&self, signs: Signs, effort: Effort) -> Result<(Vec<Rational>, Optimum), TooLarge> {
        let mut weights = vec![Rational::zero(); self.edges.len()];
        let mut optimum = Optimum::ZERO;
        let components = self.components();
        let is_of_part = !matches!(&components[..], [all] if all.size == self.size) && self.size > 1;
        for component in components {
            let (of_edges, own) = component.fastest(signs, effort)?;
            component.places.iter().zip(of_edges).for_each(|(place, weight)| weights[*place] = weight);
            optimum = optimum.slowest(own);
        }
        Ok((weights, Optimum { is_of_part, ..optimum }))
    }

    fn components(&self) -> Vec<Component> {
        let mut parts = petgraph::unionfind::UnionFind::<u32>::new(self.size);
        for &(i, j) in self.edges {
            parts.union(i, j);
        }
        let part_of = parts.into_labeling();
        let mut components: BTreeMap<u32, Component> = BTreeMap::new();
        let mut number = vec![usize::MAX; self.size];
        for (place, &(i, j)) in self.edges.iter().enumerate() {
            let component = components.entry(part_of[i as usize]).or_insert_with(|| Component {
                size: 0,
                edges: vec![],
                places: vec![],
                degrees: vec![],
            });
            let ends = [i, j].map(|rank| {
                let number = &mut number[rank as usize];
                if *number == usize::MAX {
                    *number = component.size;
                    component.size += 1;
                    component.degrees.push(0);
                }
                component.degrees[*number] += 1;
                *number
            });
            component.edges.push((ends[0], ends[1]));
            component.places.push(place);
        }
        components.into_values().collect()
    }
}

impl Component {
    /// The least positive and the greatest eigenvalue of L.
    fn laplacian_extremes(&self) -> (f64, f64) {
        let alike = vec![1.0; self.edges.len()];
        self.map(|x| self.flows(&alike, x)).extremes()
    }

    fn map<F: Fn(&[f64]) -> Vec<f64>>(&self, image: F) -> Map<F> {
        Map { size: self.size, cost: 4 * self.edges.len(), image }
    }

    /// L x for the weights of edges.
    fn flows(&self, weights: &[f64], x: &[f64]) -> Vec<f64> {
        let mut flows = vec![0.0; self.size];
        for (&(i, j), weight) in self.edges.iter().zip(weights) {
            let flow = weight * (x[i] - x[j]);
            flows[i] += flow;
            flows[j] -= flow;
        }
        flows
    }

    /// W x.
    fn mixed(&self, weights: &[f64], x: &[f64]) -> Vec<f64> {
        x.iter().zip(self.flows(weights, x)).map(|(x, flow)| x - flow).collect()
    }

    /// ‖W − J‖₂, estimated.
    fn norm(&self, weights: &[f64]) -> f64 {
        let (least, greatest) = self.map(|x| self.mixed(weights, x)).extremes();
        greatest.max(-least)
    }

    fn optimum(&self, weights: &[Rational], bound: f64) -> Optimum {
        let weights = floats(weights);
        let (bound, estimate) = (bound.max(0.0), self.norm(&weights));
        let proved = self.map(|x| self.mixed(&weights, x)).upper_bound(estimate, true);
        Optimum {
            value: proved.unwrap_or(estimate).max(bound),
            bound,
            is_enclosed: proved.is_some(),
            is_of_part: false,
            work: 0,
        }
    }

    fn fastest(&self, signs: Signs, effort: Effort) -> Result<(Vec<Rational>, Optimum), TooLarge> {
        let classes = symmetry::edge_classes(self.size, &self.edges);
        let count = classes.iter().max().map_or(0, |most| most + 1);
        let newton = Effort::of_interior_point(self.size, self.edges.len(), count);
        let found = match newton <= effort.interior {
            true => self.by_interior_point(&classes, count, signs),
            false => self.by_low_rank(&classes, count, signs, effort.first_order),
        };
        let (best, bound) = found.ok_or(TooLarge)?;
        let of_edges = |of_class: &[Rational]| -> Vec<Rational> {
            classes.iter().map(|class| of_class[*class].clone()).collect()
        };
        let of_class: Vec<Rational> = if count == 1 {
            let (least, greatest) = self.laplacian_extremes();
            vec![best_step(least, greatest, signs, self.largest_degree())]
        } else {
            let is_allowed = |of_class: &[Rational]| self.allows(&of_edges(of_class), signs);
            exact(&best, signs, is_allowed, |of_class| self.norm(&floats(&of_edges(of_class))))
        };
        let weights = of_edges(&of_class);
        let optimum = self.optimum(&weights, bound);
        Ok((weights, Optimum { work: newton.min(effort.interior), ..optimum }))
    }

    /// The weights of classes and a bound on the optimum.
    fn by_interior_point(&self, classes: &[usize], count: usize, signs: Signs) -> Option<(Vec<f64>, f64)> {
        let first = match signs {
            Signs::Any => 0.0,
            Signs::Nonnegative => 0.5 / (f64::from(self.largest_degree()) + 1.0),
        };
        let mut start = vec![first; count + 1];
        start[0] = 2.0;
        let solution = semidefinite::solve(&self.program(classes, count, signs), start)?;
        Some((solution.point[1..].to_vec(), solution.bound))
    }

    /// The same for many edges, from the better one of the simple rules.
    fn by_low_rank(
        &self,
        classes: &[usize],
        variables: usize,
        signs: Signs,
        work: u64,
    ) -> Option<(Vec<f64>, f64)> {
        let limit = |around: BTreeMap<usize, u32>| Limit {
            most: 1.0,
            coefficients: around.into_iter().map(|(k, count)| (k, f64::from(count))).collect(),
        };
        let limits = match signs {
            Signs::Any => None,
            Signs::Nonnegative => Some(self.around(classes).into_iter().map(limit).collect()),
        };
        let edges = self.edges.iter().zip(classes).map(|(&(i, j), &class)| (i, j, class)).collect();
        let program = lowrank::Program { size: self.size, edges, variables, both_ends: true, limits };
        if !program.is_within(work) {
            return None;
        }
        let (least, greatest) = self.laplacian_extremes();
        let alike = best_step(least, greatest, signs, self.largest_degree()).to_f64();
        let mut metropolis = vec![0.0; variables];
        for (&(i, j), &class) in self.edges.iter().zip(classes) {
            metropolis[class] = 1.0 / (1.0 + f64::from(self.degrees[i].max(self.degrees[j])));
        }
        let of_edges = |of_class: &[f64]| classes.iter().map(|class| of_class[*class]).collect::<Vec<f64>>();
        let starts = [vec![alike; variables], metropolis].map(|start| (self.norm(&of_edges(&start)), start));
        let [first, second] = starts;
        let start = if second.0 < first.0 { second.1 } else { first.1 };
        let solution = lowrank::solve(&program, start, work)?;
        Some((solution.weights, solution.bound))
    }

    fn largest_degree(&self) -> u32 {
        self.degrees.iter().copied().max().unwrap_or(0)
    }

    /// How many edges of each class a rank has, for ranks of every kind.
    fn around(&self, classes: &[usize]) -> BTreeSet<BTreeMap<usize, u32>> {
        let mut around: Vec<BTreeMap<usize, u32>> = vec![BTreeMap::new(); self.size];
        for (&(i, j), class) in self.edges.iter().zip(classes) {
            [i, j].into_iter().for_each(|rank| *around[rank].entry(*class).or_default() += 1);
        }
        around.into_iter().collect()
    }

    /// Whether the signs are as asked for.
    fn allows(&self, weights: &[Rational], signs: Signs) -> bool {
        let mut given = vec![Rational::zero(); self.size];
        for (&(i, j), weight) in self.edges.iter().zip(weights) {
            [i, j].into_iter().for_each(|rank| given[rank] = &given[rank] + weight);
        }
        let in_range = weights.iter().all(|weight| !weight.is_negative());
        signs == Signs::Any || in_range && given.iter().all(|sum| *sum <= Rational::one())
    }

    /// −s ⪯ W − J ⪯ s, and where asked for, signs.
    fn program(&self, classes: &[usize], count: usize, signs: Signs) -> semidefinite::Program {
        let n = self.size;
        let off_average = |i: usize, j: usize| f64::from(i == j) - 1.0 / n as f64;
        let block = |sign: f64| {
            let constant = Square::from_fn(n, |i, j| -sign * off_average(i, j));
            Block { constant, sign }
        };
        let edges = self.edges.iter().zip(classes).map(|(&(i, j), class)| (i, j, class + 1)).collect();
        let mut rows = vec![];
        if signs == Signs::Nonnegative {
            rows.extend((1..=count).map(|k| Row { constant: 0.0, coefficients: vec![(k, 1.0)] }));
            rows.extend(self.around(classes).into_iter().map(|around| Row {
                constant: 1.0,
                coefficients: around.into_iter().map(|(k, count)| (k + 1, -f64::from(count))).collect(),
            }));
        }
        semidefinite::Program { variables: count + 1, edges, blocks: vec![block(1.0), block(-1.0)], rows }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bfc_schedule::random;
    use proptest::prelude::*;

    const FIRST_ORDER: Effort = Effort { interior: 0, first_order: 20_000_000 };

    /// A tree with further edges.
    fn connected(size: u32, tree: &[u32], extra: &[(u32, u32)]) -> Vec<(u32, u32)> {
        let tree = (1..size).zip(tree).map(|(i, j)| (j % i, i));
        let extra = extra.iter().map(|(i, j)| (i % size, j % size)).filter(|(i, j)| i != j);
        let ordered: BTreeSet<(u32, u32)> = tree.chain(extra).map(|(i, j)| (i.min(j), i.max(j))).collect();
        ordered.into_iter().collect()
    }

    fn fastest(size: u32, edges: &[(u32, u32)], signs: Signs, effort: Effort) -> (Vec<Rational>, Optimum) {
        Graph { size: size as usize, edges }.fastest(signs, effort).expect("small")
    }

    /// Both are about one number, which lies between bound and value.
    fn agree(one: &Optimum, other: &Optimum) -> bool {
        let is_ordered = |a: &Optimum| a.bound <= a.value && a.is_enclosed;
        is_ordered(one) && is_ordered(other) && one.bound <= other.value && other.bound <= one.value
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

        #[test]
        fn the_distance_from_the_optimum_is_within_the_gap(
            size in 3u32..12,
            tree in prop::collection::vec(any::<u32>(), 11),
            extra in prop::collection::vec(any::<(u32, u32)>(), 0..20),
            seed in any::<u64>(),
        ) {
            let edges = connected(size, &tree, &extra);
            let mut places: Vec<u32> = (0..size).collect();
            random::shuffle(&mut places, seed, 0);
            let moved = edges.iter().map(|&(i, j)| (places[i as usize], places[j as usize]));
            let moved: BTreeSet<(u32, u32)> = moved.map(|(i, j)| (i.min(j), i.max(j))).collect();
            let moved: Vec<_> = moved.into_iter().collect();
            for signs in [Signs::Any, Signs::Nonnegative] {
                let (_, best) = fastest(size, &edges, signs, Effort::FULL);
                prop_assert!(best.value - best.bound < 1e-6);
                for edges in [&edges, &moved] {
                    let (weights, near) = fastest(size, edges, signs, FIRST_ORDER);
                    prop_assert!(agree(&best, &near), "{:?} {:?}", best, near);
                    prop_assert!(near.value - near.bound < 0.02, "{:?}", near);
                    let component = &Graph { size: size as usize, edges }.components()[0];
                    prop_assert!(component.allows(&weights, signs));
                }
            }
        }
    }

    #[test]
    fn what_is_beyond_the_first_order_method_is_refused() {
        let edges: Vec<(u32, u32)> = (0..400).flat_map(|i| (0..i).map(move |j| (j, i))).skip(1).collect();
        let none = Effort { interior: 0, first_order: 1_000_000 };
        assert!(Graph { size: 400, edges: &edges }.fastest(Signs::Any, none).is_err());
    }
}
