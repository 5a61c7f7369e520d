//! Where an algorithm gossips compressed differences in CHOCO's form: found in its equations as linear forms of states and
//! codes, whatever they are called and however they are written.

use crate::model::algorithm::{Algorithm, ValueId, ValueKind};
use crate::prove::timing::Numbers;
use bfc_schedule::program::Operation;
use bfc_schedule::{Codec, Rational};
use std::collections::{BTreeMap, BTreeSet};

/// A gossip of compressed differences of one state.
#[derive(Clone, Debug)]
pub(crate) struct Gossip {
    /// The state that it brings to agree, by index.
    pub(crate) state: usize,
    /// All of its states: that, the estimate that neighbours know, and copies of what it mixes to.
    states: BTreeSet<usize>,
    /// What compresses.
    pub(crate) codec: Codec,
    /// Over which topology.
    pub(crate) topology: usize,
    /// The step size γ, above 0.
    pub(crate) gamma: Rational,
    /// Whether γ is, or depends on, an input that the trainer may change.
    pub(crate) is_input: bool,
    /// Another state that moves it and depends on it, gradients aside.
    pub(crate) feedback: Option<usize>,
}

/// What a form is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Atom {
    State(usize),
    /// What a code says, by the id of the code.
    Code(ValueId),
}

/// Where a coefficient stands: before an atom as it is, or mixed over a topology.
type Place = (Atom, Option<usize>);

/// A sum of atoms and of mixed atoms with fixed coefficients, and of anything made of other atoms. Constants are left out.
#[derive(Clone, Debug, Default, PartialEq)]
struct Form {
    terms: BTreeMap<Place, Rational>,
    /// Atoms that enter in any other way.
    others: BTreeSet<Atom>,
    /// Atoms with coefficients that depend on inputs.
    inputs: BTreeSet<Atom>,
}

impl Form {
    fn atom(atom: Atom) -> Self {
        Self { terms: BTreeMap::from([((atom, None), Rational::one())]), ..Self::default() }
    }

    /// Anything made of these.
    fn anything<'f>(forms: impl IntoIterator<Item = &'f Self>) -> Self {
        let mut others = BTreeSet::new();
        for form in forms {
            others.extend(form.atoms());
        }
        Self { others, ..Self::default() }
    }

    fn atoms(&self) -> impl Iterator<Item = Atom> {
        self.terms.keys().map(|(atom, _)| *atom).chain(self.others.iter().copied())
    }

    fn is_constant(&self) -> bool {
        self.terms.is_empty() && self.others.is_empty()
    }

    fn plus(mut self, other: &Self, factor: &Rational) -> Self {
        for (place, coefficient) in &other.terms {
            let entry = self.terms.entry(*place).or_insert_with(Rational::zero);
            *entry = &*entry + &(coefficient * factor);
        }
        self.terms.retain(|_, coefficient| !coefficient.is_zero());
        self.others.extend(&other.others);
        self.inputs.extend(&other.inputs);
        self
    }

    /// Notes what a factor of a form adds to the inputs that its coefficients depend on.
    fn with(mut self, numbers: &Numbers, factor: ValueId, form: &Self) -> Self {
        if !numbers.inputs(factor).is_empty() {
            self.inputs.extend(form.atoms());
        }
        self
    }

    fn mixed(&self, topology: usize) -> Self {
        let mut mixed = Self { others: self.others.clone(), inputs: self.inputs.clone(), ..Self::default() };
        for ((atom, over), coefficient) in &self.terms {
            match over {
                None => _ = mixed.terms.insert((*atom, Some(topology)), coefficient.clone()),
                Some(_) => _ = mixed.others.insert(*atom),
            }
        }
        mixed
    }

    /// With W h in place of each copy of it.
    fn without_copies(mut self, copies: &BTreeSet<usize>, h: usize, topology: usize) -> Self {
        for copy in copies {
            if let Some(coefficient) = self.terms.remove(&(Atom::State(*copy), None)) {
                let mixed = BTreeMap::from([((Atom::State(h), Some(topology)), coefficient)]);
                self = self.plus(&Self { terms: mixed, ..Self::default() }, &Rational::one());
            }
        }
        self
    }

    /// Whether exactly these terms are of these atoms.
    fn is_of(&self, atoms: &BTreeSet<Atom>, expected: &[(Place, &Rational)]) -> bool {
        let own = self.terms.iter().filter(|((atom, _), _)| atoms.contains(atom));
        let expected: BTreeMap<Place, &Rational> = expected.iter().copied().collect();
        self.others.is_disjoint(atoms) && own.map(|(place, coefficient)| (*place, coefficient)).eq(expected)
    }
}

