//! An algorithm's tree and the values of its parameters, turned into a data-flow graph.
//!
//! `names` says what a name stands for, `equation` what it is worth, and finds cycles; `expression`, `constant`, `call`,
//! `communicate`, `edges` and `function` evaluate what is written; `kept` holds what mixes keep from step to step; `step`
//! evaluates the step for each truth assignment of the conditions; `graph` holds the values.

mod call;
mod communicate;
mod constant;
mod edges;
mod equation;
pub mod error;
mod expression;
mod function;
mod graph;
mod kept;
mod matrix;
mod names;
mod step;

pub use error::AlgorithmError;

use super::value::call::check_kind;
use super::{EvaluateError, Evaluator, Value};
use crate::builtin_names::nearest;
use crate::model::algorithm::{self, Algorithm, UnboundQuantity, ValueId, ValueKind, reachable};
use crate::model::claim::Claim;
use bfc_dsl::tree::{self, AlgorithmStatement, Expression, Parameter, Span, StepStatement};
use bfc_schedule::Rational;
use bfc_schedule::program::{Input, Shape};
use expression::Term;
use names::{Context, Failure, Frame, Meaning, Moment, Outcome, Place, State};

/// The most states, parameters and topologies of an algorithm.
const MAX_STATES: usize = 1_000;
const MAX_PARAMETERS: usize = 1_000;
const MAX_TOPOLOGIES: usize = 64;

/// The data-flow graph of an algorithm, given the values of its parameters by place (`None`: the default).
///
/// # Errors
/// All that is wrong with it.
pub fn algorithm<'a>(
    evaluator: &mut Evaluator<'a>,
    declaration: &'a tree::Algorithm,
    arguments: Vec<Option<(Value, Span)>>,
) -> Result<Algorithm, Vec<EvaluateError>> {
    let mut context = Context::new(evaluator);
    context.asynchronous = declaration.asynchronous;
    let (inputs, reals) = context.parameters(&declaration.parameters, arguments, declaration.name.span);
    context.inputs = inputs.len();
    context.name_topologies(declaration);
    let parts = context.parts(declaration);
    if !context.errors.is_empty() {
        return Err(context.errors);
    }
    context.initial_values();
    let steps = parts.step.map_or(vec![], |(statements, span)| context.steps(statements, span));
    let model = context.model(parts.model);
    let mut requires = context.requires(&parts.requires);
    requires.extend(context.edges.map(|span| context.edge_claims(&requires, span)).unwrap_or_default());
    let Some(model) = model.filter(|_| context.errors.is_empty()) else {
        return Err(context.errors);
    };
    let states = context.states.iter().filter_map(|state| {
        let (name, shape) = (state.name.to_string(), state.shape);
        Some(algorithm::State { name, shape, initial: state.initial? })
    });
    let states: Vec<_> = states.collect();
    let on_its_way = context.flying_states();
    let mut result = Algorithm {
        name: declaration.name.text.clone(),
        asynchronous: declaration.asynchronous.then_some(declaration.name.span),
        topologies: context.topologies.iter().map(|name| name.to_string()).collect(),
        inputs,
        reals,
        states: states.into_iter().chain(on_its_way).collect(),
        conditions: context.conditions,
        steps,
        model,
        numbers: context.numbers,
        rounds: context.rounds,
        requires,
        values: vec![],
    };
    keep_what_is_used(&mut result, context.graph);
    Ok(result)
}

