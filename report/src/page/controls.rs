//! The form of a served page: the number of ranks and each parameter, by sliders where their kind has an order.
//!
//! What is sent is the text of the fields, which takes any expression; a slider only writes into its field.

use super::html::Html;
use crate::picture::escape;
use bfc_compiler::Parameter;
use bfc_compiler::defined::Bound;
use bfc_schedule::digits::six_digits;

/// Steps of a slider between two real numbers.
const STEPS: f64 = 100.0;
/// The largest number on the slider of a small whole number.
const LEAST_TOP: f64 = 8.0;

/// The range of a slider.
#[derive(Debug, PartialEq)]
struct Range {
    low: f64,
    high: f64,
    step: f64,
    value: f64,
}

/// Fields for the number of ranks and for these parameters.
pub fn controls(html: &mut Html, size: u32, parameters: &[Parameter]) {
    html.open("form", "class=\"controls live\"");
    let most = (2 * u64::from(size)).max(64);
    let ranks = Range { low: 1.0, high: most as f64, step: 1.0, value: size.into() };
    html.raw(&slider("size", "Ranks", &ranks));
    html.raw(&format!(
        "<label><span class=\"unseen\">Number of ranks</span><input type=\"number\" name=\"size\" min=\"1\" value=\"{size}\"></label>\n"
    ));
    for parameter in parameters {
        let name = escape(&parameter.name);
        let field = format!("param.{name}");
        let value = escape(parameter.value.as_deref().unwrap_or_default());
        let shown = match (range(parameter), parameter.kind.as_deref()) {
            (Some(range), _) => {
                html.raw(&slider(&field, &name, &range));
                format!("<span class=\"unseen\">{name} as an expression</span>")
            }
            (None, Some("bool")) if ["true", "false"].contains(&&*value) => {
                let checked = if value == "true" { " checked" } else { "" };
                html.raw(&format!(
                    "<label>{name} <input type=\"checkbox\" data-field=\"{field}\"{checked}></label>\n"
                ));
                format!("<span class=\"unseen\">{name} as an expression</span>")
            }
            _ => format!("{name} "),
        };
        html.raw(&format!("<label>{shown}<input name=\"{field}\" value=\"{value}\" size=\"8\"></label>\n"));
    }
    html.close("form");
}

fn slider(field: &str, label: &str, range: &Range) -> String {
    let [low, high, step, value] =
        [range.low, range.high, range.step, range.value].map(|number| six_digits(number).to_string());
    format!(
        "<label>{label} <input type=\"range\" data-field=\"{field}\" min=\"{low}\" max=\"{high}\" step=\"{step}\" value=\"{value}\"></label>\n"
    )
}

/// The range of a parameter: as its topology requires it; else from 0 or 1 to some times its value, or to 1.
fn range(parameter: &Parameter) -> Option<Range> {
    let value = number(parameter.value.as_deref()?)?;
    let is_whole = match parameter.kind.as_deref() {
        Some("int") => true,
        Some("real" | "scalar") => false,
        Some(_) => return None,
        None => value.fract() == 0.0,
    };
    let end = |bound: Option<Bound>| bound.map(|bound| bound.value);
    let low = end(parameter.least).unwrap_or(if is_whole { value.min(1.0) } else { value.min(0.0) });
    let high = end(parameter.greatest).unwrap_or(match is_whole {
        true => (4.0 * value).max(LEAST_TOP),
        false if value <= 1.0 => 1.0,
        false => 2.0 * value,
    });
    let (high, low) = (high.max(value), low.min(value));
    let step = if is_whole { 1.0 } else { (high - low) / STEPS };
    if step <= 0.0 {
        return None;
    }
    let inside = |bound: Option<Bound>| if bound.is_some_and(|bound| !bound.is_allowed) { step } else { 0.0 };
    let (low, high) = (low + inside(parameter.least), high - inside(parameter.greatest));
    (low < high).then_some(Range { low, high, step, value })
}

/// A number, or a fraction of two.
fn number(text: &str) -> Option<f64> {
    let one = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    match text.split_once('/') {
        Some((above, below)) => Some(one(above)? / one(below)?).filter(|number| number.is_finite()),
        None => one(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(
        kind: &str,
        value: &str,
        least: Option<(f64, bool)>,
        greatest: Option<(f64, bool)>,
    ) -> Option<Range> {
        let bound = |(value, is_allowed)| Bound { value, is_allowed };
        range(&Parameter {
            name: "p".into(),
            kind: Some(kind.into()),
            value: Some(value.into()),
            least: least.map(bound),
            greatest: greatest.map(bound),
        })
    }

    #[test]
    fn ranges_follow_what_is_required() {
        let range = |low, high, step, value| Some(Range { low, high, step, value });
        assert_eq!(found("int", "2", Some((2.0, true)), None), range(2.0, 8.0, 1.0, 2.0));
        assert_eq!(found("int", "2", Some((1.0, true)), Some((16.0, false))), range(1.0, 15.0, 1.0, 2.0));
        assert_eq!(found("real", "1/2", Some((0.0, false)), Some((1.0, true))), range(0.01, 1.0, 0.01, 0.5));
        assert_eq!(found("scalar", "0.1", None, None), range(0.0, 1.0, 0.01, 0.1));
        assert_eq!(found("int", "0", None, None), range(0.0, 8.0, 1.0, 0.0));
        assert_eq!(found("real", "2 * log(size)", None, None), None);
        assert_eq!(found("codec", "3", None, None), None);
        assert_eq!(found("real", "1/0", None, None), None);
    }
}
