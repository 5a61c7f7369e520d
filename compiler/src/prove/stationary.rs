//! The limit of averaging where rows sum to 1 and columns do not: a weighted average, with weights π = π P.

use super::facts::Facts;
use super::spectrum::dense::Rows;

/// Ranks above which the weights are not computed.
const LIMIT: u32 = 1 << 16;

/// Periods of the power iteration.
const PERIODS: usize = 2000;

/// What repeated averaging converges to, in words.
pub(super) fn limit(facts: &Facts) -> String {
    if !facts.contracting().holds() {
        return "agreement is kept, but values need not converge to one".into();
    }
    let general = "values converge to a weighted average, not the average";
    if facts.size() > LIMIT {
        return general.into();
    }
    let transposes: Vec<Rows> = facts.phases.iter().map(|phase| Rows::of(phase).transpose()).collect();
    let mut weights = vec![1.0 / facts.size() as f64; facts.size() as usize];
    for _ in 0..PERIODS {
        let next = transposes.iter().rev().fold(weights.clone(), |weights, phase| phase.apply(&weights));
        let change = next.iter().zip(&weights).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        weights = next;
        if change < 1e-13 {
            return format!("{general}; {}", extremes(&weights));
        }
    }
    general.into()
}

fn extremes(weights: &[f64]) -> String {
    let by_weight = |a: &(usize, &f64), b: &(usize, &f64)| a.1.total_cmp(b.1);
    match (weights.iter().enumerate().min_by(by_weight), weights.iter().enumerate().max_by(by_weight)) {
        (Some((least, low)), Some((most, high))) => {
            format!("weights run from {low:.6} (rank {least}) to {high:.6} (rank {most})")
        }
        _ => String::new(),
    }
}
