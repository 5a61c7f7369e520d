//! From phases to the properties of the language that are decided on exact weights: sums, signs, symmetry, shape.
//!
//! Every function answers `Ok(())`, or `Err` with the evidence against it.

use super::support::Orientation;
use bfc_schedule::{CayleyMatrix, MixingMatrix, Rank, Rational, SparseMatrix};
use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};

/// Whether a property holds, and if not, why.
pub(crate) type Finding = Result<(), String>;

/// Every row of every phase sums to 1.
pub(crate) fn row_stochastic(phases: &[MixingMatrix]) -> Finding {
    each(phases, |matrix| sums_to_one(matrix, Orientation::Rows))
}

/// Every column of every phase sums to 1.
pub(crate) fn column_stochastic(phases: &[MixingMatrix]) -> Finding {
    each(phases, |matrix| sums_to_one(matrix, Orientation::Columns))
}

/// No weight is negative.
pub(crate) fn nonnegative(phases: &[MixingMatrix]) -> Finding {
    each(phases, |matrix| match matrix {
        MixingMatrix::Cayley(cayley) => {
            let all = std::iter::once((Rank(0), cayley.self_weight()))
                .chain(cayley.hops().iter().map(|(h, w)| (*h, w)));
            match all.into_iter().find(|(_, weight)| weight.is_negative()) {
                Some((Rank(0), weight)) => Err(format!("every self weight is {}", weight.readable())),
                Some((hop, weight)) => Err(format!("the weight of hop {hop} is {}", weight.readable())),
                None => Ok(()),
            }
        }
        MixingMatrix::Sparse(sparse) => {
            let negative: Vec<bool> = sparse.weights().iter().map(Rational::is_negative).collect();
            let found = (0..matrix.size()).find_map(|rank| {
                let own = (Rank(rank), sparse.self_weight(Rank(rank)));
                let mut row = std::iter::once(&own).chain(sparse.in_edges(Rank(rank)));
                row.find(|(_, id)| negative[*id as usize]).map(|(source, id)| (rank, source.0, *id))
            });
            match found {
                Some((i, j, id)) => {
                    let weight = sparse.weights()[id as usize].readable();
                    Err(match i == j {
                        true => format!("the self weight of rank {i} is {weight}"),
                        false => format!("W[{i}][{j}] is {weight}"),
                    })
                }
                None => Ok(()),
            }
        }
    })
}

/// W = Wᵀ in every phase.
pub(crate) fn symmetric(phases: &[MixingMatrix]) -> Finding {
    each(phases, |matrix| match matrix {
        MixingMatrix::Cayley(cayley) => {
            let zero = Rational::zero();
            let weight = |hop: Rank| match cayley.hops().binary_search_by_key(&hop, |(hop, _)| *hop) {
                Ok(at) => &cayley.hops()[at].1,
                Err(_) => &zero,
            };
            for (hop, forward) in cayley.hops() {
                let back = weight(cayley.group().negate(*hop));
                if forward != back {
                    let (forward, back) = (forward.readable(), back.readable());
                    return Err(format!("W[{hop}][0] is {forward}, W[0][{hop}] is {back}"));
                }
            }
            Ok(())
        }
        MixingMatrix::Sparse(sparse) => {
            let zero = Rational::zero();
            for i in 0..matrix.size() {
                for &(j, id) in sparse.in_edges(Rank(i)) {
                    let forward = &sparse.weights()[id as usize];
                    let back = entry(sparse, j, Rank(i)).map_or(&zero, |id| &sparse.weights()[id as usize]);
                    if forward != back {
                        let (forward, back) = (forward.readable(), back.readable());
                        return Err(format!("W[{i}][{j}] is {forward}, W[{j}][{i}] is {back}"));
                    }
                }
            }
            Ok(())
        }
    })
}

