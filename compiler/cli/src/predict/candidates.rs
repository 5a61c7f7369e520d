//! The library becomes candidates for a size: what compiles, averages, and can be analyzed there.
//!
//! All topologies are compiled, within limits, before any is analyzed: what a step takes is known then, and how many steps
//! there are at least. Those whose convergence costs little are analyzed first. Of the others remain those that no candidate
//! beats both in the steps and in the seconds of one whatever their spectrum; other weights and hierarchies are analyzed
//! where they may still be the fastest.

use super::fit::fit;
use super::proposal::Proposal;
use crate::failure::Failure;
use crate::progress;
use bfc_compiler::{Candidate as Tried, Entry, NoFiles, Request, library};
use bfc_predict::advise::{Consensus, Effort, Training, rank};
use bfc_predict::units::shown_seconds;
use bfc_predict::{Cluster, Cost, Prediction};

/// Weight rules that are tried beside a topology's own.
const RULES: [&str; 3] = ["metropolis", "best_constant", "fastest"];
/// Up to how many ranks weights are optimised.
const MOST_OPTIMISED: u32 = 32;
/// Operations of an analysis that is always done, and of one that is done at all.
const CHEAP: f64 = 1e8;
const MOST_WORK: f64 = 5e9;

/// The most letters of the reason for leaving out a topology.
const LONGEST_REASON: usize = 100;

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

/// What a search ends with.
#[derive(Default)]
pub struct Found {
    /// The library's topologies, then those with other weights, then hierarchies.
    pub candidates: Vec<Candidate>,
    /// What of the library was left out, and why.
    pub left_out: Vec<(String, String)>,
}

/// A schedule whose steps are not counted yet.
struct Weighed {
    name: String,
    source: String,
    tried: Tried,
    cost: Cost,
    step_seconds: f64,
    exposed_seconds: f64,
    /// No fewer reach the target.
    least_steps: f64,
    /// Operations of the analysis, roughly.
    work: f64,
}

/// Why a topology does not compile.
struct Refusal {
    reason: String,
    /// Whether it may for another number of ranks.
    at_this_size: bool,
}

/// Tries the library for a goal.
///
/// # Errors
/// The cluster has too few machines.
pub fn search(goal: &Goal<'_>) -> Result<Found, Failure> {
    let mut found = Found::default();
    let (mut weighed, mut quick, mut elsewhere) = (vec![], vec![], vec![]);
    progress::start("library", topologies().count() as u64, "topologies");
    for (done, name) in (1..).zip(topologies()) {
        match weigh(goal, Proposal::plain(name))? {
            Ok(one) => weighed.push((name, one)),
            Err(Refusal { reason, at_this_size }) => {
                elsewhere.extend(at_this_size.then_some(name));
                found.left_out.push((name.to_string(), reason));
            }
        }
        progress::advance(done);
    }
    weighed.sort_by(|a, b| a.1.work.total_cmp(&b.1.work));
    progress::start("spectra", weighed.len() as u64, "topologies");
    for (done, (name, one)) in (1..).zip(weighed) {
        if one.work <= CHEAP {
            quick.push(name);
        }
        let candidate = match one.hopeless(&found.candidates) {
            Some(reason) => Err(reason),
            None => one.candidate(goal),
        };
        match candidate {
            Ok(candidate) => found.candidates.push(candidate),
            Err(reason) => found.left_out.push((name.to_string(), reason)),
        }
        progress::advance(done);
    }
    found.left_out.sort();
    vary(goal, quick, elsewhere, &mut found)?;
    progress::clear();
    Ok(found)
}

/// Adds other weights and hierarchies, where they may be the fastest and differ from what there is.
///
/// `quick` topologies are analyzed quickly, and those `elsewhere` are for other sizes, such as the number of machines.
fn vary(goal: &Goal<'_>, quick: Vec<&str>, elsewhere: Vec<&str>, found: &mut Found) -> Result<(), Failure> {
    let mut across = [&quick[..], &elsewhere[..]].concat();
    across.sort_unstable();
    let rules = goal.rules();
    let weighted = quick.iter().flat_map(|name| rules.iter().map(move |rule| Proposal::weighted(name, rule)));
    let variants: Vec<Proposal> = weighted.chain(hierarchical(goal, &across)?).collect();
    let mut best = found.candidates.iter().map(|one| one.effort.seconds()).fold(f64::INFINITY, f64::min);
    // Averaging takes a step at least; no variant is taken to train in fewer than the best of the library.
    let steps = found.candidates.iter().map(|one| one.effort.steps);
    let least = if goal.algorithm.is_some() { steps.fold(f64::INFINITY, f64::min) } else { 1.0 };
    progress::start("variants", variants.len() as u64, "topologies");
    for (done, proposal) in (1..).zip(variants) {
        progress::advance(done);
        let Ok(one) = weigh(goal, proposal)? else { continue };
        let slow = least * one.step_seconds > best || one.beaten_by(&found.candidates).is_some();
        if slow || one.work > CHEAP {
            continue;
        }
        let same = |a: &Candidate, b: &Candidate| a.effort == b.effort && a.cost == b.cost;
        if let Ok(candidate) = one.candidate(goal)
            && !found.candidates.iter().any(|other| same(other, &candidate))
        {
            best = best.min(candidate.effort.seconds());
            found.candidates.push(candidate);
        }
    }
    Ok(())
}

