//! What agreement itself does: where all ranks hold the same, every operator is a number, and the states that keep
//! agreement follow a small recursion.
//!
//! `stable` is about disagreement alone. That `2 * average(x)` doubles what ranks agree on is said beside it.

use super::parts::components;
use super::spaces::{Agreement, Images, Ones};
use super::{System, named};
use crate::model::algorithm::{Algorithm, ValueId, ValueKind};
use crate::prove::radius::{self, MARGIN, Recursion};
use bfc_schedule::Rational;
use bfc_schedule::program::Operation;
use std::collections::BTreeMap;

/// The recursion of common states over the joint period.
pub(super) struct Mean {
    /// The part with the largest radius, and that radius.
    part: Vec<usize>,
    radius: f64,
    /// Whether states grow without bound from where they start, though no radius is above 1.
    creeps: bool,
    steps: usize,
}

impl Mean {
    /// `None` where it is not known.
    pub(super) fn new(system: &System, agreement: &Agreement) -> Option<Self> {
        let inside = |state: &usize| agreement.kept[*state];
        let states: Vec<usize> = (0..agreement.kept.len()).filter(inside).collect();
        let factors = |images: &'_ Images| -> Factors {
            let known = images.iter().filter(|((to, from), _)| inside(to) && inside(from));
            let known = known.filter_map(|(places, factor)| Some((*places, factor.clone()?)));
            known.filter(|(_, factor)| !factor.is_zero()).collect()
        };
        // Phases with the same row sums make the same of agreement.
        let mut different: Vec<Factors> = vec![];
        let mut numbers: BTreeMap<&(usize, u64), usize> = BTreeMap::new();
        let mut number = |step| {
            *numbers.entry(step).or_insert_with(|| {
                let factors = factors(&agreement.images[step]);
                different.iter().position(|known| *known == factors).unwrap_or_else(|| {
                    different.push(factors);
                    different.len() - 1
                })
            })
        };
        let sequence: Vec<usize> = system.period.iter().map(&mut number).collect();
        let period: Vec<&Factors> =
            sequence[..shortest_period(&sequence)].iter().map(|number| &different[*number]).collect();
        let edges = different.iter().flat_map(Factors::keys).map(|(to, from)| (*from, *to));
        let mut mean = Self { part: vec![], radius: 0.0, creeps: false, steps: period.len() };
        for part in components(agreement.kept.len(), edges).into_iter().filter(|part| part.iter().all(inside))
        {
            let recursion = recursion(&part, &period)?;
            if recursion.radius() > mean.radius {
                (mean.part, mean.radius) = (part, recursion.radius());
            }
        }
        if mean.radius <= 1.0 + MARGIN
            && let Some(start) = start(system, &states)
        {
            mean.creeps = recursion(&states, &period)?.grows_from(&start);
        }
        Some(mean)
    }

    pub(super) fn grows(&self) -> bool {
        self.radius > 1.0 + MARGIN || self.creeps
    }

    /// The radius, where it is not the usual 1.
    pub(super) fn evidence(&self) -> String {
        match (self.radius - 1.0).abs() <= MARGIN || self.radius == 0.0 {
            true => String::new(),
            false => format!(
                "where ranks agree, the radius is {}{}",
                radius::shown(self.radius),
                radius::over(self.steps)
            ),
        }
    }

    /// How states grow, in words.
    pub(super) fn growth(&self, algorithm: &Algorithm) -> Option<String> {
        let what = match (self.radius > 1.0 + MARGIN, self.creeps) {
            (true, _) => {
                let (names, radius) = (named(&self.part, algorithm), radius::shown(self.radius));
                let each = if self.steps == 1 { "each step".into() } else { format!("{} steps", self.steps) };
                format!("where all ranks agree, {names} grows by a factor of about {radius} in {each}")
            }
            (false, true) => "where all ranks agree, its states still grow without bound".into(),
            (false, false) => return None,
        };
        Some(format!("{what}: `stable` is about disagreement alone"))
    }
}

/// What a step makes of states that keep agreement, by the state that it makes and the one that this depends on.
type Factors = BTreeMap<(usize, usize), Rational>;

/// The length of the shortest part that a sequence repeats throughout.
fn shortest_period(sequence: &[usize]) -> usize {
    let count = sequence.len();
    let repeats = |length: &usize| {
        count.is_multiple_of(*length) && (*length..count).all(|at| sequence[at] == sequence[at - length])
    };
    (1..=count).find(repeats).unwrap_or(count)
}

