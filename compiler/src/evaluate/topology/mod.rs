//! Topologies as values to their phases: items evaluated with their arguments, and combinations of others.

mod builder;
mod combine;
pub(in crate::evaluate) mod construction;
pub mod phase;
mod precondition;
mod rule;
mod statement;
pub mod structure;
pub mod weights;

use super::error::{EvaluateError, Result};
use super::scope::Evaluator;
use super::value::call::Override;
use super::value::expect::{has_symbol, shown};
use super::value::{LIST_DEPTH, Value};
use crate::model::topology::{Optimised, Topology};
use crate::resolve::ItemId;
use bfc_dsl::tree::{self, Argument, Expression, Span, TopologyBody};
use bfc_schedule::MixingMatrix;
use builder::Builder;
use construction::{Arguments, Construction, Made};
use std::rc::Rc;
use weights::WeightRule;

/// Several errors at once.
pub type Errors = Vec<EvaluateError>;

/// How deep topologies may stand for one another.
const DEPTH: u8 = 64;

/// One error as several.
#[allow(clippy::boxed_local, reason = "errors of this stage come in a box")]
pub(in crate::evaluate) fn one(error: Box<EvaluateError>) -> Errors {
    vec![*error]
}

/// The first of several.
pub(in crate::evaluate) fn first(errors: Errors) -> Box<EvaluateError> {
    Box::new(errors.into_iter().next().expect("there is an error where something failed"))
}

impl<'a> Evaluator<'a> {
    /// A topology of the program as a value, with its parameters given: by overrides, else by arguments.
    pub fn instance(
        &mut self,
        id: ItemId,
        arguments: &'a [Argument],
        overrides: &[Override],
        span: Span,
    ) -> Result<Rc<Construction>> {
        let Some(item) = self.program.topology(id) else {
            return Err(not_a_topology(self.program.text(span), span));
        };
        let arguments = self.given(&item.name.text, &item.parameters, arguments, overrides, span)?;
        if arguments.iter().flatten().any(|(value, _)| has_symbol(value)) {
            return Err(Box::new(EvaluateError::Symbolic));
        }
        self.construct(Made::Item(id, arguments), &item.name.text, span)
    }

    pub(in crate::evaluate) fn construct(
        &self,
        made: Made,
        name: &str,
        span: Span,
    ) -> Result<Rc<Construction>> {
        let made = Construction::new(made, name, span);
        made.ok_or_else(|| Box::new(EvaluateError::ValueTooDeep { limit: LIST_DEPTH, span }))
    }

    /// The value of an expression that must be a topology.
    pub fn topology(&mut self, expression: &'a Expression) -> Result<Rc<Construction>> {
        match self.operand(expression)? {
            Value::Topology(topology) => Ok(topology),
            other if has_symbol(&other) => Err(Box::new(EvaluateError::Symbolic)),
            other => Err(not_a_topology(&shown(&other), expression.span)),
        }
    }

    /// The phases of a topology on `size` ranks. Where that is another size than here, no two of them share a machine.
    pub fn realize(
        &mut self,
        construction: &Construction,
        size: u32,
    ) -> std::result::Result<Rc<Topology>, Errors> {
        if construction.size().is_some_and(|fixed| fixed != size) {
            return Err(vec![wrong_size(construction, size)]);
        }
        let here = (self.size, self.local_size);
        let place = (size, if size == self.size { self.local_size } else { 1 });
        if let Some(known) = construction.known(place) {
            self.optimised.extend_from_slice(&known.optimised);
            return Ok(known);
        }
        let span = construction.span;
        if self.topology_depth == DEPTH {
            return Err(vec![EvaluateError::ValueTooDeep { limit: DEPTH, span }]);
        }
        self.spend(1, span).map_err(one)?;
        self.topology_depth += 1;
        (self.size, self.local_size) = place;
        let before = self.optimised.len();
        let result = self.phases(construction);
        (self.size, self.local_size) = here;
        self.topology_depth -= 1;
        let mut topology = result?;
        topology.optimised = Optimised::summary(&self.optimised.split_off(before));
        self.optimised.extend_from_slice(&topology.optimised);
        let topology = Rc::new(topology);
        construction.remember(place, &topology);
        Ok(topology)
    }

    /// The phases of a topology where it says its size, else on the ranks here. What is asked of them is not their weights.
    pub(in crate::evaluate) fn realize_here(&mut self, construction: &Construction) -> Result<Rc<Topology>> {
        let before = self.optimised.len();
        let topology = self.realize(construction, construction.size().unwrap_or(self.size)).map_err(first);
        self.optimised.truncate(before);
        topology
    }

