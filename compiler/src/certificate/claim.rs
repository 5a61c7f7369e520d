//! Claims as JSON and back, as a certificate keeps them.

use crate::claim::{Claim, Comparison, Number, Property, Quantity};
use bfc_schedule::{Codec, Rational};
use num_rational::BigRational;
use serde_json::{Value, json};

const COMPARISONS: [(&str, Comparison); 6] = [
    ("==", Comparison::Equal),
    ("!=", Comparison::NotEqual),
    ("<", Comparison::Less),
    ("<=", Comparison::LessEqual),
    (">", Comparison::Greater),
    (">=", Comparison::GreaterEqual),
];

/// `{"property": "connected", "of": [0]}`, `{"compare": [q, "<", q]}`, `{"unbiased": codec}` or `{"truth": true}`; topologies by index.
pub(super) fn write(claim: &Claim) -> Value {
    match claim {
        Claim::Property(property, of) => json!({ "property": property.word(), "of": of }),
        Claim::Compare(left, comparison, right) => {
            let symbol = COMPARISONS.iter().find(|(_, known)| known == comparison).map(|(symbol, _)| symbol);
            json!({ "compare": [quantity(left), symbol, quantity(right)] })
        }
        Claim::Unbiased(codec) => json!({ "unbiased": codec.to_string() }),
        Claim::Truth(truth) => json!({ "truth": truth }),
    }
}

fn quantity(quantity: &Quantity) -> Value {
    match quantity {
        Quantity::Exact(number) => json!(number.to_string()),
        Quantity::Contraction(codec) => json!({ "contraction": codec.to_string() }),
        Quantity::Of(number, topology) => json!({ "number": number.word(), "of": topology }),
    }
}

/// The claim, if it is one about so many topologies.
pub(super) fn read(value: &Value, topologies: usize) -> Option<Claim> {
    let topology = |value: &Value| {
        let index = value.as_u64().and_then(|index| usize::try_from(index).ok());
        index.filter(|index| *index < topologies)
    };
    if let Some(truth) = value["truth"].as_bool() {
        return Some(Claim::Truth(truth));
    }
    if let Some(codec) = value["unbiased"].as_str() {
        return Codec::parse(codec).map(Claim::Unbiased);
    }
    if let Some(word) = value["property"].as_str() {
        let of = value["of"].as_array()?.iter().map(topology).collect::<Option<Vec<_>>>()?;
        return Some(Claim::Property(Property::from_word(word)?, of));
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
    Some(Claim::Compare(quantity(left)?, comparison, quantity(right)?))
}
