//! The equations of an algorithm as MathML: what `step` assigns, in the notation of the papers.
//!
//! `x` is the value before the step, `x⁺` the one after it; `mix` is the matrix W (or the one that is named), `grad` is ∇f,
//! `average` is J. Expressions without a common notation are printed as source.

use bfc_compiler::library;
use bfc_dsl::tree::{
    Algorithm, AlgorithmStatement, Argument, BinaryOperator, Expression, ExpressionKind, FileId, Item,
    Pattern, StepStatement, UnaryOperator,
};
use bfc_dsl::{parse, print_expression};
use bfc_report::picture::escape;

/// The equations, each a `math` element; empty if neither the source nor the library has an algorithm of this name.
pub fn equations(source: &str, algorithm: &str) -> Vec<String> {
    let library = library::source(&format!("algorithm::{algorithm}"));
    let found = [Some(source), library].into_iter().flatten().find_map(|text| named(text, algorithm));
    let Some(found) = found else { return vec![] };
    let mut lines = vec![];
    for statement in &found.body {
        match statement {
            AlgorithmStatement::State(state) | AlgorithmStatement::EdgeState(state) => {
                let start = format!("<msub>{}<mn>0</mn></msub>", identifier(&state.name.text));
                lines.push(equation(&start, &state.value, ""));
            }
            AlgorithmStatement::Let(one) => lines.push(equation(&pattern(&one.pattern), &one.value, "")),
            AlgorithmStatement::Step(step, _) => statements(step, "", &mut lines),
            AlgorithmStatement::Requires(..) | AlgorithmStatement::Model(..) => {}
        }
    }
    lines
}

fn named(text: &str, name: &str) -> Option<Algorithm> {
    parse(FileId(0), text).file.items.into_iter().find_map(|item| match item {
        Item::Algorithm(one) if one.name.text == name => Some(one),
        _ => None,
    })
}

fn statements(step: &[StepStatement], condition: &str, lines: &mut Vec<String>) {
    for statement in step {
        let (left, value) = match statement {
            StepStatement::Assign(name, value, _) => (next(&name.text), value),
            StepStatement::Let(one) => (pattern(&one.pattern), &one.value),
            StepStatement::If(test, then, otherwise, _) => {
                let test = word(&print_expression(test));
                for (branch, start) in [(then, "if "), (otherwise, "if not ")] {
                    let start = word(start);
                    statements(branch, &format!("{condition}<mspace width=\"1em\"/>{start}{test}"), lines);
                }
                continue;
            }
        };
        lines.push(equation(&left, value, condition));
    }
}

fn equation(left: &str, value: &Expression, condition: &str) -> String {
    format!("<math display=\"block\">{left}<mo>=</mo>{}{condition}</math>", math(value))
}

fn pattern(pattern: &Pattern) -> String {
    match pattern {
        Pattern::Name(name) => identifier(&name.text),
        Pattern::List(names, _) => {
            let names: Vec<String> = names.iter().map(self::pattern).collect();
            bracketed(&names.join("<mo>,</mo>"))
        }
    }
}

fn next(name: &str) -> String {
    format!("<msup>{}<mo>+</mo></msup>", identifier(name))
}

fn identifier(name: &str) -> String {
    format!("<mi>{}</mi>", escape(name))
}

fn word(text: &str) -> String {
    format!("<mtext>{}</mtext>", escape(text))
}

fn bracketed(inside: &str) -> String {
    format!("<mrow><mo>(</mo>{inside}<mo>)</mo></mrow>")
}

