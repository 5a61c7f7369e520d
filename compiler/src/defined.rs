//! What a source defines, for those who combine it, and the parameters that a request may give.

use crate::library;
use crate::resolve::Program;
use crate::resolve::target::{Chosen, Instance, Target};
use bfc_dsl::tree::{
    self, BinaryOperator, Expression, ExpressionKind, Item, TopologyBody, TopologyStatement, UnaryOperator,
};

/// What a source defines.
#[derive(Clone, Debug)]
pub struct Defined {
    /// What messages call it.
    pub file: String,
    /// The topologies that need no arguments, by name.
    pub topologies: Vec<String>,
    /// The algorithms that need none.
    pub algorithms: Vec<String>,
    /// The topologies of its schedule, as it says them.
    pub scheduled_topologies: Vec<String>,
    /// The algorithm of its schedule.
    pub scheduled_algorithm: Option<String>,
    /// The text without schedules.
    pub unscheduled: String,
    /// Whether it uses files beside it.
    pub neighbours: bool,
}

impl Defined {
    pub(crate) fn new(program: &Program) -> Self {
        let (mut topologies, mut algorithms) = (vec![], vec![]);
        let (mut scheduled_topologies, mut scheduled_algorithm) = (vec![], None);
        let text = program.sources.first().map_or("", |source| source.text.as_str());
        let (mut unscheduled, mut end) = (String::new(), 0);
        let is_complete = |parameters: &[tree::Parameter]| parameters.iter().all(|one| one.default.is_some());
        for item in program.items() {
            match item {
                Item::Topology(one) if is_complete(&one.parameters) => topologies.push(one.name.text.clone()),
                Item::Algorithm(one) if is_complete(&one.parameters) => {
                    algorithms.push(one.name.text.clone())
                }
                Item::Schedule(schedule) => {
                    let said = |expression: &Expression| program.text(expression.span).to_string();
                    scheduled_topologies
                        .extend(schedule.topologies.iter().map(|(_, topology)| said(topology)));
                    scheduled_algorithm = schedule.algorithms.first().map(said);
                    unscheduled.push_str(text.get(end..schedule.span.start as usize).unwrap_or_default());
                    end = schedule.span.end as usize;
                }
                Item::Topology(_) | Item::Algorithm(_) | Item::Use(_) | Item::Function(_) => {}
            }
        }
        unscheduled.push_str(text.get(end..).unwrap_or_default());
        let file = program.sources.first().map_or_else(String::new, |source| source.name.clone());
        let beside = program.sources.iter().skip(1).any(|source| library::source(&source.name).is_none());
        let neighbours = beside || program.reads_edges();
        Self {
            file,
            topologies,
            algorithms,
            scheduled_topologies,
            scheduled_algorithm,
            unscheduled,
            neighbours,
        }
    }
}

/// A parameter that a request may give.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// As `--param` takes it: with its owner, as in `topology.base`, where several have a parameter of this name.
    pub name: String,
    /// `int`, `real`, `bool`, `list`, `topology`, `codec` or `scalar`, where declared.
    pub kind: Option<String>,
    /// Its value as it is written: that of the request, else that of the schedule, else its default.
    pub value: Option<String>,
    /// The least value that `requires` of its topology allows, if it compares the parameter with a number.
    pub least: Option<Bound>,
    /// The greatest.
    pub greatest: Option<Bound>,
}

/// An end of the values that a parameter may have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bound {
    /// The end.
    pub value: f64,
    /// Whether the parameter may have this value itself.
    pub is_allowed: bool,
}

