//! One schedule of many that are weighed: evaluated once, within limits; how it converges is found where it is asked for.

use crate::analysis::Convergence;
use crate::diagnostic::Diagnostics;
use crate::estimate::quadratic::{self, Quadratic};
use crate::evaluate::Limits;
use crate::evaluate::target::Evaluated;
use crate::model::claim::{Claim, Property, Statement};
use crate::optimise::Effort;
use crate::prove::facts::Facts;
use crate::prove::{Check, Prover, Verdict, claims};
use crate::request::Request;
use crate::resolve::Program;
use crate::spectrum;
use bfc_schedule::{MixingMatrix, Rank, Schedule};

/// A schedule, and what it was made of.
pub struct Candidate {
    program: Program,
    evaluated: Evaluated,
    schedule: Schedule,
    /// Whether a period of the first topology is proved to average exactly.
    exact: bool,
}

impl Candidate {
    /// Of what was evaluated and lowered, with the verdicts on its claims but [`is_costly`] ones.
    pub(crate) fn new(program: Program, evaluated: Evaluated, schedule: Schedule, checks: &[Check]) -> Self {
        let first = evaluated.topologies.first().map(|topology| &topology.name);
        let average = Statement::Property(Property::ExactAverage, vec![0]);
        let is_proved = |check: &Check| {
            let proved = matches!(check.verdict, Verdict::Proved { .. });
            Some(&check.item) == first && check.claim.statement == average && proved
        };
        let exact = checks.iter().any(is_proved);
        Self { program, evaluated, schedule, exact }
    }

    /// Whether [`prove`](Self::prove) has anything to decide.
    pub fn is_open(&self) -> bool {
        self.evaluated.algorithm.requires.iter().any(is_costly)
    }

    /// Decides whether the algorithm is stable, where it requires that.
    ///
    /// # Errors
    /// It is not, or that was not decided.
    pub fn prove(&self) -> Result<(), Diagnostics> {
        let Evaluated { topologies, algorithm, .. } = &self.evaluated;
        let prover = Prover::new(topologies, Some(algorithm));
        match claims::prove(is_costly, &self.evaluated, &prover, &[]) {
            Ok(_) => Ok(()),
            Err(errors) => Err(Diagnostics::new(errors, &self.program.sources)),
        }
    }

    /// The schedule, verified; proved but for what [`prove`](Self::prove) decides.
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// Whether two candidates of one algorithm have the same matrices.
    pub fn has_matrices_of(&self, other: &Self) -> bool {
        let (own, others) = (&self.evaluated.topologies, &other.evaluated.topologies);
        own.len() == others.len() && own.iter().zip(others).all(|(own, other)| own.phases == other.phases)
    }

    /// Steps after which the average is exact, where that was proved already: a period.
    pub fn exact_after_a_period(&self) -> Option<u64> {
        self.phases().filter(|_| self.exact).map(|phases| phases.len() as u64)
    }

    /// What the convergence will cost, in operations, roughly.
    pub fn work(&self) -> f64 {
        self.phases().map_or(0.0, spectrum::work)
    }

    /// Fewer steps than these bring no start to within `error` of the average: each rank must have heard of nearly all.
    ///
    /// A row of the product of the first k matrices sums to 1 and has at most r entries besides zeros, where r − 1 ranks
    /// have been heard of: it is at least √(1/r − 1/n) away from the row of J. So r ≥ 1/(ε² + 1/n), and as a rank of
    /// in-degree d can hear of 1 + d times as many, Π (1 + d_t) ≥ r. And every rank has been sent to, or it would know itself
    /// alone.
    pub fn least_steps(&self, error: f64) -> f64 {
        const MOST: usize = 1 << 16;
        let Some(phases) = self.phases() else { return 1.0 };
        let size = f64::from(phases[0].size());
        let reach = (error * error + size.recip()).recip() * (1.0 - 1e-9);
        if size <= 1.0 || reach <= 1.0 {
            return 1.0;
        }
        let spread: Vec<(f64, f64)> = phases.iter().map(spread).collect();
        let (mut known, mut sent) = (1.0, 0.0);
        for steps in 0..MOST {
            if known >= reach && sent >= size {
                return (steps as f64).max(1.0);
            }
            let (factor, receivers) = spread[steps % spread.len()];
            known *= factor;
            sent += receivers;
        }
        MOST as f64
    }

    /// How averaging over the first topology converges.
    pub fn convergence(&self) -> Option<Convergence> {
        Some(Convergence::new(&Facts::new(self.phases()?)))
    }

    /// How the algorithm converges on quadratics with curvatures in [μ, L], without its largest step size; `None` where it
    /// asks for no gradient.
    pub fn quadratic(&self, curvature: [f64; 2]) -> Option<Quadratic> {
        let Evaluated { topologies, algorithm, .. } = &self.evaluated;
        quadratic::rate(algorithm, Prover::new(topologies, None).facts(), curvature)
    }

    fn phases(&self) -> Option<&[MixingMatrix]> {
        self.evaluated.topologies.first().map(|topology| &topology.phases[..])
    }
}

/// By how much a phase multiplies what a rank has heard of at most, and how many ranks hear of another.
fn spread(phase: &MixingMatrix) -> (f64, f64) {
    let size = phase.size();
    match phase {
        MixingMatrix::Cayley(matrix) => {
            let hops = matrix.hops().len();
            (1.0 + hops as f64, if hops > 0 { f64::from(size) } else { 0.0 })
        }
        MixingMatrix::Sparse(matrix) => {
            let degrees = (0..size).map(|rank| matrix.in_edges(Rank(rank)).len());
            let (most, some) =
                degrees.fold((0, 0), |(most, some), own| (most.max(own), some + u32::from(own > 0)));
            (1.0 + most as f64, f64::from(some))
        }
    }
}

/// What is decided only of the candidates that it matters for: the proof of `stable` may take longer than all else.
pub(crate) fn is_costly(claim: &Claim) -> bool {
    matches!(claim.statement, Statement::Property(Property::Stable, _))
}

/// How far a [`Candidate`] may be evaluated: some tenths of a second.
pub(crate) fn limits(request: &Request) -> Limits {
    let ranks = u64::from(request.size);
    Limits {
        steps: 500_000 + 2_000 * ranks.min(4_096),
        cells: 200_000 + 500 * ranks.min(4_096),
        optimisation: Effort::QUICK,
        ..Default::default()
    }
}
