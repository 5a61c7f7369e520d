//! What of a program is compiled, and whose the parameters of the command line are.

use super::{ItemId, Program};
use crate::builtin_names::nearest;
use crate::diagnostic::{Error, RequestError};
use crate::evaluate::topology::Errors;
use crate::evaluate::value::call::Override;
use crate::evaluate::{EvaluateError, Evaluator};
use bfc_dsl::tree::{self, Argument, Expression, ExpressionKind, Item, Parameter, Span};

/// What is compiled.
pub struct Target<'p> {
    /// The topologies, each with the name that the schedule gives it, if it gives one.
    pub topologies: Vec<(Option<&'p str>, Chosen<'p>)>,
    /// The algorithm; without one, plain neighbour averaging.
    pub algorithm: Option<Instance<'p, tree::Algorithm>>,
    /// Whether a `schedule` says all this, so that nothing can be left open.
    pub scheduled: bool,
}

/// What a schedule says for a topology.
pub enum Chosen<'p> {
    /// A topology of the program by name, whose parameters the command line may give.
    Item(ItemId, Instance<'p, tree::Topology>),
    /// Anything else that has a topology for a value.
    Value(&'p Expression),
}

impl Chosen<'_> {
    /// Where it stands.
    pub fn span(&self) -> Span {
        match self {
            Self::Item(_, instance) => instance.span,
            Self::Value(expression) => expression.span,
        }
    }
}

/// An item and its arguments.
pub struct Instance<'p, T> {
    /// The item.
    pub item: &'p T,
    /// What the schedule gives for its parameters.
    pub arguments: &'p [Argument],
    /// What the command line gives; it goes before the arguments.
    pub overrides: Vec<Override>,
    /// Where the schedule names it, or its own name.
    pub span: Span,
}

impl<'p> Target<'p> {
    /// The schedule of the entry, or the only topology, or the only algorithm of it. `library_name` picks an item of a
    /// file of the library.
    pub fn of(program: &'p Program, library_name: Option<&str>) -> Result<Self, Vec<Error>> {
        if let Some(name) = library_name {
            let item = name.rsplit("::").next().unwrap_or(name);
            return Self::item(program, item).ok_or_else(|| vec![no_entry(program, "no item of that name")]);
        }
        let (mut schedules, mut topologies, mut algorithms) = (vec![], vec![], vec![]);
        for (id, item) in program.numbered_items() {
            match item {
                Item::Schedule(schedule) => schedules.push(schedule),
                Item::Topology(topology) => topologies.push((id, topology)),
                Item::Algorithm(algorithm) => algorithms.push(algorithm),
                Item::Use(_) | Item::Function(_) => {}
            }
        }
        match (&schedules[..], &topologies[..], &algorithms[..]) {
            ([schedule], ..) => Self::schedule(program, schedule).map_err(|error| vec![error.into()]),
            ([first, second, ..], ..) => {
                let error = EvaluateError::SeveralSchedules { span: second.span, first: first.span };
                Err(vec![error.into()])
            }
            ([], [(id, topology)], []) => Ok(Self::of_topology(*id, topology)),
            ([], [], [algorithm]) => Ok(Self::of_algorithm(algorithm)),
            ([], [], []) => Err(vec![no_entry(program, "no topology, algorithm or schedule")]),
            ([], [], _) => Err(vec![no_entry(program, "several algorithms and no schedule")]),
            ([], [_], _) => Err(vec![no_entry(program, "a topology, an algorithm and no schedule")]),
            _ => Err(vec![no_entry(program, "several topologies and no schedule")]),
        }
    }

    fn item(program: &'p Program, name: &str) -> Option<Self> {
        program.numbered_items().find_map(|(id, item)| match item {
            Item::Topology(topology) if topology.name.text == name => Some(Self::of_topology(id, topology)),
            Item::Algorithm(algorithm) if algorithm.name.text == name => Some(Self::of_algorithm(algorithm)),
            _ => None,
        })
    }

    fn of_topology(id: ItemId, item: &'p tree::Topology) -> Self {
        let span = item.name.span;
        let instance = Instance { item, arguments: &[], overrides: vec![], span };
        Self { topologies: vec![(None, Chosen::Item(id, instance))], algorithm: None, scheduled: false }
    }

    fn of_algorithm(item: &'p tree::Algorithm) -> Self {
        let span = item.name.span;
        let algorithm = Some(Instance { item, arguments: &[], overrides: vec![], span });
        Self { topologies: vec![], algorithm, scheduled: false }
    }

