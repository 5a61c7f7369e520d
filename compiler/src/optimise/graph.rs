//! Optimised weights for undirected edges without known structure.

use super::{Optimum, Signs, TooLarge, best_step, exact, symmetry};
use bfc_algebra::reproducible::{Square, center, extreme_eigenvalues};
use bfc_algebra::semidefinite::{Block, Program, Row, solve};
use bfc_schedule::Rational;
use std::collections::{BTreeMap, BTreeSet};

/// Ranks of a component up to which all eigenvalues are computed.
const DENSE: usize = 512;

/// Operations for the extreme eigenvalues of larger ones.
const KRYLOV: usize = 1 << 32;

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

    /// The weight of every edge by `fastest`, and how good they are. A step of the method may take `budget` operations.
    pub fn fastest(&self, signs: Signs, budget: u64) -> Result<(Vec<Rational>, Optimum), TooLarge> {
        let mut weights = vec![Rational::zero(); self.edges.len()];
        let mut optimum = Optimum { value: 0.0, bound: 0.0 };
        for component in self.components() {
            let (of_edges, own) = component.fastest(signs, budget)?;
            component.places.iter().zip(of_edges).for_each(|(place, weight)| weights[*place] = weight);
            optimum = optimum.slowest(own);
        }
        Ok((weights, optimum))
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
        let n = self.size;
        if n <= DENSE {
            let values = self.laplacian(|_| 1.0).eigenvalues(&[1, n - 1]);
            return (values[0], values[1]);
        }
        let map = |x: &[f64]| {
            let mut y: Vec<f64> = x.iter().zip(&self.degrees).map(|(x, d)| f64::from(*d) * x).collect();
            for &(i, j) in &self.edges {
                y[i] -= x[j];
                y[j] -= x[i];
            }
            y
        };
        let most = KRYLOV / (4 * self.edges.len() + 12 * n);
        extreme_eigenvalues(n, most.clamp(64, 2 * n), map, center)
    }

    fn laplacian(&self, weight: impl Fn(usize) -> f64) -> Square {
        let mut laplacian = Square::zeros(self.size);
        for (at, &(i, j)) in self.edges.iter().enumerate() {
            let weight = weight(at);
            *laplacian.at_mut(i, i) += weight;
            *laplacian.at_mut(j, j) += weight;
            *laplacian.at_mut(i, j) -= weight;
            *laplacian.at_mut(j, i) -= weight;
        }
        laplacian
    }

    fn fastest(&self, signs: Signs, budget: u64) -> Result<(Vec<Rational>, Optimum), TooLarge> {
        let classes = symmetry::edge_classes(self.size, &self.edges);
        let count = classes.iter().max().map_or(0, |most| most + 1);
        let cost = (count as u64).pow(3) / 3 + 16 * (self.edges.len() as u64).pow(2);
        if cost + 60 * (self.size as u64).pow(3) > budget {
            return Err(TooLarge);
        }
        let program = self.program(&classes, count, signs);
        let degree = self.degrees.iter().copied().max().unwrap_or(0);
        let first = match signs {
            Signs::Any => 0.0,
            Signs::Nonnegative => 0.5 / (f64::from(degree) + 1.0),
        };
        let mut start = vec![first; count + 1];
        start[0] = 2.0;
        let solution = solve(&program, start).ok_or(TooLarge)?;
        let of_edges = |of_class: &[Rational]| -> Vec<Rational> {
            classes.iter().map(|class| of_class[*class].clone()).collect()
        };
        let of_class: Vec<Rational> = if count == 1 {
            let (least, greatest) = self.laplacian_extremes();
            vec![best_step(least, greatest, signs, degree)]
        } else {
            let is_allowed = |of_class: &[Rational]| self.allows(&of_edges(of_class), signs);
            exact(&solution.point[1..], signs, is_allowed, |of_class| self.norm(&of_edges(of_class)))
        };
        let weights = of_edges(&of_class);
        let bound = solution.bound.max(0.0);
        Ok((weights.clone(), Optimum { value: self.norm(&weights).max(bound), bound }))
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
    fn program(&self, classes: &[usize], count: usize, signs: Signs) -> Program {
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
            let mut around: Vec<BTreeMap<usize, u32>> = vec![BTreeMap::new(); n];
            for (&(i, j), class) in self.edges.iter().zip(classes) {
                [i, j].into_iter().for_each(|rank| *around[rank].entry(class + 1).or_default() += 1);
            }
            let distinct: BTreeSet<_> = around.into_iter().collect();
            rows.extend(distinct.into_iter().map(|around| Row {
                constant: 1.0,
                coefficients: around.into_iter().map(|(k, count)| (k, -f64::from(count))).collect(),
            }));
        }
        Program { variables: count + 1, edges, blocks: vec![block(1.0), block(-1.0)], rows }
    }

    /// An upper bound on ‖W − J‖₂: the least s that is tried for which s ± (W − J) pass the test of Rump (2006), Cholesky's
    /// factorization after a shift that exceeds all rounding errors.
    fn norm(&self, weights: &[Rational]) -> f64 {
        let n = self.size;
        let weights: Vec<f64> = weights.iter().map(Rational::to_f64).collect();
        let mut off = self.laplacian(|at| -weights[at]);
        off.add_to_diagonal(1.0);
        off.add(-1.0, &Square::from_fn(n, |_, _| 1.0 / n as f64));
        let extremes = off.eigenvalues(&[0, n - 1]);
        let value = extremes[0].abs().max(extremes[1].abs());
        let rounding = 8.0 * (n + 8) as f64 * f64::EPSILON * n as f64 * (1.0 + value);
        let is_above = |bound: f64| {
            [1.0, -1.0].into_iter().all(|sign| {
                let mut rest = Square::zeros(n);
                rest.add(sign, &off);
                rest.add_to_diagonal(bound - rounding);
                rest.cholesky().is_some()
            })
        };
        let tried = std::iter::successors(Some(2.0 * rounding), |margin| Some(4.0 * margin));
        let bounds = tried.take_while(|margin| *margin < 1.0).map(|margin| value + margin);
        bounds.into_iter().find(|bound| is_above(*bound)).unwrap_or(f64::INFINITY)
    }
}
