//! A schedule runs on a cluster by discrete events: every rank at its own pace, over shared ports, with what goes wrong.
//!
//! Each rank works through the two queues of [`tasks`](crate::tasks). A message leaves when both ends have reached its
//! round, as in the runtime, where the receiver reads the sender's memory: a late rank therefore holds up its neighbours
//! and, step by step, theirs. A port that several messages share finishes them one after the other, in the order in
//! which they began; the last is as late as if all had shared the bandwidth. A lost rank never reaches its next task;
//! ranks that need it stand still from then on, as they would until their deadline.
//!
//! The work is O(messages · log ranks), and memory O(edges + ranks + steps): nothing is kept for pairs of ranks.

mod ports;
mod ranks;
mod report;
mod sizes;
pub(crate) mod steady;

pub use report::{Lost, Simulation};
pub use sizes::{Experiment, Loss, Run, Simulations, Stragglers, Throughput, simulate_sizes};

use crate::cluster::{Cluster, ClusterError};
use crate::cost::{message_bytes, slices};
use crate::jitter::Jitter;
use crate::links::Wiring;
use crate::progress::{Progress, Silent};
use crate::tasks::Tasks;
use bfc_schedule::{Group, Rank, RoundPlan, Schedule, random};
pub(crate) use ports::Ports;
use ranks::{Event, RankState};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use steady::Cycle;

/// Events between two looks at whether the simulation is cancelled: some milliseconds.
const EVENTS_BETWEEN_LOOKS: u64 = 1 << 14;

/// What is simulated beside the schedule and the cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// Bytes of the model.
    pub model_bytes: f64,
    /// Steps.
    pub steps: u32,
    /// Selects the jitter and the stragglers.
    pub seed: u64,
    /// The number of slow ranks, and the factor by which their gradients take longer.
    pub stragglers: Option<(u32, f64)>,
    /// Ranks that are gone from a step on.
    pub lost: Vec<(Rank, u32)>,
}

/// Runs `schedule` on `cluster`.
///
/// # Errors
/// The cluster has too few machines.
pub fn simulate(
    schedule: &Schedule,
    cluster: &Cluster,
    setting: &Setting,
) -> Result<Simulation, ClusterError> {
    simulate_watched(schedule, cluster, setting, &mut Silent, 0)
}

/// As [`simulate`], until `progress` is cancelled: then its result says nothing. It has done `before` steps of other simulations.
///
/// # Errors
/// As there.
fn simulate_watched(
    schedule: &Schedule,
    cluster: &Cluster,
    setting: &Setting,
    progress: &mut dyn Progress,
    before: u64,
) -> Result<Simulation, ClusterError> {
    let wiring = Wiring::new(cluster, schedule.size())?;
    let tasks = Tasks::new(schedule.program(), setting.steps);
    let mut machine = Machine::new(schedule, cluster, &wiring, &tasks, setting);
    machine.run(progress, before);
    Ok(Simulation::new(&machine, schedule, cluster))
}

/// The state of all ranks.
struct Machine<'a> {
    schedule: &'a Schedule,
    cluster: &'a Cluster,
    setting: &'a Setting,
    tasks: &'a Tasks,
    wiring: &'a Wiring,
    cyclic: Group,
    ranks: Vec<RankState>,
    /// For each rank how many times as long its gradients take.
    pace: Vec<f64>,
    ports: Ports,
    events: BinaryHeap<Reverse<Event>>,
    jitter: Jitter,
    /// For each step how many ranks have done it, and when the last one did.
    done: Vec<(u32, f64)>,
    /// Seconds of all gradients.
    computed: f64,
    /// Ends the simulation once it only repeats itself, if that is wanted.
    cycle: Option<Cycle>,
}

/// What a rank does in one round of its exchange.
struct Action {
    round: u32,
    send_to: Option<Rank>,
    receive_from: Option<Rank>,
    /// The share of the message that travels.
    share: f64,
}