    fn schedule(program: &'p Program, schedule: &'p tree::Schedule) -> Result<Self, EvaluateError> {
        let mut topologies: Vec<(Option<&str>, Chosen)> = Vec::new();
        for (name, expression) in &schedule.topologies {
            let earlier =
                |(alias, _): &(Option<&str>, _)| alias.is_some_and(|alias| is_name(expression, alias));
            let chosen = match named(program, expression) {
                (Some((id, Item::Topology(item))), arguments, span) if !topologies.iter().any(earlier) => {
                    Chosen::Item(id, Instance { item, arguments, overrides: vec![], span })
                }
                _ => Chosen::Value(expression),
            };
            topologies.push((name.as_ref().map(|name| name.text.as_str()), chosen));
        }
        let algorithm = match &schedule.algorithms[..] {
            [] => None,
            [expression] => {
                let (item, arguments, span) = named(program, expression);
                let Some((_, Item::Algorithm(item))) = item else {
                    let found = format!("`{}`", program.text(span));
                    return Err(EvaluateError::NotAnAlgorithm { found, span });
                };
                Some(Instance { item, arguments, overrides: vec![], span })
            }
            [first, second, ..] => {
                return Err(EvaluateError::SeveralAlgorithms { span: second.span, first: first.span });
            }
        };
        Ok(Self { topologies, algorithm, scheduled: true })
    }

    /// Gives each parameter of the command line to the item that has it.
    pub fn distribute(&mut self, evaluator: &mut Evaluator<'p>) -> Result<(), Errors> {
        let program = evaluator.program;
        let mut errors = Errors::new();
        for (name, expression) in &program.parameters {
            let given = evaluator.evaluate(expression).map_err(|error| *error);
            let place = |value| self.place(program, name, |owner| (owner, value, expression.span));
            errors.extend(given.and_then(place).err());
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    fn place(
        &mut self,
        program: &Program,
        name: &str,
        given: impl FnOnce(String) -> Override,
    ) -> Result<(), EvaluateError> {
        let (owner, bare) = match name.split_once('.') {
            Some((owner, bare)) => (Some(owner), bare),
            None => (None, name),
        };
        let given = given(bare.to_string());
        let span = given.2;
        let mut places: Vec<(String, &[Parameter], &mut Vec<Override>)> = Vec::new();
        for (alias, topology) in &mut self.topologies {
            let Chosen::Item(_, topology) = topology else { continue };
            let item = &topology.item.name.text;
            if owner.is_none_or(|owner| owner == "topology" || *alias == Some(owner) || owner == item) {
                let label = alias.unwrap_or("topology").to_string();
                places.push((label, &topology.item.parameters, &mut topology.overrides));
            }
        }
        if let Some(algorithm) = &mut self.algorithm
            && owner.is_none_or(|owner| owner == "algorithm" || owner == algorithm.item.name.text)
        {
            places.push(("algorithm".into(), &algorithm.item.parameters, &mut algorithm.overrides));
        }
        let known: Vec<String> =
            places.iter().flat_map(|place| place.1).map(|parameter| parameter.name.text.clone()).collect();
        places.retain(|place| place.1.iter().any(|parameter| parameter.name.text == bare));
        if places.len() > 1 {
            let owners: Vec<_> =
                places.iter().map(|(label, ..)| format!("`--param {label}.{bare}=…`")).collect();
            return Err(EvaluateError::AmbiguousParameter {
                name: bare.into(),
                owners: owners.join(" or "),
                span,
            });
        }
        let Some((.., overrides)) = places.pop() else {
            return Err(unknown_parameter(name, bare, &known, span));
        };
        if let Some((.., earlier)) = overrides.iter().find(|earlier| earlier.0 == bare) {
            let (first, second) = (program.text(*earlier), program.text(span));
            let (first, second) = (format!("{bare}={first}"), format!("{name}={second}"));
            return Err(EvaluateError::RepeatedParameter { name: bare.to_string(), first, second, span });
        }
        overrides.push(given);
        Ok(())
    }
}

fn unknown_parameter(name: &str, bare: &str, known: &[String], span: Span) -> EvaluateError {
    let help = match nearest(bare, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "there are no parameters to give".to_string(),
        None => format!("the parameters are `{}`", known.join("`, `")),
    };
    EvaluateError::UnknownParameter { name: name.to_string(), span, help }
}

/// The item that an expression names, with its arguments.
pub fn named<'p>(
    program: &'p Program,
    expression: &'p Expression,
) -> (Option<(ItemId, &'p Item)>, &'p [Argument], Span) {
    let span = expression.span;
    match &*expression.kind {
        ExpressionKind::Name(name) => (program.find(span.file, name), &[], span),
        ExpressionKind::Call(name, arguments) => (program.find(span.file, &name.text), arguments, span),
        _ => (None, &[], span),
    }
}

fn is_name(expression: &Expression, name: &str) -> bool {
    matches!(&*expression.kind, ExpressionKind::Name(known) if known == name)
}

fn no_entry(program: &Program, found: &str) -> Error {
    let file = program.sources.first().map_or_else(String::new, |source| source.name.clone());
    let help = "add `schedule { topology …  algorithm … }`, which says what to compile".to_string();
    RequestError::NoEntry { file, found: found.to_string(), help }.into()
}
