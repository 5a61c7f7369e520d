//! From how fast candidates converge and how long their steps take to a ranking by the time to a target error.
//!
//! Averaging is over after as many steps as the spectrum says. Training on quadratics falls by a rate r a step to a floor
//! that the bias of the algorithm and the difference of the ranks' optima ζ leave: the error after k steps is
//! r^k + bias · ζ, relative to the initial one.

/// How averaging converges: what an analysis of the topology says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Consensus {
    /// Steps to the exact average.
    pub exact_after: Option<u64>,
    /// Steps to 10⁻³.
    pub to_1e_3: Option<u64>,
    /// Steps to 10⁻⁶.
    pub to_1e_6: Option<u64>,
}

impl Consensus {
    /// The steps to an error in (0, 1): on the line through those to 10⁻³ and 10⁻⁶ of its logarithm, at most those to the
    /// exact average.
    pub fn steps(&self, error: f64) -> Option<f64> {
        let exact = self.exact_after.map(|steps| steps as f64);
        let line = self.to_1e_3.zip(self.to_1e_6).map(|(milli, micro)| {
            let (milli, micro) = (milli as f64, micro as f64);
            let decades = -error.log10();
            let slope = (micro - milli) / 3.0;
            if decades >= 3.0 { milli + slope * (decades - 3.0) } else { milli * decades / 3.0 }
                .ceil()
                .max(1.0)
        });
        match (exact, line) {
            (Some(exact), Some(line)) => Some(exact.min(line)),
            (exact, line) => exact.or(line),
        }
    }
}

/// How an algorithm converges on quadratics.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Training {
    /// The factor by which the error falls in a step.
    pub rate: f64,
    /// The distance at which it ends, relative to that of the ranks' optima from theirs.
    pub bias: f64,
}

impl Training {
    /// The steps to an error, for optima that lie `heterogeneity` apart, both relative to the initial error; `None` if it
    /// is never reached.
    pub fn steps(&self, error: f64, heterogeneity: f64) -> Option<f64> {
        let left = error - self.bias * heterogeneity;
        let converges = self.rate < 1.0 && left > 0.0;
        converges.then(|| if self.rate <= 0.0 { 1.0 } else { (left.ln() / self.rate.ln()).ceil().max(1.0) })
    }
}

/// What a candidate needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Effort {
    /// Steps to the target.
    pub steps: f64,
    /// Seconds of a step.
    pub step_seconds: f64,
}

impl Effort {
    /// Seconds to the target.
    pub fn seconds(&self) -> f64 {
        self.steps * self.step_seconds
    }

    /// Whether it is no worse in steps and in seconds of a step, and better in one.
    fn dominates(&self, other: &Self) -> bool {
        let better = self.steps < other.steps || self.step_seconds < other.step_seconds;
        self.steps <= other.steps && self.step_seconds <= other.step_seconds && better
    }
}

/// The order of candidates by time to the target, and for each place of it whether no other candidate has both fewer steps
/// and shorter ones: the Pareto front. Candidates of equal time keep their order.
pub(super) fn rank(efforts: &[Effort]) -> Vec<(usize, bool)> {
    let mut order: Vec<usize> = (0..efforts.len()).collect();
    order.sort_by(|&a, &b| efforts[a].seconds().total_cmp(&efforts[b].seconds()));
    let front = |own: &usize| !efforts.iter().any(|other| other.dominates(&efforts[*own]));
    order.iter().map(|own| (*own, front(own))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_follow_the_logarithm_of_the_error() {
        let ring = Consensus { exact_after: None, to_1e_3: Some(30), to_1e_6: Some(63) };
        assert_eq!(ring.steps(1e-3), Some(30.0));
        assert_eq!(ring.steps(1e-6), Some(63.0));
        assert_eq!(ring.steps(1e-9), Some(96.0));
        assert_eq!(ring.steps(1e-1), Some(10.0));
        let exact = Consensus { exact_after: Some(4), to_1e_3: Some(4), to_1e_6: Some(4) };
        assert_eq!((exact.steps(1e-12), exact.steps(0.5)), (Some(4.0), Some(1.0)));
        assert_eq!(Consensus { exact_after: None, to_1e_3: None, to_1e_6: None }.steps(1e-3), None);
    }

    #[test]
    fn a_bias_may_make_a_target_unreachable() {
        let biased = Training { rate: 0.9, bias: 0.1 };
        assert_eq!(biased.steps(0.05, 1.0), None);
        assert_eq!(biased.steps(0.2, 1.0), Some(22.0));
        assert_eq!(biased.steps(0.05, 0.0), Some(29.0));
        assert_eq!(Training { rate: 1.0, bias: 0.0 }.steps(0.1, 0.0), None);
    }

    #[test]
    fn the_front_holds_what_nothing_dominates() {
        let effort = |steps, step_seconds| Effort { steps, step_seconds };
        let ranked = rank(&[effort(10.0, 1.0), effort(4.0, 2.0), effort(11.0, 1.0), effort(2.0, 9.0)]);
        assert_eq!(ranked, [(1, true), (0, true), (2, false), (3, true)]);
    }
}
