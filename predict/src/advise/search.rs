//! A pool becomes candidates for a size: what compiles, averages, and can be analyzed there.
//!
//! All its topologies are compiled, within limits, before any is analyzed: what a step takes is known then, and how many steps
//! there are at least. Those whose convergence costs little are analyzed first. Of the others remain those that no candidate
//! beats both in the steps and in the seconds of one whatever their spectrum; other weights and hierarchies are analyzed
//! where they may still be the fastest. That the algorithm is stable is proved of the fastest alone.

use super::candidate::{Bound, Candidate, Weighed, compile, weigh};
use super::effort::{Effort, rank};
use super::pool::{Known, Pool};
use super::proposal::Proposal;
use super::reason::Reason;
use super::{Goal, LeftOut};
use crate::error::PredictError;
use crate::parallel;
use crate::progress::Progress;

/// Weight rules that are tried beside a topology's own.
const RULES: [&str; 3] = ["metropolis", "best_constant", "fastest"];
/// Up to how many ranks weights are optimised.
const MOST_OPTIMISED: u32 = 32;
/// Operations of an analysis that is always done.
pub(super) const CHEAP: f64 = 1e8;

/// What a search ends with.
#[derive(Default)]
pub(super) struct Found {
    /// The topologies, then those with other weights, then hierarchies.
    pub candidates: Vec<Candidate>,
    /// What was left out.
    pub left_out: Vec<LeftOut>,
}

/// The topologies, compiled.
#[derive(Default)]
struct Compiled<'p> {
    /// What compiles.
    weighed: Vec<(&'p Known, Weighed)>,
    /// What may compile for another number of ranks.
    elsewhere: Vec<&'p Known>,
}

/// Tries a pool for a goal.
///
/// # Errors
/// The cluster has too few machines.
pub(super) fn search(
    goal: &Goal<'_>,
    pool: &Pool<'_>,
    progress: &mut dyn Progress,
) -> Result<Found, PredictError> {
    let mut found = Found::default();
    let compiled = compiled(goal, pool, progress, &mut found)?;
    let quick = analyzed(goal, progress, compiled.weighed, &mut found)?;
    // Variants are weighed against the fastest.
    found.prove_fastest(progress)?;
    vary(goal, pool, progress, [quick, compiled.elsewhere], &mut found)?;
    found.prove_fastest(progress)?;
    found.left_out.sort_by(|a, b| a.topology.cmp(&b.topology));
    progress.end();
    Ok(found)
}

impl Found {
    fn add(&mut self, known: &Known, candidate: Result<Candidate, Reason>) {
        match candidate {
            Ok(candidate) => self.candidates.push(candidate),
            Err(reason) => self.leave_out(&known.label, reason),
        }
    }

    fn leave_out(&mut self, topology: &str, reason: Reason) {
        self.left_out.push(LeftOut { topology: topology.to_string(), reason });
    }

    /// Proves what the algorithm requires on the fastest, and leaves it out for the next where that fails.
    ///
    /// # Errors
    /// `progress` is cancelled.
    fn prove_fastest(&mut self, progress: &mut dyn Progress) -> Result<(), PredictError> {
        for tried in 1.. {
            let efforts: Vec<Effort> = self.candidates.iter().map(|candidate| candidate.effort).collect();
            let fastest = rank(&efforts).first().map(|(fastest, _)| *fastest);
            let Some(fastest) = fastest.filter(|fastest| !self.candidates[*fastest].proved) else { break };
            if tried == 1 {
                progress.begin("proofs", self.candidates.len() as u64, "topologies");
            }
            match self.candidates[fastest].tried.prove() {
                Ok(()) => self.candidates[fastest].proved = true,
                Err(refused) => {
                    let failed = self.candidates.remove(fastest);
                    self.leave_out(&failed.name, Reason::refused(&refused));
                }
            }
            progress.go_on(tried)?;
        }
        Ok(())
    }
}

/// Compiles the topologies.
fn compiled<'p>(
    goal: &Goal<'_>,
    pool: &'p Pool<'_>,
    progress: &mut dyn Progress,
    found: &mut Found,
) -> Result<Compiled<'p>, PredictError> {
    let mut compiled = Compiled::default();
    progress.begin("library", pool.topologies.len() as u64, "topologies");
    let weighed = parallel::map(pool.topologies.iter().collect(), progress, |known| {
        let proposal = Proposal::plain(known);
        let tried = compile(goal, pool, &proposal);
        (known, tried.map(|tried| weigh(goal, pool, proposal, tried)))
    })?;
    for (known, one) in weighed {
        match one {
            Ok(weighed) => compiled.weighed.push((known, weighed?)),
            Err(reason) => {
                compiled.elsewhere.extend(matches!(reason, Reason::OtherSize { .. }).then_some(known));
                found.leave_out(&known.label, reason);
            }
        }
    }
    Ok(compiled)
}

/// Finds how they converge, the cheapest first; returns those for which that was quick.
///
/// # Errors
/// `progress` is cancelled.
fn analyzed<'p>(
    goal: &Goal<'_>,
    progress: &mut dyn Progress,
    mut weighed: Vec<(&'p Known, Weighed)>,
    found: &mut Found,
) -> Result<Vec<&'p Known>, PredictError> {
    weighed.sort_by(|a, b| a.1.work.total_cmp(&b.1.work));
    let slow = weighed.split_off(weighed.partition_point(|(_, one)| one.work <= CHEAP));
    let quick = weighed.iter().map(|(known, _)| *known).collect();
    progress.begin("spectra", (weighed.len() + slow.len()) as u64, "topologies");
    let done = weighed.len() as u64;
    let analyzed = parallel::map(weighed, progress, |(known, one)| (known, one.candidate(goal)))?;
    analyzed.into_iter().for_each(|(known, candidate)| found.add(known, candidate));
    for (done, (known, one)) in (done + 1..).zip(slow) {
        let candidate = match one.hopeless(&found.candidates) {
            Some(reason) => Err(reason),
            None => one.candidate(goal),
        };
        found.add(known, candidate);
        progress.go_on(done)?;
    }
    Ok(quick)
}