fn math(expression: &Expression) -> String {
    use ExpressionKind as Kind;
    match &*expression.kind {
        Kind::Number(digits) => format!("<mn>{}</mn>", escape(digits)),
        Kind::Name(name) => identifier(name),
        Kind::Primed(name) => next(name),
        Kind::Unary(UnaryOperator::Negate, value) => format!("<mrow><mo>−</mo>{}</mrow>", factor(value)),
        Kind::Binary(BinaryOperator::Divide, above, below) => {
            format!("<mfrac><mrow>{}</mrow><mrow>{}</mrow></mfrac>", math(above), math(below))
        }
        Kind::Binary(BinaryOperator::Power, base, exponent) => {
            format!("<msup><mrow>{}</mrow><mrow>{}</mrow></msup>", tight(base), math(exponent))
        }
        Kind::Binary(BinaryOperator::Multiply, a, b) => {
            format!("<mrow>{}<mo>\u{22c5}</mo>{}</mrow>", factor(a), factor(b))
        }
        Kind::Binary(BinaryOperator::Add, a, b) => format!("<mrow>{}<mo>+</mo>{}</mrow>", math(a), math(b)),
        Kind::Binary(BinaryOperator::Subtract, a, b) => {
            format!("<mrow>{}<mo>−</mo>{}</mrow>", math(a), factor(b))
        }
        Kind::Call(name, arguments) => call(&name.text, arguments),
        _ => word(&print_expression(expression)),
    }
}

/// As part of a product: sums are put in brackets.
fn factor(expression: &Expression) -> String {
    match &*expression.kind {
        ExpressionKind::Binary(BinaryOperator::Add | BinaryOperator::Subtract, ..)
        | ExpressionKind::Unary(..) => bracketed(&math(expression)),
        _ => math(expression),
    }
}

/// As the base of a power: all that has an operator is put in brackets.
fn tight(expression: &Expression) -> String {
    match &*expression.kind {
        ExpressionKind::Binary(..) | ExpressionKind::Unary(..) => bracketed(&math(expression)),
        _ => math(expression),
    }
}

fn call(name: &str, arguments: &[Argument]) -> String {
    let by_name = |wanted: &str| {
        let is_it = |one: &&Argument| one.name.as_ref().is_some_and(|name| name.text == wanted);
        arguments.iter().find(is_it).map(|one| &one.value)
    };
    let by_place: Vec<&Expression> =
        arguments.iter().filter(|one| one.name.is_none()).map(|one| &one.value).collect();
    match (name, &by_place[..]) {
        ("mix", [value, matrix @ ..]) => {
            let matrix = matrix.first().map_or_else(|| identifier("W"), |matrix| math(matrix));
            let matrix = match by_name("times") {
                Some(times) => format!("<msup>{matrix}<mrow>{}</mrow></msup>", math(times)),
                None => matrix,
            };
            format!("<mrow>{matrix}<mspace width=\"0.2em\"/>{}</mrow>", factor(value))
        }
        ("average", [value]) => format!("<mrow><mi>J</mi><mspace width=\"0.2em\"/>{}</mrow>", factor(value)),
        ("grad", [at]) => format!("<mrow><mo>∇</mo><mi>f</mi>{}</mrow>", bracketed(&math(at))),
        ("sqrt", [value]) => format!("<msqrt>{}</msqrt>", math(value)),
        ("norm", [value]) => format!("<mrow><mo>‖</mo>{}<mo>‖</mo></mrow>", math(value)),
        _ => {
            let shown = |one: &Argument| match &one.name {
                Some(name) => format!("{}<mo>=</mo>{}", identifier(&name.text), math(&one.value)),
                None => math(&one.value),
            };
            let arguments: Vec<String> = arguments.iter().map(shown).collect();
            format!("<mrow>{}{}</mrow>", identifier(name), bracketed(&arguments.join("<mo>,</mo>")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text without tags, with a superscript as it stands.
    fn plain(line: &str) -> String {
        line.split('<').map(|piece| piece.split_once('>').map_or(piece, |(_, text)| text)).collect()
    }

    #[test]
    fn equations_read_like_those_of_the_paper() {
        let lines: Vec<String> = equations("", "gradient_tracking").iter().map(|line| plain(line)).collect();
        assert_eq!(lines, ["x0=params", "g0=∇f(x)", "y0=g", "x+=W(x−lr⋅y)", "g+=∇f(x+)", "y+=W(y+g+−g)"]);
    }

    #[test]
    fn every_library_algorithm_has_well_formed_equations() {
        let names = library::names().into_iter().filter_map(|name| name.strip_prefix("algorithm::"));
        let mut count = 0;
        for name in names {
            let lines = equations("", name);
            assert!(!lines.is_empty(), "{name}");
            for line in lines {
                roxmltree::Document::parse(&line).unwrap_or_else(|error| panic!("{name}: {error}: {line}"));
            }
            count += 1;
        }
        assert!(count > 10, "{count}");
    }
}