    /// The phases of a topology on the ranks here.
    fn phases(&mut self, construction: &Construction) -> std::result::Result<Topology, Errors> {
        let (span, size) = (construction.span, self.size);
        let mut is_drawn = false;
        let mut names = None;
        let phases = match &construction.made {
            Made::Item(id, arguments) => return self.item(*id, arguments, span),
            Made::At(inner, _) => return self.realize(inner, size).map(|topology| (*topology).clone()),
            Made::Weighed(inner, rule, at) => return self.reweighed(inner, rule, *at),
            Made::Phase(matrix) => vec![matrix.clone()],
            Made::Combined(..) if size == 1 => vec![MixingMatrix::identity(1)],
            Made::Combined(combinator, operands) => {
                let before = self.optimised.len();
                let mut topologies = Vec::with_capacity(operands.len());
                for operand in operands {
                    let own = if combinator.multiplies() { operand.size() } else { None };
                    topologies.push(self.realize(operand, own.unwrap_or(size))?);
                }
                is_drawn = combinator.keeps_draws() && topologies.iter().all(|topology| topology.is_drawn);
                if !combinator.keeps_weights() {
                    self.optimised.truncate(before);
                }
                names = combinator.names(&topologies);
                self.combine(combinator, &topologies, span).map_err(one)?
            }
        };
        Ok(Topology { is_drawn, names, ..plain(construction.name(), size, phases) })
    }

    /// An item with its arguments, which sees no names but theirs.
    fn item(
        &mut self,
        id: ItemId,
        arguments: &Arguments,
        span: Span,
    ) -> std::result::Result<Topology, Errors> {
        let Some(item) = self.program.topology(id) else {
            return Err(one(not_a_topology(self.program.text(span), span)));
        };
        let (base, start) = (self.base, self.mark());
        self.base = start;
        let bound = self.bind_parameters(&item.parameters, arguments.clone(), span).map_err(one);
        let result = bound.and_then(|()| self.body(item, start));
        self.release(start);
        self.base = base;
        result
    }

    fn body(&mut self, item: &'a tree::Topology, start: usize) -> std::result::Result<Topology, Errors> {
        let (name, size) = (item.name.text.clone(), self.size);
        if size == 1 {
            return Ok(plain(&name, size, vec![MixingMatrix::identity(1)]));
        }
        match &item.body {
            TopologyBody::Statements(statements) => {
                let mut builder = Builder::new(&item.name.text, start, self.draws);
                self.statements(&mut builder, statements)?;
                builder.finish(self, item.name.span).map_err(one)
            }
            TopologyBody::Value(value, rule) => {
                let construction = self.topology(value).map_err(one)?;
                let topology = match rule {
                    None => (*self.realize(&construction, size)?).clone(),
                    Some(expression) => {
                        let rule = rule::evaluate(self, expression).map_err(one)?;
                        self.reweighed(&construction, &rule, expression.span)?
                    }
                };
                Ok(Topology { name, ..topology })
            }
        }
    }

    /// The edges of a topology, on the ranks here, with weights by a rule.
    fn reweighed(
        &mut self,
        construction: &Construction,
        rule: &WeightRule,
        span: Span,
    ) -> std::result::Result<Topology, Errors> {
        let before = self.optimised.len();
        let mut topology = (*self.realize(construction, self.size)?).clone();
        self.optimised.truncate(before);
        for matrix in &mut topology.phases {
            self.spend(phase::entries(matrix), span).map_err(one)?;
            let weighed = phase::reweighted(matrix, rule, span);
            *matrix = weighed.and_then(|weighed| self.weighed(weighed, span)).map_err(one)?;
        }
        topology.ensures.clear();
        Ok(topology)
    }

    /// A topology with weights by the rule that an expression says.
    pub fn with_weights(
        &mut self,
        topology: Rc<Construction>,
        rule: &'a Expression,
    ) -> Result<Rc<Construction>> {
        let weights = rule::evaluate(self, rule)?;
        let (name, span) = (topology.name().to_string(), topology.span);
        self.construct(Made::Weighed(topology, weights, rule.span), &name, span)
    }
}

fn plain(name: &str, size: u32, phases: Vec<MixingMatrix>) -> Topology {
    let name = name.to_string();
    let (ensures, optimised, places) = (vec![], vec![], [].into());
    Topology { name, size, phases, is_drawn: false, ensures, optimised, names: None, places }
}

fn wrong_size(construction: &Construction, expected: u32) -> EvaluateError {
    EvaluateError::TopologySize {
        name: construction.name().to_string(),
        found: construction.size_text(),
        expected,
        span: construction.span,
    }
}

pub(in crate::evaluate) fn not_a_topology(found: &str, span: Span) -> Box<EvaluateError> {
    Box::new(EvaluateError::NotATopology { found: found.to_string(), span })
}
