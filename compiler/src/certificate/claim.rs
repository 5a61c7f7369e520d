//! Claims as JSON and back, as a certificate keeps them, and in words.

use crate::model::claim::{CONTRACTION, Comparison, Number, Property, Quantity, Statement, UNBIASED};
use bfc_schedule::{Codec, Rational};
use num_rational::BigRational;
use serde_json::{Value, json};
use std::fmt;

const COMPARISONS: [(&str, Comparison); 6] = [
    ("==", Comparison::Equal),
    ("!=", Comparison::NotEqual),
    ("<", Comparison::Less),
    ("<=", Comparison::LessEqual),
    (">", Comparison::Greater),
    (">=", Comparison::GreaterEqual),
];

/// `{"property": "connected", "of": [0]}`, `{"compare": [q, "<", q]}` or `{"unbiased": codec}`; topologies by index. `None`
/// for a truth value, which speaks of the source alone.
pub(super) fn write(claim: &Statement) -> Option<Value> {
    Some(match claim {
        Statement::Property(property, of) => json!({ "property": property.word(), "of": of }),
        Statement::Compare(left, comparison, right) => {
            json!({ "compare": [quantity(left), symbol(*comparison), quantity(right)] })
        }
        Statement::Unbiased(codec) => json!({ "unbiased": codec.to_string() }),
        Statement::Truth(_) => return None,
    })
}

fn symbol(comparison: Comparison) -> &'static str {
    COMPARISONS.iter().find(|(_, known)| *known == comparison).map_or("", |(symbol, _)| symbol)
}

fn quantity(quantity: &Quantity) -> Value {
    match quantity {
        Quantity::Exact(number) => json!(number.to_string()),
        Quantity::Contraction(codec) => json!({ "contraction": codec.to_string() }),
        Quantity::Of(number, topology) => json!({ "number": number.word(), "of": topology }),
    }
}

/// The claim, if it is about this number of topologies at most.
pub(super) fn read(value: &Value, topologies: usize) -> Option<Statement> {
    let topology = |value: &Value| {
        let index = value.as_u64().and_then(|index| usize::try_from(index).ok());
        index.filter(|index| *index < topologies)
    };
    if let Some(codec) = value["unbiased"].as_str() {
        return Codec::parse(codec).map(Statement::Unbiased);
    }
    if let Some(word) = value["property"].as_str() {
        let property = Property::from_word(word)?;
        let of = value["of"].as_array()?.iter().map(topology).collect::<Option<Vec<_>>>()?;
        return (of.len() == property.topologies()).then_some(Statement::Property(property, of));
    }
    let quantity = |value: &Value| match value.as_str() {
        Some(number) => Some(Quantity::Exact(Rational::from(number.parse::<BigRational>().ok()?))),
        None if value["contraction"].is_string() => {
            value["contraction"].as_str().and_then(Codec::parse).map(Quantity::Contraction)
        }
        None => Some(Quantity::Of(Number::from_word(value["number"].as_str()?)?, topology(&value["of"])?)),
    };
    let [left, symbol, right] = &value["compare"].as_array()?[..] else { return None };
    let comparison = COMPARISONS.iter().find(|(known, _)| Some(*known) == symbol.as_str())?.1;
    Some(Statement::Compare(quantity(left)?, comparison, quantity(right)?))
}

/// A claim in the words of the language, about topologies of these names.
pub(super) struct Worded<'a>(pub &'a Statement, pub &'a [String]);

impl fmt::Display for Worded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |topology: &usize| self.1[*topology].as_str();
        let quantity = |quantity: &Quantity| match quantity {
            Quantity::Exact(number) => number.to_string(),
            Quantity::Contraction(codec) => format!("{CONTRACTION}({codec})"),
            Quantity::Of(number, topology) => format!("{}({})", number.word(), name(topology)),
        };
        match self.0 {
            Statement::Property(property, of) if of.is_empty() => f.write_str(property.word()),
            Statement::Property(property, of) => {
                write!(f, "{}({})", property.word(), of.iter().map(name).collect::<Vec<_>>().join(", "))
            }
            Statement::Compare(left, comparison, right) => {
                write!(f, "{} {} {}", quantity(left), symbol(*comparison), quantity(right))
            }
            Statement::Unbiased(codec) => write!(f, "{UNBIASED}({codec})"),
            Statement::Truth(truth) => truth.fmt(f),
        }
    }
}
