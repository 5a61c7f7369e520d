//! From an algorithm to the linear map of its states in one step, gradients held constant: a matrix of polynomials in
//! the mixing matrices.
//!
//! Only the disagreement between ranks counts, so averages vanish, and so does everything that does not depend on the
//! states. A state never enters the map where it stands inside a gradient.

use super::timing::Numbers;
use crate::model::algorithm::{Algorithm, ValueId, ValueKind, reachable};
use bfc_schedule::Rational;
use bfc_schedule::program::Operation;
use std::collections::{BTreeMap, BTreeSet};

/// Terms of a polynomial and factors of a term that are followed.
const LARGEST: usize = 64;

/// A polynomial in mixing matrices that need not commute: a word names the topologies of its factors from left to
/// right; the empty word is the identity.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Polynomial {
    pub(crate) terms: BTreeMap<Vec<usize>, Rational>,
    /// Inputs in the coefficients.
    pub(crate) inputs: BTreeSet<u16>,
}

impl Polynomial {
    /// The matrix of one topology.
    pub(crate) fn new(topology: usize) -> Self {
        Self { terms: BTreeMap::from([(vec![topology], Rational::one())]), ..Self::default() }
    }

    pub(crate) fn one() -> Self {
        Self { terms: BTreeMap::from([(vec![], Rational::one())]), ..Self::default() }
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.terms.is_empty()
    }

    fn add(&mut self, other: &Self, factor: &Rational) {
        for (word, coefficient) in &other.terms {
            let entry = self.terms.entry(word.clone()).or_insert_with(Rational::zero);
            *entry = &*entry + &(coefficient * factor);
        }
        self.terms.retain(|_, coefficient| !coefficient.is_zero());
        self.inputs.extend(&other.inputs);
    }

    fn mixed(&self, topology: usize) -> Self {
        let mixed = |word: &Vec<usize>| std::iter::once(topology).chain(word.iter().copied()).collect();
        Self {
            terms: self.terms.iter().map(|(word, coefficient)| (mixed(word), coefficient.clone())).collect(),
            inputs: self.inputs.clone(),
        }
    }

    fn is_moderate(&self) -> bool {
        self.terms.len() <= LARGEST && self.terms.keys().all(|word| word.len() <= LARGEST)
    }
}

/// How a value depends on the states.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Form {
    /// By state.
    pub(crate) terms: BTreeMap<usize, Polynomial>,
    /// States in directions that the trainer's optimizer follows, by an unknown step.
    pub(crate) directions: BTreeSet<usize>,
}

impl Form {
    fn is_zero(&self) -> bool {
        self.terms.is_empty() && self.directions.is_empty()
    }

    fn plus(mut self, other: &Self, factor: &Rational) -> Self {
        for (state, polynomial) in &other.terms {
            self.terms.entry(*state).or_default().add(polynomial, factor);
        }
        // What is 0 by the value of an input is kept, to say so.
        self.terms.retain(|_, polynomial| !(polynomial.is_zero() && polynomial.inputs.is_empty()));
        self.directions.extend(&other.directions);
        self
    }

    fn with(mut self, inputs: &BTreeSet<u16>) -> Self {
        self.terms.values_mut().for_each(|polynomial| polynomial.inputs.extend(inputs));
        self
    }

    fn scaled(&self, factor: &Rational) -> Self {
        Self::default().plus(self, factor)
    }

    fn mixed(&self, topology: usize) -> Self {
        let terms =
            self.terms.iter().map(|(state, polynomial)| (*state, polynomial.mixed(topology))).collect();
        Self { terms, ..self.clone() }
    }
}

/// The rows of the map: for every state how its next value depends on the states; or why it is not linear.
pub(crate) type Map = Result<Vec<Form>, String>;

/// The map of the step with these conditions, coefficients taken at `step`. `shares` are what all ranks keep of
/// themselves in all phases of each topology, where that is one number.
pub(crate) fn step_map(
    algorithm: &Algorithm,
    numbers: &Numbers,
    shares: &[Option<Rational>],
    mask: usize,
    step: u64,
) -> Map {
    let needed = reachable(&algorithm.values, algorithm.steps[mask].iter().copied());
    let mut forms: Vec<Result<Form, String>> = Vec::with_capacity(algorithm.values.len());
    for id in (0..algorithm.values.len() as u32).map(ValueId) {
        let form = if needed[id.0 as usize] {
            form(algorithm, numbers, shares, id, step, &forms)
        } else {
            Ok(Form::default())
        };
        forms.push(form);
    }
    algorithm.steps[mask].iter().map(|id| forms[id.0 as usize].clone()).collect()
}

/// Whether the step with these conditions communicates.
pub(crate) fn communicates(algorithm: &Algorithm, mask: usize) -> bool {
    let needed = reachable(&algorithm.values, algorithm.steps[mask].iter().copied());
    algorithm.values.iter().zip(needed).any(|(value, needed)| needed && value.kind.communicates())
}

/// The values that are factors or divisors of values that are not numbers.
pub(crate) fn coefficients(algorithm: &Algorithm, numbers: &Numbers) -> Vec<ValueId> {
    let mut all = BTreeSet::new();
    for value in &algorithm.values {
        if let ValueKind::Apply(Operation::Multiply | Operation::Divide, operands) = &value.kind
            && operands.iter().any(|operand| !numbers.is_number(*operand))
        {
            all.extend(operands.iter().copied().filter(|operand| numbers.is_number(*operand)));
        }
    }
    all.into_iter().collect()
}

