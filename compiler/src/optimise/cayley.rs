//! Optimised weights for edges that are moves of all ranks: W is diagonal in the characters of the group, and the
//! semidefinite program becomes a linear one, |1 − Σ w_h (1 − Re χ(h))| ≤ s for every character χ.
//!
//! Where there are many characters, the program is solved over some, and those that exceed its value most are added; the
//! bound of a program with fewer inequalities holds for all.

use super::{Effort, Optimum, Signs, TooLarge, best_step, exact, floats, symmetry};
use crate::spectrum::group_spectrum::Characters;
use bfc_algebra::semidefinite::{Program, Row, solve};
use bfc_schedule::{CayleyMatrix, Group, MixingMatrix, Rank, Rational};

/// Characters with which a program starts.
const FIRST: usize = 1024;

/// Programs that are solved, and characters that are added between them.
const ROUNDS: (usize, usize) = (60, 64);

/// Distinct hops, each with its inverse, ascending.
pub struct Hops<'h> {
    /// The group.
    pub group: &'h Group,
    /// The hops.
    pub hops: &'h [Rank],
}

/// The sums Σ_{h ∈ class} (1 − Re χ(h)) for characters χ.
struct Sums<'h> {
    group: &'h Group,
    hops: &'h [Rank],
    characters: Characters,
    classes: Vec<usize>,
    /// The number of hops of each class.
    sizes: Vec<f64>,
    /// A bound on the error of an eigenvalue, for weights of rows with norm at most 2.
    error: f64,
}

impl Hops<'_> {
    /// The weight of `best_constant`: 2/(λ₂ + λ_n), λ₂ being the least positive eigenvalue of L.
    pub fn best_constant(&self) -> Result<Rational, TooLarge> {
        if self.hops.is_empty() {
            return Ok(Rational::one());
        }
        let (least, greatest) = Sums::new(self, vec![0; self.hops.len()])?.extremes();
        Ok(best_step(least, greatest, Signs::Any, 1))
    }

    /// The weight of every hop by `fastest`, and how good they are.
    pub fn fastest(&self, signs: Signs, effort: Effort) -> Result<(Vec<Rational>, Optimum), TooLarge> {
        if self.hops.is_empty() {
            return Ok((vec![], Optimum { is_of_part: self.group.order() > 1, ..Optimum::ZERO }));
        }
        let sums = Sums::new(self, symmetry::hop_classes(self.group, self.hops))?;
        let (weights, bound) = match sums.sizes.len() {
            1 => sums.single(signs),
            _ => sums.several(signs, effort.interior)?,
        };
        let bound = (bound - sums.error).max(0.0);
        let value = (sums.largest(&floats(&weights)) + sums.error).max(bound);
        let of_hops = sums.classes.iter().map(|class| weights[*class].clone()).collect();
        let is_of_part = !sums.are_connected();
        Ok((of_hops, Optimum { value, bound, is_enclosed: true, is_of_part, work: sums.work() }))
    }
}

impl<'h> Sums<'h> {
    fn new(hops: &Hops<'h>, classes: Vec<usize>) -> Result<Self, TooLarge> {
        let count = classes.iter().max().map_or(0, |most| most + 1);
        let mut members = vec![vec![]; count];
        let group = hops.group;
        classes.iter().zip(hops.hops).for_each(|(class, hop)| members[*class].push((*hop, Rational::one())));
        let sizes: Vec<f64> = members.iter().map(|hops| hops.len() as f64).collect();
        let of_class = |hops| CayleyMatrix::new(group.clone(), Rational::zero(), hops);
        let phases: Vec<_> = members.into_iter().filter_map(of_class).map(MixingMatrix::Cayley).collect();
        let characters = Characters::new(&phases).ok_or(TooLarge)?;
        let error = (0..count).map(|class| 4.0 * characters.error(class)).sum::<f64>() + 1e-14;
        Ok(Self { group, hops: hops.hops, characters, classes, sizes, error })
    }

    /// Calls `visit` with the sums of every character that is not trivial on what the hops connect; of conjugates with one
    /// at least.
    fn each(&self, mut visit: impl FnMut(usize, &[f64])) {
        let mut sums = vec![0.0; self.sizes.len()];
        self.characters.each(|character, values| {
            let of_class = values.iter().zip(&self.sizes).map(|(value, size)| size - value.re);
            sums.iter_mut().zip(of_class).for_each(|(to, sum)| *to = sum);
            if sums.iter().any(|sum| *sum > self.error) || !self.is_trivial(character) {
                visit(character, &sums);
            }
            true
        });
    }

    /// Whether the hops connect all ranks: no other character than the trivial one is trivial on what they connect.
    fn are_connected(&self) -> bool {
        let mut visited = 0;
        self.each(|_, _| visited += 1);
        visited + 1 == self.characters.count()
    }

    /// Operations of a look at all characters.
    fn work(&self) -> u64 {
        (self.hops.len() * self.characters.count()) as u64
    }