/// An exact average inside machines, then a step across them, over and over: each of `across`, and inside those that no
/// other beats both in steps and in the seconds of a step.
fn hierarchical(goal: &Goal<'_>, across: &[&str]) -> Result<Vec<Proposal>, Failure> {
    let local = goal.local_size();
    if local == 1 || goal.size == local {
        return Ok(vec![]);
    }
    let machine = Goal { size: local, algorithm: None, ..*goal };
    let mut exact: Vec<(&str, Effort)> = vec![];
    for name in topologies() {
        if let Ok(one) = weigh(&machine, Proposal::plain(name))?
            && one.work <= CHEAP
            && let Ok(Candidate { exact_after: Some(steps), effort, .. }) = one.candidate(&machine)
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

    fn request(&self, source: String) -> Request {
        Request {
            entry: Entry::Source { name: "advised.bf".to_string(), text: source },
            size: self.size,
            local_size: self.local_size(),
            parameters: vec![],
            allow: vec![],
        }
    }
}

/// The schedule of a proposal on the cluster, or why there is none.
fn weigh(goal: &Goal<'_>, proposal: Proposal) -> Result<Result<Weighed, Refusal>, Failure> {
    let source = proposal.source(goal.algorithm);
    let request = goal.request(source.clone());
    let tried = match bfc_compiler::candidate(&request, &NoFiles) {
        Ok(tried) => tried,
        Err(refused) => return Ok(Err(Refusal::new(refused))),
    };
    let exact = tried.exact_after_a_period().filter(|_| goal.algorithm.is_none());
    let fit = fit(tried.schedule().clone(), goal.cluster, goal.model_bytes, false)?;
    let prediction = Prediction::new(fit.schedule(), goal.cluster, goal.model_bytes)?;
    Ok(Ok(Weighed {
        name: proposal.name,
        source,
        cost: Cost::new(fit.schedule()),
        step_seconds: prediction.step_seconds,
        exposed_seconds: prediction.exposed_seconds,
        // What bounds the steps of averaging says nothing of training.
        least_steps: if goal.algorithm.is_none() { tried.least_steps(goal.error) } else { 0.0 },
        work: if exact.is_some() { tried.work().min(CHEAP) } else { tried.work() },
        tried,
    }))
}

impl Weighed {
    /// A candidate that needs no more steps than this at least, and no longer ones.
    fn beaten_by<'c>(&self, candidates: &'c [Candidate]) -> Option<&'c Candidate> {
        candidates.iter().find(|other| {
            other.effort.steps <= self.least_steps && other.effort.step_seconds <= self.step_seconds
        })
    }

    /// Why it is not analyzed, if it is not.
    fn hopeless(&self, candidates: &[Candidate]) -> Option<String> {
        if self.work <= CHEAP {
            return None;
        }
        if let Some(other) = self.beaten_by(candidates) {
            let (steps, step) = (self.least_steps, shown_seconds(self.step_seconds));
            return Some(format!("takes at least {steps} steps of {step}, {} no more of either", other.name));
        }
        let too_much = || {
            format!("its spectrum takes about {:.0e} operations, up to {MOST_WORK:.0e} are spent", self.work)
        };
        (self.work > MOST_WORK).then(too_much)
    }

    /// The candidate, or why it is none.
    fn candidate(self, goal: &Goal<'_>) -> Result<Candidate, String> {
        let (steps, exact_after, why) = match goal.algorithm {
            None => consensus(goal, &self.tried)?,
            Some(_) => training(goal, &self.tried).map(|(steps, why)| (steps, None, why))?,
        };
        Ok(Candidate {
            name: self.name,
            source: self.source,
            effort: Effort { steps, step_seconds: self.step_seconds },
            cost: self.cost,
            exposed_seconds: self.exposed_seconds,
            exact_after,
            why,
        })
    }
}

/// The steps of training to the target and why so many, or why it is not reached.
fn training(goal: &Goal<'_>, tried: &Tried) -> Result<(f64, String), String> {
    let quadratic = tried.quadratic(goal.curvature).ok_or("the algorithm asks for no gradient")?;
    // Without heterogeneity no bias shows.
    let bias = quadratic.bias.or((goal.heterogeneity == 0.0).then_some(0.0));
    let (rate, bias) = quadratic.rate.zip(bias).ok_or_else(|| {
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

/// The steps of averaging to the target, those to the exact average, and why so many, or why it is not reached.
fn consensus(goal: &Goal<'_>, tried: &Tried) -> Result<(f64, Option<u64>, String), String> {
    if let Some(exact) = tried.exact_after_a_period()
        && tried.work() > CHEAP
    {
        return Ok((exact as f64, Some(exact), format!("exact after {exact}")));
    }
    let convergence = tried.convergence().ok_or("there is no topology")?;
    if !convergence.doubly_stochastic {
        return Err("does not keep the average".to_string());
    }
    let exact_after = convergence.exact_after;
    let consensus =
        Consensus { exact_after, to_1e_3: convergence.rounds_to_1e_3, to_1e_6: convergence.rounds_to_1e_6 };
    let steps = consensus.steps(goal.error).ok_or("ranks do not come to agree within 10⁷ steps")?;
    let why = match exact_after {
        Some(exact) => format!("exact after {exact}"),
        None => format!("falls by {:.4} a step", convergence.rate_per_step),
    };
    Ok((steps, exact_after, why))
}

impl Refusal {
    fn new(refused: bfc_compiler::Diagnostics) -> Self {
        let reports = refused.into_reports();
        let Some(first) = reports.first() else {
            return Self { reason: "refused".to_string(), at_this_size: false };
        };
        let code = first.code().map(|code| code.to_string());
        let at_this_size = code.as_deref() == Some("bfc::evaluate::precondition");
        let text = first.to_string();
        let reason = match text.char_indices().nth(LONGEST_REASON) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        };
        Self { reason, at_this_size }
    }
}
