//! Matrices as papers write them, (I + W)/2 or W², where a topology is expected → what this language writes for them.

use super::names::Context;
use bfc_dsl::tree::{BinaryOperator, Expression, ExpressionKind, UnaryOperator};
use bfc_schedule::Rational;

/// c + a I + b W.
struct Affine<'a> {
    number: Rational,
    identity: Rational,
    /// b and the name of W, where there is one.
    topology: Option<(Rational, &'a str)>,
}

impl<'a> Context<'_, 'a> {
    /// What to write instead of an expression that is not a topology.
    pub(super) fn instead_of(&mut self, expression: &'a Expression) -> String {
        let own = self.topologies[0];
        if let Some((keep, topology)) = self.kept_part(expression) {
            return format!("write `lazy({topology}, {keep})`");
        }
        match &*expression.kind {
            ExpressionKind::Binary(BinaryOperator::Power | BinaryOperator::Multiply, ..) => {
                "a product of matrices is a mix of a mix, `mix(mix(v))`".to_string()
            }
            ExpressionKind::Number(_) => {
                format!("to keep a part of v, here a half of it, write `mix(v, lazy({own}, 1/2))`")
            }
            ExpressionKind::Call(..) => {
                let text = self.evaluator.program.text(expression.span);
                let all = self.topologies.join(", ");
                format!("name it after `over`: `over {all}, R = {text}`, and then `mix(v, R)`")
            }
            _ => format!(
                "what `mix` takes is a name, `{}`, or `lazy({own}, 1/2)`",
                self.topologies.join("` or `")
            ),
        }
    }

    /// θ and W of an expression that is θ I + (1 − θ) W, 0 < θ < 1.
    fn kept_part(&mut self, expression: &'a Expression) -> Option<(Rational, &'a str)> {
        let Affine { number, identity, topology } = self.affine(expression)?;
        let (weight, name) = topology?;
        let keeps = !identity.is_negative() && !identity.is_zero() && identity < Rational::one();
        (number.is_zero() && keeps && &identity + &weight == Rational::one()).then_some((identity, name))
    }

    fn affine(&mut self, expression: &'a Expression) -> Option<Affine<'a>> {
        let zero = Rational::zero;
        match &*expression.kind {
            ExpressionKind::Number(_) => {
                let number = self.evaluator.evaluate(expression).ok()?.as_number()?;
                Some(Affine { number, identity: zero(), topology: None })
            }
            ExpressionKind::Name(name) if self.topologies.contains(&name.as_str()) => {
                let topology = Some((Rational::one(), name.as_str()));
                Some(Affine { number: zero(), identity: zero(), topology })
            }
            ExpressionKind::Name(name) if name == "I" => {
                Some(Affine { number: zero(), identity: Rational::one(), topology: None })
            }
            ExpressionKind::Unary(UnaryOperator::Negate, operand) => {
                Some(self.affine(operand)?.times(&-&Rational::one()))
            }
            ExpressionKind::Binary(operator, left, right) => {
                let (left, right) = (self.affine(left)?, self.affine(right)?);
                match operator {
                    BinaryOperator::Add => left.plus(right),
                    BinaryOperator::Subtract => left.plus(right.times(&-&Rational::one())),
                    BinaryOperator::Multiply if left.is_number() => Some(right.times(&left.number)),
                    BinaryOperator::Multiply if right.is_number() => Some(left.times(&right.number)),
                    BinaryOperator::Divide if right.is_number() && !right.number.is_zero() => {
                        Some(left.times(&(&Rational::one() / &right.number)))
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

impl Affine<'_> {
    fn is_number(&self) -> bool {
        self.identity.is_zero() && self.topology.is_none()
    }

    fn times(self, factor: &Rational) -> Self {
        Self {
            number: &self.number * factor,
            identity: &self.identity * factor,
            topology: self.topology.map(|(weight, name)| (&weight * factor, name)),
        }
    }

    /// The sum, of one topology at most.
    fn plus(self, other: Self) -> Option<Self> {
        let topology = match (self.topology, other.topology) {
            (Some((a, name)), Some((b, same))) if name == same => Some((&a + &b, name)),
            (Some(_), Some(_)) => return None,
            (one, other) => one.or(other),
        };
        Some(Self {
            number: &self.number + &other.number,
            identity: &self.identity + &other.identity,
            topology,
        })
    }
}
