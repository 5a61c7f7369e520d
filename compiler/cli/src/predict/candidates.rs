//! The library becomes candidates for a size: what compiles, averages, and can be analyzed there.

use bfc_compiler::prove::Analysis;
use bfc_compiler::{Entry, NoFiles, Request, library};
use bfc_predict::advise::{Consensus, Effort, Training, rank};
use bfc_predict::units::shown_seconds;
use bfc_predict::{Cluster, ClusterError, Cost, Prediction};
use bfc_schedule::{RoundPlan, Schedule};

/// Weight rules that are tried beside a topology's own.
const RULES: [&str; 3] = ["metropolis", "best_constant", "fastest"];
/// Up to how many ranks weights are optimised.
const MOST_OPTIMISED: u32 = 32;
/// Up to how many ranks a topology without symmetry is analyzed.
const MOST_UNSTRUCTURED: u32 = 512;

/// What is sought.
pub struct Goal<'a> {
    /// The number of ranks.
    pub size: u32,
    /// Where.
    pub cluster: &'a Cluster,
    /// The algorithm's library name without its part; plain averaging where absent.
    pub algorithm: Option<&'a str>,
    /// Bytes of the model.
    pub model_bytes: f64,
    /// The target error.
    pub error: f64,
    /// How far the ranks' optima lie apart.
    pub heterogeneity: f64,
    /// Least and largest curvature.
    pub curvature: [f64; 2],
}

/// A schedule that reaches the target.
pub struct Candidate {
    /// The topology, and its weights where they are not its own.
    pub name: String,
    /// As a `.bf` file.
    pub source: String,
    /// What it needs.
    pub effort: Effort,
    /// What it sends.
    pub cost: Cost,
    /// The seconds that a step waits for exchanges.
    pub exposed_seconds: f64,
    /// Steps to the exact average.
    pub exact_after: Option<u64>,
    /// What is remarkable about its convergence.
    pub why: String,
}

/// Why a topology is no candidate.
enum Refusal {
    /// To analyze it would take long, and its variants too.
    Unstructured,
    /// Anything else.
    Because(String),
}

/// What a search ends with.
#[derive(Default)]
pub struct Found {
    /// The library's topologies in its order, then those with other weights, then hierarchies.
    pub candidates: Vec<Candidate>,
    /// What of the library was left out, and why.
    pub left_out: Vec<(String, String)>,
}

/// A topology to try.
struct Proposal {
    name: String,
    /// Library names without their part.
    uses: Vec<String>,
    /// What is said of them.
    definition: String,
    /// The topology of the schedule.
    topology: String,
}

/// Tries the library for a goal. Other weights and hierarchies are analyzed where they may still be the fastest.
///
/// # Errors
/// The cluster has too few machines.
pub fn search(goal: &Goal<'_>) -> Result<Found, ClusterError> {
    let mut found = Found::default();
    let mut quick = vec![];
    for name in topologies() {
        let reason = match candidate(goal, Proposal::plain(name), f64::INFINITY)? {
            Ok(candidate) => {
                found.candidates.push(candidate);
                quick.push(name);
                continue;
            }
            Err(Refusal::Unstructured) => {
                format!("topologies without symmetry are analyzed up to {MOST_UNSTRUCTURED} ranks here")
            }
            Err(Refusal::Because(reason)) => {
                quick.push(name);
                reason
            }
        };
        found.left_out.push((name.to_string(), reason));
    }
    let weighted =
        quick.iter().flat_map(|name| goal.rules().iter().map(move |rule| Proposal::weighted(name, rule)));
    let mut best = found.candidates.iter().map(|one| one.effort.seconds()).fold(f64::INFINITY, f64::min);
    for proposal in weighted.chain(hierarchical(goal, &quick)?) {
        let same = |a: &Candidate, b: &Candidate| a.effort == b.effort && a.cost == b.cost;
        if let Ok(candidate) = candidate(goal, proposal, best)?
            && !found.candidates.iter().any(|other| same(other, &candidate))
        {
            best = best.min(candidate.effort.seconds());
            found.candidates.push(candidate);
        }
    }
    Ok(found)
}

