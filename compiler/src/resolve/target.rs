//! What of a program is compiled, and whose the parameters of the command line are.

use super::{Combined, ItemId, Program, ResolveError};
use crate::builtin_names::nearest;
use bfc_dsl::tree::{self, Argument, Expression, ExpressionKind, Item, Parameter, Span};

/// What is compiled.
#[derive(Default)]
pub struct Target<'p> {
    /// The topologies, each with the name that the schedule gives it, if it gives one.
    pub topologies: Vec<(Option<&'p str>, Chosen<'p>)>,
    /// The algorithm; without one, plain neighbour averaging.
    pub algorithm: Option<Instance<'p, tree::Algorithm>>,
    /// The rule that gives the topologies other weights than their own.
    pub weights: Option<&'p Expression>,
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
    /// What the command line gives, by name; it goes before the arguments.
    pub given: Vec<(String, &'p Expression)>,
    /// Where the schedule names it, or its own name.
    pub span: Span,
}

impl<'p> Target<'p> {
    /// The schedule of the entry, or the only topology, or the only algorithm of it, with what the command line says in
    /// place of them and its parameters. `library_name` picks an item of a file of the library.
    ///
    /// # Errors
    /// Nothing to compile, or several things; parameters that nothing takes.
    pub fn new(program: &'p Program, library_name: Option<&str>) -> Result<Self, Vec<ResolveError>> {
        let mut target = Self::combined(program, library_name).map_err(|error| vec![error])?;
        let parameters = program.parameters.iter();
        let errors: Vec<_> =
            parameters.filter_map(|(name, value)| target.give(program, name, value).err()).collect();
        if errors.is_empty() { Ok(target) } else { Err(errors) }
    }

    fn combined(program: &'p Program, library_name: Option<&str>) -> Result<Self, ResolveError> {
        let Combined { topologies, algorithms, weights } = &program.combination;
        let mut target = Self::of_entry(program, library_name)?;
        if !topologies.is_empty() {
            target.topologies = given_topologies(program, topologies);
        }
        if !algorithms.is_empty() {
            target.algorithm = given_algorithm(program, algorithms)?;
        }
        if let (Some(rule), []) = (weights, &target.topologies[..]) {
            return Err(ResolveError::NothingToWeigh { span: rule.span });
        }
        target.weights = weights.as_ref();
        Ok(target)
    }

