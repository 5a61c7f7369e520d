//! Functions that take topologies: combinations of them, and lists from them.

use super::Call;
use super::functions::rank_pair;
use crate::evaluate::error::{EvaluateError, Result};
use crate::evaluate::topology::construction::{Combinator, Construction, Made};
use crate::evaluate::topology::not_a_topology;
use crate::evaluate::value::Value;
use crate::evaluate::value::expect::{has_symbol, shown};
use crate::evaluate::value::{eigenvalues as spectrum, matching as pairs};
use crate::spectrum::properties;
use bfc_dsl::tree::Span;
use bfc_schedule::{MixingMatrix, Rank};
use std::rc::Rc;

impl Call<'_, '_> {
    fn topology(&self, argument: usize) -> Result<Rc<Construction>> {
        as_topology(&self.values[argument], self.spans[argument])
    }

    /// The elements of the only list, or else the arguments, at least one.
    fn topologies(&mut self) -> Result<Vec<Rc<Construction>>> {
        let span = |at: usize| *self.spans.get(at).unwrap_or(&self.spans[0]);
        let places: Vec<Span> = match &self.values[..] {
            [Value::List(list)] => vec![self.spans[0]; list.len()],
            values => (0..values.len()).map(span).collect(),
        };
        let operands = self.operands()?;
        if operands.is_empty() {
            return Err(self.outside(0, "there must be at least one topology in the list"));
        }
        operands.iter().zip(places).map(|(value, span)| as_topology(value, span)).collect()
    }

    fn combined(&self, combinator: Combinator, operands: Vec<Rc<Construction>>) -> Result<Value> {
        let name = combinator.name();
        if combinator.multiplies() {
            self.check_sizes(name, &operands)?;
        }
        let made = Made::Combined(combinator, operands);
        self.evaluator.construct(made, name, self.span).map(Value::Topology)
    }

    fn check_sizes(&self, function: &'static str, operands: &[Rc<Construction>]) -> Result<()> {
        let mut product = Some(1u32);
        for operand in operands {
            let Some(size) = operand.size() else {
                let (name, span) = (operand.name().to_string(), operand.span);
                return Err(Box::new(EvaluateError::SizeNotSaid { function, name, span }));
            };
            product = product.and_then(|product| product.checked_mul(size));
        }
        if product.is_none() {
            let sizes: Vec<_> =
                operands.iter().flat_map(|operand| operand.size()).map(|size| size.to_string()).collect();
            return Err(Box::new(EvaluateError::TopologySize {
                name: function.to_string(),
                found: sizes.join(" * "),
                expected: self.evaluator.size,
                span: self.span,
            }));
        }
        Ok(())
    }

    /// Pairs of ranks, with all that the list says of each.
    fn rank_pairs(&mut self, argument: usize) -> Result<Vec<((u32, u32), Value)>> {
        let list = self.list(argument)?;
        self.evaluator.spend(list.len() as u64, self.span)?;
        list.iter().map(|value| Ok((rank_pair(self, &value)?, value))).collect()
    }

    fn pair_list(&mut self, pairs: impl Iterator<Item = (u32, u32)>) -> Result<Value> {
        let rank = |rank: u32| Value::Integer(i64::from(rank));
        let mut values = Vec::new();
        for (a, b) in pairs {
            values.push(self.evaluator.list(vec![rank(a), rank(b)], self.span)?);
        }
        self.evaluator.list(values, self.span)
    }
}

fn as_topology(value: &Value, span: Span) -> Result<Rc<Construction>> {
    match value {
        Value::Topology(topology) => Ok(topology.clone()),
        other if has_symbol(other) => Err(Box::new(EvaluateError::Symbolic)),
        other => Err(not_a_topology(&shown(other), span)),
    }
}

pub(super) fn concat(call: &mut Call) -> Result<Value> {
    let operands = call.topologies()?;
    call.combined(Combinator::Concat, operands)
}

pub(super) fn transpose(call: &mut Call) -> Result<Value> {
    call.combined(Combinator::Transpose, vec![call.topology(0)?])
}

pub(super) fn lazy(call: &mut Call) -> Result<Value> {
    let (topology, theta) = (call.topology(0)?, call.number(1)?);
    call.combined(Combinator::Lazy(theta), vec![topology])
}

pub(super) fn permute(call: &mut Call) -> Result<Value> {
    let (topology, list) = (call.topology(0)?, call.list(1)?);
    call.evaluator.spend(list.len() as u64, call.span)?;
    let refused = |reason: String| {
        let (found, span) = (shown(&call.values[1]), call.spans[1]);
        Err(Box::new(EvaluateError::NotAPermutation { found, reason, span }))
    };
    let mut seen = vec![false; list.len()];
    let mut places = Vec::with_capacity(list.len());
    for value in list.iter() {
        if has_symbol(&value) {
            return Err(Box::new(EvaluateError::Symbolic));
        }
        match value
            .as_integer()
            .and_then(|place| usize::try_from(place).ok())
            .filter(|place| *place < seen.len())
        {
            Some(place) if !seen[place] => {
                seen[place] = true;
                places.push(place as u32);
            }
            Some(place) => return refused(format!("it has {place} twice")),
            None => {
                return refused(format!(
                    "{value} is not a rank below {}, the length of the list",
                    seen.len()
                ));
            }
        }
    }
    if places.is_empty() {
        return refused("it is empty".into());
    }
    call.combined(Combinator::Permute(places), vec![topology])
}

