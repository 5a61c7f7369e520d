//! What is known of one topology, each fact computed when it is first asked for.

use super::{Verdict, radius};
use crate::spectrum;
use crate::spectrum::exact;
use crate::spectrum::exact::{Exact, ExactAfter};
use crate::spectrum::interchangeable::Eigenvalues;
use crate::spectrum::properties;
use crate::spectrum::properties::Finding;
use crate::spectrum::support;
use crate::spectrum::support::{Orientation, Reach, Support};
use crate::spectrum::{Counted, Enclosure, Known, Maps, Method, Numbers, Source, Spectrum};
use bfc_schedule::{MixingMatrix, Rank, Rational};
use std::cell::OnceCell;

/// The phases of a topology and what is known of them.
pub(crate) struct Facts<'a> {
    pub(crate) phases: &'a [MixingMatrix],
    supports: OnceCell<Vec<Support>>,
    row: OnceCell<Finding>,
    column: OnceCell<Finding>,
    row_sums: OnceCell<Vec<Option<Rational>>>,
    column_sums: OnceCell<Vec<Option<Rational>>>,
    equal_rows: OnceCell<Vec<bool>>,
    nonnegative: OnceCell<Finding>,
    symmetric: OnceCell<Finding>,
    connected: OnceCell<Finding>,
    primitive: OnceCell<Verdict>,
    contracting: OnceCell<Verdict>,
    average: OnceCell<Exact>,
    after: OnceCell<ExactAfter>,
    /// As computed, before exact arithmetic has its say.
    computed: OnceCell<Spectrum>,
    refined: OnceCell<Numbers>,
    eigenvalues: OnceCell<Option<Eigenvalues>>,
    maps: OnceCell<Option<Maps>>,
}

impl<'a> Facts<'a> {
    /// Nothing is known yet. There is at least one phase.
    pub(crate) fn new(phases: &'a [MixingMatrix]) -> Self {
        Self {
            phases,
            supports: OnceCell::new(),
            row: OnceCell::new(),
            column: OnceCell::new(),
            row_sums: OnceCell::new(),
            column_sums: OnceCell::new(),
            equal_rows: OnceCell::new(),
            nonnegative: OnceCell::new(),
            symmetric: OnceCell::new(),
            connected: OnceCell::new(),
            primitive: OnceCell::new(),
            contracting: OnceCell::new(),
            average: OnceCell::new(),
            after: OnceCell::new(),
            computed: OnceCell::new(),
            refined: OnceCell::new(),
            eigenvalues: OnceCell::new(),
            maps: OnceCell::new(),
        }
    }

    /// The number of ranks.
    pub(crate) fn size(&self) -> u32 {
        self.phases[0].size()
    }

    /// What every rank keeps of itself in every phase, where that is one number.
    pub(crate) fn share(&self) -> Option<Rational> {
        let mut weights = self.phases.iter().map(common_self_weight);
        let first = weights.next()??;
        weights.all(|weight| weight.as_ref() == Some(&first)).then_some(first)
    }

    pub(crate) fn row_stochastic(&self) -> &Finding {
        self.row.get_or_init(|| properties::row_stochastic(self.phases))
    }

    pub(crate) fn column_stochastic(&self) -> &Finding {
        self.column.get_or_init(|| properties::column_stochastic(self.phases))
    }

    /// Of every phase what each row sums to, where that is one number: what the phase makes of a common 1.
    pub(crate) fn row_sums(&self) -> &[Option<Rational>] {
        self.row_sums.get_or_init(|| self.common_sums(Orientation::Rows, self.row_stochastic()))
    }

    /// Of every phase what each column sums to, where that is one number.
    pub(crate) fn column_sums(&self) -> &[Option<Rational>] {
        self.column_sums.get_or_init(|| self.common_sums(Orientation::Columns, self.column_stochastic()))
    }

    /// Of every phase whether all its rows are the same.
    pub(crate) fn equal_rows(&self) -> &[bool] {
        self.equal_rows.get_or_init(|| self.phases.iter().map(properties::has_equal_rows).collect())
    }

    fn common_sums(&self, orientation: Orientation, all_one: &Finding) -> Vec<Option<Rational>> {
        match all_one {
            Ok(()) => vec![Some(Rational::one()); self.phases.len()],
            Err(_) => self.phases.iter().map(|phase| properties::common_sum(phase, orientation)).collect(),
        }
    }