fn form(
    algorithm: &Algorithm,
    numbers: &Numbers,
    shares: &[Option<Rational>],
    id: ValueId,
    step: u64,
    forms: &[Result<Form, String>],
) -> Result<Form, String> {
    let of = |id: &ValueId| forms[id.0 as usize].clone();
    let form = match &algorithm.value(id).kind {
        ValueKind::Parameters | ValueKind::Gradient(_) | ValueKind::Average(_) => Form::default(),
        ValueKind::State(state) => {
            Form { terms: BTreeMap::from([(*state, Polynomial::one())]), ..Form::default() }
        }
        ValueKind::Mix(topology, value) => of(value)?.mixed(*topology),
        ValueKind::Adapt(at, direction) => {
            let mut form = of(at)?;
            if let Some(direction) = direction {
                let direction = of(direction)?;
                form.directions.extend(direction.terms.keys().chain(&direction.directions));
            }
            form
        }
        ValueKind::Apply(operation, operands) => apply(operation, operands, algorithm, numbers, step, &of)?,
        ValueKind::Own(topology, v) => match &shares[*topology] {
            Some(share) => of(v)?.scaled(share),
            None => constant(&[of(v)?], &algorithm.value(id).kind)?,
        },
        ValueKind::Others(topology, v) => match (&shares[*topology], of(v)?) {
            (Some(share), v) => v.mixed(*topology).plus(&v, &-share),
            (None, v) => constant(&[v], &algorithm.value(id).kind)?,
        },
        kind => constant(&kind.operands().iter().map(of).collect::<Result<Vec<_>, _>>()?, kind)?,
    };
    match form.terms.values().all(Polynomial::is_moderate) {
        true => Ok(form),
        false => Err("the step is too large a polynomial in the mixing matrices".into()),
    }
}

fn apply(
    operation: &Operation,
    operands: &[ValueId],
    algorithm: &Algorithm,
    numbers: &Numbers,
    step: u64,
    of: &impl Fn(&ValueId) -> Result<Form, String>,
) -> Result<Form, String> {
    let one = Rational::one();
    // What holds no state is constant and vanishes, whatever is done with it.
    let forms: Vec<Form> = operands.iter().map(of).collect::<Result<_, _>>()?;
    if forms.iter().all(Form::is_zero) {
        return Ok(Form::default());
    }
    let factor = |id: ValueId| match numbers.repeats(id).and_then(|_| numbers.value(id, step)) {
        Some(value) => Ok(value),
        None if numbers.is_number(id) => Err("a state has a coefficient that does not repeat".to_owned()),
        None => Err("two values that are not numbers are multiplied".to_owned()),
    };
    match (operation, forms.as_slice()) {
        (Operation::Negate, [a]) => Ok(a.scaled(&-&one)),
        (Operation::Add, [a, b]) => Ok(a.clone().plus(b, &one)),
        (Operation::Subtract, [a, b]) => Ok(a.clone().plus(b, &-&one)),
        (Operation::Multiply, [a, b]) if numbers.is_number(operands[0]) => {
            debug_assert!(a.is_zero());
            Ok(b.scaled(&factor(operands[0])?).with(numbers.inputs(operands[0])))
        }
        (Operation::Multiply, [a, _]) => {
            Ok(a.scaled(&factor(operands[1])?).with(numbers.inputs(operands[1])))
        }
        (Operation::Divide, [a, _]) if numbers.is_number(operands[1]) => match factor(operands[1])? {
            zero if zero.is_zero() => Err("a state is divided by 0".into()),
            divisor => Ok(a.scaled(&(one / divisor)).with(numbers.inputs(operands[1]))),
        },
        (Operation::Divide, _) => Err(format!("division by {}", describe(algorithm, operands[1]))),
        _ => Err(format!("`{}` of {}", name(operation), describe(algorithm, operands[0]))),
    }
}

/// What holds no state is constant and vanishes, whatever is done with it.
fn constant(operands: &[Form], kind: &ValueKind) -> Result<Form, String> {
    if operands.iter().all(Form::is_zero) { Ok(Form::default()) } else { Err(nonlinear(kind).into()) }
}

/// Why a value that depends on states has no form.
fn nonlinear(kind: &ValueKind) -> &'static str {
    match kind {
        ValueKind::Prox(..) => "`prox` is not linear",
        ValueKind::Dot(..) => "`dot` and `norm` are not linear",
        ValueKind::Encode(..) | ValueKind::Decode(_) => "`compress` is not linear",
        ValueKind::Own(..) | ValueKind::Others(..) => {
            "ranks keep different shares of what they mix with a delay"
        }
        _ => "what comes in from neighbours, or is kept per edge, is no polynomial in W",
    }
}

fn describe(algorithm: &Algorithm, id: ValueId) -> String {
    match &algorithm.value(id).kind {
        ValueKind::State(state) => format!("the state `{}`", algorithm.states[*state].name),
        _ => "a value that depends on states".into(),
    }
}

fn name(operation: &Operation) -> &'static str {
    use Operation::*;
    match operation {
        Minimum => "min",
        Maximum => "max",
        Absolute => "abs",
        SquareRoot => "sqrt",
        Log => "log",
        Floor => "floor",
        Power => "^",
        Mod => "mod",
        Div => "div",
        _ => "a comparison",
    }
}
