//! Weights of a file → a warning where they are hardly mixing weights: counts, distances, capacities.

use super::graph::Graph;

/// By how much a sum may miss 1.
const TOLERANCE: f64 = 1e-6;

/// A warning where neither rows nor columns are averages, given `(receiver, sender, weight)` with own weights where rows do
/// not sum to 1. What a row leaves is its rank's own weight, unless the file gives that.
pub fn warning(graph: &Graph, weights: &[(usize, usize, f64)]) -> Option<String> {
    let n = graph.labels.len();
    let mut has_own = vec![false; n];
    graph.edges.iter().filter(|edge| edge.from == edge.to).for_each(|edge| has_own[edge.to] = true);
    let (mut rows, mut columns, mut own) = (vec![0.0; n], vec![0.0; n], vec![None; n]);
    for &(to, from, weight) in weights {
        rows[to] += weight;
        columns[from] += weight;
        if to == from {
            own[to] = Some(weight);
        }
    }
    let is_average = |rank: usize| match (own[rank], has_own[rank]) {
        (Some(_), _) => (rows[rank] - 1.0).abs() < TOLERANCE,
        (None, given) => given || rows[rank] < 1.0 + TOLERANCE,
    };
    let strange = (0..n).filter(|&rank| !is_average(rank)).max_by(|&a, &b| rows[a].total_cmp(&rows[b]))?;
    let kept = |rank: usize| if own[rank].is_some() { 0.0 } else { 1.0 - rows[rank] };
    let is_sum = |rank: usize| (columns[rank] + kept(rank) - 1.0).abs() < TOLERANCE;
    if (0..n).all(|rank| has_own[rank] && is_sum(rank)) {
        return None;
    }
    Some(format!(
        "what `{}` takes of its neighbours and itself sums to {:.6}, so these are hardly the weights of an average; they \
         are kept as mixing weights, and `--weights drop` imports the edges alone",
        graph.labels[strange], rows[strange]
    ))
}
