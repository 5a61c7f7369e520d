//! `bfc advise`: the schedules of the library, ranked by the predicted time to a target.

use super::arguments::Advise;
use super::candidates::{Candidate, Found, Goal, search};
use super::clusters::cluster_for;
use super::error::PredictError;
use crate::arguments::Format;
use crate::failure::Failure;
use crate::table::Table;
use crate::{input, output};
use bfc_predict::advise::rank;
use bfc_predict::links::Wiring;
use bfc_predict::units::{shown_bytes, shown_seconds};
use bfc_predict::{AllReduce, Cluster};
use serde_json::{Value, json};

/// So many candidates are shown to people.
const SHOWN: usize = 10;

/// Searches, ranks and reports.
///
/// # Errors
/// The cluster or the algorithm is not known, or nothing reaches the target.
pub fn advise(arguments: &Advise, format: Format) -> Result<(), Failure> {
    let cluster = cluster_for(&arguments.cluster, &arguments.load)?;
    let algorithm =
        arguments.algorithm.as_deref().map(|name| name.strip_prefix("algorithm::").unwrap_or(name));
    if let Some(name) = algorithm {
        input::library_name(&format!("algorithm::{name}"))?;
    }
    let goal = Goal {
        size: arguments.size,
        cluster: &cluster,
        algorithm,
        model_bytes: arguments.load.model_bytes,
        error: arguments.error,
        heterogeneity: arguments.heterogeneity,
        curvature: arguments.curvature.0,
    };
    let Found { candidates, left_out } = search(&goal)?;
    let efforts: Vec<_> = candidates.iter().map(|candidate| candidate.effort).collect();
    let ranked: Vec<(&Candidate, bool)> =
        rank(&efforts).into_iter().map(|(index, front)| (&candidates[index], front)).collect();
    let Some((best, _)) = ranked.first() else {
        let reasons = left_out.iter().map(|(name, reason)| format!("{name}: {reason}")).collect();
        return Err(Failure::refused_by(PredictError::NothingReaches { error: goal.error, reasons }));
    };
    let source = format!("// {}\n// {}\n\n{}", title(&goal), summary(best), best.source);
    if let Some(path) = &arguments.output {
        output::write_file(path, source.as_bytes())?;
    }
    match format {
        Format::Json => output::print_json(&json(&goal, &ranked, &left_out, &source)?),
        Format::Human => {
            output::print(table(&goal, &ranked, &left_out)?)?;
            match &arguments.output {
                Some(path) => output::say(&format!("wrote {} into {}", best.name, path.display())),
                None => output::say("`-o best.bf` writes the first as a source"),
            }
            Ok(())
        }
    }
}

fn json(
    goal: &Goal<'_>,
    ranked: &[(&Candidate, bool)],
    left_out: &[(String, String)],
    source: &str,
) -> Result<Value, Failure> {
    let row = |(candidate, front): &(&Candidate, bool)| {
        json!({
            "topology": candidate.name,
            "steps": candidate.effort.steps,
            "step_seconds": candidate.effort.step_seconds,
            "seconds": candidate.effort.seconds(),
            "exposed_seconds": candidate.exposed_seconds,
            "rounds": candidate.cost.rounds.mean,
            "bytes": candidate.cost.bytes(goal.model_bytes).mean,
            "why": candidate.why,
            "pareto": front,
        })
    };
    Ok(json!({
        "size": goal.size,
        "cluster": goal.cluster.name(),
        "algorithm": goal.algorithm,
        "model_bytes": goal.model_bytes,
        "error": goal.error,
        "heterogeneity": goal.heterogeneity,
        "ranking": ranked.iter().map(row).collect::<Value>(),
        "left_out": left_out.iter().map(|(name, reason)| json!({ "topology": name, "reason": reason })).collect::<Value>(),
        "allreduce_seconds": all_reduce(goal.cluster, goal)?.1,
        "source": source,
    }))
}

fn table(
    goal: &Goal<'_>,
    ranked: &[(&Candidate, bool)],
    left_out: &[(String, String)],
) -> Result<String, Failure> {
    let mut table = Table::new();
    table.set_header([
        "",
        "topology",
        "time",
        "steps",
        "a step",
        "waiting",
        "sends a step",
        "rounds",
        "error",
    ]);
    for (place, (candidate, front)) in ranked.iter().take(SHOWN).enumerate() {
        table.add_row([
            format!("{}{}", place + 1, if *front { " ●" } else { "" }),
            candidate.name.clone(),
            shown_seconds(candidate.effort.seconds()),
            candidate.effort.steps.to_string(),
            shown_seconds(candidate.effort.step_seconds),
            shown_seconds(candidate.exposed_seconds),
            shown_bytes(candidate.cost.bytes(goal.model_bytes).mean),
            format!("{}", (candidate.cost.rounds.mean * 100.0).round() / 100.0),
            candidate.why.clone(),
        ]);
    }
    table.align_right(2..8);
    let (name, seconds) = all_reduce(goal.cluster, goal)?;
    let mut text = format!("{}\n\n{}\n", title(goal), table.text());
    if ranked.len() > SHOWN {
        text.push_str(&format!("and {} more; --format json lists all\n", ranked.len() - SHOWN));
    }
    text.push_str(&format!(
        "\n● no other has both fewer steps and shorter ones\none {name} all-reduce of the model takes {}\n",
        shown_seconds(seconds)
    ));
    for (name, reason) in left_out {
        text.push_str(&format!("left out: {name}: {reason}\n"));
    }
    Ok(text)
}

fn title(goal: &Goal<'_>) -> String {
    let what = goal
        .algorithm
        .map_or("averaging".to_string(), |name| format!("{name}, heterogeneity {}", goal.heterogeneity));
    let (size, name) = (goal.size, goal.cluster.name());
    format!(
        "{what} to {:e} with {size} ranks on {name}, model of {}",
        goal.error,
        shown_bytes(goal.model_bytes)
    )
}

fn summary(candidate: &Candidate) -> String {
    format!(
        "predicted {}: {} steps of {}, {}",
        shown_seconds(candidate.effort.seconds()),
        candidate.effort.steps,
        shown_seconds(candidate.effort.step_seconds),
        candidate.why
    )
}

fn all_reduce(cluster: &Cluster, goal: &Goal<'_>) -> Result<(&'static str, f64), Failure> {
    Ok(AllReduce::new(&Wiring::new(cluster, goal.size)?, goal.model_bytes).best())
}