    fn of_entry(program: &'p Program, library_name: Option<&str>) -> Result<Self, ResolveError> {
        if let Some(name) = library_name {
            let item = name.rsplit("::").next().unwrap_or(name);
            return Self::item(program, item).ok_or_else(|| no_entry(program, "no item of that name"));
        }
        let (mut schedules, mut topologies, mut algorithms) = (vec![], vec![], vec![]);
        let said = &program.combination;
        for (id, item) in program.numbered_items() {
            match item {
                Item::Schedule(schedule) => schedules.push(schedule),
                // What the command line says otherwise is nothing to choose from.
                Item::Topology(topology) if said.topologies.is_empty() => topologies.push((id, topology)),
                Item::Algorithm(algorithm) if said.algorithms.is_empty() => algorithms.push(algorithm),
                Item::Topology(_) | Item::Algorithm(_) | Item::Use(_) | Item::Function(_) => {}
            }
        }
        match (&schedules[..], &topologies[..], &algorithms[..]) {
            ([schedule], ..) => Self::schedule(program, schedule),
            ([first, second, ..], ..) => {
                Err(ResolveError::SeveralSchedules { span: second.span, first: first.span })
            }
            ([], [(id, topology)], []) => Ok(Self::of_topology(*id, topology)),
            ([], [], [algorithm]) => Ok(Self::of_algorithm(algorithm)),
            ([], [], []) if !said.topologies.is_empty() || !said.algorithms.is_empty() => Ok(Self::default()),
            ([], [], []) => Err(no_entry(program, "no topology, algorithm or schedule")),
            ([], [], _) => Err(no_entry(program, "several algorithms and no schedule")),
            ([], [_], _) => Err(no_entry(program, "a topology, an algorithm and no schedule")),
            _ => Err(no_entry(program, "several topologies and no schedule")),
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
        let instance = Instance { item, arguments: &[], given: vec![], span };
        Self { topologies: vec![(None, Chosen::Item(id, instance))], ..Self::default() }
    }

    fn of_algorithm(item: &'p tree::Algorithm) -> Self {
        let span = item.name.span;
        let algorithm = Some(Instance { item, arguments: &[], given: vec![], span });
        Self { algorithm, ..Self::default() }
    }

    fn schedule(program: &'p Program, schedule: &'p tree::Schedule) -> Result<Self, ResolveError> {
        let topologies = given_topologies(program, &schedule.topologies);
        let algorithm = given_algorithm(program, &schedule.algorithms)?;
        Ok(Self { topologies, algorithm, weights: None, scheduled: true })
    }

    /// Gives a parameter of the command line to the item that has it.
    fn give(&mut self, program: &Program, name: &str, value: &'p Expression) -> Result<(), ResolveError> {
        let (owner, bare) = match name.split_once('.') {
            Some((owner, bare)) => (Some(owner), bare),
            None => (None, name),
        };
        let span = value.span;
        let mut places: Vec<(String, &[Parameter], &mut Vec<_>)> = Vec::new();
        for (alias, topology) in &mut self.topologies {
            let Chosen::Item(_, topology) = topology else { continue };
            let item = &topology.item.name.text;
            if owner.is_none_or(|owner| owner == "topology" || *alias == Some(owner) || owner == item) {
                let label = alias.unwrap_or("topology").to_string();
                places.push((label, &topology.item.parameters, &mut topology.given));
            }
        }
        if let Some(algorithm) = &mut self.algorithm
            && owner.is_none_or(|owner| owner == "algorithm" || owner == algorithm.item.name.text)
        {
            places.push(("algorithm".into(), &algorithm.item.parameters, &mut algorithm.given));
        }
        let known: Vec<String> =
            places.iter().flat_map(|place| place.1).map(|parameter| parameter.name.text.clone()).collect();
        places.retain(|place| place.1.iter().any(|parameter| parameter.name.text == bare));
        if places.len() > 1 {
            let owners: Vec<_> =
                places.iter().map(|(label, ..)| format!("`--param {label}.{bare}=…`")).collect();
            return Err(ResolveError::AmbiguousParameter {
                name: bare.into(),
                owners: owners.join(" or "),
                span,
            });
        }
        let Some((.., given)) = places.pop() else {
            return Err(unknown_parameter(name, bare, &known, span));
        };
        if let Some((_, earlier)) = given.iter().find(|(known, _)| known == bare) {
            let (first, second) = (program.text(earlier.span), program.text(span));
            let (first, second) = (format!("{bare}={first}"), format!("{name}={second}"));
            return Err(ResolveError::RepeatedParameter { name: bare.to_string(), first, second, span });
        }
        given.push((bare.to_string(), value));
        Ok(())
    }
}

/// The topologies that a schedule names.
fn given_topologies<'p>(
    program: &'p Program,
    given: &'p [(Option<tree::Name>, Expression)],
) -> Vec<(Option<&'p str>, Chosen<'p>)> {
    let mut topologies: Vec<(Option<&str>, Chosen)> = Vec::new();
    for (name, expression) in given {
        let earlier = |(alias, _): &(Option<&str>, _)| alias.is_some_and(|alias| is_name(expression, alias));
        let chosen = match named(program, expression) {
            (Some((id, Item::Topology(item))), arguments, span) if !topologies.iter().any(earlier) => {
                Chosen::Item(id, Instance { item, arguments, given: vec![], span })
            }
            _ => Chosen::Value(expression),
        };
        topologies.push((name.as_ref().map(|name| name.text.as_str()), chosen));
    }
    topologies
}

/// The algorithm that a schedule names, if it does.
fn given_algorithm<'p>(
    program: &'p Program,
    given: &'p [Expression],
) -> Result<Option<Instance<'p, tree::Algorithm>>, ResolveError> {
    match given {
        [] => Ok(None),
        [expression] => {
            let (item, arguments, span) = named(program, expression);
            let Some((_, Item::Algorithm(item))) = item else {
                let found = format!("`{}`", program.text(span));
                return Err(ResolveError::NotAnAlgorithm { found, span });
            };
            Ok(Some(Instance { item, arguments, given: vec![], span }))
        }
        [first, second, ..] => Err(ResolveError::SeveralAlgorithms { span: second.span, first: first.span }),
    }
}

fn unknown_parameter(name: &str, bare: &str, known: &[String], span: Span) -> ResolveError {
    let help = match nearest(bare, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "there are no parameters to give".to_string(),
        None => format!("the parameters are `{}`", known.join("`, `")),
    };
    ResolveError::UnknownParameter { name: name.to_string(), span, help }
}

/// The item that an expression names, with its arguments.
fn named<'p>(
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

fn no_entry(program: &Program, found: &str) -> ResolveError {
    let file = program.sources.first().map_or_else(String::new, |source| source.name.clone());
    let help = "add `schedule { topology …  algorithm … }`, which says what to compile".to_string();
    ResolveError::NoEntry { file, found: found.to_string(), help }
}