/// The parameters of what is compiled for `size` ranks.
pub(crate) fn parameters(program: &Program, target: &Target, size: u32) -> Vec<Parameter> {
    let mut found = vec![];
    for (alias, topology) in &target.topologies {
        let Chosen::Item(_, instance) = topology else { continue };
        let owner = alias.unwrap_or("topology");
        let requires = match &instance.item.body {
            TopologyBody::Statements(statements) => conditions(statements),
            TopologyBody::Value(..) => vec![],
        };
        for mut parameter in given(program, &instance.item.parameters, instance) {
            requires.iter().for_each(|condition| parameter.narrow(condition, size));
            found.push((owner, parameter));
        }
    }
    if let Some(instance) = &target.algorithm {
        let own = given(program, &instance.item.parameters, instance);
        found.extend(own.into_iter().map(|parameter| ("algorithm", parameter)));
    }
    let names: Vec<String> = found.iter().map(|(_, parameter)| parameter.name.clone()).collect();
    let is_shared = |name: &String| names.iter().filter(|other| *other == name).count() > 1;
    for (owner, parameter) in &mut found {
        if is_shared(&parameter.name) {
            parameter.name = format!("{owner}.{}", parameter.name);
        }
    }
    found.into_iter().map(|(_, parameter)| parameter).collect()
}

/// The parameters of an item, with what the request and the schedule give for them.
fn given<T>(program: &Program, declared: &[tree::Parameter], instance: &Instance<T>) -> Vec<Parameter> {
    let parameter = |(at, declared): (usize, &tree::Parameter)| {
        let name = &declared.name.text;
        let of_request = instance.given.iter().find(|(known, _)| known == name).map(|(_, value)| *value);
        let mut arguments = instance.arguments.iter().enumerate();
        let of_schedule = arguments.find(|(place, argument)| match &argument.name {
            Some(known) => known.text == *name,
            None => *place == at,
        });
        let value = of_request.or(of_schedule.map(|(_, argument)| &argument.value));
        Parameter {
            name: name.clone(),
            kind: declared.kind.as_ref().map(|kind| kind.text.clone()),
            value: value.or(declared.default.as_ref()).map(|value| program.text(value.span).to_string()),
            least: None,
            greatest: None,
        }
    };
    declared.iter().enumerate().map(parameter).collect()
}

/// What a topology requires, of its size and its parameters.
fn conditions(statements: &[TopologyStatement]) -> Vec<&Expression> {
    let required = statements.iter().filter_map(|statement| match statement {
        TopologyStatement::Requires(conditions, _) => Some(conditions),
        _ => None,
    });
    required.flatten().collect()
}

impl Parameter {
    /// Takes a condition into account that compares the parameter with a number, or with the number of ranks.
    fn narrow(&mut self, condition: &Expression, size: u32) {
        let ExpressionKind::Binary(operator, left, right) = &*condition.kind else { return };
        let is_own =
            |side: &Expression| matches!(&*side.kind, ExpressionKind::Name(name) if *name == self.name);
        let (value, is_left) = match (constant(left, size), constant(right, size)) {
            (None, Some(value)) if is_own(left) => (value, true),
            (Some(value), None) if is_own(right) => (value, false),
            _ => return,
        };
        use BinaryOperator::{Greater, GreaterEqual, Less, LessEqual};
        let (is_least, is_allowed) = match operator {
            Greater => (is_left, false),
            GreaterEqual => (is_left, true),
            Less => (!is_left, false),
            LessEqual => (!is_left, true),
            _ => return,
        };
        let end = if is_least { &mut self.least } else { &mut self.greatest };
        *end = Some(Bound { value, is_allowed });
    }
}

/// The value of a number that is written out, or of the number of ranks.
fn constant(expression: &Expression, size: u32) -> Option<f64> {
    match &*expression.kind {
        ExpressionKind::Number(digits) => digits.parse().ok(),
        ExpressionKind::Name(name) if name == "size" => Some(size.into()),
        ExpressionKind::Unary(UnaryOperator::Negate, value) => Some(-constant(value, size)?),
        ExpressionKind::Binary(BinaryOperator::Divide, above, below) => {
            Some(constant(above, size)? / constant(below, size)?)
        }
        _ => None,
    }
}
