//! What a schedule costs, in words.

use crate::words::hundredths;
use bfc_predict::cost::Amount;
use bfc_predict::units::{shown_bytes, shown_seconds};
use bfc_predict::{Cost, Prediction};

/// A line for the messages, and one for the time where a cluster is known.
pub fn lines(cost: &Cost, prediction: Option<&Prediction>) -> Vec<String> {
    let rounds = amount(cost.rounds, hundredths);
    let rounds = format!("in {rounds} round{}", if rounds == "1" { "" } else { "s" });
    match prediction {
        Some(prediction) => vec![
            format!("{} {rounds} a rank and step", amount(prediction.bytes, shown_bytes)),
            time(prediction),
        ],
        None => {
            let models = amount(cost.models, hundredths);
            let numbers = match cost.scalars.max > 0.0 {
                true => format!(" and {} numbers", amount(cost.scalars, hundredths)),
                false => String::new(),
            };
            vec![format!("{models} × the model{numbers} {rounds} a rank and step")]
        }
    }
}

fn amount(Amount { mean, max }: Amount, shown: fn(f64) -> String) -> String {
    let (mean, max) = (shown(mean), shown(max));
    if mean == max { mean } else { format!("{mean} (at most {max})") }
}

fn time(prediction: &Prediction) -> String {
    let waiting = match prediction.exposed_seconds > 0.0 {
        true => shown_seconds(prediction.exposed_seconds),
        false => "none".to_string(),
    };
    format!(
        "{} a step on {}, {waiting} of it waiting; all-reduce: ring {}, tree {}, hierarchical {}",
        shown_seconds(prediction.step_seconds),
        prediction.cluster,
        shown_seconds(prediction.ring_step_seconds),
        shown_seconds(prediction.tree_step_seconds),
        shown_seconds(prediction.hierarchical_step_seconds),
    )
}
