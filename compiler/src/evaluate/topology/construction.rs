//! Topologies as values: how one is made. Its phases are computed when they are asked for, at a size.

use super::weights::WeightRule;
use crate::evaluate::value::{LIST_DEPTH, Value};
use crate::model::topology::Topology;
use crate::resolve::ItemId;
use bfc_dsl::tree::Span;
use bfc_schedule::{MixingMatrix, Rational};
use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;

/// A topology as a value: an item with its arguments, or others combined.
#[derive(Debug)]
pub struct Construction {
    pub(in crate::evaluate) made: Made,
    name: String,
    size: Option<u32>,
    depth: u8,
    /// Where it is made.
    pub(in crate::evaluate) span: Span,
    known: OnceCell<(Place, Rc<Topology>)>,
}

/// A number of ranks, and how many of them share a machine.
pub(in crate::evaluate) type Place = (u32, u32);

/// The values of parameters, by place; `None` stands for the default.
pub(in crate::evaluate) type Arguments = Vec<Option<(Value, Span)>>;

/// How a topology is made.
#[derive(Debug)]
pub(in crate::evaluate) enum Made {
    /// By an item of the program.
    Item(ItemId, Arguments),
    /// Another topology on this number of ranks.
    At(Rc<Construction>, u32),
    /// By giving the edges of another weights by this rule, which is said there.
    Weighed(Rc<Construction>, WeightRule, Span),
    /// By taking one phase of another.
    Phase(MixingMatrix),
    /// By combining others.
    Combined(Combinator, Vec<Rc<Construction>>),
}

/// What makes a topology out of others. Those up to [`Kronecker`](Self::Kronecker) keep weights; the rest give edges.
#[derive(Clone, Debug)]
pub(in crate::evaluate) enum Combinator {
    /// The phases of one after those of the other.
    Concat,
    /// Wᵀ for each phase.
    Transpose,
    /// θI + (1 − θ)W for each phase.
    Lazy(Rational),
    /// Rank i becomes the rank at place i.
    Permute(Vec<u32>),
    /// A ⊗ B: rank i_a · n_b + i_b.
    Kronecker,
    /// Edges along one axis at a time; ranks as in `Kronecker`.
    Cartesian,
    /// The edges of all.
    Union,
    /// Every edge both ways.
    Symmetrize,
    /// Phase p: every rank's p-th out-neighbour.
    Cycle,
    /// Phases in which a rank has one partner.
    Matchings,
}

impl Combinator {
    /// Whether phases of a random sample give a sample.
    pub(in crate::evaluate) fn keeps_draws(&self) -> bool {
        matches!(self, Self::Transpose | Self::Lazy(_) | Self::Permute(_) | Self::Symmetrize)
    }

    /// The name of its function.
    pub(in crate::evaluate) fn name(&self) -> &'static str {
        match self {
            Self::Concat => "concat",
            Self::Transpose => "transpose",
            Self::Lazy(_) => "lazy",
            Self::Permute(_) => "permute",
            Self::Kronecker => "kronecker",
            Self::Cartesian => "cartesian",
            Self::Union => "union",
            Self::Symmetrize => "symmetrize",
            Self::Cycle => "cycle",
            Self::Matchings => "matchings",
        }
    }

    /// Whether it is made of the weights of its operands, not only of their edges.
    pub(in crate::evaluate) fn keeps_weights(&self) -> bool {
        match self {
            Self::Concat | Self::Transpose | Self::Lazy(_) | Self::Permute(_) | Self::Kronecker => true,
            Self::Cartesian | Self::Union | Self::Symmetrize | Self::Cycle | Self::Matchings => false,
        }
    }

    /// What its ranks are called: what those of an operand are, unless several operands make up a rank.
    pub(in crate::evaluate) fn names(&self, operands: &[Rc<Topology>]) -> Option<Arc<[String]>> {
        let names = operands.iter().find_map(|operand| operand.names.clone());
        match self {
            _ if self.multiplies() => None,
            Self::Permute(places) => names.map(|names| {
                let mut moved = names.to_vec();
                places
                    .iter()
                    .zip(names.iter())
                    .for_each(|(place, name)| moved[*place as usize].clone_from(name));
                moved.into()
            }),
            _ => names,
        }
    }

    /// Whether sizes of operands multiply; those of all others are the same.
    pub(in crate::evaluate) fn multiplies(&self) -> bool {
        matches!(self, Self::Kronecker | Self::Cartesian)
    }
}

impl Construction {
    /// A topology of this name, or `None` if values would nest too deeply.
    pub(in crate::evaluate) fn new(made: Made, name: &str, span: Span) -> Option<Rc<Self>> {
        let (size, inside) = match &made {
            Made::Item(_, arguments) => {
                (None, arguments.iter().flatten().map(|(value, _)| value.depth()).max())
            }
            Made::At(inner, size) => (Some(*size), Some(inner.depth)),
            Made::Weighed(inner, ..) => (inner.size, Some(inner.depth)),
            Made::Phase(matrix) => (Some(matrix.size()), None),
            Made::Combined(combinator, operands) => {
                (combined_size(combinator, operands), operands.iter().map(|operand| operand.depth).max())
            }
        };
        let depth = 1 + inside.unwrap_or(0);
        let known = OnceCell::new();
        let construction = Self { made, name: name.to_string(), size, depth, span, known };
        (depth <= LIST_DEPTH).then(|| Rc::new(construction))
    }

    /// What users may call it: the name of its item or of what combines it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The only number of ranks that it can have, where that is said.
    pub fn size(&self) -> Option<u32> {
        self.size
    }

    /// How deep values nest in it.
    pub(in crate::evaluate) fn depth(&self) -> u8 {
        self.depth
    }

    /// Its phases at a place, if they were computed there.
    pub(in crate::evaluate) fn known(&self, place: Place) -> Option<Rc<Topology>> {
        let known = self.known.get().filter(|known| known.0 == place);
        known.map(|(_, topology)| topology.clone())
    }

    /// Remembers its phases at a place, the first that it is asked for.
    pub(in crate::evaluate) fn remember(&self, place: Place, topology: &Rc<Topology>) {
        self.known.get_or_init(|| (place, topology.clone()));
    }

    /// How its size comes about: `3 * 4 = 12`.
    pub(in crate::evaluate) fn size_text(&self) -> String {
        let own = self.size.map_or("any number".to_string(), |size| size.to_string());
        match &self.made {
            Made::Combined(combinator, operands) if combinator.multiplies() => {
                let sizes = operands.iter().flat_map(|operand| operand.size).map(|size| size.to_string());
                format!("{} = {own}", sizes.collect::<Vec<_>>().join(" * "))
            }
            _ => own,
        }
    }
}

fn combined_size(combinator: &Combinator, operands: &[Rc<Construction>]) -> Option<u32> {
    match combinator {
        Combinator::Permute(places) => Some(places.len() as u32),
        _ if combinator.multiplies() => {
            operands.iter().try_fold(1u32, |product, operand| product.checked_mul(operand.size?))
        }
        _ => operands.iter().find_map(|operand| operand.size),
    }
}
