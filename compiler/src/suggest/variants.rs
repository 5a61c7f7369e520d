//! Topologies that differ from one in their weights.

use crate::evaluate::topology::phase;
use crate::evaluate::topology::weights::{RULES, WeightRule};
use crate::model::topology::Topology;
use bfc_dsl::tree::Span;
use bfc_schedule::matrix::Row;
use bfc_schedule::{CayleyMatrix, MixingMatrix, Rank, Rational, SparseMatrix};

/// The edges with the weights of each rule, where it gives weights that no rule before it gave; the lazy rules come last.
pub fn variants(topology: &Topology) -> Vec<(String, Topology)> {
    let half = Rational::new(1, 2);
    let plain = RULES.into_iter().map(|(word, base)| (word.to_string(), WeightRule::plain(base)));
    let lazy = RULES
        .into_iter()
        .map(|(word, base)| (format!("lazy({word}, 1/2)"), WeightRule { base, moved: half.clone() }));
    let mut variants: Vec<(String, Topology)> = Vec::new();
    for (rule, weights) in plain.chain(lazy) {
        let reweighted = |old| phase::reweighted(old, &weights, Span::default()).map(|new| new.matrix);
        let phases = topology.phases.iter().map(reweighted);
        let Ok(phases) = phases.collect::<Result<Vec<_>, _>>() else { continue };
        let known = variants.iter().any(|(_, earlier)| earlier.phases == phases);
        if !known && phases != topology.phases {
            variants.push((rule, Topology { phases, ..topology.clone() }));
        }
    }
    variants
}

/// Whether a rule of [`variants`] is a lazy one.
pub fn is_lazy(rule: &str) -> bool {
    rule.contains("lazy")
}

/// Whether the weights are those of a rule without parameters, so that nothing is said of weights edge by edge.
pub fn is_by_rule(topology: &Topology) -> bool {
    RULES.into_iter().any(|(_, base)| {
        let rule = WeightRule::plain(base);
        let mut phases = topology.phases.iter();
        phases.all(|phase| {
            phase::reweighted(phase, &rule, Span::default()).is_ok_and(|new| new.matrix == *phase)
        })
    })
}

/// The topology whose ranks keep what their rows leave, where some rank now keeps something else.
pub fn keeping_the_rest(topology: &Topology) -> Option<Topology> {
    let phases = topology.phases.iter().map(with_rests).collect::<Option<Vec<_>>>()?;
    (phases != topology.phases).then(|| Topology { phases, ..topology.clone() })
}

/// The matrix with W[i][i] = 1 − Σ W[i][j].
fn with_rests(matrix: &MixingMatrix) -> Option<MixingMatrix> {
    let rest = |weights: &[(Rank, Rational)]| {
        let sum: Rational = weights.iter().map(|(_, weight)| weight.clone()).sum();
        &Rational::one() - &sum
    };
    match matrix {
        MixingMatrix::Cayley(matrix) => {
            let hops = matrix.hops().to_vec();
            CayleyMatrix::new(matrix.group().clone(), rest(&hops), hops).map(MixingMatrix::Cayley)
        }
        MixingMatrix::Sparse(sparse) => {
            let rows = (0..sparse.size()).map(|rank| {
                let Row { in_weights, .. } = matrix.row(Rank(rank));
                Row { self_weight: rest(&in_weights), in_weights }
            });
            SparseMatrix::from_rows(rows).map(MixingMatrix::Sparse)
        }
    }
}