impl<'a> Machine<'a> {
    fn new(
        schedule: &'a Schedule,
        cluster: &'a Cluster,
        wiring: &'a Wiring,
        tasks: &'a Tasks,
        setting: &'a Setting,
    ) -> Self {
        let size = schedule.size();
        let mut ranks = vec![RankState::default(); size as usize];
        for &(rank, step) in &setting.lost {
            let lost = &mut ranks[rank.index()].lost_from;
            *lost = step.min(*lost);
        }
        Self {
            schedule,
            cluster,
            setting,
            tasks,
            wiring,
            cyclic: Group::cyclic(size),
            ranks,
            pace: pace(size, setting),
            ports: Ports::new(wiring),
            events: BinaryHeap::new(),
            jitter: Jitter::new(cluster.compute().jitter),
            done: vec![(0, 0.0); tasks.ends.len()],
            computed: 0.0,
            cycle: None,
        }
    }

    fn run(&mut self, progress: &mut dyn Progress, before: u64) {
        for rank in (0..self.schedule.size()).map(Rank) {
            self.proceed(rank, 0.0);
        }
        let mut handled: u64 = 0;
        while let Some(Reverse(event)) = self.events.pop() {
            handled += 1;
            if handled.is_multiple_of(EVENTS_BETWEEN_LOOKS) {
                // Steps that some rank has done: where ranks are lost, no step is done by all.
                let begun = self.done.partition_point(|(ranks, _)| *ranks > 0);
                if progress.go_on(before + begun as u64).is_err() {
                    return;
                }
            }
            let (rank, at) = (event.rank(), event.at());
            let state = &mut self.ranks[rank.index()];
            if event.is_gradient() {
                state.computing = false;
                state.progress.gradients += 1;
            } else {
                state.action += 1;
                self.enter(rank, at);
            }
            self.proceed(rank, at);
            if self.cycle.as_ref().is_some_and(Cycle::is_closed) {
                return;
            }
        }
    }

    /// Begins what the rank may begin, and notes the steps that it has done.
    fn proceed(&mut self, rank: Rank, at: f64) {
        self.begin_gradient(rank, at);
        while self.begin_exchange(rank, at) {
            self.begin_gradient(rank, at);
        }
        self.note_steps(rank, at);
    }

    /// Notes the steps that the rank has done.
    fn note_steps(&mut self, rank: Rank, at: f64) {
        let state = &mut self.ranks[rank.index()];
        while let Some(end) = self.tasks.ends.get(state.steps as usize) {
            let over = state.progress.gradients >= end.gradients && state.progress.exchanges >= end.exchanges;
            if !over || state.steps >= state.lost_from {
                break;
            }
            let (ranks, last) = &mut self.done[state.steps as usize];
            *ranks += 1;
            *last = last.max(at);
            state.steps += 1;
            state.last_step_at = at;
            if let Some(cycle) = &mut self.cycle {
                cycle.note(rank, state.steps, at);
            }
        }
    }

    /// Begins a gradient if none is being computed, and those that follow it before the next exchange: nothing can happen to the
    /// rank in between, and one event stands for all of them.
    fn begin_gradient(&mut self, rank: Rank, at: f64) {
        if self.ranks[rank.index()].computing {
            return;
        }
        let mut over_at = None;
        while let Some(seconds) = self.gradient(rank, over_at.is_some()) {
            if let Some(over_at) = over_at {
                self.ranks[rank.index()].progress.gradients += 1;
                self.note_steps(rank, over_at);
            }
            self.computed += seconds;
            over_at = Some(over_at.unwrap_or(at) + seconds);
        }
        if let Some(over_at) = over_at {
            self.ranks[rank.index()].computing = true;
            self.events.push(Reverse(Event::gradient(over_at, rank)));
        }
    }

    /// The seconds of the rank's next gradient, if it can begin now; with `is_after`, of the one after it, if that follows at
    /// once and no exchange begins in between.
    fn gradient(&self, rank: Rank, is_after: bool) -> Option<f64> {
        let state = &self.ranks[rank.index()];
        let next = state.progress.gradients + u32::from(is_after);
        let task = self.tasks.gradients.get(next as usize)?;
        let exchange = self.tasks.exchanges.get(state.progress.exchanges as usize);
        let is_next = !is_after || !state.exchanging && exchange.is_none_or(|exchange| exchange.after > next);
        if !is_next || task.after > state.progress.exchanges || task.step >= state.lost_from {
            return None;
        }
        let key = random::output(u64::from(rank.0), u64::from(next));
        let jitter = self.jitter.draw(self.setting.seed, key);
        Some(self.cluster.compute().step * self.pace[rank.index()] * jitter)
    }

