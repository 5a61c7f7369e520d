//! From phases whose ranks do not all hear from each other to the eigenvalues of their product.
//!
//! In an order of the strongly connected components of all edges together, every phase is block triangular, and so is their
//! product: its eigenvalues are those of the components' own products. A component of one rank has the product of its self
//! weights: where there is no cycle, all eigenvalues are known.

use super::dense;
use super::dense::{Rows, gamma};
use super::support::{Support, components};
use super::{Enclosure, GENERAL_LIMIT};
use bfc_schedule::{MixingMatrix, Rank, Rational};

/// The largest modulus of the eigenvalues besides one eigenvalue 1; rows or columns of all phases sum to 1. `None` where
/// one component holds all ranks, or is too large.
pub(crate) fn radius(phases: &[MixingMatrix], supports: &[Support]) -> Option<Enclosure> {
    let components = components(supports);
    if components.len() == 1 || components.iter().any(|ranks| ranks.len() > GENERAL_LIMIT as usize) {
        return None;
    }
    let mut moduli = vec![];
    let mut rows: Option<Vec<Rows>> = None;
    for ranks in &components {
        match ranks[..] {
            [rank] => moduli.push(self_weights(phases, Rank(rank))),
            _ => {
                let rows = rows.get_or_insert_with(|| phases.iter().map(Rows::new).collect());
                moduli.extend(of_component(rows, ranks)?.into_iter().map(Enclosure::estimate));
            }
        }
    }
    let distance = |modulus: &Enclosure| (modulus.value - 1.0).abs();
    let one = (0..moduli.len()).min_by(|a, b| distance(&moduli[*a]).total_cmp(&distance(&moduli[*b])))?;
    moduli.swap_remove(one);
    Some(moduli.into_iter().fold(Enclosure::exact(0.0), Enclosure::max))
}

/// |Π W⁽ᵗ⁾[i][i]|.
fn self_weights(phases: &[MixingMatrix], rank: Rank) -> Enclosure {
    let one = Rational::one();
    let weights: Vec<Rational> = phases.iter().map(|phase| phase.row(rank).self_weight.abs()).collect();
    if weights.iter().any(Rational::is_zero) {
        return Enclosure::exact(0.0);
    }
    match weights.iter().filter(|weight| **weight != one).collect::<Vec<_>>()[..] {
        [] => Enclosure::exact(1.0),
        [single] if Rational::from_f64(single.to_f64()).as_ref() == Some(single) => {
            Enclosure::exact(single.to_f64())
        }
        ref others => {
            let product: f64 = others.iter().map(|weight| weight.to_f64()).product();
            Enclosure::around(product, gamma(2 * others.len() + 2) * product).within(0.0, f64::INFINITY)
        }
    }
}

/// Estimates of the moduli of the eigenvalues of a component's own product.
fn of_component(phases: &[Rows], ranks: &[u32]) -> Option<Vec<f64>> {
    let size = ranks.len();
    let own = |phase: &Rows| {
        let row = |rank: &u32| {
            let entries = phase.row(*rank as usize).iter();
            entries
                .filter_map(|(j, weight)| Some((ranks.binary_search(&(*j as u32)).ok()?, *weight)))
                .collect()
        };
        Rows::from_rows(ranks.iter().map(row).collect())
    };
    let own: Vec<Rows> = phases.iter().map(own).collect();
    let (product, _) = dense::product(&own, bfc_algebra::Mat::identity(size, size), 0.0);
    let values = dense::eigenvalues(&product)?;
    Some(values.into_iter().map(|value| value.re.hypot(value.im)).collect())
}
