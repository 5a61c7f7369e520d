//! A seed and a key become a time of computation that scatters around its mean.
//!
//! Times are drawn by key, not in sequence, so that a simulation gives the same whatever order its events have.

use bfc_schedule::random::unit;

/// Times with mean 1, log-normal: never negative, and now and then long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Jitter {
    sigma: f64,
}

impl Jitter {
    /// Times of this standard deviation, at least 0.
    pub fn new(deviation: f64) -> Self {
        Self { sigma: (deviation * deviation).ln_1p().sqrt() }
    }

    /// The time whose share of shorter times is `share`, in (0, 1).
    pub fn quantile(&self, share: f64) -> f64 {
        if self.sigma == 0.0 {
            return 1.0;
        }
        (self.sigma * normal_quantile(share) - 0.5 * self.sigma * self.sigma).exp()
    }

    /// A time.
    pub fn draw(&self, seed: u64, key: u64) -> f64 {
        if self.sigma == 0.0 { 1.0 } else { self.quantile(unit(seed, key)) }
    }

    /// The longest of `count` times, from one number.
    pub fn longest(&self, count: u32, seed: u64, key: u64) -> f64 {
        self.quantile(unit(seed, key).powf(1.0 / f64::from(count.max(1))))
    }
}

/// The inverse of the normal distribution function, to 1.2e-9 (Acklam, "An algorithm for computing the inverse normal
/// cumulative distribution function", 2003). 0 and 1 become the nearest numbers inside.
fn normal_quantile(share: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969_683_028_665_376e1,
        2.209_460_984_245_205e2,
        -2.759_285_104_469_687e2,
        1.383_577_518_672_69e2,
        -3.066_479_806_614_716e1,
        2.506_628_277_459_239,
    ];
    const B: [f64; 6] = [
        -5.447_609_879_822_406e1,
        1.615_858_368_580_409e2,
        -1.556_989_798_598_866e2,
        6.680_131_188_771_972e1,
        -1.328_068_155_288_572e1,
        1.0,
    ];
    const C: [f64; 6] = [
        -7.784_894_002_430_293e-3,
        -3.223_964_580_411_365e-1,
        -2.400_758_277_161_838,
        -2.549_732_539_343_734,
        4.374_664_141_464_968,
        2.938_163_982_698_783,
    ];
    const D: [f64; 5] = [
        7.784_695_709_041_462e-3,
        3.224_671_290_700_398e-1,
        2.445_134_137_142_996,
        3.754_408_661_907_416,
        1.0,
    ];
    let polynomial = |coefficients: &[f64], x: f64| coefficients.iter().fold(0.0, |sum, c| sum * x + c);
    let share = share.clamp(1e-300, 1.0 - f64::EPSILON / 2.0);
    let tail = |share: f64| {
        let q = (-2.0 * share.ln()).sqrt();
        polynomial(&C, q) / polynomial(&D, q)
    };
    if share < 0.02425 {
        tail(share)
    } else if share > 1.0 - 0.02425 {
        -tail(1.0 - share)
    } else {
        let q = share - 0.5;
        polynomial(&A, q * q) * q / polynomial(&B, q * q)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_tables() {
        for (share, expected) in
            [(0.5, 0.0), (0.975, 1.959_963_985), (0.001, -3.090_232_306), (0.99, 2.326_347_874)]
        {
            assert!((normal_quantile(share) - expected).abs() < 1e-8, "{share}: {}", normal_quantile(share));
        }
        assert!(normal_quantile(0.0).is_finite() && normal_quantile(1.0).is_finite());
    }

    #[test]
    fn times_have_the_mean_and_deviation_asked_for() {
        let jitter = Jitter::new(0.3);
        let times: Vec<f64> = (0..20_000).map(|key| jitter.draw(7, key)).collect();
        let mean = times.iter().sum::<f64>() / 20_000.0;
        let variance = times.iter().map(|time| (time - mean) * (time - mean)).sum::<f64>() / 20_000.0;
        assert!((mean - 1.0).abs() < 0.01 && (variance.sqrt() - 0.3).abs() < 0.01, "{mean} {variance}");
        assert_eq!(Jitter::new(0.0).draw(1, 2), 1.0);
    }

    #[test]
    fn the_longest_of_many_is_the_longest() {
        let jitter = Jitter::new(0.1);
        let mean = |of: &dyn Fn(u64) -> f64| (0..2000).map(of).sum::<f64>() / 2000.0;
        let drawn = mean(&|key| (0..50).map(|one| jitter.draw(3, 50 * key + one)).fold(0.0, f64::max));
        let longest = mean(&|key| jitter.longest(50, 4, key));
        assert!((drawn - longest).abs() < 0.01, "{drawn} {longest}");
    }
}