/// Every edge of a phase goes both ways.
pub(crate) fn undirected(phases: &[MixingMatrix]) -> Finding {
    each(phases, |matrix| {
        let one_way = |from: Rank, to: Rank| {
            format!("rank {from} sends to rank {to}, but rank {to} does not send to rank {from}")
        };
        match matrix {
            MixingMatrix::Cayley(cayley) => {
                let has = |hop: Rank| cayley.hops().binary_search_by_key(&hop, |(hop, _)| *hop).is_ok();
                match cayley.hops().iter().find(|(hop, _)| !has(cayley.group().negate(*hop))) {
                    Some((hop, _)) => Err(one_way(Rank(0), *hop)),
                    None => Ok(()),
                }
            }
            MixingMatrix::Sparse(sparse) => {
                let single = (0..matrix.size()).find_map(|i| {
                    let edges = sparse.in_edges(Rank(i)).iter();
                    edges
                        .map(|(j, _)| *j)
                        .find(|&j| entry(sparse, j, Rank(i)).is_none())
                        .map(|j| (j, Rank(i)))
                });
                single.map_or(Ok(()), |(from, to)| Err(one_way(from, to)))
            }
        }
    })
}

/// In every phase a rank exchanges with at most one other.
pub(crate) fn matching(phases: &[MixingMatrix]) -> Finding {
    each(phases, |matrix| match matrix {
        MixingMatrix::Cayley(cayley) => match cayley.hops() {
            [] => Ok(()),
            [(hop, _)] if cayley.group().negate(*hop) == *hop => Ok(()),
            [(hop, _), ..] => Err(format!(
                "rank 0 sends to rank {hop} and receives from rank {}",
                cayley.group().negate(cayley.hops()[0].0)
            )),
        },
        MixingMatrix::Sparse(sparse) => {
            let mut partner: Vec<Option<Rank>> = vec![None; matrix.size() as usize];
            for i in (0..matrix.size()).map(Rank) {
                for &(j, _) in sparse.in_edges(i) {
                    for (one, other) in [(i, j), (j, i)] {
                        match partner[one.index()].replace(other) {
                            Some(known) if known != other => {
                                return Err(format!(
                                    "rank {one} exchanges with rank {known} and with rank {other}"
                                ));
                            }
                            _ => {}
                        }
                    }
                }
            }
            Ok(())
        }
    })
}

/// In every phase every rank sends to exactly one other and receives from exactly one.
pub(crate) fn permutation(phases: &[MixingMatrix]) -> Finding {
    if phases[0].size() == 1 {
        return Ok(());
    }
    each(phases, |matrix| {
        let degrees = Degrees::new(matrix);
        let off = |kind: &str, list: &[u32]| match list.iter().position(|&d| d != 1) {
            Some(rank) => Err(format!("rank {rank} {kind} {} ranks", list[rank])),
            None => Ok(()),
        };
        off("sends to", &degrees.sends)?;
        off("receives from", &degrees.receives)
    })
}

/// The union of the phases is an undirected tree.
pub(crate) fn tree(phases: &[MixingMatrix], connected: Finding) -> Finding {
    undirected(phases)?;
    connected?;
    let size = phases[0].size() as u64;
    let mut edges = std::collections::BTreeSet::new();
    for phase in phases {
        if let MixingMatrix::Cayley(cayley) = phase
            && cayley.hops().len() as u64 * size > 2 * (size - 1)
        {
            return Err(format!(
                "{} ranks have {} edges or more",
                size,
                cayley.hops().len() as u64 * size / 2
            ));
        }
        for i in 0..phase.size() {
            edges.extend(phase.row(Rank(i)).in_weights.iter().map(|(j, _)| (i.min(j.0), i.max(j.0))));
        }
    }
    if edges.len() as u64 == size - 1 {
        Ok(())
    } else {
        Err(format!("{size} ranks have {} edges", edges.len()))
    }
}

/// The least self weight over ranks and phases.
pub(crate) fn least_self_weight(phases: &[MixingMatrix]) -> Rational {
    let least = |matrix: &MixingMatrix| match matrix {
        MixingMatrix::Cayley(cayley) => cayley.self_weight().clone(),
        MixingMatrix::Sparse(sparse) => {
            let mut used: Vec<u32> = (0..matrix.size()).map(|rank| sparse.self_weight(Rank(rank))).collect();
            used.sort_unstable();
            used.dedup();
            used.iter().map(|&id| &sparse.weights()[id as usize]).min().cloned().unwrap_or_else(Rational::one)
        }
    };
    phases.iter().map(least).min().unwrap_or_else(Rational::one)
}