    /// Whether an exchange begins, and is over at once.
    fn begin_exchange(&mut self, rank: Rank, at: f64) -> bool {
        let state = &mut self.ranks[rank.index()];
        let Some(task) = self.tasks.exchanges.get(state.progress.exchanges as usize) else { return false };
        if state.exchanging || task.after > state.progress.gradients || task.step >= state.lost_from {
            return false;
        }
        state.exchanging = true;
        state.action = 0;
        self.enter(rank, at);
        !self.ranks[rank.index()].exchanging
    }

    /// The rank reaches the round of its next action, or the end of its exchange.
    fn enter(&mut self, rank: Rank, at: f64) {
        let exchange = self.ranks[rank.index()].progress.exchanges;
        let action = self.action(rank);
        let state = &mut self.ranks[rank.index()];
        let Some(action) = action else {
            state.exchanging = false;
            state.round = None;
            state.progress.exchanges += 1;
            return;
        };
        state.round = Some((exchange, action.round));
        state.waiting_for = u8::from(action.send_to.is_some()) + u8::from(action.receive_from.is_some());
        state.over_at = at;
        if state.waiting_for == 0 {
            self.events.push(Reverse(Event::round(at, rank)));
        }
        let task = &self.tasks.exchanges[exchange as usize];
        let bytes = message_bytes(task, self.setting.model_bytes) * action.share;
        let there = |peer: &Rank| self.ranks[peer.index()].round == Some((exchange, action.round));
        let (to, from) = (action.send_to.filter(there), action.receive_from.filter(there));
        if let Some(to) = to {
            self.transfer(rank, to, at, bytes);
        }
        if let Some(from) = from {
            self.transfer(from, rank, at, bytes);
        }
    }

    /// A message between ranks that have both reached its round.
    fn transfer(&mut self, from: Rank, to: Rank, at: f64, bytes: f64) {
        let (sent, arrived) = self.ports.transfer(self.wiring, from, to, at, bytes);
        for (rank, over) in [(from, sent), (to, arrived)] {
            let state = &mut self.ranks[rank.index()];
            state.over_at = state.over_at.max(over);
            state.waiting_for -= 1;
            if state.waiting_for == 0 {
                self.events.push(Reverse(Event::round(state.over_at, rank)));
            }
        }
    }

    /// What the rank does next in its exchange.
    fn action(&self, rank: Rank) -> Option<Action> {
        let state = &self.ranks[rank.index()];
        let index = state.action as usize;
        let exchange = self.tasks.exchanges.get(state.progress.exchanges as usize)?;
        match exchange.operator.topology() {
            Some(topology) => {
                let phases = &self.schedule.topologies()[topology as usize].phases;
                match &phases[exchange.phase_of(phases.len())].plan {
                    RoundPlan::Cayley { group, rounds, .. } => {
                        rounds.get(index).map(|(hop, _)| Action::shift(group, rank, *hop, state.action, 1.0))
                    }
                    RoundPlan::Table(table) => table.actions_of(rank).get(index).map(|action| Action {
                        round: action.round,
                        send_to: action.send_to,
                        receive_from: action.receive.map(|receive| receive.0),
                        share: 1.0,
                    }),
                }
            }
            None => {
                let slice = slices(self.schedule).nth(index)?;
                let share = f64::from(slice.count) / f64::from(self.schedule.size());
                Some(Action::shift(&self.cyclic, rank, Rank(slice.hop), state.action, share))
            }
        }
    }
}

impl Action {
    fn shift(group: &Group, rank: Rank, hop: Rank, round: u32, share: f64) -> Self {
        let (to, from) = (group.add(rank, hop), group.subtract(rank, hop));
        Self { round, send_to: Some(to), receive_from: Some(from), share }
    }
}

/// Stragglers are drawn without repetition.
fn pace(size: u32, setting: &Setting) -> Vec<f64> {
    let mut pace = vec![1.0; size as usize];
    if let Some((count, factor)) = setting.stragglers {
        let mut order: Vec<u32> = (0..size).collect();
        for place in 0..count.min(size) {
            let other =
                place + (random::unit(!setting.seed, u64::from(place)) * f64::from(size - place)) as u32;
            order.swap(place as usize, other.min(size - 1) as usize);
            pace[order[place as usize] as usize] = factor;
        }
    }
    pace
}