fn recursion(states: &[usize], period: &[&Factors]) -> Option<Recursion> {
    let entry = |factors: &Factors, to: usize, from: usize| {
        factors.get(&(to, from)).cloned().unwrap_or_else(Rational::zero)
    };
    let matrix = |factors: &&Factors| -> Vec<Rational> {
        states.iter().flat_map(|to| states.iter().map(|from| entry(factors, *to, *from))).collect()
    };
    Recursion::new(states.len(), period.iter().map(matrix))
}

/// A number as a multiple of what `params` are on all ranks, and a constant.
type Start = [Rational; 2];

/// Where the states start each period, one column for `params` and one for numbers, gradients being 0; `None` where that
/// is not known.
fn start(system: &System, states: &[usize]) -> Option<Vec<Vec<Rational>>> {
    let ones = Ones::new(system.operators);
    let mut at: Vec<Start> = initial(system)?;
    for &(map, phase) in &system.transient {
        let mut next = vec![];
        for row in &system.maps[map] {
            let form = row.as_ref().ok()?;
            let mut sum = [Rational::zero(), Rational::zero()];
            for (from, polynomial) in &form.terms {
                let factor = ones.image(polynomial, phase).ok()??;
                for (sum, value) in sum.iter_mut().zip(&at[*from]) {
                    *sum = &*sum + &(&factor * value);
                }
            }
            next.push(sum);
        }
        at = next;
    }
    Some((0..2).map(|column| states.iter().map(|state| at[*state][column].clone()).collect()).collect())
}

/// The initial values of the states where all ranks agree.
fn initial(system: &System) -> Option<Vec<Start>> {
    let mut initial = Initial { system, states: vec![], known: BTreeMap::new() };
    for state in &system.algorithm.states {
        let start = initial.value(state.initial)?;
        initial.states.push(start);
    }
    Some(initial.states)
}

/// The values from which states start.
struct Initial<'a> {
    system: &'a System<'a>,
    /// Of the states so far.
    states: Vec<Start>,
    /// Values are shared: those computed before.
    known: BTreeMap<ValueId, Option<Start>>,
}

impl Initial<'_> {
    fn value(&mut self, id: ValueId) -> Option<Start> {
        if let Some(value) = self.known.get(&id) {
            return value.clone();
        }
        let value = self.compute(id);
        self.known.insert(id, value.clone());
        value
    }

    fn compute(&mut self, id: ValueId) -> Option<Start> {
        if let Some(number) = self.number(id) {
            return Some([Rational::zero(), number]);
        }
        match &self.system.algorithm.value(id).kind {
            ValueKind::Parameters => Some([Rational::one(), Rational::zero()]),
            ValueKind::Gradient(_) => Some([Rational::zero(), Rational::zero()]),
            ValueKind::State(state) => self.states.get(*state).cloned(),
            ValueKind::Average(v) => self.value(*v),
            ValueKind::Mix(topology, v) => {
                Some(times(self.value(*v)?, &self.system.operators.row_sum(*topology, 0)?))
            }
            ValueKind::Apply(operation, operands) => self.apply(operation, operands),
            _ => None,
        }
    }

    fn apply(&mut self, operation: &Operation, operands: &[ValueId]) -> Option<Start> {
        match (operation, operands) {
            (Operation::Negate, [a]) => Some(negated(self.value(*a)?)),
            (Operation::Add, [a, b]) => Some(plus(self.value(*a)?, self.value(*b)?)),
            (Operation::Subtract, [a, b]) => Some(plus(self.value(*a)?, negated(self.value(*b)?))),
            (Operation::Multiply, [a, b]) => match (self.number(*a), self.number(*b)) {
                (Some(factor), _) => Some(times(self.value(*b)?, &factor)),
                (_, Some(factor)) => Some(times(self.value(*a)?, &factor)),
                _ => None,
            },
            (Operation::Divide, [a, b]) => {
                let divisor = self.number(*b).filter(|divisor| !divisor.is_zero())?;
                Some(times(self.value(*a)?, &(Rational::one() / divisor)))
            }
            _ => None,
        }
    }

    fn number(&self, id: ValueId) -> Option<Rational> {
        self.system.numbers.value(id, 0)
    }
}

fn times(a: Start, factor: &Rational) -> Start {
    a.map(|number| &number * factor)
}

fn negated(a: Start) -> Start {
    a.map(|number| -&number)
}

fn plus([a, b]: Start, [c, d]: Start) -> Start {
    [&a + &c, &b + &d]
}