/// The forms of all values.
fn forms(algorithm: &Algorithm) -> Vec<Form> {
    let numbers = Numbers::new(algorithm);
    let mut forms: Vec<Form> = vec![];
    for (id, value) in (0..).map(ValueId).zip(&algorithm.values) {
        let of = |id: &ValueId| &forms[id.0 as usize];
        let operands = value.kind.operands();
        let anything = || Form::anything(operands.iter().map(of));
        let form = match &value.kind {
            ValueKind::State(state) => Form::atom(Atom::State(*state)),
            // Held constant.
            ValueKind::Gradient(_) => Form::default(),
            _ if operands.iter().all(|id| of(id).is_constant()) => Form::default(),
            ValueKind::Encode(..) => Form::atom(Atom::Code(id)),
            ValueKind::Decode(code) => of(code).clone(),
            ValueKind::Mix(topology, v) => of(v).mixed(*topology),
            ValueKind::Adapt(v, None) => of(v).clone(),
            ValueKind::Apply(operation, _) => match (operation, operands.as_slice()) {
                (Operation::Negate, [a]) => Form::default().plus(of(a), &-&Rational::one()),
                (Operation::Add, [a, b]) => of(a).clone().plus(of(b), &Rational::one()),
                (Operation::Subtract, [a, b]) => of(a).clone().plus(of(b), &-&Rational::one()),
                (Operation::Multiply, [a, b]) => scaled(&numbers, *a, of(b))
                    .or_else(|| scaled(&numbers, *b, of(a)))
                    .unwrap_or_else(anything),
                (Operation::Divide, [a, b]) => divided(&numbers, of(a), *b).unwrap_or_else(anything),
                _ => anything(),
            },
            _ => anything(),
        };
        forms.push(form);
    }
    forms
}

/// A number that is the same in all steps, as long as inputs keep their values.
fn fixed(numbers: &Numbers, id: ValueId) -> Option<Rational> {
    let always = numbers.is_number(id) && numbers.repeats(id) == Some((0, 1));
    numbers.value(id, 0).filter(|_| always)
}

fn scaled(numbers: &Numbers, factor: ValueId, form: &Form) -> Option<Form> {
    let scaled = Form::default().plus(form, &fixed(numbers, factor)?);
    Some(scaled.with(numbers, factor, form))
}

fn divided(numbers: &Numbers, form: &Form, divisor: ValueId) -> Option<Form> {
    let value = fixed(numbers, divisor).filter(|value| !value.is_zero())?;
    let divided = Form::default().plus(form, &(Rational::one() / value));
    Some(divided.with(numbers, divisor, form))
}

/// Every compressed gossip of an algorithm whose steps are all alike.
pub(crate) fn gossip(algorithm: &Algorithm) -> Vec<Gossip> {
    let Some(seek) = Seek::new(algorithm) else { return vec![] };
    seek.codes().filter_map(|(id, codec, v)| seek.gossip(id, codec, v)).collect()
}

/// States that are W h in every step, each with h and the topology of W.
pub(super) fn copies(algorithm: &Algorithm) -> Vec<(usize, usize, usize)> {
    let Some(seek) = Seek::new(algorithm) else { return vec![] };
    let mut all = vec![];
    for (code, ..) in seek.codes() {
        for h in seek.estimates(code) {
            for topology in seek.topologies() {
                all.extend(seek.copies(code, h, topology).into_iter().map(|copy| (copy, h, topology)));
            }
        }
    }
    all
}

/// Puts W h where the state `copy` is read.
pub(super) fn replace_copy(algorithm: &mut Algorithm, copy: usize, h: usize, topology: usize) {
    let find = |algorithm: &Algorithm, state: usize| {
        algorithm.values.iter().position(|value| value.kind == ValueKind::State(state))
    };
    let (Some(mut at), Some(mut estimate)) = (find(algorithm, copy), find(algorithm, h)) else { return };
    if estimate > at {
        // Operands stand first: the two change places.
        let mut instead: Vec<ValueId> = (0..).map(ValueId).take(algorithm.values.len()).collect();
        instead.swap(at, estimate);
        algorithm.values.swap(at, estimate);
        algorithm.values.iter_mut().for_each(|value| {
            value.kind.each_operand(|id| *id = instead[id.0 as usize]);
        });
        renumber(algorithm, &instead);
        std::mem::swap(&mut at, &mut estimate);
    }
    algorithm.values[at].kind = ValueKind::Mix(topology, ValueId(estimate as u32));
    for next in &mut algorithm.steps {
        next[copy] = ValueId(at as u32);
    }
}