/// Adds other weights and hierarchies, where they may be the fastest and differ from what there is.
///
/// `quick` topologies are analyzed quickly, and those `elsewhere` are for other sizes, such as the number of machines.
fn vary(
    goal: &Goal<'_>,
    pool: &Pool<'_>,
    progress: &mut dyn Progress,
    [quick, elsewhere]: [Vec<&Known>; 2],
    found: &mut Found,
) -> Result<(), PredictError> {
    let mut across = [&quick[..], &elsewhere[..]].concat();
    across.sort_unstable();
    let rules = goal.rules();
    let weighted =
        quick.iter().flat_map(|known| rules.iter().map(move |rule| Proposal::weighted(known, rule)));
    let variants: Vec<Proposal> = weighted.chain(hierarchical(goal, pool, &across)?).collect();
    let mut best = found.candidates.iter().map(|one| one.effort.seconds()).fold(f64::INFINITY, f64::min);
    // Averaging takes a step at least; no variant is taken to train in fewer than the best of the library.
    let steps = found.candidates.iter().map(|one| one.effort.steps);
    let least = if pool.algorithm.is_some() { steps.fold(f64::INFINITY, f64::min) } else { 1.0 };
    progress.begin("variants", variants.len() as u64, "topologies");
    let weighed = parallel::map(variants, progress, |proposal| {
        let tried = compile(goal, pool, &proposal).ok()?;
        let is_known = found.candidates.iter().any(|other| other.tried.has_matrices_of(&tried));
        (!is_known).then(|| weigh(goal, pool, proposal, tried))
    })?;
    let is_slow = |bound: Bound, best: f64, candidates: &[Candidate]| {
        least * bound.step_seconds > best || bound.beaten_by(candidates).is_some()
    };
    let weighed = weighed.into_iter().flatten().collect::<Result<Vec<Weighed>, PredictError>>()?;
    let hopeful = weighed.into_iter().filter(|one| one.work <= CHEAP);
    let hopeful: Vec<Weighed> = hopeful.filter(|one| !is_slow(one.bound, best, &found.candidates)).collect();
    progress.begin("spectra of variants", hopeful.len() as u64, "topologies");
    let analyzed = parallel::map(hopeful, progress, |one| (one.bound, one.candidate(goal)))?;
    for (bound, candidate) in analyzed {
        let same = |a: &Candidate, b: &Candidate| a.effort == b.effort && a.cost == b.cost;
        // One before it may be faster.
        if !is_slow(bound, best, &found.candidates)
            && let Ok(candidate) = candidate
            && !found.candidates.iter().any(|other| same(other, &candidate))
        {
            best = best.min(candidate.effort.seconds());
            found.candidates.push(candidate);
        }
    }
    Ok(())
}

/// An exact average inside machines, then a step across them, over and over: of `across` and of what averages exactly inside,
/// those that no other beats both in steps and in rounds of one.
fn hierarchical(goal: &Goal<'_>, pool: &Pool<'_>, across: &[&Known]) -> Result<Vec<Proposal>, PredictError> {
    let local = goal.local_size();
    if local == 1 || goal.size == local {
        return Ok(vec![]);
    }
    let averaging = pool.without_algorithm();
    let inside = Goal { size: local, ..*goal };
    let machines = Goal { size: goal.size / local, ..*goal };
    let all: Vec<&Known> = pool.topologies.iter().collect();
    let inside = averagers(&inside, &averaging, &all, |one| one.exact_after.map(|steps| steps as f64))?;
    let across = averagers(&machines, &averaging, across, |one| Some(one.effort.steps))?;
    let pairs = across.iter().flat_map(|across| inside.iter().map(move |inside| (inside, across)));
    Ok(pairs.map(|(inside, across)| Proposal::hierarchical(inside, across)).collect())
}

/// Topologies that average, quickly analyzed, of which no other beats both steps and rounds of a step; the first of equals.
fn averagers<'p>(
    goal: &Goal<'_>,
    pool: &Pool<'_>,
    topologies: &[&'p Known],
    steps: impl Fn(&Candidate) -> Option<f64>,
) -> Result<Vec<&'p Known>, PredictError> {
    let mut found: Vec<(&Known, Effort)> = vec![];
    for known in topologies {
        let proposal = Proposal::plain(known);
        let Ok(tried) = compile(goal, pool, &proposal) else { continue };
        if tried.work() <= CHEAP
            && let Ok(candidate) = weigh(goal, pool, proposal, tried)?.candidate(goal)
            && let Some(steps) = steps(&candidate)
        {
            let effort = Effort { steps, step_seconds: candidate.cost.rounds.mean };
            if !found.iter().any(|(_, other)| *other == effort) {
                found.push((known, effort));
            }
        }
    }
    let efforts: Vec<Effort> = found.iter().map(|(_, effort)| *effort).collect();
    Ok(rank(&efforts).into_iter().filter(|(_, front)| *front).map(|(at, _)| found[at].0).collect())
}

impl Goal<'_> {
    /// Ranks that share a machine, where all machines are full.
    pub(super) fn local_size(&self) -> u32 {
        self.cluster.local_size(self.size)
    }

    fn rules(&self) -> &'static [&'static str] {
        if self.size <= MOST_OPTIMISED { &RULES } else { &RULES[..1] }
    }
}
