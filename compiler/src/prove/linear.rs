//! From an algorithm to the linear map of its states in one step, gradients held constant: a matrix of polynomials in
//! the operators of the step, such as mixing matrices.
//!
//! What does not depend on the states is no part of the map; only whether it is the same on all ranks is noted. A state
//! never enters the map where it stands inside a gradient.

use super::codec;
use super::operators::{Operator, Operators};
use super::timing::Numbers;
use crate::model::algorithm::{Algorithm, ValueId, ValueKind, reachable};
use bfc_schedule::Rational;
use bfc_schedule::program::Operation;
use std::collections::{BTreeMap, BTreeSet};

/// Terms of a polynomial and factors of a term that are followed.
const LARGEST: usize = 64;

/// A polynomial in operators that need not commute: a word names its factors from left to right, by index; the empty
/// word is the identity.
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

    fn after(&self, operator: usize) -> Self {
        let longer = |word: &Vec<usize>| std::iter::once(operator).chain(word.iter().copied()).collect();
        Self {
            terms: self.terms.iter().map(|(word, coefficient)| (longer(word), coefficient.clone())).collect(),
            inputs: self.inputs.clone(),
        }
    }

    /// An operator applied first.
    pub(super) fn before(&self, operator: usize) -> Self {
        let longer = |word: &Vec<usize>| word.iter().copied().chain([operator]).collect();
        Self {
            terms: self.terms.iter().map(|(word, coefficient)| (longer(word), coefficient.clone())).collect(),
            inputs: self.inputs.clone(),
        }
    }

    fn is_moderate(&self) -> bool {
        self.terms.len() <= LARGEST && self.terms.keys().all(|word| word.len() <= LARGEST)
    }
}

/// What is left of a value where all states are 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rest {
    /// Nothing.
    #[default]
    None,
    /// The same on all ranks.
    Common,
    /// What operators and degrees make of constants, which may cancel: `incoming(1) - degree`.
    Unclear,
    /// What ranks answer or draw, held constant.
    Differing,
}

/// How a value depends on the states.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Form {
    /// By state.
    pub(super) terms: BTreeMap<usize, Polynomial>,
    /// States in directions that the trainer's optimizer follows, by an unknown step.
    pub(super) directions: BTreeSet<usize>,
    /// What does not depend on the states.
    pub(super) rest: Rest,
}

impl Form {
    fn constant(rest: Rest) -> Self {
        Self { rest, ..Self::default() }
    }

    /// Whether no state enters.
    fn is_constant(&self) -> bool {
        self.terms.is_empty() && self.directions.is_empty()
    }

    /// Whether nothing but the state of this index enters.
    pub(super) fn is_of(&self, index: usize) -> bool {
        let only = self.directions.is_empty() && self.rest == Rest::None;
        only && self.terms.keys().eq([&index])
    }

    fn plus(mut self, other: &Self, factor: &Rational) -> Self {
        for (state, polynomial) in &other.terms {
            self.terms.entry(*state).or_default().add(polynomial, factor);
        }
        // What is 0 by the value of an input is kept, to say so.
        self.terms.retain(|_, polynomial| !(polynomial.is_zero() && polynomial.inputs.is_empty()));
        self.directions.extend(&other.directions);
        self.rest = self.rest.max(other.rest);
        self
    }

    fn with(mut self, inputs: &BTreeSet<u16>) -> Self {
        self.terms.values_mut().for_each(|polynomial| polynomial.inputs.extend(inputs));
        self
    }

    fn scaled(&self, factor: &Rational) -> Self {
        Self::default().plus(self, factor)
    }

    /// An operator applied to it.
    fn after(&self, operator: usize, operators: &Operators) -> Self {
        let terms = self.terms.iter().map(|(state, polynomial)| (*state, polynomial.after(operator)));
        let rest = match self.rest {
            Rest::Common if !operators.keeps_agreement(operator) => Rest::Unclear,
            Rest::Unclear | Rest::Differing if operators.always_averages(operator) => Rest::Common,
            rest => rest,
        };
        Self { terms: terms.collect(), directions: self.directions.clone(), rest }
    }
}

