//! The cost line of a compilation.

use super::arguments::Location;
use super::clusters;
use crate::failure::Failure;
use bfc_predict::units::{shown_bytes, shown_seconds};
use bfc_predict::{Cluster, Cost, Prediction};
use bfc_schedule::Schedule;
use serde_json::{Value, json};

/// The cluster that the command line names, if any.
///
/// # Errors
/// As [`clusters::cluster`].
pub fn named(location: &Location) -> Result<Option<Cluster>, Failure> {
    location.cluster.as_deref().map(|name| clusters::cluster_for(name, &location.load)).transpose()
}

/// Adds `cost` to the document of a compilation, and what it warns of to its warnings.
///
/// # Errors
/// The cluster has too few machines.
pub fn add_cost(
    document: &mut Value,
    schedule: &Schedule,
    cluster: Option<&Cluster>,
    model_bytes: f64,
) -> Result<(), Failure> {
    document["cost"] = json!(Cost::new(schedule));
    if let Some(cluster) = cluster {
        let prediction = Prediction::new(schedule, cluster, model_bytes)?;
        if let Some(warnings) = document["warnings"].as_array_mut() {
            warnings.extend(prediction.warnings.iter().map(|warning| json!(warning)));
        }
        document["cost"]["prediction"] = json!(prediction);
    }
    Ok(())
}

/// The cost of a document in words, a line for the messages and one for the time.
pub fn lines(cost: &Value) -> Vec<String> {
    if cost.is_null() {
        return vec![];
    }
    let number = |value: &Value| value.as_f64().unwrap_or(0.0);
    let amount = |amount: &Value, shown: &dyn Fn(f64) -> String| {
        let (mean, max) = (shown(number(&amount["mean"])), shown(number(&amount["max"])));
        if mean == max { mean } else { format!("{mean} (at most {max})") }
    };
    let plain = |value: f64| ((value * 100.0).round() / 100.0).to_string();
    let rounds = amount(&cost["rounds"], &plain);
    let rounds = format!("in {rounds} round{}", if rounds == "1" { "" } else { "s" });
    let prediction = &cost["prediction"];
    if prediction.is_null() {
        let scalars = number(&cost["scalars"]["max"]) > 0.0;
        let beside = if scalars {
            format!(" and {} numbers", amount(&cost["scalars"], &plain))
        } else {
            String::new()
        };
        return vec![format!(
            "{} × the model{beside} {rounds} a rank and step",
            amount(&cost["models"], &plain)
        )];
    }
    let seconds = |key: &str| shown_seconds(number(&prediction[key]));
    let waiting = if number(&prediction["exposed_seconds"]) > 0.0 {
        seconds("exposed_seconds")
    } else {
        "none".to_string()
    };
    vec![
        format!("{} {rounds} a rank and step", amount(&prediction["bytes"], &shown_bytes)),
        format!(
            "{} a step on {}, {} of it waiting; all-reduce: ring {}, tree {}, hierarchical {}",
            seconds("step_seconds"),
            prediction["cluster"].as_str().unwrap_or_default(),
            waiting,
            seconds("ring_step_seconds"),
            seconds("tree_step_seconds"),
            seconds("hierarchical_step_seconds"),
        ),
    ]
}