/// The parts of an algorithm that are evaluated after its names are known.
#[derive(Default)]
struct Parts<'a> {
    step: Option<(&'a [StepStatement], Span)>,
    model: Option<(&'a Expression, Span)>,
    requires: Vec<&'a Expression>,
}

impl<'a> Context<'_, 'a> {
    /// Binds parameters; `scalar` ones become inputs of the run, and the values of `real` ones are noted.
    fn parameters(
        &mut self,
        parameters: &'a [Parameter],
        arguments: Vec<Option<(Value, Span)>>,
        span: Span,
    ) -> (Vec<Input>, Vec<(String, Rational)>) {
        let (mut inputs, mut reals) = (vec![], vec![]);
        if let Some(parameter) = parameters.get(MAX_PARAMETERS) {
            let (limit, what, span) = (MAX_PARAMETERS as u64, "parameters", parameter.name.span);
            self.report(AlgorithmError::TooLarge { limit, what, span }.into());
            return (inputs, reals);
        }
        let arguments = arguments.into_iter().chain(std::iter::repeat(None));
        for (parameter, given) in parameters.iter().zip(arguments) {
            let name = &parameter.name;
            match self.parameter(parameter, given, span) {
                Ok((value, span)) => {
                    let is_of = |word: &str| parameter.kind.as_ref().is_some_and(|kind| kind.text == word);
                    if let Some(number) = value.as_number().filter(|_| is_of("real")) {
                        reals.push((name.text.clone(), number));
                    }
                    let meaning = match value.as_number().filter(|_| is_of("scalar")) {
                        None if matches!(value, Value::Best) => {
                            let best = UnboundQuantity::Best(name.text.clone());
                            Meaning::Unbound(self.unbound(best, span))
                        }
                        Some(default) => {
                            inputs.push(Input { name: name.text.clone(), default });
                            Meaning::Input(inputs.len() as u16 - 1)
                        }
                        None => Meaning::Constant(value),
                    };
                    self.define(&name.text, meaning, name.span, None);
                }
                Err(failure) => self.report(failure),
            }
        }
        (inputs, reals)
    }

    fn parameter(
        &mut self,
        parameter: &'a Parameter,
        given: Option<(Value, Span)>,
        span: Span,
    ) -> Outcome<(Value, Span)> {
        let kinds = ["scalar", "int", "real", "bool", "list", "codec"];
        if let Some(kind) = &parameter.kind {
            match kind.text.as_str() {
                known if kinds.contains(&known) => {}
                "topology" => {
                    let (what, span) = (format!("{}: {}", parameter.name.text, kind.text), kind.span);
                    let help = "topologies are named after `over`";
                    return Err(AlgorithmError::NotSupportedYet { what, help, span }.into());
                }
                found => {
                    let help = match nearest(found, kinds) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("kinds are `{}`", kinds.join("`, `")),
                    };
                    let (found, span) = (found.to_string(), kind.span);
                    return Err(AlgorithmError::UnknownKind { found, of: "a parameter", span, help }.into());
                }
            }
        }
        let (value, span) = match (given, &parameter.default) {
            (Some(given), _) => given,
            (None, Some(default)) => match self.constant(default)? {
                Term::Constant(value) => (value, default.span),
                other => return Err(self.wrong("a value known when compiling", &other, default.span)),
            },
            (None, None) => {
                let name = parameter.name.text.clone();
                return Err(Box::new(EvaluateError::MissingParameter { name, span }).into());
            }
        };
        if let Some(kind) = &parameter.kind {
            let is_best = kind.text == "real" && matches!(value, Value::Best);
            if !is_best {
                check_kind(&parameter.name.text, &kind.text, &value, span)?;
            }
        }
        Ok((value, span))
    }

    fn name_topologies(&mut self, declaration: &'a tree::Algorithm) {
        for (name, _) in &declaration.over {
            self.topologies.push(&name.text);
            self.define(&name.text, Meaning::Topology, name.span, None);
        }
        if let Some((name, _)) = declaration.over.get(MAX_TOPOLOGIES) {
            let (limit, what, span) = (MAX_TOPOLOGIES as u64, "topologies", name.span);
            self.report(AlgorithmError::TooLarge { limit, what, span }.into());
        }
        if declaration.over.is_empty() {
            self.topologies.push("W");
        }
    }

    /// Declares names and finds the parts.
    fn parts(&mut self, declaration: &'a tree::Algorithm) -> Parts<'a> {
        let mut parts = Parts::default();
        for statement in &declaration.body {
            match statement {
                AlgorithmStatement::Requires(claims, _) => parts.requires.extend(claims),
                AlgorithmStatement::Let(binding) => self.define_let(binding, None),
                AlgorithmStatement::State(state) => self.define_state(state, [Shape::Vector, Shape::Scalar]),
                AlgorithmStatement::EdgeState(state) => {
                    self.edges.get_or_insert(state.span);
                    self.define_state(state, [Shape::EdgeVector, Shape::EdgeScalar]);
                }
                AlgorithmStatement::Step(statements, span) => {
                    if let Some((_, first)) = parts.step.replace((statements, *span)) {
                        let (what, help) = ("`step`".to_string(), "put all equations into one step");
                        self.report(AlgorithmError::DefinedTwice { what, help, first, span: *span }.into());
                    }
                }
                AlgorithmStatement::Model(value, span) => {
                    if let Some((_, first)) = parts.model.replace((value, *span)) {
                        let (what, help) = ("`model`".to_string(), "an algorithm has one model");
                        self.report(AlgorithmError::DefinedTwice { what, help, first, span: *span }.into());
                    }
                }
            }
        }
        self.check_complete(declaration, &parts);
        parts
    }

    /// Declares a state of the first shape, or of the second where it is said to be a scalar.
    fn define_state(&mut self, state: &'a tree::State, [plain, scalar]: [Shape; 2]) {
        let shape = match state.kind.as_ref().map(|kind| (kind.text.as_str(), kind)) {
            None => plain,
            Some(("scalar", _)) => scalar,
            Some((found, kind)) => {
                let (found, span) = (found.to_string(), kind.span);
                let help = "a state is a vector with the model's shape, or `: scalar`, one number per rank"
                    .to_string();
                return self.report(AlgorithmError::UnknownKind { found, of: "a state", span, help }.into());
            }
        };
        self.define(&state.name.text, Meaning::State(self.states.len()), state.name.span, None);
        let (name, value, span) = (&state.name.text, &state.value, state.span);
        self.states.push(State { name, shape, value, span, initial: None });
    }

    fn check_complete(&mut self, declaration: &'a tree::Algorithm, parts: &Parts<'a>) {
        let (name, span) = (&declaration.name.text, declaration.name.span);
        let mut missing = |part, help| {
            let name = name.clone();
            self.errors.push(AlgorithmError::Incomplete { name, part, help, span }.into());
        };
        let count = |counts: fn(&AlgorithmStatement) -> bool| {
            declaration.body.iter().filter(|part| counts(part)).count()
        };
        let states = count(|part| matches!(part, AlgorithmStatement::State(_)));
        let states = states + count(|part| matches!(part, AlgorithmStatement::EdgeState(_)));
        if states == 0 {
            missing("state", "say what every rank keeps between steps: `state x = params`");
        }
        if parts.step.is_none() {
            missing("step", "say what happens on a minibatch: `step { x <- mix(x) }`");
        }
        if states > MAX_STATES {
            self.errors
                .push(AlgorithmError::TooLarge { limit: MAX_STATES as u64, what: "states", span }.into());
        }
    }

    fn initial_values(&mut self) {
        for index in 0..self.states.len() {
            self.start_over(Place::Start(index));
            let State { shape, value, .. } = self.states[index];
            self.frame = Frame { scope: None, moment: Moment::Before, function: false, base: 0 };
            let initial = self.term(value).and_then(|term| self.shaped(term, shape, value.span));
            match initial {
                Ok(initial) => self.states[index].initial = Some(initial),
                Err(failure) => {
                    self.report(failure);
                    // Later states may build on this one: they shall not be blamed.
                    self.states[index].initial = Some(self.graph.constant(Rational::zero(), shape));
                }
            }
        }
    }

    fn model(&mut self, model: Option<(&'a Expression, Span)>) -> Option<ValueId> {
        self.start_over(Place::Model);
        self.frame = Frame { scope: None, moment: Moment::Before, function: false, base: 0 };
        let result = match model {
            Some((value, _)) => self.term(value).map(|term| (term, value.span)),
            None => {
                let State { shape, span, .. } = self.states[0];
                Ok((Term::Flow(self.graph.value(ValueKind::State(0), shape)), span))
            }
        };
        let vector = result.and_then(|(term, span)| {
            let operand = self.operand_of(&term, span)?;
            let id = self.graph.plain(operand);
            if self.graph.shape(id) == Shape::Vector {
                return Ok(id);
            }
            let help = "name the vector that users evaluate and save: `model x`";
            let (expected, found) = ("a vector", expression::described(self.graph.shape(id)));
            Err(Failure::from(AlgorithmError::WrongShape { expected, found, help, span }))
        });
        vector.map_err(|failure| self.report(failure)).ok()
    }

    fn requires(&mut self, claims: &[&'a Expression]) -> Vec<Claim> {
        self.start_over(Place::Step);
        self.frame = Frame { scope: None, moment: Moment::Before, function: false, base: 0 };
        let topologies = self.topologies.clone();
        let mut required = vec![];
        for &claim in claims {
            let found = self.constants_in(claim).and_then(|bindings| {
                Ok(self.with_constants(bindings, |evaluator| evaluator.claim(claim, &topologies))?)
            });
            match found {
                Ok(found) => required.push(found),
                Err(failure) => self.report(failure),
            }
        }
        required
    }
}

/// Numbers the values anew without those that nothing depends on.
fn keep_what_is_used(algorithm: &mut Algorithm, graph: graph::Graph) {
    let mut roots: Vec<ValueId> = algorithm.steps.iter().flatten().copied().collect();
    roots.extend(&algorithm.conditions);
    roots.extend(algorithm.states.iter().map(|state| state.initial));
    roots.push(algorithm.model);
    let used = reachable(&graph.values, roots);
    let mut number = vec![ValueId(0); used.len()];
    for (old, mut value) in graph.values.into_iter().enumerate().filter(|(old, _)| used[*old]) {
        number[old] = ValueId(algorithm.values.len() as u32);
        let renumber = |id: &mut ValueId| *id = number[id.0 as usize];
        value.kind.each_operand(renumber);
        algorithm.values.push(value);
    }
    let renumber = |id: &mut ValueId| *id = number[id.0 as usize];
    algorithm.steps.iter_mut().flatten().for_each(renumber);
    algorithm.conditions.iter_mut().for_each(renumber);
    algorithm.states.iter_mut().for_each(|state| renumber(&mut state.initial));
    renumber(&mut algorithm.model);
}
