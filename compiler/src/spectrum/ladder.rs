//! From products that can be formed to the least number of steps after which one is short: whole periods by repeated
//! squaring, then the steps of the last.

use super::rounds::{LIMIT, SLACK};
use std::cell::RefCell;
use std::ops::Range;

/// Phases whose products are formed.
pub(crate) trait Ladder {
    /// A product less J.
    type Product: Clone;

    /// The number of phases.
    fn period(&self) -> u64;
    /// The empty product.
    fn start(&self) -> Self::Product;
    /// A product of whole periods and more, with further phases.
    fn extended(&self, done: &Self::Product, phases: Range<usize>) -> Self::Product;
    /// Two products of whole periods, one after the other.
    fn joined(&self, done: &Self::Product, then: &Self::Product) -> Self::Product;
    /// Whether the norm is at most this, as well as that is known.
    fn is_below(&self, product: &Self::Product, epsilon: f64) -> bool;
    /// The same where it is proved.
    fn certainly(&self, product: &Self::Product, epsilon: f64) -> Option<bool>;

    /// Whether it is proved that these steps are the least after which the norm is at most ε, where no step lets norms grow;
    /// `before` is the product of one less.
    fn is_least(&self, before: &Self::Product, steps: u64, epsilon: f64) -> bool {
        let phase = ((steps - 1) % self.period()) as usize;
        self.certainly(before, epsilon) == Some(false)
            && self.certainly(&self.extended(before, phase..phase + 1), epsilon) == Some(true)
    }
}

/// The products of 1, 2, 4, … periods, as far as they were asked for.
pub(crate) struct Powers<L: Ladder> {
    pub(crate) ladder: L,
    powers: RefCell<Vec<L::Product>>,
}

/// What is known of the norms of products of all lengths.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Course {
    /// No step lets a norm grow.
    pub(crate) is_monotone: bool,
    /// Norms go to 0, as far as that is known.
    pub(crate) vanishes: bool,
}

impl<L: Ladder> Powers<L> {
    pub(crate) fn new(ladder: L) -> Self {
        Self { ladder, powers: RefCell::default() }
    }

    /// The product of 2ᵉ periods.
    fn power(&self, exponent: usize) -> L::Product {
        let mut powers = self.powers.borrow_mut();
        while powers.len() <= exponent {
            let next = match powers.last() {
                None => self.ladder.extended(&self.ladder.start(), 0..self.ladder.period() as usize),
                Some(last) => self.ladder.joined(last, last),
            };
            powers.push(next);
        }
        powers[exponent].clone()
    }

    /// The product of the first steps.
    pub(crate) fn after(&self, steps: u64) -> L::Product {
        let (periods, rest) = (steps / self.ladder.period(), steps % self.ladder.period());
        let bits = (0..u64::BITS as usize).rev().filter(|bit| periods >> bit & 1 == 1);
        let mut done: Option<L::Product> = None;
        for bit in bits {
            let power = self.power(bit);
            done = Some(done.map_or_else(|| power.clone(), |done| self.ladder.joined(&done, &power)));
        }
        let done = done.unwrap_or_else(|| self.ladder.start());
        self.ladder.extended(&done, 0..rest as usize)
    }

    /// The least number of steps with a norm of at most ε, if there is one up to [`LIMIT`], and whether that is proved.
    pub(crate) fn least_steps(&self, epsilon: f64, course: Course) -> Option<(u64, bool)> {
        let enough = epsilon * (1.0 + SLACK);
        let (steps, before) = self.search(enough, course)?;
        let is_certain = course.is_monotone && self.ladder.is_least(&before, steps, epsilon);
        Some((steps, is_certain)).filter(|(steps, _)| *steps <= LIMIT)
    }

    /// The steps, and the product of one less.
    fn search(&self, enough: f64, course: Course) -> Option<(u64, L::Product)> {
        let ladder = &self.ladder;
        let first = if course.is_monotone && !ladder.is_below(&self.power(0), enough) {
            None
        } else {
            self.within_period(ladder.start(), enough, course.is_monotone)
        };
        if first.is_some() || !course.vanishes {
            return first;
        }
        let mut top = 0;
        while !ladder.is_below(&self.power(top), enough) {
            top += 1;
            if (1u64 << top) * ladder.period() > 2 * LIMIT {
                return None;
            }
        }
        let (mut done, mut periods) = (ladder.start(), 0u64);
        for bit in (0..=top).rev() {
            let further = ladder.joined(&done, &self.power(bit));
            if !ladder.is_below(&further, enough) {
                (done, periods) = (further, periods + (1 << bit));
            }
        }
        let (steps, before) = self.within_period(done, enough, course.is_monotone)?;
        Some((periods * ladder.period() + steps, before))
    }

    /// The first steps of one more period that are enough, and the product of one less; by halving where no step lets norms
    /// grow and the whole period is enough.
    fn within_period(&self, start: L::Product, enough: f64, is_monotone: bool) -> Option<(u64, L::Product)> {
        let ladder = &self.ladder;
        let period = ladder.period() as usize;
        if is_monotone {
            let (mut before, mut from, mut to) = (start, 0, period);
            while to - from > 1 {
                let middle = (from + to) / 2;
                let product = ladder.extended(&before, from..middle);
                match ladder.is_below(&product, enough) {
                    true => to = middle,
                    false => (before, from) = (product, middle),
                }
            }
            return Some((to as u64, before));
        }
        let mut before = start;
        for phase in 0..period {
            let product = ladder.extended(&before, phase..phase + 1);
            if ladder.is_below(&product, enough) {
                return Some((phase as u64 + 1, before));
            }
            before = product;
        }
        None
    }
}