/// An exact average inside machines, then a step across them, over and over: each of `across`, and inside those that no
/// other beats both in steps and in the seconds of a step.
fn hierarchical(goal: &Goal<'_>, across: &[&str]) -> Result<Vec<Proposal>, ClusterError> {
    let local = goal.local_size();
    if local == 1 || goal.size == local {
        return Ok(vec![]);
    }
    let machine = Goal { size: local, algorithm: None, ..*goal };
    let mut exact: Vec<(&str, Effort)> = vec![];
    for name in topologies() {
        if let Ok(Candidate { exact_after: Some(steps), effort, .. }) =
            candidate(&machine, Proposal::plain(name), f64::INFINITY)?
        {
            let effort = Effort { steps: steps as f64, ..effort };
            if !exact.iter().any(|(_, other)| *other == effort) {
                exact.push((name, effort));
            }
        }
    }
    let efforts: Vec<Effort> = exact.iter().map(|(_, effort)| *effort).collect();
    let inside: Vec<&str> =
        rank(&efforts).into_iter().filter(|(_, front)| *front).map(|(at, _)| exact[at].0).collect();
    let pairs = across.iter().flat_map(|across| inside.iter().map(move |inside| (inside, across)));
    Ok(pairs.map(|(inside, across)| Proposal::hierarchical(inside, across)).collect())
}

fn topologies() -> impl Iterator<Item = &'static str> {
    library::names().into_iter().filter_map(|name| name.strip_prefix("topology::"))
}

impl Goal<'_> {
    /// Ranks that share a machine, where all machines are full.
    fn local_size(&self) -> u32 {
        let ranks = self.cluster.ranks_per_machine();
        if self.size.is_multiple_of(ranks) { ranks } else { 1 }
    }

    fn rules(&self) -> &'static [&'static str] {
        if self.size <= MOST_OPTIMISED { &RULES } else { &RULES[..1] }
    }

    fn request(&self, source: String, size: u32, local_size: u32) -> Request {
        let entry = Entry::Source { name: "advised.bf".to_string(), text: source };
        Request { entry, size, local_size, parameters: vec![], allow: vec![] }
    }
}

impl Proposal {
    fn plain(name: &str) -> Self {
        Self {
            name: name.to_string(),
            uses: vec![name.to_string()],
            definition: String::new(),
            topology: name.to_string(),
        }
    }

    fn weighted(name: &str, rule: &str) -> Self {
        let topology = format!("{name}_{rule}");
        Self {
            name: format!("{name}, weights {rule}"),
            uses: vec![name.to_string()],
            definition: format!("topology {topology} = {name} weights {rule}\n"),
            topology,
        }
    }

    fn hierarchical(inside: &str, across: &str) -> Self {
        let mut uses = vec![inside.to_string(), across.to_string()];
        uses.dedup();
        Self {
            name: format!("{inside} inside, {across} across"),
            uses,
            definition: format!(
                "topology rest {{ }}\n\ntopology hierarchical = concat([\n    \
                 kronecker(rest at machines, {inside} at local_size),\n    \
                 kronecker({across} at machines, rest at local_size),\n])\n"
            ),
            topology: "hierarchical".to_string(),
        }
    }

    /// The schedule in the language.
    fn source(&self, algorithm: Option<&str>) -> String {
        let mut text: String = self.uses.iter().map(|name| format!("use topology::{name}\n")).collect();
        if let Some(algorithm) = algorithm {
            text.push_str(&format!("use algorithm::{algorithm}\n"));
        }
        if !self.definition.is_empty() {
            text.push_str(&format!("\n{}", self.definition));
        }
        let algorithm = algorithm.map(|name| format!("    algorithm {name}\n")).unwrap_or_default();
        text + &format!("\nschedule {{\n    topology  {}\n{algorithm}}}\n", self.topology)
    }
}

