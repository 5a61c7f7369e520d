//! Calls of functions of the program: arguments meet parameters.

use super::Value;
use crate::evaluate::error::{EvaluateError, Result};
use crate::evaluate::scope::Evaluator;
use bfc_dsl::tree::{Argument, Expression, ExpressionKind, Function, Name, Parameter, Span};

/// Which argument each parameter gets: `None` stands for its default.
pub type Matched<'a> = Vec<Option<&'a Argument>>;

/// Matches arguments with parameters, by place first and then by name.
pub fn match_arguments<'a>(
    name: &str,
    parameters: &[Parameter],
    arguments: &'a [Argument],
    span: Span,
) -> Result<Matched<'a>> {
    let mut matched: Matched<'a> = vec![None; parameters.len()];
    for (place, argument) in arguments.iter().enumerate() {
        let at = match &argument.name {
            None => place,
            Some(name) => find_parameter(name, parameters)?,
        };
        match matched.get_mut(at) {
            Some(free @ None) => *free = Some(argument),
            _ => return Err(wrong_arity(name, parameters, arguments.len(), span)),
        }
    }
    let unset = parameters
        .iter()
        .zip(&matched)
        .find(|(parameter, argument)| argument.is_none() && parameter.default.is_none());
    match unset {
        Some((parameter, _)) if arguments.is_empty() => Err(missing(parameter, span)),
        Some(_) => Err(wrong_arity(name, parameters, arguments.len(), span)),
        None => Ok(matched),
    }
}

fn find_parameter(name: &Name, parameters: &[Parameter]) -> Result<usize> {
    let names = parameters.iter().map(|parameter| parameter.name.text.as_str());
    names.clone().position(|known| known == name.text).ok_or_else(|| {
        let help =
            crate::builtin_names::nearest(&name.text, names).map(|near| format!("did you mean `{near}`?"));
        Box::new(EvaluateError::UnknownName { name: name.text.clone(), span: name.span, help })
    })
}

fn wrong_arity(name: &str, parameters: &[Parameter], found: usize, span: Span) -> Box<EvaluateError> {
    let names: Vec<_> = parameters.iter().map(|parameter| parameter.name.text.as_str()).collect();
    let expected = match names[..] {
        [] => "no arguments".to_string(),
        [one] => format!("one argument, `{one}`"),
        _ => format!("{} arguments, `{}`", names.len(), names.join("`, `")),
    };
    Box::new(EvaluateError::WrongArity { function: name.to_string(), expected, found, span })
}

/// A value that a user gave for a parameter, by name, and its place.
pub type Override = (String, Value, Span);

impl<'a> Evaluator<'a> {
    /// Replaces everything above `height` by the arguments of a call, as the names that the function sees.
    pub(in crate::evaluate) fn enter(
        &mut self,
        function: &'a Function,
        arguments: &'a [Argument],
        span: Span,
        height: usize,
    ) -> Result<()> {
        let parameters = &function.parameters;
        let plain = arguments.len() == parameters.len()
            && arguments.iter().all(|argument| argument.name.is_none())
            && parameters.iter().all(|parameter| parameter.kind.is_none());
        if !plain {
            let values = self.arguments(&function.name.text, parameters, arguments, span)?;
            self.scope.truncate(height);
            self.base = height;
            return self.bind_parameters(parameters, values, span);
        }
        let start = self.mark();
        for argument in arguments {
            let value = self.operand(&argument.value)?;
            self.bind("", value);
        }
        self.scope.drain(height..start);
        self.base = height;
        for (parameter, bound) in parameters.iter().zip(&mut self.scope[height..]) {
            bound.0 = &parameter.name.text;
        }
        Ok(())
    }

    /// The values of the arguments of a call, one place for each parameter, with their places in the source.
    pub fn arguments(
        &mut self,
        name: &str,
        parameters: &[Parameter],
        arguments: &'a [Argument],
        span: Span,
    ) -> Result<Vec<Option<(Value, Span)>>> {
        let matched = match_arguments(name, parameters, arguments, span)?;
        let value = |argument: &'a Argument| Ok((self.operand(&argument.value)?, argument.value.span));
        let mut value = value;
        matched.into_iter().map(|argument| argument.map(&mut value).transpose()).collect()
    }

    /// As [`arguments`](Self::arguments), where values that a user gave go before those of the call.
    pub fn given(
        &mut self,
        name: &str,
        parameters: &[Parameter],
        arguments: &'a [Argument],
        overrides: &[Override],
        span: Span,
    ) -> Result<Vec<Option<(Value, Span)>>> {
        let of = |parameter: &Parameter| overrides.iter().find(|(given, ..)| *given == parameter.name.text);
        let mut optional = parameters.to_vec();
        for parameter in &mut optional {
            if let (None, Some((_, _, span))) = (&parameter.default, of(parameter)) {
                // Any default will do: the override takes its place.
                let kind = Box::new(ExpressionKind::Truth(false));
                parameter.default = Some(Expression { kind, span: *span });
            }
        }
        let mut values = self.arguments(name, &optional, arguments, span)?;
        for (parameter, value) in parameters.iter().zip(&mut values) {
            if let Some((_, given, span)) = of(parameter) {
                *value = Some((given.clone(), *span));
            }
        }
        Ok(values)
    }

    /// Binds parameters to the given values or else to their defaults, which see the parameters before them.
    pub fn bind_parameters(
        &mut self,
        parameters: &'a [Parameter],
        values: Vec<Option<(Value, Span)>>,
        span: Span,
    ) -> Result<()> {
        for (parameter, value) in parameters.iter().zip(values) {
            let (value, span) = match (value, &parameter.default) {
                (Some(given), _) => given,
                (None, Some(default)) => (self.operand(default)?, default.span),
                (None, None) => return Err(missing(parameter, span)),
            };
            if let Some(kind) = &parameter.kind {
                check_kind(&parameter.name.text, &kind.text, &value, span)?;
            }
            self.bind(&parameter.name.text, value);
        }
        Ok(())
    }
}

fn missing(parameter: &Parameter, span: Span) -> Box<EvaluateError> {
    Box::new(EvaluateError::MissingParameter { name: parameter.name.text.clone(), span })
}

/// Whether a value is of the kind that a parameter asks for.
pub fn check_kind(name: &str, kind: &str, value: &Value, span: Span) -> Result<()> {
    let (fits, expected) = match kind {
        "int" => (matches!(value.as_number(), Some(number) if number.is_integer()), "an integer"),
        "real" | "scalar" => (value.is_number(), "a number"),
        "bool" => (matches!(value, Value::Truth(_)), "`true` or `false`"),
        "list" => (matches!(value, Value::List(_)), "a list"),
        "topology" => (matches!(value, Value::Topology(_)), "a topology"),
        "codec" => (matches!(value, Value::Codec(_)), "a codec"),
        _ => (false, "a kind that is known"),
    };
    if fits || super::expect::has_symbol(value) {
        return Ok(());
    }
    Err(Box::new(EvaluateError::ParameterKind {
        name: name.to_string(),
        expected,
        found: value.to_string(),
        span,
    }))
}
