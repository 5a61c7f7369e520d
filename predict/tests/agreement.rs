//! One model computes the time of a step, however a graph is said and whichever function is asked.

use crate::common::{close, cluster, compile, setting};
use bfc_compiler::{Assumptions, Entry, NoFiles, Request, library};
use bfc_predict::{
    Cluster, Experiment, Goal, Location, Prediction, Silent, advise, compare, fit, plan, simulate_sizes,
};
use bfc_schedule::{Rank, RoundPlan, Schedule};

const BYTES: f64 = 1e8;

/// Longer lists take long to read.
const MOST_EDGES: u32 = 20_000;

fn topologies() -> Vec<&'static str> {
    let names = library::names().into_iter();
    names.filter_map(|name| name.strip_prefix("topology::")).collect()
}

fn request(name: &str, size: u32) -> Request {
    let entry = Entry::Library(format!("topology::{name}"));
    Request::new(entry, size)
}

/// The same weights, edge by edge.
fn as_list(schedule: &Schedule) -> Schedule {
    let [topology] = schedule.topologies() else { panic!("{:?}", schedule.topologies().len()) };
    let size = schedule.size();
    let mut text = String::from("topology listed {\n");
    for phase in &topology.phases {
        text += "phase {\n";
        for rank in 0..size {
            let row = phase.matrix.row(Rank(rank));
            row.in_weights
                .iter()
                .for_each(|(from, weight)| text += &format!("{} -> {rank} weight {weight}\n", from.0));
            text += &format!("self {rank} weight {}\n", row.self_weight);
        }
        text += "}\n";
    }
    compile(&(text + "}\nschedule { topology listed }\n"), size, 1)
}

fn step_seconds(schedule: Schedule, cluster: &Cluster) -> f64 {
    let (fitted, _) = fit(schedule, cluster, BYTES).expect("machines");
    Prediction::new(&fitted, cluster, BYTES).expect("machines").step_seconds
}

fn clusters() -> [Cluster; 3] {
    let named = |name| Cluster::named(name).expect("ready");
    [named("a100"), named("v100"), cluster(8, "nics = 3\noversubscription = 3", "")]
}

#[test]
fn a_rule_and_a_list_of_edges_take_the_same_time() {
    let (mut wrong, mut equal) = (vec![], 0);
    for (name, size) in topologies().into_iter().flat_map(|name| [12, 16, 64].map(|size| (name, size))) {
        let Ok(compiled) = bfc_compiler::compile(&request(name, size), &NoFiles) else { continue };
        if compiled.report.phases.iter().map(|phase| phase.lower_bound * size).sum::<u32>() > MOST_EDGES {
            continue;
        }
        let listed = as_list(&compiled.schedule);
        for cluster in clusters() {
            let rule = step_seconds(compiled.schedule.clone(), &cluster);
            let list = step_seconds(listed.clone(), &cluster);
            // Rounds of groups that are not cyclic, such as those of a torus, are not recognized in a list; there rounds that are
            // found from others may differ by what is not worth a change.
            let is_cyclic = compiled.schedule.topologies().iter().flat_map(|topology| &topology.phases).all(
                |phase| !matches!(&phase.plan, RoundPlan::Cayley { group, .. } if group.radices().len() > 1),
            );
            if close(rule, list) || !is_cyclic && (rule / list - 1.0).abs() < 0.03 {
                equal += 1;
            } else {
                wrong.push(format!(
                    "{name} at {size} on {}: {rule} as a rule, {list} as a list",
                    cluster.name()
                ));
            }
        }
    }
    assert!(wrong.is_empty() && equal > 300, "{equal} are equal, not these:\n{}", wrong.join("\n"));
}

#[test]
fn whoever_is_asked_says_the_same() {
    let (mut wrong, mut agreed) = (vec![], 0);
    for cluster in clusters() {
        let cluster = cluster.with_compute(None, Some(0.0));
        let location = Location { cluster: &cluster, model_bytes: BYTES, place: false };
        let goal = Goal {
            size: 16,
            cluster: &cluster,
            source: None,
            algorithm: None,
            model_bytes: BYTES,
            error: 1e-3,
            heterogeneity: 1.0,
            curvature: [0.1, 1.0],
        };
        let advice = advise(&goal, &NoFiles, &mut Silent).expect("advice");
        for name in topologies() {
            let request = request(name, 16);
            let Ok(planned) = plan(&request, &NoFiles, Some(location)) else { continue };
            let compiled = planned.prediction.expect("a location").step_seconds;
            let named = [(name.to_string(), request.clone())];
            let compared = compare(16, &named, &NoFiles, Assumptions::default(), Some(location), &mut Silent)
                .expect("compiles");
            let experiment = Experiment { setting: setting(1000), place: false, batch: None };
            let simulated = simulate_sizes(&request, &NoFiles, &[16], &cluster, &experiment, &mut Silent)
                .expect("simulates");
            let advised = advice.ranking.iter().find(|choice| choice.topology == name);
            let others = [
                ("compare", compared.columns[0].seconds.map(|seconds| seconds.step_seconds), 1e-12),
                ("simulate", Some(simulated.runs[0].simulation.step_seconds), 0.03),
                ("advise", advised.map(|choice| choice.step_seconds), 1e-12),
            ];
            for (who, seconds, tolerance) in others {
                let Some(seconds) = seconds else { continue };
                if (seconds - compiled).abs() <= tolerance * compiled {
                    agreed += 1;
                } else {
                    let cluster = cluster.name();
                    wrong.push(format!("{name} on {cluster}: compile says {compiled}, {who} {seconds}"));
                }
            }
        }
    }
    assert!(wrong.is_empty() && agreed > 300, "{agreed} agree, not these:\n{}", wrong.join("\n"));
}