/// The candidate of a proposal, unless a step of it takes longer than `at_most`.
fn candidate(
    goal: &Goal<'_>,
    proposal: Proposal,
    at_most: f64,
) -> Result<Result<Candidate, Refusal>, ClusterError> {
    let source = proposal.source(goal.algorithm);
    let request = goal.request(source.clone(), goal.size, goal.local_size());
    let schedule = match bfc_compiler::compile(&request, &NoFiles) {
        Ok(compiled) => compiled.schedule,
        Err(refused) => return Ok(Err(Refusal::Because(first_message(refused)))),
    };
    if goal.size > MOST_UNSTRUCTURED && !is_symbolic(&schedule) {
        return Ok(Err(Refusal::Unstructured));
    }
    let prediction = Prediction::new(&schedule, goal.cluster, goal.model_bytes)?;
    if prediction.step_seconds > at_most {
        let step = shown_seconds(prediction.step_seconds);
        return Ok(Err(Refusal::Because(format!("one step takes {step}, longer than others in all"))));
    }
    let analysis =
        match bfc_compiler::analyze_on(&request, &NoFiles, goal.curvature, bfc_compiler::Detail::Numbers) {
            Ok(analysis) => analysis,
            Err(refused) => return Ok(Err(Refusal::Because(first_message(refused)))),
        };
    let (steps, why) = match steps(goal, &analysis) {
        Ok(found) => found,
        Err(reason) => return Ok(Err(Refusal::Because(reason))),
    };
    Ok(Ok(Candidate {
        name: proposal.name,
        source,
        effort: Effort { steps, step_seconds: prediction.step_seconds },
        cost: Cost::of(&schedule),
        exposed_seconds: prediction.exposed_seconds,
        exact_after: analysis.exact_after,
        why,
    }))
}

/// The steps to the target and why so many, or why it is not reached.
fn steps(goal: &Goal<'_>, analysis: &Analysis) -> Result<(f64, String), String> {
    if goal.algorithm.is_none() {
        return consensus(goal, analysis);
    }
    let quadratic = analysis.quadratic.as_ref().ok_or("the algorithm asks for no gradient")?;
    let (rate, bias) = quadratic.rate.zip(quadratic.bias).ok_or_else(|| {
        quadratic.note.clone().unwrap_or_else(|| "its rate is not known at this size".to_string())
    })?;
    let steps = Training { rate, bias }.steps(goal.error, goal.heterogeneity).ok_or_else(|| {
        if rate < 1.0 {
            format!("ends {:.1e} away, above the target", bias * goal.heterogeneity)
        } else {
            format!("does not converge with its step size: rate {rate:.4}")
        }
    })?;
    let floor = if bias * goal.heterogeneity > 1e-3 * goal.error {
        format!(", ends {:.1e} away", bias * goal.heterogeneity)
    } else {
        ", exact".to_string()
    };
    Ok((steps, format!("falls by {rate:.4} a step{floor}")))
}

fn consensus(goal: &Goal<'_>, analysis: &Analysis) -> Result<(f64, String), String> {
    if !analysis.doubly_stochastic {
        return Err("does not keep the average".to_string());
    }
    let consensus = Consensus {
        exact_after: analysis.exact_after,
        to_1e_3: analysis.rounds_to_1e_3,
        to_1e_6: analysis.rounds_to_1e_6,
    };
    let steps = consensus.steps(goal.error).ok_or("ranks do not come to agree within 10⁷ steps")?;
    Ok((
        steps,
        match (analysis.exact_after, analysis.rate_per_step) {
            (Some(exact), _) => format!("exact after {exact}"),
            (None, Some(rate)) => format!("falls by {rate:.4} a step"),
            (None, None) => String::new(),
        },
    ))
}

fn is_symbolic(schedule: &Schedule) -> bool {
    let mut phases = schedule.topologies().iter().flat_map(|topology| &topology.phases);
    phases.all(|phase| matches!(phase.plan, RoundPlan::Cayley { .. }))
}

fn first_message(refused: bfc_compiler::Diagnostics) -> String {
    refused.into_reports().first().map_or_else(|| "refused".to_string(), |report| report.to_string())
}
