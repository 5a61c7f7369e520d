//! A run that is over becomes numbers.

use super::{Machine, Setting};
use crate::allreduce::{self, AllReduce};
use crate::cluster::Cluster;
use bfc_schedule::inspect::rank_name;
use bfc_schedule::{Rank, Schedule};
use serde::Serialize;

/// What a simulation found; times are seconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Simulation {
    /// The number of ranks.
    pub size: u32,
    /// Steps asked for.
    pub steps: u32,
    /// Steps that all ranks did.
    pub done: u32,
    /// Until the last rank had done the last of these.
    pub seconds: f64,
    /// The mean of a step.
    pub step_seconds: f64,
    /// Half of the steps took at most this.
    pub step_p50: f64,
    /// 99 of 100 took at most this.
    pub step_p99: f64,
    /// Gradients of a step on a rank, without waiting.
    pub compute_seconds: f64,
    /// The share of its time that a rank computes: the scaling efficiency.
    pub efficiency: f64,
    /// The same gradients with all-reduce, which waits for the slowest rank in every step: ring.
    pub ring_step_seconds: f64,
    /// By trees.
    pub tree_step_seconds: f64,
    /// By a hierarchical ring.
    pub hierarchical_step_seconds: f64,
    /// What lost ranks did, if there were any.
    pub lost: Option<Lost>,
}

/// How a loss spreads.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Lost {
    /// The ranks that were lost before the end.
    pub ranks: Vec<u32>,
    /// What the source calls them, with their numbers.
    #[serde(skip)]
    pub names: Vec<String>,
    /// The other ranks that could not do all steps.
    pub stalled: u32,
    /// The first of them.
    pub first: Option<u32>,
    /// What the source calls it, with its number.
    #[serde(skip)]
    pub first_name: Option<String>,
    /// The steps that it did.
    pub first_steps: u32,
    /// The most steps that one of the stalled did.
    pub last_steps: u32,
    /// From the last step of the first to the last step of the last of them.
    pub spread_seconds: f64,
}

impl Simulation {
    pub(super) fn new(machine: &Machine<'_>, schedule: &Schedule, cluster: &Cluster) -> Self {
        let size = schedule.size();
        let done: Vec<f64> =
            machine.done.iter().take_while(|(ranks, _)| *ranks == size).map(|(_, last)| *last).collect();
        let seconds = done.last().copied().unwrap_or(0.0);
        let count = done.len().max(1) as f64;
        let mut each: Vec<f64> =
            done.iter().scan(0.0, |last, at| Some(at - std::mem::replace(last, *at))).collect();
        each.sort_by(f64::total_cmp);
        let share = |share: f64| {
            let place = ((each.len() as f64 * share).ceil() as usize).clamp(1, each.len().max(1)) - 1;
            each.get(place).copied().unwrap_or(0.0)
        };
        let gradients = machine.ranks.iter().map(|state| f64::from(state.progress.gradients)).sum::<f64>();
        let per_step = machine.tasks.gradients.len() as f64 / machine.tasks.ends.len().max(1) as f64;
        let compute_seconds = if gradients > 0.0 { machine.computed / gradients * per_step } else { 0.0 };
        let step_seconds = seconds / count;
        let all = AllReduce::new(machine.wiring, machine.setting.model_bytes);
        let [ring, tree, hierarchical] =
            all.each().map(|(_, exchange)| parallel(size, cluster, machine.setting, per_step, exchange));
        Self {
            size,
            steps: machine.setting.steps,
            done: done.len() as u32,
            seconds,
            step_seconds,
            step_p50: share(0.5),
            step_p99: share(0.99),
            compute_seconds,
            efficiency: if step_seconds > 0.0 { (compute_seconds / step_seconds).min(1.0) } else { 1.0 },
            ring_step_seconds: ring,
            tree_step_seconds: tree,
            hierarchical_step_seconds: hierarchical,
            lost: Lost::new(machine, schedule),
        }
    }
}

/// The mean step of parallel training with this number of gradients per step, whose all-reduce takes `exchange` seconds.
fn parallel(size: u32, cluster: &Cluster, setting: &Setting, gradients: f64, exchange: f64) -> f64 {
    let compute = cluster.compute();
    let jitter = crate::jitter::Jitter::new(compute.jitter);
    let (slow, factor) = setting.stragglers.map_or((0, 1.0), |(count, factor)| (count.min(size), factor));
    let longest = |count: u32, key: u64| {
        if count == 0 { 0.0 } else { jitter.longest(count, setting.seed, key) }
    };
    let step = |step: u32| {
        let key = u64::from(step) * 2;
        let gradient =
            longest(size - slow, key).max(factor * longest(slow, key + 1)) * gradients * compute.step;
        allreduce::step(&compute, gradient, exchange)
    };
    (0..setting.steps).map(step).sum::<f64>() / f64::from(setting.steps.max(1))
}

impl Lost {
    fn new(machine: &Machine<'_>, schedule: &Schedule) -> Option<Self> {
        let steps = machine.setting.steps;
        let ranks = || machine.ranks.iter().zip(0..).map(|(state, rank)| (Rank(rank), state));
        let lost: Vec<u32> =
            ranks().filter(|(_, state)| state.lost_from < steps).map(|(rank, _)| rank.0).collect();
        if lost.is_empty() {
            return None;
        }
        let stalled = || ranks().filter(|(_, state)| state.lost_from >= steps && state.steps < steps);
        let order = |state: &super::RankState| (state.steps, state.last_step_at);
        let first =
            stalled().min_by(|a, b| order(a.1).partial_cmp(&order(b.1)).unwrap_or(std::cmp::Ordering::Equal));
        let at = |state: &super::RankState| state.last_step_at;
        let latest = stalled().map(|(_, state)| at(state)).fold(0.0, f64::max);
        let name = |rank: &u32| rank_name(schedule, Rank(*rank));
        Some(Self {
            names: lost.iter().map(name).collect(),
            first_name: first.map(|(rank, _)| name(&rank.0)),
            ranks: lost,
            stalled: stalled().count() as u32,
            first: first.map(|(rank, _)| rank.0),
            first_steps: first.map_or(steps, |(_, state)| state.steps),
            last_steps: stalled().map(|(_, state)| state.steps).max().unwrap_or(steps),
            spread_seconds: first.map_or(0.0, |(_, state)| (latest - at(state)).max(0.0)),
        })
    }
}
