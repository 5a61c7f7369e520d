//! The library becomes candidates for a size: what compiles, averages, and can be analyzed there.
//!
//! All topologies are compiled, within limits, before any is analyzed: what a step takes is known then, and how many steps
//! there are at least. Those whose convergence costs little are analyzed first. Of the others remain those that no candidate
//! beats both in the steps and in the seconds of one whatever their spectrum; other weights and hierarchies are analyzed
//! where they may still be the fastest.

use super::candidate::{Candidate, Weighed, weigh};
use super::effort::{Effort, rank};
use super::proposal::Proposal;
use super::reason::Reason;
use super::{Goal, LeftOut};
use crate::error::PredictError;
use crate::progress::Progress;
use bfc_compiler::{Entry, Request, library};

/// Weight rules that are tried beside a topology's own.
const RULES: [&str; 3] = ["metropolis", "best_constant", "fastest"];
/// Up to how many ranks weights are optimised.
const MOST_OPTIMISED: u32 = 32;
/// Operations of an analysis that is always done.
pub(super) const CHEAP: f64 = 1e8;

/// What a search ends with.
#[derive(Default)]
pub(super) struct Found {
    /// The library's topologies, then those with other weights, then hierarchies.
    pub candidates: Vec<Candidate>,
    /// What of the library was left out.
    pub left_out: Vec<LeftOut>,
}

/// The library, compiled.
#[derive(Default)]
struct Library {
    /// What compiles.
    weighed: Vec<(&'static str, Weighed)>,
    /// What may compile for another number of ranks.
    elsewhere: Vec<&'static str>,
}

/// Tries the library for a goal.
///
/// # Errors
/// The cluster has too few machines.
pub(super) fn search(goal: &Goal<'_>, progress: &mut dyn Progress) -> Result<Found, PredictError> {
    let mut found = Found::default();
    let library = compiled(goal, progress, &mut found)?;
    let quick = analyzed(goal, progress, library.weighed, &mut found)?;
    found.left_out.sort_by(|a, b| a.topology.cmp(&b.topology));
    vary(goal, progress, [quick, library.elsewhere], &mut found)?;
    progress.end();
    Ok(found)
}

impl Found {
    fn leave_out(&mut self, topology: &str, reason: Reason) {
        self.left_out.push(LeftOut { topology: topology.to_string(), reason });
    }
}

/// Compiles the library's topologies.
fn compiled(
    goal: &Goal<'_>,
    progress: &mut dyn Progress,
    found: &mut Found,
) -> Result<Library, PredictError> {
    let mut library = Library::default();
    progress.begin("library", topologies().count() as u64, "topologies");
    for (done, name) in (1..).zip(topologies()) {
        match weigh(goal, Proposal::plain(name))? {
            Ok(one) => library.weighed.push((name, one)),
            Err(reason) => {
                library.elsewhere.extend(matches!(reason, Reason::OtherSize { .. }).then_some(name));
                found.leave_out(name, reason);
            }
        }
        progress.go_on(done)?;
    }
    Ok(library)
}

/// Finds how they converge, the cheapest first; returns those for which that was quick.
///
/// # Errors
/// `progress` is cancelled.
fn analyzed(
    goal: &Goal<'_>,
    progress: &mut dyn Progress,
    mut weighed: Vec<(&'static str, Weighed)>,
    found: &mut Found,
) -> Result<Vec<&'static str>, PredictError> {
    let mut quick = vec![];
    weighed.sort_by(|a, b| a.1.work.total_cmp(&b.1.work));
    progress.begin("spectra", weighed.len() as u64, "topologies");
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
            Err(reason) => found.leave_out(name, reason),
        }
        progress.go_on(done)?;
    }
    Ok(quick)
}

/// Adds other weights and hierarchies, where they may be the fastest and differ from what there is.
///
/// `quick` topologies are analyzed quickly, and those `elsewhere` are for other sizes, such as the number of machines.
fn vary(
    goal: &Goal<'_>,
    progress: &mut dyn Progress,
    [quick, elsewhere]: [Vec<&'static str>; 2],
    found: &mut Found,
) -> Result<(), PredictError> {
    let mut across = [&quick[..], &elsewhere[..]].concat();
    across.sort_unstable();
    let rules = goal.rules();
    let weighted = quick.iter().flat_map(|name| rules.iter().map(move |rule| Proposal::weighted(name, rule)));
    let variants: Vec<Proposal> = weighted.chain(hierarchical(goal, &across)?).collect();
    let mut best = found.candidates.iter().map(|one| one.effort.seconds()).fold(f64::INFINITY, f64::min);
    // Averaging takes a step at least; no variant is taken to train in fewer than the best of the library.
    let steps = found.candidates.iter().map(|one| one.effort.steps);
    let least = if goal.algorithm.is_some() { steps.fold(f64::INFINITY, f64::min) } else { 1.0 };
    progress.begin("variants", variants.len() as u64, "topologies");
    for (done, proposal) in (1..).zip(variants) {
        progress.go_on(done)?;
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
fn hierarchical(goal: &Goal<'_>, across: &[&str]) -> Result<Vec<Proposal>, PredictError> {
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
        self.cluster.local_size(self.size)
    }

    fn rules(&self) -> &'static [&'static str] {
        if self.size <= MOST_OPTIMISED { &RULES } else { &RULES[..1] }
    }

    /// What a source asks of the compiler.
    pub(super) fn request(&self, source: String) -> Request {
        Request {
            entry: Entry::Source { name: "advised.bf".to_string(), text: source },
            size: self.size,
            local_size: self.local_size(),
            parameters: vec![],
            allow: vec![],
        }
    }
}
