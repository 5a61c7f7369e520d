//! Phases that a move of all ranks by m leaves as they are: for every character of the group of moves, s m × s m numbers.
//!
//! The trivial character holds what all moved copies agree on, agreement among it: there the quotient by 1 ⊗ v is judged,
//! with the differences from the last of m residues for coordinates.

use super::ball::{Ball, BallNumber, Finding};
use super::{BUDGET, Block, Facts, MixingMatrix, Tally, Verdict, shown};
use crate::prove::linear::Polynomial;
use crate::spectrum::BlockCirculant;

/// Rows of a matrix whose characteristic polynomial is still of use.
const MOST_ROWS: usize = 16;

/// A block whose agreement is kept, over phases of which those of each used topology follow each other; `None` where they
/// are not of this kind, or too large.
pub(super) fn decide(
    block: &Block,
    topologies: &[&Facts],
    used: &[usize],
    phases: &[MixingMatrix],
) -> Option<Verdict> {
    let circulant = BlockCirculant::new(phases)?;
    let rows = block.size() * circulant.width();
    let characters = circulant.order() / 2 + 1;
    let work = (characters * block.steps.len()) as u64 * rows.pow(3) as u64;
    if rows > MOST_ROWS || work > BUDGET {
        return None;
    }
    let mut first = vec![0; topologies.len()];
    let mut next = 0;
    for &topology in used {
        first[topology] = next;
        next += topologies[topology].phases.len();
    }
    let reduced = Reduced { block, topologies, circulant: &circulant, first };
    let over = block.over();
    let mut tally = Tally::default();
    for character in 0..characters {
        let mut ball = reduced.product(character);
        if character == 0 {
            if circulant.width() == 1 {
                continue;
            }
            ball = ball.differences(circulant.width());
        }
        let order = circulant.order();
        let at = || format!("character {character} of {order}, of ranks {} apart", circulant.width());
        match ball.decide() {
            Finding::Below => tally.note(ball.radius(), at),
            Finding::NotBelow => {
                let radius = shown(ball.radius());
                return Some(Verdict::refuted(format!("the radius is {radius}{over}, at {}", at())));
            }
            Finding::Open => tally.open = tally.open.or_else(|| Some((ball.radius(), at()))),
        }
    }
    Some(tally.verdict(&over))
}

/// A block, ready to be evaluated at many characters.
struct Reduced<'a> {
    block: &'a Block,
    topologies: &'a [&'a Facts<'a>],
    circulant: &'a BlockCirculant,
    /// For each topology that is used, which of the phases is its first.
    first: Vec<usize>,
}

impl Reduced<'_> {
    /// The product over the joint period at a character; entries by state, then by residue.
    fn product(&self, character: usize) -> Ball {
        let (states, width) = (self.block.size(), self.circulant.width());
        let rows = states * width;
        let mut product = Ball::identity(rows);
        for &(variant, phase) in &self.block.steps {
            let blocks: Vec<Vec<BallNumber>> = self.block.variants[variant]
                .iter()
                .map(|polynomial| self.evaluated(polynomial, phase, character))
                .collect();
            let entry = |at: usize| {
                let (i, j) = (at / rows, at % rows);
                blocks[i / width * states + j / width][i % width * width + j % width]
            };
            let entries: Vec<BallNumber> = (0..rows * rows).map(entry).collect();
            product = Ball::new(rows, &entries).times(&product);
        }
        product
    }

    /// A polynomial in the matrices of a step.
    fn evaluated(&self, polynomial: &Polynomial, phase: u64, character: usize) -> Vec<BallNumber> {
        let width = self.circulant.width();
        let mut sum = vec![BallNumber::exact(0.0); width * width];
        for (word, coefficient) in &polynomial.terms {
            let factors = word.iter().map(|&topology| self.matrix(topology, phase, character));
            let product = factors.fold(identity(width), |product, factor| times(&product, &factor, width));
            let coefficient = coefficient.to_f64();
            sum.iter_mut().zip(product).for_each(|(sum, entry)| *sum = sum.plus(entry.scaled(coefficient)));
        }
        sum
    }

    fn matrix(&self, topology: usize, phase: u64, character: usize) -> Vec<BallNumber> {
        let number = phase % self.topologies[topology].phases.len() as u64;
        let entries = self.circulant.matrix(self.first[topology] + number as usize, character);
        entries.into_iter().map(|(value, error)| BallNumber { value, error }).collect()
    }
}

fn identity(width: usize) -> Vec<BallNumber> {
    let one = |at: usize| BallNumber::exact(if at.is_multiple_of(width + 1) { 1.0 } else { 0.0 });
    (0..width * width).map(one).collect()
}

/// A B, by rows.
fn times(a: &[BallNumber], b: &[BallNumber], width: usize) -> Vec<BallNumber> {
    let entry = |at: usize| {
        let terms = (0..width).map(|m| a[at / width * width + m].times(b[m * width + at % width]));
        terms.fold(BallNumber::exact(0.0), BallNumber::plus)
    };
    (0..width * width).map(entry).collect()
}
