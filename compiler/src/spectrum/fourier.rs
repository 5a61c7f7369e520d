//! Estimates of the eigenvalues of symmetric phases with many hops: the character sums by fast Fourier transforms.

use bfc_algebra::c64;
use bfc_schedule::{CayleyMatrix, Group};
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
