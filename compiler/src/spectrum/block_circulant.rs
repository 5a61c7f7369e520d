//! From phases that a move i → i + m of all ranks leaves as they are, for some m that divides their number, to an m × m
//! matrix for each character: one-port schedules, in which odd and even ranks do different things, and schedules that
//! repeat from machine to machine.
//!
//! With χ a character of Z_{n/m} and x_i = v_{i mod m} χ(i div m), W x has the same form, with M v in place of v, where
//! M[a][b] = Σ_c W[a][b + m c] χ(c).

use super::permuted::{ROOT_ERROR, lines};
use super::{TABLE_LIMIT, UNIT, edges};
use bfc_algebra::c64;
use bfc_algebra::reproducible::roots_of_unity;
use bfc_schedule::{MixingMatrix, Rank};

/// The most residues m that are tried.
const MOST: u32 = 8;

/// Phases by residues and characters.
pub(crate) struct BlockCirculant {
    width: u32,
    roots: Vec<(f64, f64)>,
    phases: Vec<Vec<Term>>,
}

/// A weight in row a: of column b, c moves on.
struct Term {
    row: usize,
    column: usize,
    moves: u64,
    weight: f64,
}

impl BlockCirculant {
    /// With the fewest residues; `None` where all of those tried are too few, or phases are too large.
    pub(crate) fn new(phases: &[MixingMatrix]) -> Option<Self> {
        if edges(phases) > TABLE_LIMIT {
            return None;
        }
        let size = phases[0].size();
        let tables: Vec<_> = phases.iter().map(|phase| lines(phase, true)).collect();
        let is_cyclic = |phase: &MixingMatrix| match phase {
            MixingMatrix::Cayley(cayley) => cayley.hops().is_empty() || cayley.group().radices().len() == 1,
            MixingMatrix::Sparse(_) => true,
        };
        if !phases.iter().all(is_cyclic) {
            return None;
        }
        let width = (1..=MOST.min(size / 2))
            .filter(|width| size.is_multiple_of(*width))
            .find(|width| tables.iter().flatten().all(|table| is_moved(table, *width)))?;
        let terms = |phase: &MixingMatrix| (0..width).flat_map(|rank| terms(phase, rank, width)).collect();
        let roots = roots_of_unity(u64::from(size / width));
        Some(Self { width, roots, phases: phases.iter().map(terms).collect() })
    }

    /// The residues m.
    pub(crate) fn width(&self) -> usize {
        self.width as usize
    }

    /// The order n/m of the group of moves; half of its characters are conjugates of others.
    pub(crate) fn order(&self) -> usize {
        self.roots.len()
    }

    /// The matrix of a phase for a character, by rows, each entry with a bound on its error.
    pub(crate) fn matrix(&self, phase: usize, character: usize) -> Vec<(c64, f64)> {
        let width = self.width();
        let mut entries = vec![(c64::new(0.0, 0.0), 0.0); width * width];
        let terms = &self.phases[phase];
        for term in terms {
            let (re, im) = self.roots[(term.moves * character as u64 % self.order() as u64) as usize];
            let (sum, error) = &mut entries[term.row * width + term.column];
            *sum += c64::new(term.weight * re, term.weight * im);
            *error += term.weight.abs() * (ROOT_ERROR + 2.0 * (terms.len() as f64 + 8.0) * UNIT);
        }
        entries
    }
}

/// Whether every line is that of `width` ranks before, moved on.
fn is_moved(table: &[Vec<(u32, u32)>], width: u32) -> bool {
    let size = table.len() as u32;
    let moved = |line: &[(u32, u32)]| {
        let mut moved: Vec<_> = line.iter().map(|&(rank, id)| ((rank + width) % size, id)).collect();
        moved.sort_unstable();
        moved
    };
    (width as usize..table.len()).all(|rank| moved(&table[rank - width as usize]) == table[rank])
}

fn terms(matrix: &MixingMatrix, rank: u32, width: u32) -> Vec<Term> {
    let row = matrix.row(Rank(rank));
    let entries =
        row.in_weights.iter().map(|(from, weight)| (from.0, weight)).chain([(rank, &row.self_weight)]);
    let term = |(from, weight): (u32, &bfc_schedule::Rational)| Term {
        row: rank as usize,
        column: (from % width) as usize,
        moves: u64::from(from / width),
        weight: weight.to_f64(),
    };
    entries.filter(|(_, weight)| !weight.is_zero()).map(term).collect()
}
