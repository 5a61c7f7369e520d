//! What is known of one topology, each fact computed when it is first asked for.

use super::Verdict;
use super::exact::{self, Exact, ExactAfter};
use super::properties::{self, Finding};
use super::spectrum::{self, Enclosure, Known, Method, Spectrum};
use super::support::{self, Orientation, Reach, Support};
use bfc_schedule::MixingMatrix;
use std::cell::OnceCell;

/// The phases of a topology and what is known of them.
pub(super) struct Facts<'a> {
    pub(super) phases: &'a [MixingMatrix],
    supports: OnceCell<Vec<Support>>,
    row: OnceCell<Finding>,
    column: OnceCell<Finding>,
    nonnegative: OnceCell<Finding>,
    symmetric: OnceCell<Finding>,
    connected: OnceCell<Finding>,
    primitive: OnceCell<Verdict>,
    contracting: OnceCell<Verdict>,
    average: OnceCell<Exact>,
    after: OnceCell<ExactAfter>,
    spectrum: OnceCell<Spectrum>,
}

impl<'a> Facts<'a> {
    /// Nothing is known yet. There is at least one phase.
    pub(super) fn new(phases: &'a [MixingMatrix]) -> Self {
        Self {
            phases,
            supports: OnceCell::new(),
            row: OnceCell::new(),
            column: OnceCell::new(),
            nonnegative: OnceCell::new(),
            symmetric: OnceCell::new(),
            connected: OnceCell::new(),
            primitive: OnceCell::new(),
            contracting: OnceCell::new(),
            average: OnceCell::new(),
            after: OnceCell::new(),
            spectrum: OnceCell::new(),
        }
    }

    /// The number of ranks.
    pub(super) fn size(&self) -> u32 {
        self.phases[0].size()
    }

    pub(super) fn row_stochastic(&self) -> &Finding {
        self.row.get_or_init(|| properties::row_stochastic(self.phases))
    }

    pub(super) fn column_stochastic(&self) -> &Finding {
        self.column.get_or_init(|| properties::column_stochastic(self.phases))
    }

    pub(super) fn doubly_stochastic(&self) -> bool {
        self.row_stochastic().is_ok() && self.column_stochastic().is_ok()
    }

    pub(super) fn nonnegative(&self) -> &Finding {
        self.nonnegative.get_or_init(|| properties::nonnegative(self.phases))
    }

    pub(super) fn symmetric(&self) -> &Finding {
        self.symmetric.get_or_init(|| properties::symmetric(self.phases))
    }

    fn supports(&self) -> &[Support] {
        self.supports.get_or_init(|| self.phases.iter().map(Support::of).collect())
    }

    pub(super) fn connected(&self) -> &Finding {
        self.connected.get_or_init(|| match support::connected(self.supports()) {
            Reach::No(evidence) => Err(evidence),
            _ => Ok(()),
        })
    }

    /// The period product is irreducible and aperiodic. With negative weights, entries of a product may cancel.
    pub(super) fn primitive(&self) -> &Verdict {
        self.primitive.get_or_init(|| {
            if self.phases.len() > 1 && self.nonnegative().is_err() {
                return Verdict::undecided("negative weights may cancel in the product of the phases");
            }
            Verdict::of_reach(support::primitive(self.supports()))
        })
    }

    /// 1 is a simple eigenvalue of the period product and all others lie inside the unit circle.
    pub(super) fn contracting(&self) -> &Verdict {
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
                _ => self.contracting_by_spectrum(),
            }
        })
    }

    fn contracting_by_spectrum(&self) -> Verdict {
        let spectrum = self.spectrum();
        let (radius, norm) = (spectrum.period_radius, spectrum.period_contraction);
        if radius.method != Method::Estimate && radius.high < 1.0
            || norm.method != Method::Estimate && norm.high < 1.0
        {
            Verdict::proved(format!("radius {} over a period", radius.value))
        } else if radius.method != Method::Estimate && radius.low > 1.0 {
            Verdict::refuted(format!("radius {} over a period", radius.value))
        } else {
            Verdict::undecided(format!("the radius over a period is about {}", radius.value))
        }
    }

    /// The period product is J.
    pub(super) fn exact_average(&self) -> Exact {
        *self.average.get_or_init(|| exact::is_average(self.phases, self.phases.len() as u64))
    }

    /// When the product first is J.
    pub(super) fn exact_after(&self) -> ExactAfter {
        *self.after.get_or_init(|| {
            let never = self.row_stochastic().is_ok() && matches!(self.primitive(), Verdict::Refuted { .. });
            if never
                || self.phases.len() == 1 && self.symmetric().is_ok() && self.exact_average() == Exact::No
            {
                return ExactAfter::Never;
            }
            match exact::exact_after(self.phases) {
                // Where rows do not sum to 1 a later product might be J again.
                ExactAfter::Never if self.row_stochastic().is_err() => {
                    ExactAfter::NotWithin(self.phases.len() as u64)
                }
                other => other,
            }
        })
    }

    pub(super) fn known(&self) -> Known {
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

    /// The spectral numbers, with what exact arithmetic knows of them.
    pub(super) fn spectrum(&self) -> &Spectrum {
        self.spectrum.get_or_init(|| {
            let mut spectrum = spectrum::spectrum(self.phases, &self.known());
            if spectrum.period_radius.low.is_nan() || spectrum.period_radius.low <= 0.0 {
                spectrum.refine(self.exact_average(), self.exact_after());
            }
            spectrum
        })
    }

    /// The T-th root of a number of the period.
    pub(super) fn per_step(&self, number: Enclosure) -> Enclosure {
        number.root(self.phases.len())
    }
}