/// What the algorithm refers to by new ids.
pub(super) fn renumber(algorithm: &mut Algorithm, instead: &[ValueId]) {
    let replace = |id: &mut ValueId| *id = instead[id.0 as usize];
    algorithm.steps.iter_mut().flatten().for_each(replace);
    algorithm.conditions.iter_mut().for_each(replace);
    algorithm.states.iter_mut().for_each(|state| replace(&mut state.initial));
    replace(&mut algorithm.model);
}

struct Seek<'a> {
    algorithm: &'a Algorithm,
    next: &'a [ValueId],
    forms: Vec<Form>,
}

impl<'a> Seek<'a> {
    fn new(algorithm: &'a Algorithm) -> Option<Self> {
        let [next] = &algorithm.steps[..] else { return None };
        let forms = forms(algorithm);
        algorithm.asynchronous.is_none().then_some(Self { algorithm, next, forms })
    }

    /// The codes, with what writes them and what they are of.
    fn codes(&self) -> impl Iterator<Item = (ValueId, Codec, ValueId)> {
        (0..).map(ValueId).zip(&self.algorithm.values).filter_map(|(id, value)| match &value.kind {
            ValueKind::Encode(codec, v) => Some((id, *codec, *v)),
            _ => None,
        })
    }

    fn next(&self, state: usize) -> &Form {
        &self.forms[self.next[state].0 as usize]
    }

    /// Topologies over which anything is sent.
    fn topologies(&self) -> BTreeSet<usize> {
        self.algorithm.values.iter().filter_map(|value| value.kind.topology()).collect()
    }

    /// Whether a state adds up what a code says, mixed or as it is.
    fn adds(&self, state: usize, code: ValueId, over: Option<usize>) -> bool {
        let one = Rational::one();
        let terms =
            BTreeMap::from([((Atom::State(state), None), one.clone()), ((Atom::Code(code), over), one)]);
        let next = self.next(state);
        next.terms == terms && next.others.is_empty() && next.inputs.is_empty()
    }

    /// The states that add up what a code says.
    fn estimates(&self, code: ValueId) -> Vec<usize> {
        (0..self.algorithm.states.len()).filter(|state| self.adds(*state, code, None)).collect()
    }

    /// The states that are W h in every step.
    fn copies(&self, code: ValueId, h: usize, topology: usize) -> BTreeSet<usize> {
        let is_copy =
            |state: &usize| self.adds(*state, code, Some(topology)) && self.starts_mixed(*state, h, topology);
        (0..self.algorithm.states.len()).filter(is_copy).collect()
    }