    fn at(&self, character: usize) -> Vec<f64> {
        self.characters.at(character).iter().zip(&self.sizes).map(|(value, size)| size - value.re).collect()
    }

    /// Whether a character is 1 on all hops.
    fn is_trivial(&self, character: usize) -> bool {
        let radices = self.group.radices();
        let exponent = self.group.exponent();
        let digits = self.characters.digits(character);
        self.hops.iter().all(|hop| {
            let hop = self.group.digits(*hop);
            let turns = digits.iter().zip(&hop).zip(radices);
            let turn = turns
                .map(|((a, b), r)| u128::from(*a) * u128::from(*b) * u128::from(exponent / u64::from(*r)));
            turn.sum::<u128>() % u128::from(exponent) == 0
        })
    }

    fn extremes(&self) -> (f64, f64) {
        let (mut least, mut greatest) = (f64::INFINITY, 0.0f64);
        self.each(|_, sums| {
            let total = sums.iter().sum();
            (least, greatest) = (least.min(total), greatest.max(total));
        });
        (least, greatest)
    }

    /// The largest |1 − Σ w c|.
    fn largest(&self, weights: &[f64]) -> f64 {
        let mut largest = 0.0f64;
        self.each(|_, sums| largest = largest.max(eigenvalue(sums, weights).abs()));
        largest
    }

    /// All hops alike: s ≥ |1 − wc| for the least and the greatest c, and w ≤ 1/degree.
    fn single(&self, signs: Signs) -> (Vec<Rational>, f64) {
        let (least, greatest) = self.extremes();
        let degree = self.classes.len() as u32;
        let bound = (greatest - least) / (greatest + least);
        let bound = match signs {
            Signs::Any => bound,
            Signs::Nonnegative => bound.max(1.0 - least / f64::from(degree)),
        };
        (vec![best_step(least, greatest, signs, degree)], bound)
    }

    fn several(&self, signs: Signs, budget: u64) -> Result<(Vec<Rational>, f64), TooLarge> {
        let every = (self.characters.count() / FIRST).max(1);
        let mut active: Vec<Vec<f64>> = vec![];
        self.each(|character, sums| {
            if character % every == 0 {
                active.push(sums.to_vec());
            }
        });
        let (mut bound, mut weights) = (0.0f64, vec![]);
        for _ in 0..ROUNDS.0 {
            let count = self.sizes.len() as u64;
            if active.len() as u64 * count.pow(2) + count.pow(3) / 3 > budget {
                return Err(TooLarge);
            }
            let solution = solve(&self.program(&active, signs), self.start(signs)).ok_or(TooLarge)?;
            bound = bound.max(solution.bound);
            weights = solution.point[1..].to_vec();
            let mut beyond: Vec<(f64, usize)> = vec![];
            self.each(|character, sums| {
                let value = eigenvalue(sums, &weights).abs();
                if value > solution.point[0] + 1e-10 {
                    beyond.push((value, character));
                }
            });
            if beyond.is_empty() {
                break;
            }
            beyond.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            active.extend(beyond.iter().take(ROUNDS.1).map(|(_, character)| self.at(*character)));
        }
        let is_allowed = |weights: &[Rational]| self.allows(weights, signs);
        Ok((exact(&weights, signs, is_allowed, |weights| self.largest(&floats(weights))), bound))
    }

    /// Whether the signs are as asked for.
    fn allows(&self, weights: &[Rational], signs: Signs) -> bool {
        let given: Rational = self.classes.iter().map(|class| weights[*class].clone()).sum();
        let in_range = weights.iter().all(|weight| !weight.is_negative());
        signs == Signs::Any || in_range && given <= Rational::one()
    }

    fn start(&self, signs: Signs) -> Vec<f64> {
        let first = match signs {
            Signs::Any => 0.0,
            Signs::Nonnegative => 0.5 / (self.classes.len() + 1) as f64,
        };
        let mut start = vec![first; self.sizes.len() + 1];
        start[0] = 2.0;
        start
    }

    fn program(&self, active: &[Vec<f64>], signs: Signs) -> Program {
        let count = self.sizes.len();
        let mut rows = vec![];
        for sums in active {
            for sign in [1.0, -1.0] {
                let of_class = sums.iter().zip(1..).map(|(sum, class)| (class, -sign * sum));
                let coefficients = std::iter::once((0, 1.0)).chain(of_class).collect();
                rows.push(Row { constant: sign, coefficients });
            }
        }
        if signs == Signs::Nonnegative {
            rows.extend((1..=count).map(|k| Row { constant: 0.0, coefficients: vec![(k, 1.0)] }));
            let own = self.sizes.iter().zip(1..).map(|(size, class)| (class, -size)).collect();
            rows.push(Row { constant: 1.0, coefficients: own });
        }
        Program { variables: count + 1, rows, ..Program::default() }
    }
}

fn eigenvalue(sums: &[f64], weights: &[f64]) -> f64 {
    1.0 - sums.iter().zip(weights).map(|(sum, weight)| sum * weight).sum::<f64>()
}