/// The sum of the self weights, which is that of the eigenvalues.
pub(crate) fn trace(phase: &MixingMatrix) -> Rational {
    match phase {
        MixingMatrix::Cayley(cayley) => cayley.self_weight() * &Rational::integer(phase.size()),
        MixingMatrix::Sparse(sparse) => (0..phase.size())
            .map(|rank| sparse.weights()[sparse.self_weight(Rank(rank)) as usize].clone())
            .sum(),
    }
}

/// For every rank of a phase, to how many it sends and from how many it receives.
pub(crate) struct Degrees {
    /// Out-degrees; one entry where all ranks are alike.
    pub(crate) sends: Vec<u32>,
    /// In-degrees; one entry where all ranks are alike.
    pub(crate) receives: Vec<u32>,
}

impl Degrees {
    /// The degrees of one phase.
    pub(crate) fn new(matrix: &MixingMatrix) -> Self {
        match matrix {
            MixingMatrix::Cayley(cayley) => {
                let degree = cayley.hops().len() as u32;
                Self { sends: vec![degree], receives: vec![degree] }
            }
            MixingMatrix::Sparse(sparse) => {
                let size = matrix.size();
                let mut sends = vec![0; size as usize];
                let receives = (0..size)
                    .map(|rank| {
                        let edges = sparse.in_edges(Rank(rank));
                        edges.iter().for_each(|(source, _)| sends[source.index()] += 1);
                        edges.len() as u32
                    })
                    .collect();
                Self { sends, receives }
            }
        }
    }

    /// The largest degree: no schedule has fewer rounds.
    pub(crate) fn largest(&self) -> u32 {
        self.sends.iter().chain(&self.receives).copied().max().unwrap_or(0)
    }
}

/// WWᵀ = WᵀW exactly; `None` where that is too much work.
pub(crate) fn normal(matrix: &MixingMatrix) -> Option<bool> {
    let MixingMatrix::Sparse(sparse) = matrix else { return Some(true) };
    let size = matrix.size() as usize;
    let rows: Vec<Vec<(u32, u32)>> = (0..size as u32)
        .map(|rank| {
            let own = (rank, sparse.self_weight(Rank(rank)));
            std::iter::once(own).chain(sparse.in_edges(Rank(rank)).iter().map(|(j, id)| (j.0, *id))).collect()
        })
        .collect();
    let mut columns = vec![vec![]; size];
    for (i, row) in (0..).zip(&rows) {
        row.iter().for_each(|&(j, id)| columns[j as usize].push((i, id)));
    }
    let work: usize = rows.iter().chain(&columns).map(|line| line.len() * line.len()).sum();
    if work > 1 << 22 {
        return None;
    }
    let (_, values) = over_one_denominator(sparse.weights())?;
    let mut rows_gram = gram(&columns, &values);
    let columns_gram = gram(&rows, &values);
    rows_gram.retain(|_, value| !value.is_zero());
    Some(rows_gram == columns_gram.into_iter().filter(|(_, value)| !value.is_zero()).collect())
}

/// Σ over lines of the products of their entries, by pair of positions.
fn gram(lines: &[Vec<(u32, u32)>], values: &[BigInt]) -> std::collections::BTreeMap<(u32, u32), BigInt> {
    let mut sum = std::collections::BTreeMap::new();
    for line in lines {
        for &(i, a) in line {
            for &(j, b) in line.iter().filter(|(j, _)| *j >= i) {
                *sum.entry((i, j)).or_default() += &values[a as usize] * &values[b as usize];
            }
        }
    }
    sum
}

/// Runs a check on every phase; where there are several, the evidence names the phase.
fn each(phases: &[MixingMatrix], check: impl Fn(&MixingMatrix) -> Finding) -> Finding {
    phases.iter().zip(0..).try_for_each(|(matrix, phase)| {
        check(matrix).map_err(|evidence| match phases.len() {
            1 => evidence,
            _ => format!("in phase {phase}, {evidence}"),
        })
    })
}