    /// The gossip that this code is part of.
    fn gossip(&self, code: ValueId, codec: Codec, sent: ValueId) -> Option<Gossip> {
        let (one, d) = (Rational::one(), Atom::Code(code));
        let states = 0..self.algorithm.states.len();
        let estimates = self.estimates(code);
        let [h] = estimates[..] else { return None };
        for topology in self.topologies() {
            let copies = self.copies(code, h, topology);
            let difference = self.forms[sent.0 as usize].clone().without_copies(&copies, h, topology);
            let found = states.clone().find_map(|x| {
                let place = (Atom::State(x), None);
                let fits = x != h && !copies.contains(&x) && difference.terms.get(&place) == Some(&one);
                let all: BTreeSet<usize> = copies.iter().copied().chain([x, h]).collect();
                let next = self.next(x).clone().without_copies(&copies, h, topology);
                let gamma = gamma(&difference, &next, [Atom::State(x), Atom::State(h), d], topology, &all)
                    .filter(|_| fits)?;
                let is_own = |atom: &Atom| match atom {
                    Atom::State(state) => all.contains(state),
                    code => *code == d,
                };
                let is_input = next.inputs.iter().chain(&difference.inputs).any(is_own);
                let feedback = feedback(self.algorithm, &all);
                Some(Gossip { state: x, states: all, codec, topology, gamma, is_input, feedback })
            });
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// Whether a state starts as W h: both at 0, or the one as what the other mixes to.
    fn starts_mixed(&self, state: usize, h: usize, topology: usize) -> bool {
        let algorithm = self.algorithm;
        let (copy, estimate) = (algorithm.states[state].initial, algorithm.states[h].initial);
        let zero = |id: ValueId| algorithm.constant(id).is_some_and(Rational::is_zero);
        let same = |v: ValueId| {
            v == estimate
                || algorithm.value(estimate).kind == ValueKind::Decode(v)
                || algorithm.value(v).kind == ValueKind::State(h)
        };
        match &algorithm.value(copy).kind {
            ValueKind::Mix(over, v) => *over == topology && same(*v),
            _ => zero(copy) && zero(estimate),
        }
    }
}

/// The step size γ, if the difference that is compressed and the next x are those of CHOCO, in either order.
fn gamma(
    difference: &Form,
    next: &Form,
    [x, h, d]: [Atom; 3],
    topology: usize,
    states: &BTreeSet<usize>,
) -> Option<Rational> {
    let own: BTreeSet<Atom> = states.iter().map(|state| Atom::State(*state)).chain([x, h, d]).collect();
    let (one, over) = (Rational::one(), Some(topology));
    let gamma = next.terms.get(&(h, over)).filter(|gamma| **gamma > Rational::zero())?;
    let (minus, minus_gamma) = (-&one, -gamma);
    // The message of this step counts, or only that of the step before.
    let at_once = [
        ((x, None), &one),
        ((h, None), &minus_gamma),
        ((h, over), gamma),
        ((d, None), &minus_gamma),
        ((d, over), gamma),
    ];
    let first =
        difference.is_of(&own, &[((x, None), &one), ((h, None), &minus)]) && next.is_of(&own, &at_once);
    let whole = &minus - gamma;
    let after = difference.is_of(&own, &[((x, None), &one), ((h, None), &whole), ((h, over), gamma)])
        && next.is_of(&own, &at_once[..3]);
    (first || after).then(|| gamma.clone())
}

/// A state beside these that they depend on and that depends on them, gradients held constant.
fn feedback(algorithm: &Algorithm, own: &BTreeSet<usize>) -> Option<usize> {
    let [next] = &algorithm.steps[..] else { return None };
    let reads: Vec<BTreeSet<usize>> = next.iter().map(|id| states_of(algorithm, *id)).collect();
    let reached = |from: usize| {
        let (mut open, mut seen) = (vec![from], BTreeSet::new());
        while let Some(state) = open.pop() {
            if seen.insert(state) {
                open.extend(&reads[state]);
            }
        }
        seen
    };
    let moving: BTreeSet<usize> = own.iter().flat_map(|state| reached(*state)).collect();
    moving.into_iter().find(|state| !own.contains(state) && !reached(*state).is_disjoint(own))
}

/// A state outside of these gossips that depends on the step before, or by which they do; they may not depend on each
/// other. States that are set to what is constant are neither.
pub(super) fn other_states<'g>(
    algorithm: &Algorithm,
    all: impl Iterator<Item = &'g Gossip>,
) -> Option<usize> {
    let [next] = &algorithm.steps[..] else { return Some(0) };
    let mut owner: BTreeMap<usize, usize> = BTreeMap::new();
    let mut owns = vec![];
    for (index, gossip) in all.enumerate() {
        for state in &gossip.states {
            // Two gossips with one estimate or one vector are not two gossips.
            if owner.insert(*state, index).is_some() {
                return Some(*state);
            }
        }
        owns.push(gossip);
    }
    let reads: Vec<BTreeSet<usize>> = next.iter().map(|id| states_of(algorithm, *id)).collect();
    (0..algorithm.states.len()).find(|state| match owner.get(state) {
        None => !reads[*state].is_empty(),
        Some(index) => reads[*state].iter().any(|read| match owner.get(read) {
            Some(other) => other != index,
            None => !reads[*read].is_empty(),
        }),
    })
}

/// The states that a value depends on, gradients held constant.
fn states_of(algorithm: &Algorithm, root: ValueId) -> BTreeSet<usize> {
    let (mut open, mut seen, mut states) = (vec![root], BTreeSet::new(), BTreeSet::new());
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        match &algorithm.value(id).kind {
            ValueKind::State(state) => _ = states.insert(*state),
            ValueKind::Gradient(_) => {}
            kind => open.extend(kind.operands()),
        }
    }
    states
}
