//! Estimates of the eigenvalues of symmetric phases with many hops: the character sums by fast Fourier transforms.

use super::rounds::Periods;
use bfc_algebra::c64;
use bfc_schedule::{CayleyMatrix, Group, MixingMatrix};
use rustfft::FftPlanner;

/// The eigenvalue of every character, the trivial one first.
pub(crate) fn eigenvalues(cayley: &CayleyMatrix) -> Vec<c64> {
    let order = cayley.group().order() as usize;
    let mut values = vec![c64::new(0.0, 0.0); order];
    values[0].re = cayley.self_weight().to_f64();
    cayley.hops().iter().for_each(|(hop, weight)| values[hop.index()].re = weight.to_f64());
    transform(cayley.group(), &mut values);
    values
}

fn transform(group: &Group, values: &mut [c64]) {
    let mut planner = FftPlanner::new();
    let mut stride = values.len();
    for &radix in group.radices() {
        let radix = radix as usize;
        let fft = planner.plan_fft_forward(radix);
        let block = stride;
        stride /= radix;
        let mut line = vec![c64::new(0.0, 0.0); radix];
        for first in (0..values.len()).step_by(block).flat_map(|start| start..start + stride) {
            line.iter_mut().enumerate().for_each(|(k, x)| *x = values[first + k * stride]);
            fft.process(&mut line);
            line.iter().enumerate().for_each(|(k, x)| values[first + k * stride] = *x);
        }
    }
}

/// The norms after 1, 2, … phases of one more period, where the period product has eigenvalues of these moduli, from character
/// 1 on.
pub(crate) fn norms_within(phases: &[MixingMatrix], moduli: &[f64], before: Periods) -> Vec<f64> {
    let mut left: Vec<f64> = moduli.iter().map(|modulus| before.left_of(*modulus).unwrap_or(0.0)).collect();
    let mut norms = vec![];
    for phase in phases {
        let MixingMatrix::Cayley(cayley) = phase else { continue };
        let values = eigenvalues(cayley);
        left.iter_mut().zip(&values[1..]).for_each(|(left, value)| *left *= value.re.hypot(value.im));
        norms.push(left.iter().copied().fold(0.0, f64::max));
    }
    norms
}