    pub(crate) fn doubly_stochastic(&self) -> bool {
        self.row_stochastic().is_ok() && self.column_stochastic().is_ok()
    }

    pub(crate) fn nonnegative(&self) -> &Finding {
        self.nonnegative.get_or_init(|| properties::nonnegative(self.phases))
    }

    pub(crate) fn symmetric(&self) -> &Finding {
        self.symmetric.get_or_init(|| properties::symmetric(self.phases))
    }

    fn supports(&self) -> &[Support] {
        self.supports.get_or_init(|| self.phases.iter().map(Support::new).collect())
    }

    pub(crate) fn connected(&self) -> &Finding {
        self.connected.get_or_init(|| match support::connected(self.supports()) {
            Reach::No(evidence) => Err(evidence),
            _ => Ok(()),
        })
    }

    /// That the topology is not connected, if it is not, and who never hears from whom.
    pub(crate) fn not_connected(&self) -> Option<String> {
        self.connected().is_err().then(|| support::not_connected(self.supports()))?
    }

    /// Some power of the period product has no zero. Negative weights may cancel, and leave more zeros than edges do.
    pub(crate) fn primitive(&self) -> &Verdict {
        self.primitive.get_or_init(|| match Verdict::of_reach(support::primitive(self.supports())) {
            Verdict::Proved { .. } if self.nonnegative().is_err() => {
                Verdict::undecided("negative weights may cancel in powers of the period product")
            }
            verdict => verdict,
        })
    }

    /// 1 is a simple eigenvalue of the period product and all others lie inside the unit circle.
    pub(crate) fn contracting(&self) -> &Verdict {
        self.contracting.get_or_init(|| {
            let (row, column) = (self.row_stochastic(), self.column_stochastic());
            if self.nonnegative().is_ok() {
                match (row, column) {
                    (Ok(()), Ok(())) => return self.primitive().clone(),
                    (Ok(()), _) => {
                        return Verdict::of_reach(support::single_limit(self.supports(), Orientation::Rows));
                    }
                    (_, Ok(())) => {
                        return Verdict::of_reach(support::single_limit(
                            self.supports(),
                            Orientation::Columns,
                        ));
                    }
                    _ => {}
                }
            }
            match (row, column) {
                (Err(rows), Err(columns)) => {
                    Verdict::undecided(format!("1 need not be an eigenvalue: {rows}, and {columns}"))
                }
                _ => match radius::contracting(self) {
                    Verdict::NotDecided { .. } if self.exact_average() == Exact::Yes => {
                        Verdict::proved("a period averages exactly")
                    }
                    Verdict::NotDecided { .. } if self.has_large_trace() => Verdict::refuted(
                        "the self weights, and so the eigenvalues, sum to more than there are ranks, in absolute value",
                    ),
                    Verdict::Refuted { evidence } => Verdict::refuted(match self.nonnegative() {
                        Ok(()) => evidence,
                        Err(negative) => format!("{negative}, and {evidence}"),
                    }),
                    verdict => verdict,
                },
            }
        })
    }

    /// Whether eigenvalues of one phase sum to more than as many inside the unit circle could.
    fn has_large_trace(&self) -> bool {
        matches!(self.phases, [phase] if properties::trace(phase).abs() > Rational::integer(self.size()))
    }

    /// The period product is J.
    pub(crate) fn exact_average(&self) -> Exact {
        *self.average.get_or_init(|| match self.computed.get().map(|spectrum| &spectrum.source) {
            Some(Source::Characters { .. }) if self.row_stochastic().is_ok() => match self.exact_after() {
                ExactAfter::Steps(_) => Exact::Yes,
                ExactAfter::Never => Exact::No,
                ExactAfter::NotWithin(_) => Exact::TooLarge,
            },
            _ => exact::is_average(self.phases, self.phases.len() as u64),
        })
    }