/// The rows of the map: for every state how its next value depends on the states; or why that is not linear.
pub(super) type Map = Vec<Result<Form, String>>;

/// What the maps of an algorithm's steps are made of.
#[derive(Clone, Copy)]
pub(super) struct Linear<'a> {
    pub(super) algorithm: &'a Algorithm,
    pub(super) numbers: &'a Numbers<'a>,
    pub(super) operators: &'a Operators<'a>,
}

impl Linear<'_> {
    /// The map of the step with these conditions, coefficients taken at `step`.
    pub(super) fn step_map(&self, mask: usize, step: u64) -> Map {
        let Self { algorithm, .. } = self;
        let needed = reachable(&algorithm.values, algorithm.steps[mask].iter().copied());
        let mut forms: Vec<Result<Form, String>> = Vec::with_capacity(algorithm.values.len());
        for (id, needed) in (0..).map(ValueId).zip(needed) {
            let form = if needed { self.form(id, step, &forms) } else { Ok(Form::default()) };
            forms.push(form);
        }
        algorithm.steps[mask].iter().map(|id| forms[id.0 as usize].clone()).collect()
    }

    fn form(&self, id: ValueId, step: u64, forms: &[Result<Form, String>]) -> Result<Form, String> {
        let of = |id: &ValueId| forms[id.0 as usize].clone();
        let kind = &self.algorithm.value(id).kind;
        let form = match kind {
            ValueKind::Parameters | ValueKind::Gradient(_) => Form::constant(Rest::Differing),
            ValueKind::Degree(_) => Form::constant(Rest::Unclear),
            ValueKind::State(state) => {
                Form { terms: BTreeMap::from([(*state, Polynomial::one())]), ..Form::default() }
            }
            ValueKind::Mix(topology, v) => self.after(Some(*topology), of(v)?, kind)?,
            ValueKind::Average(v) => self.after(Some(self.operators.average()), of(v)?, kind)?,
            ValueKind::Incoming(topology, v) => self.operator(Operator::Incoming(*topology), of(v)?, kind)?,
            ValueKind::Own(topology, v) => match self.share(*topology) {
                Some(share) => of(v)?.scaled(share),
                None => self.operator(Operator::Own(*topology), of(v)?, kind)?,
            },
            ValueKind::Others(topology, v) => match self.share(*topology) {
                Some(share) => {
                    let v = of(v)?;
                    self.after(Some(*topology), v.clone(), kind)?.plus(&v, &-share)
                }
                None => self.operator(Operator::Others(*topology), of(v)?, kind)?,
            },
            ValueKind::Adapt(at, direction) => {
                let mut form = Form { rest: Rest::Differing, ..of(at)? };
                if let Some(direction) = direction {
                    let direction = of(direction)?;
                    form.directions.extend(direction.terms.keys().chain(&direction.directions));
                }
                form
            }
            ValueKind::Apply(operation, operands) => self.apply(operation, operands, step, &of)?,
            kind => constant(&kind.operands().iter().map(of).collect::<Result<Vec<_>, _>>()?, kind)?,
        };
        match form.terms.values().all(Polynomial::is_moderate) {
            true => Ok(form),
            false => Err("the step is too large a polynomial in the mixing matrices".into()),
        }
    }

    fn share(&self, topology: usize) -> Option<&Rational> {
        self.operators.shares.get(topology)?.as_ref()
    }

    fn operator(&self, operator: Operator, form: Form, kind: &ValueKind) -> Result<Form, String> {
        self.after(self.operators.find(operator), form, kind)
    }

    /// An operator applied to a value; one without a matrix has no form.
    fn after(&self, operator: Option<usize>, form: Form, kind: &ValueKind) -> Result<Form, String> {
        match operator {
            Some(operator) => Ok(form.after(operator, self.operators)),
            None => constant(&[form], kind),
        }
    }

    fn apply(
        &self,
        operation: &Operation,
        operands: &[ValueId],
        step: u64,
        of: &impl Fn(&ValueId) -> Result<Form, String>,
    ) -> Result<Form, String> {
        let (one, numbers) = (Rational::one(), self.numbers);
        let forms: Vec<Form> = operands.iter().map(of).collect::<Result<_, _>>()?;
        // What holds no state is constant, whatever is done with it.
        if forms.iter().all(Form::is_constant) {
            return Ok(Form::constant(forms.iter().map(|form| form.rest).max().unwrap_or(Rest::Common)));
        }
        let factor = |id: ValueId| numbers.repeats(id).and_then(|_| numbers.value(id, step));
        match (operation, forms.as_slice()) {
            (Operation::Negate, [a]) => Ok(a.scaled(&-&one)),
            (Operation::Add, [a, b]) => Ok(a.clone().plus(b, &one)),
            (Operation::Subtract, [a, b]) => Ok(a.clone().plus(b, &-&one)),
            (Operation::Multiply, [a, b]) => {
                let (id, scaled) = if a.is_constant() { (operands[0], b) } else { (operands[1], a) };
                match factor(id) {
                    Some(factor) => Ok(scaled.scaled(&factor).with(numbers.inputs(id))),
                    None => self.local(Operator::Scale(id), id, scaled),
                }
            }
            (Operation::Divide, [a, b]) if b.is_constant() => match factor(operands[1]) {
                Some(zero) if zero.is_zero() => Err("a state is divided by 0".into()),
                Some(divisor) => Ok(a.scaled(&(one / divisor)).with(numbers.inputs(operands[1]))),
                None => self.local(Operator::Divide(operands[1]), operands[1], a),
            },
            (Operation::Divide, _) => Err(format!("division by {}", describe(self.algorithm, operands[1]))),
            _ => Err(format!("`{}` of {}", name(operation), describe(self.algorithm, operands[0]))),
        }
    }

    /// A value times a scalar that ranks compute from their degrees, or divided by one.
    fn local(&self, operator: Operator, id: ValueId, form: &Form) -> Result<Form, String> {
        match (self.operators.find(operator), operator) {
            (Some(operator), _) => Ok(form.after(operator, self.operators).with(self.numbers.inputs(id))),
            _ if self.numbers.repeats(id).is_some() => {
                Err("a state has a coefficient without an exact value".into())
            }
            _ if self.numbers.is_number(id) => {
                Err(format!("a state has a coefficient that {}", self.numbers.irregularity(id)))
            }
            (None, Operator::Divide(_)) => Err("a state is divided by what is not a number".into()),
            (None, _) => Err("two values that are not numbers are multiplied".into()),
        }
    }
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

