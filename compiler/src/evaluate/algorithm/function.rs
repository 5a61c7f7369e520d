//! Functions of values of the run: built-in ones, element by element, and those of the program, which are written out
//! where they are called.

use super::error::AlgorithmError;
use super::expression::Term;
use super::graph::Operand;
use super::names::{Context, Frame, Moment, Outcome};
use crate::builtin_names::Builtin;
use crate::evaluate::EvaluateError;
use crate::evaluate::value::builtin;
use crate::evaluate::value::call::{check_kind, match_arguments};
use bfc_dsl::tree::{Argument, Function, Parameter, Span};
use bfc_schedule::Rational;
use bfc_schedule::program::Operation;

impl<'a> Context<'_, 'a> {
    /// A built-in function of values of the run.
    pub fn elementwise(&mut self, builtin: &Builtin, arguments: &'a [Argument], span: Span) -> Outcome<Term> {
        builtin::check_arity(builtin, arguments, span)?;
        let terms = self.terms(arguments.iter().map(|argument| &argument.value))?;
        let spans: Vec<_> = arguments.iter().map(|argument| argument.value.span).collect();
        let known = |term: &Term| if let Term::Constant(value) = term { Some(value.clone()) } else { None };
        if let Some(values) = terms.iter().map(known).collect::<Option<Vec<_>>>() {
            return Ok(Term::Constant(self.evaluator.apply_builtin(builtin, values, spans, span)?));
        }
        let operands = terms.iter().zip(&spans).map(|(term, span)| self.operand_of(term, *span));
        let mut operands = operands.collect::<Result<Vec<_>, _>>()?.into_iter();
        let first = operands.next().unwrap_or(Operand::Constant(Rational::zero()));
        let unary = |context: &mut Self, operation| {
            let operand = context.graph.plain(first.clone());
            Term::Flow(context.graph.apply(operation, vec![operand]))
        };
        Ok(match builtin.name {
            "abs" => unary(self, Operation::Absolute),
            "sqrt" => unary(self, Operation::SquareRoot),
            "floor" => unary(self, Operation::Floor),
            "ceil" => {
                let below = self.graph.plain(first);
                let below = self.graph.negate(below);
                let floor = self.graph.apply(Operation::Floor, vec![below]);
                Term::Flow(self.graph.negate(floor))
            }
            "log" => {
                let logarithm = |context: &mut Self, operand: Operand| {
                    let operand = context.graph.plain(operand);
                    Operand::Value(context.graph.apply(Operation::Log, vec![operand]))
                };
                let mut result = logarithm(self, first);
                if let Some(base) = operands.next() {
                    let base = logarithm(self, base);
                    result = self.graph.binary(Operation::Divide, result, base);
                }
                self.term_of_operand(result)
            }
            "min" | "max" => {
                let operation = if builtin.name == "min" { Operation::Minimum } else { Operation::Maximum };
                let fold = |left, right| self.graph.binary(operation.clone(), left, right);
                let result = operands.fold(first, fold);
                self.term_of_operand(result)
            }
            "random" => return self.random(first, operands.collect(), &spans),
            name => {
                let what = format!("what `{name}` is applied to");
                let help = "functions of the run are `abs sqrt log floor ceil min max random`".to_string();
                let run_time = terms.iter().position(|term| !matches!(term, Term::Constant(_))).unwrap_or(0);
                return Err(AlgorithmError::RunTimeValue { what, help, span: spans[run_time] }.into());
            }
        })
    }

    /// `random(seed, key)` with a key of the run.
    fn random(&mut self, seed: Operand, keys: Vec<Operand>, spans: &[Span]) -> Outcome<Term> {
        let exact = Rational::integer(1i64 << 53);
        let seed = match seed {
            Operand::Constant(seed) if seed.is_integer() && !seed.is_negative() && seed < exact => seed,
            _ => {
                let what = "a seed that is not an integer below 2^53, with a run-time key".to_string();
                let help = "use a small seed known when compiling";
                return Err(AlgorithmError::NotSupportedYet { what, help, span: spans[0] }.into());
            }
        };
        match &keys[..] {
            [key] => {
                let result = self.graph.binary(Operation::Random, Operand::Constant(seed), key.clone());
                Ok(self.term_of_operand(result))
            }
            _ => {
                let what = "random with several keys of the run".to_string();
                let help = "compute one key, such as `t * size + k`";
                Err(AlgorithmError::NotSupportedYet { what, help, span: spans[1] }.into())
            }
        }
    }

    /// The body of a function with its arguments for its parameters.
    pub fn write_out(
        &mut self,
        function: &'a Function,
        arguments: &'a [Argument],
        span: Span,
    ) -> Outcome<Term> {
        let name = &function.name.text;
        let matched = match_arguments(name, &function.parameters, arguments, span)?;
        let values = matched.iter().flatten().map(|argument| &argument.value);
        let mut given = self.terms(values.clone())?.into_iter().zip(values.map(|value| value.span));
        let terms = matched.iter().map(|argument| argument.and_then(|_| given.next())).collect::<Vec<_>>();
        let (outside, mark) = (self.frame, self.locals.len());
        self.frame = Frame { scope: None, moment: Moment::Before, function: true, base: mark };
        let bound = function
            .parameters
            .iter()
            .zip(terms)
            .try_for_each(|(parameter, term)| self.bind_parameter(parameter, term));
        self.calls.push(span);
        let result = bound.and_then(|()| self.term(&function.body));
        self.calls.pop();
        self.frame = outside;
        self.locals.truncate(mark);
        result
    }

    fn bind_parameter(&mut self, parameter: &'a Parameter, given: Option<(Term, Span)>) -> Outcome<()> {
        let name = &parameter.name;
        let (term, span) = match (given, &parameter.default) {
            (Some(given), _) => given,
            (None, Some(default)) => (self.term(default)?, default.span),
            (None, None) => {
                let name = name.text.clone();
                return Err(
                    Box::new(EvaluateError::MissingParameter { name, span: parameter.name.span }).into()
                );
            }
        };
        if let (Some(kind), Term::Constant(value)) = (&parameter.kind, &term) {
            check_kind(&name.text, &kind.text, value, span)?;
        }
        self.locals.push((&name.text, term));
        Ok(())
    }
}