/// The id of W[i][j], for i ≠ j, where there is an edge.
fn entry(matrix: &SparseMatrix, i: Rank, j: Rank) -> Option<u32> {
    let edges = matrix.in_edges(i);
    edges.binary_search_by_key(&j, |(source, _)| *source).ok().map(|at| edges[at].1)
}

/// Whether every row, or every column, sums to 1.
fn sums_to_one(matrix: &MixingMatrix, orientation: Orientation) -> Finding {
    let line = match orientation {
        Orientation::Rows => "row",
        Orientation::Columns => "column",
    };
    let sparse = match matrix {
        MixingMatrix::Cayley(cayley) => {
            let sum = cayley_sum(cayley);
            let wrong = || format!("every {line} sums to {}", sum.readable());
            return if sum == Rational::one() { Ok(()) } else { Err(wrong()) };
        }
        MixingMatrix::Sparse(sparse) => sparse,
    };
    let wrong = |at: usize, sum: Rational| format!("{line} {at} sums to {}", sum.readable());
    match small_integers(sparse.weights(), matrix.size()) {
        Some((unit, values)) => {
            let sums = line_sums(sparse, matrix.size(), &values, orientation);
            let guilty = sums.iter().position(|sum| *sum != unit);
            guilty.map_or(Ok(()), |at| Err(wrong(at, Rational::new(sums[at], unit))))
        }
        None => {
            let values: Vec<BigRational> = sparse.weights().iter().map(|weight| weight.to_big()).collect();
            let sums = line_sums(sparse, matrix.size(), &values, orientation);
            let guilty = sums.iter().position(|sum| !sum.is_one());
            guilty.map_or(Ok(()), |at| Err(wrong(at, Rational::from(sums[at].clone()))))
        }
    }
}

/// What every row, or every column, sums to, where that is one number.
pub(crate) fn common_sum(matrix: &MixingMatrix, orientation: Orientation) -> Option<Rational> {
    let sparse = match matrix {
        MixingMatrix::Cayley(cayley) => return Some(cayley_sum(cayley)),
        MixingMatrix::Sparse(sparse) => sparse,
    };
    if let Some((unit, values)) = small_integers(sparse.weights(), matrix.size()) {
        let sum = all_equal(line_sums(sparse, matrix.size(), &values, orientation))?;
        return Some(Rational::new(sum, unit));
    }
    let values: Vec<BigRational> = sparse.weights().iter().map(|weight| weight.to_big()).collect();
    all_equal(line_sums(sparse, matrix.size(), &values, orientation)).map(Rational::from)
}

/// Whether all rows are the same: whatever ranks hold, they agree after it.
pub(crate) fn has_equal_rows(matrix: &MixingMatrix) -> bool {
    match matrix {
        MixingMatrix::Cayley(cayley) => {
            let own = cayley.self_weight();
            let complete = cayley.hops().len() as u32 == matrix.size() - 1 || own.is_zero();
            complete && cayley.hops().iter().all(|(_, weight)| weight == own)
        }
        MixingMatrix::Sparse(_) => {
            let entries = |rank: u32| {
                let row = matrix.row(Rank(rank));
                let mut entries = row.in_weights;
                entries.push((Rank(rank), row.self_weight));
                entries.retain(|(_, weight)| !weight.is_zero());
                entries.sort_by_key(|(source, _)| *source);
                entries
            };
            let first = entries(0);
            (1..matrix.size()).all(|rank| entries(rank) == first)
        }
    }
}

fn all_equal<N: PartialEq>(numbers: Vec<N>) -> Option<N> {
    let mut numbers = numbers.into_iter();
    let first = numbers.next()?;
    numbers.all(|number| number == first).then_some(first)
}