/// What holds no state is constant, whatever is done with it; what is drawn, or answered, is so on each rank.
fn constant(operands: &[Form], kind: &ValueKind) -> Result<Form, String> {
    if !operands.iter().all(Form::is_constant) {
        return Err(nonlinear(kind).into());
    }
    let of_operands = operands.iter().map(|form| form.rest).max().unwrap_or(Rest::Differing);
    Ok(Form::constant(match kind {
        ValueKind::Encode(codec, _) if codec::is_drawn(*codec) => Rest::Differing,
        ValueKind::Dot(..) | ValueKind::Encode(..) | ValueKind::Decode(_) => of_operands,
        ValueKind::Mix(..) | ValueKind::Own(..) | ValueKind::Others(..) | ValueKind::Incoming(..) => {
            of_operands.max(Rest::Unclear)
        }
        _ => Rest::Differing,
    }))
}

/// Why a value that depends on states has no form.
fn nonlinear(kind: &ValueKind) -> &'static str {
    match kind {
        ValueKind::Prox(..) => "`prox` is not linear",
        ValueKind::Dot(..) => "`dot` and `norm` are not linear",
        ValueKind::Encode(..) | ValueKind::Decode(_) => "`compress` is not linear",
        _ => "what is kept for each edge is not followed",
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