pub(super) fn kronecker(call: &mut Call) -> Result<Value> {
    let operands = call.topologies()?;
    call.combined(Combinator::Kronecker, operands)
}

pub(super) fn cartesian(call: &mut Call) -> Result<Value> {
    let operands = call.topologies()?;
    call.combined(Combinator::Cartesian, operands)
}

pub(super) fn union(call: &mut Call) -> Result<Value> {
    let operands = call.topologies()?;
    call.combined(Combinator::Union, operands)
}

pub(super) fn symmetrize(call: &mut Call) -> Result<Value> {
    call.combined(Combinator::Symmetrize, vec![call.topology(0)?])
}

pub(super) fn cycle(call: &mut Call) -> Result<Value> {
    call.combined(Combinator::Cycle, vec![call.topology(0)?])
}

/// Of a topology, a topology; of pairs, lists of pairs.
pub(super) fn matchings(call: &mut Call) -> Result<Value> {
    if !matches!(call.values[0], Value::List(_)) {
        return call.combined(Combinator::Matchings, vec![call.topology(0)?]);
    }
    let edges = pairs::undirected(call.rank_pairs(0)?.into_iter().map(|(pair, _)| pair));
    let span = call.span;
    let colours = pairs::colour(&edges, &mut |steps| call.evaluator.spend(steps, span))?;
    let lists = colours.into_iter().map(|pairs| call.pair_list(pairs.into_iter())).collect::<Result<_>>()?;
    call.evaluator.list(lists, call.span)
}

/// The pairs of a list, from the first on, whose ranks no earlier pair has taken.
pub(super) fn matching(call: &mut Call) -> Result<Value> {
    let all = call.rank_pairs(0)?;
    let ranks: Vec<_> = all.iter().map(|(pair, _)| *pair).collect();
    let taken = all.into_iter().zip(pairs::greedy(&ranks)).filter(|(_, taken)| *taken);
    let taken = taken.map(|((_, value), _)| value).collect();
    call.evaluator.list(taken, call.span)
}

/// `[sender, receiver]` for every edge of a period, sorted.
pub(super) fn edges(call: &mut Call) -> Result<Value> {
    let topology = call.evaluator.realize_here(&*call.topology(0)?)?;
    let mut edges = Vec::new();
    for phase in &topology.phases {
        for rank in 0..topology.size {
            let row = phase.row(Rank(rank)).in_weights;
            call.evaluator.spend(1 + row.len() as u64, call.span)?;
            edges.extend(row.into_iter().map(|(source, _)| (source.0, rank)));
        }
    }
    edges.sort_unstable();
    edges.dedup();
    call.pair_list(edges.into_iter())
}

/// A topology of one phase for each phase.
pub(super) fn phases(call: &mut Call) -> Result<Value> {
    let topology = call.evaluator.realize_here(&*call.topology(0)?)?;
    call.evaluator.optimised.extend_from_slice(&topology.optimised);
    let mut values = Vec::new();
    for phase in &topology.phases {
        call.evaluator.spend(crate::evaluate::topology::phase::entries(phase) / 8, call.span)?;
        let made = Made::Phase(phase.clone());
        values.push(Value::Topology(call.evaluator.construct(made, &topology.name, call.span)?));
    }
    call.evaluator.list(values, call.span)
}

/// The distinct eigenvalues of a static symmetric topology, ascending by modulus.
pub(super) fn eigenvalues(call: &mut Call) -> Result<Value> {
    let topology = call.evaluator.realize_here(&*call.topology(0)?)?;
    let refused = |reason: String| {
        let (name, span) = (topology.name.clone(), call.spans[0]);
        Err(Box::new(EvaluateError::NoEigenvalues { name, reason, span }))
    };
    let [matrix] = &topology.phases[..] else {
        return refused(format!("it has {} phases", topology.phases.len()));
    };
    if let Err(evidence) = properties::symmetric(&topology.phases) {
        return refused(evidence);
    }
    if matches!(matrix, MixingMatrix::Sparse(_)) && matrix.size() > spectrum::MAX_DENSE {
        return refused(format!("it has no symmetry and more than {} ranks", spectrum::MAX_DENSE));
    }
    call.evaluator.spend(spectrum::cost(matrix), call.span)?;
    let values = spectrum::distinct(matrix).into_iter().map(Value::number).collect();
    call.evaluator.list(values, call.span)
}