/// The largest distance from 1 of the sum of a row, or column, where all weights are numbers as files hold them: with
/// finitely many decimal or binary digits. Such sums are off by rounding; others are wrong.
pub(crate) fn off_by(phases: &[MixingMatrix], orientation: Orientation) -> Option<f64> {
    let mut off = BigRational::zero();
    let mut note = |sum: BigRational| off = off.clone().max((sum - BigRational::one()).abs());
    for phase in phases {
        match phase {
            MixingMatrix::Cayley(cayley) => {
                let weights = cayley.hops().iter().map(|(_, weight)| weight).chain([cayley.self_weight()]);
                if !weights.into_iter().all(has_finitely_many_digits) {
                    return None;
                }
                note(cayley_sum(cayley).to_big());
            }
            MixingMatrix::Sparse(sparse) => {
                if !sparse.weights().iter().all(has_finitely_many_digits) {
                    return None;
                }
                let (unit, values) = over_one_denominator(sparse.weights())?;
                let sums = line_sums(sparse, phase.size(), &values, orientation);
                sums.into_iter().for_each(|sum| note(BigRational::new(sum, unit.clone())));
            }
        }
    }
    Some(Rational::from(off).to_f64())
}

/// Whether nothing but 2 and 5 divides the denominator.
fn has_finitely_many_digits(weight: &Rational) -> bool {
    let mut rest = weight.denominator();
    rest >>= rest.trailing_zeros().unwrap_or(0);
    let five = BigInt::from(5);
    while rest.is_multiple_of(&five) {
        rest /= &five;
    }
    rest.is_one()
}

fn cayley_sum(cayley: &CayleyMatrix) -> Rational {
    // Equal neighbours are counted, then multiplied once: a complete graph has a million equal weights.
    let mut counts: Vec<(&Rational, u64)> = vec![(cayley.self_weight(), 1)];
    for (_, weight) in cayley.hops() {
        match counts.last_mut() {
            Some((last, count)) if *last == weight => *count += 1,
            _ => counts.push((weight, 1)),
        }
    }
    counts.into_iter().map(|(weight, count)| weight.clone() * Rational::integer(count)).sum()
}

fn line_sums<N: Clone + Zero + for<'a> std::ops::AddAssign<&'a N>>(
    matrix: &SparseMatrix,
    size: u32,
    values: &[N],
    orientation: Orientation,
) -> Vec<N> {
    let mut sums = vec![N::zero(); size as usize];
    for rank in (0..size).map(Rank) {
        let own = (rank, matrix.self_weight(rank));
        for (source, id) in std::iter::once(&own).chain(matrix.in_edges(rank)) {
            let line = if orientation == Orientation::Rows { rank } else { *source };
            sums[line.index()] += &values[*id as usize];
        }
    }
    sums
}

/// The weights in units of their common denominator, where sums of `count` of them fit.
fn small_integers(weights: &[Rational], count: u32) -> Option<(i128, Vec<i128>)> {
    let words: Vec<(i64, i64)> = weights.iter().map(Rational::to_words).collect::<Option<_>>()?;
    let unit = words.iter().try_fold(1i128, |unit, (_, denominator)| {
        let denominator = i128::from(*denominator);
        // A division is much cheaper than a greatest common divisor.
        if unit % denominator == 0 {
            Some(unit)
        } else {
            (unit / unit.gcd(&denominator)).checked_mul(denominator)
        }
    })?;
    let value = |(numerator, denominator): &(i64, i64)| {
        i128::from(*numerator).checked_mul(unit / i128::from(*denominator))
    };
    let values: Vec<i128> = words.iter().map(value).collect::<Option<_>>()?;
    let largest = values.iter().map(|value| value.unsigned_abs()).max().unwrap_or(0);
    let bound = largest.checked_mul(u128::from(count) + 1)?;
    (bound < 1 << 120).then_some((unit, values))
}

/// The least common denominator of the weights and the weights in units of it; `None` where it is past 2,048 bits.
pub(crate) fn over_one_denominator(weights: &[Rational]) -> Option<(BigInt, Vec<BigInt>)> {
    let mut unit = BigInt::one();
    for weight in weights {
        let denominator = weight.denominator();
        // A division is much cheaper than a greatest common divisor.
        if unit.is_multiple_of(&denominator) {
            continue;
        }
        unit = unit.lcm(&denominator);
        if unit.bits() > 2048 {
            return None;
        }
    }
    let values = weights.iter().map(|weight| weight.numerator() * (&unit / weight.denominator())).collect();
    Some((unit, values))
}
