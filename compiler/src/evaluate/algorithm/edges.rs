//! States per edge: what a rank holds for each of its neighbours, on a topology that stays and whose edges go both ways.

use super::error::AlgorithmError;
use super::expression::{Term, described};
use super::graph::Operand;
use super::names::{Context, Outcome, Place};
use crate::model::algorithm::{ValueId, ValueKind};
use crate::model::claim::{Claim, Property, Statement};
use bfc_dsl::tree::{Argument, Span};
use bfc_schedule::program::Shape;

impl<'a> Context<'_, 'a> {
    /// For each edge what the neighbour holds for it.
    pub(super) fn back(&mut self, arguments: &'a [Argument], span: Span) -> Outcome<Term> {
        self.forbid(Place::Model, "back", span)?;
        let expression = self.only_argument("back", arguments, span)?;
        match self.operand(expression)? {
            // The same everywhere: so it is with the neighbours.
            constant @ Operand::Constant(_) => Ok(self.term_of_operand(constant)),
            Operand::Value(id) if self.graph.shape(id).is_per_edge() => Ok(Term::Flow(self.returned(id))),
            Operand::Value(id) => {
                let (expected, found) = ("a value per edge", described(self.graph.shape(id)));
                let help = "`back(m)` is what each neighbour holds for this rank in a state `edge m`";
                Err(AlgorithmError::WrongShape { expected, found, help, span: expression.span }.into())
            }
        }
    }

    fn returned(&mut self, m: ValueId) -> ValueId {
        let shape = self.graph.shape(m);
        self.graph.value(ValueKind::Back(m), shape)
    }

    /// The sum of what the neighbours hold for this rank.
    pub(super) fn gathered(&mut self, m: ValueId) -> Term {
        let back = self.returned(m);
        let shape = match self.graph.shape(m) {
            Shape::EdgeVector => Shape::Vector,
            _ => Shape::Scalar,
        };
        Term::Flow(self.graph.value(ValueKind::Gather(back), shape))
    }

    /// What states per edge require of the first topology, besides what is required of it in words.
    pub(super) fn edge_claims(&self, required: &[Claim], span: Span) -> Vec<Claim> {
        let missing = |property: &Property| {
            let statement = Statement::Property(*property, vec![0]);
            required.iter().all(|known| known.statement != statement)
        };
        let state = |property: Property| Claim {
            statement: Statement::Property(property, vec![0]),
            text: property.word().to_string(),
            span,
        };
        [Property::Static, Property::Undirected].into_iter().filter(missing).map(state).collect()
    }
}