    /// When the product first is J.
    pub(crate) fn exact_after(&self) -> ExactAfter {
        *self.after.get_or_init(|| {
            if self.row_stochastic().is_err() {
                // A product that is J may be followed by others that are not: nothing bounds the search.
                let period = self.phases.len() as u64;
                let first = (1..=period).find(|&steps| exact::is_average(self.phases, steps) == Exact::Yes);
                return first.map_or(ExactAfter::NotWithin(period), ExactAfter::Steps);
            }
            if matches!(self.primitive(), Verdict::Refuted { .. }) {
                return ExactAfter::Never;
            }
            if let Source::Characters { prefixes, errors, .. } = &self.spectrum().source {
                return self.exact_after_prefix(prefixes, errors);
            }
            if self.phases.len() == 1 && self.symmetric().is_ok() && self.exact_average() == Exact::No {
                return ExactAfter::Never;
            }
            exact::exact_after(self.phases)
        })
    }

    /// Matrices of one group commute and are diagonalizable: what a period does not do it never does, and a product
    /// whose norm is enclosed away from 0 is not J.
    fn exact_after_prefix(&self, prefixes: &[f64], errors: &[f64]) -> ExactAfter {
        for (steps, _) in (1..).zip(prefixes.iter().zip(errors)).filter(|(_, (norm, error))| norm <= error) {
            match exact::is_average(self.phases, steps) {
                Exact::Yes => return ExactAfter::Steps(steps),
                Exact::No => {}
                Exact::TooLarge => return ExactAfter::NotWithin(steps - 1),
            }
        }
        ExactAfter::Never
    }

    pub(crate) fn known(&self) -> Known {
        Known {
            row_stochastic: self.row_stochastic().is_ok(),
            column_stochastic: self.column_stochastic().is_ok(),
            nonnegative: self.nonnegative().is_ok(),
            symmetric: self.symmetric().is_ok(),
            primitive: match self.primitive() {
                Verdict::Proved { .. } => Some(true),
                Verdict::Refuted { .. } => Some(false),
                _ => None,
            },
        }
    }

    /// The spectrum as computed.
    pub(crate) fn spectrum(&self) -> &Spectrum {
        self.computed.get_or_init(|| {
            let (eigenvalues, maps) = (|| self.eigenvalues(), || self.maps());
            spectrum::spectrum(self.phases, self.supports(), &self.known(), eigenvalues, maps)
        })
    }

    /// The spectral numbers, with what exact arithmetic knows of them.
    pub(crate) fn numbers(&self) -> Numbers {
        *self.refined.get_or_init(|| {
            let numbers = self.spectrum().numbers;
            match numbers.period_radius.low > 0.0 {
                true => numbers,
                false => {
                    let row_stochastic = self.row_stochastic().is_ok();
                    numbers.refined(self.exact_average(), self.exact_after(), row_stochastic)
                }
            }
        })
    }

    /// The eigenvalues of the first phase, which is symmetric.
    pub(crate) fn eigenvalues(&self) -> Option<&Eigenvalues> {
        self.eigenvalues.get_or_init(|| Eigenvalues::new(&self.phases[0])).as_ref()
    }

    /// Whether the spectrum comes from all eigenvalues of a symmetric matrix, and not only from the extreme ones.
    pub(crate) fn has_all_eigenvalues(&self) -> bool {
        self.phases.len() == 1 && self.symmetric().is_ok() && spectrum::are_few(&self.phases[0])
    }

    /// The phases as maps; `None` where they have too many entries.
    pub(crate) fn maps(&self) -> Option<&Maps> {
        self.maps.get_or_init(|| Maps::new(self.phases, self.known())).as_ref()
    }

    /// The steps after which disagreement has shrunk to each tolerance of a report, and how far to trust them.
    pub(crate) fn rounds(&self) -> [(Option<u64>, Method); 2] {
        spectrum::rounds_to(&Counted {
            phases: self.phases,
            numbers: self.numbers(),
            source: &self.spectrum().source,
            known: self.known(),
            exact_after: self.exact_after(),
            maps: &|| self.maps(),
        })
    }

    /// The T-th root of a number of the period.
    pub(crate) fn per_step(&self, number: Enclosure) -> Enclosure {
        number.root(self.phases.len())
    }
}

fn common_self_weight(phase: &MixingMatrix) -> Option<Rational> {
    match phase {
        MixingMatrix::Cayley(matrix) => Some(matrix.self_weight().clone()),
        MixingMatrix::Sparse(matrix) => {
            let weight = |rank: u32| &matrix.weights()[matrix.self_weight(Rank(rank)) as usize];
            (1..matrix.size()).all(|rank| weight(rank) == weight(0)).then(|| weight(0).clone())
        }
    }
}
