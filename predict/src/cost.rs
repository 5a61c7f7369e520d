//! What a schedule sends, and on a cluster the seconds of its steps, beside all-reduce.
//!
//! The seconds are those of a [simulation](crate::simulate::steady) in which nothing goes wrong. Schedules that are too large
//! to be simulated go round by round, all ranks together: that is the same where all messages of a round take equally long.

use crate::allreduce::{self, AllReduce};
use crate::cluster::{Cluster, ClusterError};
use crate::condition;
use crate::links::{Load, Wiring};
use crate::simulate::steady::{self, Mean, Repeats};
use crate::tasks::{Exchange, Tasks};
use crate::units::shown_seconds;
use bfc_schedule::program::Shape;
use bfc_schedule::{Group, Rank, RoundPlan, Schedule, SliceRound};
use num_integer::Integer;
use serde::Serialize;

/// The bytes of a number that travels with a message.
pub const SCALAR_BYTES: f64 = 8.0;
/// The longest period that is followed; longer ones, and those that conditions on the step number may have, are averaged
/// over this number of steps.
const LONGEST_PERIOD: u32 = 4096;

/// What every rank and step costs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// The steps that numbers are means of: the period, where it is short.
    pub steps: u32,
    /// Rounds.
    pub rounds: Amount,
    /// Models that a rank sends, whole or in slices.
    pub models: Amount,
    /// Single numbers that a rank sends beside them.
    pub scalars: Amount,
    /// Codes and the like, the step in which a rank sends them, and to how many.
    #[serde(skip)]
    others: Vec<(Shape, u32, Amount)>,
}

/// A mean over ranks and steps, and the busiest rank of the busiest step (at most: the busiest of each exchange).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Amount {
    /// The mean.
    pub mean: f64,
    /// The most.
    pub max: f64,
}

/// The seconds of a step on a cluster.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Prediction {
    /// The cluster.
    pub cluster: String,
    /// Bytes of the model.
    pub model_bytes: f64,
    /// The machines that the ranks occupy.
    pub machines: u32,
    /// Bytes that a rank sends in a step.
    pub bytes: Amount,
    /// A step, with exchanges beside gradients where the program allows it.
    pub step_seconds: f64,
    /// The gradients of a step.
    pub compute_seconds: f64,
    /// The exchanges of a step.
    pub communication_seconds: f64,
    /// The part of the exchanges that a step waits for.
    pub exposed_seconds: f64,
    /// The same gradients with ring all-reduce instead.
    pub ring_step_seconds: f64,
    /// The same by trees.
    pub tree_step_seconds: f64,
    /// The same by a hierarchical ring.
    pub hierarchical_step_seconds: f64,
    /// What a user should know before choosing this schedule here.
    pub warnings: Vec<String>,
}

impl Cost {
    /// What `schedule` sends.
    pub fn new(schedule: &Schedule) -> Self {
        let steps = period(schedule);
        let tasks = Tasks::new(schedule.program(), steps);
        let phases: Vec<Vec<[Amount; 2]>> = schedule
            .topologies()
            .iter()
            .map(|topology| {
                topology.phases.iter().map(|phase| rounds_and_sends(&phase.plan, schedule.size())).collect()
            })
            .collect();
        let mut others = vec![];
        let mut sums = vec![[Amount::default(); 3]; steps as usize];
        for exchange in &tasks.exchanges {
            let [rounds, sends] = match exchange.operator.topology() {
                Some(topology) => {
                    let phases = &phases[topology as usize];
                    phases[exchange.phase_of(phases.len())]
                }
                None => average_rounds_and_sends(schedule),
            };
            let [all_rounds, models, scalars] = &mut sums[exchange.step as usize];
            all_rounds.add(rounds, 1.0);
            models.add(sends, f64::from(exchange.vectors));
            scalars.add(sends, f64::from(exchange.scalars));
            others.extend(exchange.others.iter().map(|other| (*other, exchange.step, sends)));
        }
        let over = |which: usize| Amount {
            mean: sums.iter().map(|step| step[which].mean).sum::<f64>() / f64::from(steps),
            max: sums.iter().map(|step| step[which].max).fold(0.0, f64::max),
        };
        Self { steps, rounds: over(0), models: over(1), scalars: over(2), others }
    }

    /// The bytes sent for a model of this size in bytes.
    pub fn bytes(&self, model_bytes: f64) -> Amount {
        let bytes = |models: f64, scalars: f64| models * model_bytes + scalars * SCALAR_BYTES;
        let mut steps = vec![Amount::default(); self.steps as usize];
        for (other, step, sends) in &self.others {
            steps[*step as usize].add(*sends, other_bytes(*other, model_bytes));
        }
        let others = Amount {
            mean: steps.iter().map(|step| step.mean).sum::<f64>() / f64::from(self.steps),
            max: steps.iter().map(|step| step.max).fold(0.0, f64::max),
        };
        Amount {
            mean: bytes(self.models.mean, self.scalars.mean) + others.mean,
            max: bytes(self.models.max, self.scalars.max) + others.max,
        }
    }
}

impl Amount {
    fn add(&mut self, other: Self, times: f64) {
        self.mean += other.mean * times;
        self.max += other.max * times;
    }
}

/// A schedule on a cluster, whose steps are timed.
struct Timing<'a> {
    schedule: &'a Schedule,
    cluster: &'a Cluster,
    model_bytes: f64,
    cost: Cost,
    repeats: Repeats,
    network: Network,
    /// Those of three periods.
    tasks: Tasks,
}

impl<'a> Timing<'a> {
    fn new(schedule: &'a Schedule, cluster: &'a Cluster, model_bytes: f64) -> Result<Self, ClusterError> {
        let cost = Cost::new(schedule);
        let network = Network::new(schedule, cluster)?;
        let tasks = Tasks::new(schedule.program(), 3 * cost.steps);
        Ok(Self { schedule, cluster, model_bytes, repeats: repeats(schedule), cost, network, tasks })
    }

    fn simulated(&self, cluster: &Cluster) -> Result<Option<f64>, ClusterError> {
        let mean = Mean { period: self.cost.steps, repeats: self.repeats, rounds: self.cost.rounds.mean };
        steady::step_seconds(self.schedule, cluster, self.model_bytes, mean)
    }

    /// The steps of the last two periods.
    fn window(&self) -> f64 {
        f64::from(2 * self.cost.steps)
    }

    fn is_later(&self, step: u32) -> bool {
        step >= self.cost.steps
    }

    fn exchanges(&self) -> Vec<f64> {
        let seconds = |exchange| self.network.seconds(exchange, self.model_bytes);
        self.tasks.exchanges.iter().map(seconds).collect()
    }

    /// The seconds of a step.
    fn step(&self) -> Result<f64, ClusterError> {
        if let Some(simulated) = self.simulated(self.cluster)? {
            return Ok(simulated);
        }
        let ends = ends(&self.tasks, self.cluster.compute().step, &self.exchanges());
        let from = self.cost.steps as usize;
        Ok((ends[3 * from - 1] - ends[from - 1]) / self.window())
    }

    /// The seconds of its gradients.
    fn compute(&self) -> f64 {
        let gradients = self.tasks.gradients.iter().filter(|gradient| self.is_later(gradient.step)).count();
        self.cluster.compute().step * gradients as f64 / self.window()
    }

    /// The seconds of its exchanges.
    fn communication(&self) -> Result<f64, ClusterError> {
        if let Some(simulated) = self.simulated(&self.cluster.clone().with_compute(Some(0.0), None))? {
            return Ok(simulated);
        }
        let exchanges = self.exchanges();
        let within = self.tasks.exchanges.iter().zip(&exchanges);
        let later = within.filter(|(exchange, _)| self.is_later(exchange.step));
        Ok(later.map(|(_, seconds)| seconds).sum::<f64>() / self.window())
    }
}

/// The seconds of a step of `schedule` on `cluster`, and those in which ranks wait for exchanges, for a model of this size in
/// bytes: of a [`Prediction`], what takes half of its time.
///
/// # Errors
/// The cluster has too few machines.
pub(crate) fn step_and_exposed(
    schedule: &Schedule,
    cluster: &Cluster,
    model_bytes: f64,
) -> Result<[f64; 2], ClusterError> {
    let timing = Timing::new(schedule, cluster, model_bytes)?;
    let step = timing.step()?;
    Ok([step, exposed(step, timing.compute())])
}

impl Prediction {
    /// The steps of `schedule` on `cluster`, for a model of this size in bytes.
    ///
    /// # Errors
    /// The cluster has too few machines.
    pub fn new(schedule: &Schedule, cluster: &Cluster, model_bytes: f64) -> Result<Self, ClusterError> {
        let timing = Timing::new(schedule, cluster, model_bytes)?;
        let (step_seconds, compute_seconds) = (timing.step()?, timing.compute());
        let communication_seconds = timing.communication()?;
        let (compute, Timing { cost, network, .. }) = (cluster.compute(), &timing);
        let all = AllReduce::new(network.wiring(), model_bytes);
        let parallel = |seconds| allreduce::step(&compute, compute_seconds, seconds);
        let mut prediction = Self {
            cluster: cluster.name().to_string(),
            model_bytes,
            machines: network.wiring().machines(),
            bytes: cost.bytes(model_bytes),
            step_seconds,
            compute_seconds,
            communication_seconds,
            exposed_seconds: exposed(step_seconds, compute_seconds),
            ring_step_seconds: parallel(all.ring),
            tree_step_seconds: parallel(all.tree),
            hierarchical_step_seconds: parallel(all.hierarchical),
            warnings: vec![],
        };
        prediction.warnings = prediction.warn(schedule, cluster, &all);
        Ok(prediction)
    }

    fn warn(&self, schedule: &Schedule, cluster: &Cluster, all: &AllReduce) -> Vec<String> {
        let mut warnings = vec![];
        let (name, seconds) = all.best();
        let parallel = allreduce::step(&cluster.compute(), self.compute_seconds, seconds);
        if self.step_seconds > parallel * (1.0 + 1e-6) {
            warnings.push(format!(
                "this schedule loses here: a step takes {}, and by {name} all-reduce {}",
                shown_seconds(self.step_seconds),
                shown_seconds(parallel)
            ));
        }
        let (own, there) = (schedule.local_size(), cluster.ranks_per_machine());
        if own > 1 && own != there {
            warnings.push(format!(
                "compiled for machines of {own} ranks, and this cluster has machines of {there}"
            ));
        }
        warnings
    }
}

/// The seconds of exchanges on a cluster.
#[derive(Clone, Debug)]
struct Network {
    wiring: Wiring,
    /// For each topology and phase the loads of its rounds.
    phases: Vec<Vec<Vec<Load>>>,
    /// For each round of an average its load and the share of a vector that it carries.
    average: Vec<(Load, f64)>,
}

impl Network {
    /// The exchanges of `schedule` on `cluster`.
    ///
    /// # Errors
    /// The cluster has too few machines.
    fn new(schedule: &Schedule, cluster: &Cluster) -> Result<Self, ClusterError> {
        let wiring = Wiring::new(cluster, schedule.size())?;
        let group = Group::cyclic(schedule.size());
        let slice = |round: &SliceRound| {
            (wiring.shift(&group, Rank(round.hop)), f64::from(round.count) / f64::from(schedule.size()))
        };
        Ok(Self {
            phases: schedule
                .topologies()
                .iter()
                .map(|topology| topology.phases.iter().map(|phase| wiring.rounds(&phase.plan)).collect())
                .collect(),
            average: slices(schedule).map(slice).collect(),
            wiring,
        })
    }

    /// The links.
    fn wiring(&self) -> &Wiring {
        &self.wiring
    }

    /// The seconds of an exchange of models of this size in bytes, one round after the other.
    fn seconds(&self, exchange: &Exchange, model_bytes: f64) -> f64 {
        let bytes = message_bytes(exchange, model_bytes);
        match exchange.operator.topology() {
            Some(topology) => {
                let phases = &self.phases[topology as usize];
                let loads = &phases[exchange.phase_of(phases.len())];
                loads.iter().map(|load| load.seconds(&self.wiring, bytes)).sum()
            }
            None => self.average.iter().map(|(load, share)| load.seconds(&self.wiring, bytes * share)).sum(),
        }
    }
}

/// What a step takes beyond its gradients; differences of rounding are none.
fn exposed(step: f64, compute: f64) -> f64 {
    Some(step - compute).filter(|seconds| *seconds > 1e-9 * step).unwrap_or(0.0)
}

/// The bytes of a whole message.
pub(crate) fn message_bytes(exchange: &Exchange, model_bytes: f64) -> f64 {
    let others: f64 = exchange.others.iter().map(|other| other_bytes(*other, model_bytes)).sum();
    f64::from(exchange.vectors) * model_bytes + f64::from(exchange.scalars) * SCALAR_BYTES + others
}

/// The bytes of a code and the like, for a model of 32-bit elements.
fn other_bytes(shape: Shape, model_bytes: f64) -> f64 {
    const ELEMENT: usize = size_of::<f32>();
    shape.message_bytes((model_bytes / ELEMENT as f64) as usize, ELEMENT) as f64
}

/// The steps after which topologies are at their first phases again.
pub(crate) fn period(schedule: &Schedule) -> u32 {
    if schedule.program().conditions.is_empty() { phases(schedule) as u32 } else { LONGEST_PERIOD }
}

/// How steps repeat in the long run, as far as [`LONGEST_PERIOD`] steps show.
fn repeats(schedule: &Schedule) -> Repeats {
    let program = schedule.program();
    let blocks: Vec<usize> =
        (0..LONGEST_PERIOD).map(|step| condition::block(program, u64::from(step))).collect();
    let late = &blocks[blocks.len() / 2..];
    let repeat = |steps: &usize| late[*steps..] == late[..late.len() - steps];
    let Some(steps) = (1..=late.len() / 2).find(repeat) else {
        return Repeats { from: 0, every: LONGEST_PERIOD };
    };
    let alike = blocks.iter().rev().zip(blocks[..blocks.len() - steps].iter().rev());
    let from = blocks.len() - steps - alike.take_while(|(later, earlier)| later == earlier).count();
    let sends = |block: &&usize| {
        let block = program.steps.get(**block);
        block.is_some_and(|block| block.iter().any(|instruction| instruction.exchange().is_some()))
    };
    let advances = late[..steps].iter().filter(sends).count() as u64;
    let phases = phases(schedule);
    let every = (steps as u64 * (phases / phases.gcd(&advances))).min(u64::from(LONGEST_PERIOD));
    Repeats { from: from as u32, every: every as u32 }
}

/// The exchanges after which all topologies are at their first phases again, where they are not too many.
fn phases(schedule: &Schedule) -> u64 {
    let phases = schedule.topologies().iter().map(|topology| topology.phases.len() as u64);
    phases.fold(1, |all, phases| all.lcm(&phases).min(u64::from(LONGEST_PERIOD)))
}

/// Rounds of a phase, and the messages that a rank sends in them.
fn rounds_and_sends(plan: &RoundPlan, size: u32) -> [Amount; 2] {
    let even = |number: u32| Amount { mean: f64::from(number), max: f64::from(number) };
    let sends = match plan {
        RoundPlan::Cayley { rounds, .. } => even(rounds.len() as u32),
        RoundPlan::Table(table) => {
            let sends =
                |rank| table.actions_of(Rank(rank)).iter().filter(|action| action.send_to.is_some()).count();
            let (total, most) =
                (0..size).map(sends).fold((0, 0), |(total, most), own| (total + own, most.max(own)));
            Amount { mean: total as f64 / f64::from(size), max: most as f64 }
        }
    };
    [even(plan.rounds()), sends]
}

/// The rounds of an average, where the program has one.
pub(crate) fn slices(schedule: &Schedule) -> impl Iterator<Item = &SliceRound> {
    schedule.average().into_iter().flat_map(|average| average.reduce.iter().chain(&average.gather))
}

/// Rounds of an average, and the vectors that a rank sends in them.
fn average_rounds_and_sends(schedule: &Schedule) -> [Amount; 2] {
    let sent = slices(schedule).map(|round| f64::from(round.count)).sum::<f64>() / f64::from(schedule.size());
    let count = slices(schedule).count() as f64;
    [Amount { mean: count, max: count }, Amount { mean: sent, max: sent }]
}

/// When each step is over, if every gradient takes `gradient` seconds and the k-th exchange `exchanges[k]`.
fn ends(tasks: &Tasks, gradient: f64, exchanges: &[f64]) -> Vec<f64> {
    let (mut computed, mut exchanged) = (vec![0.0], vec![0.0]);
    let last = |times: &[f64]| times[times.len() - 1];
    loop {
        let (next_gradient, next_exchange) = (computed.len() - 1, exchanged.len() - 1);
        let ready = tasks.gradients.get(next_gradient).filter(|task| task.after as usize <= next_exchange);
        if let Some(task) = ready {
            let begin = last(&computed).max(exchanged[task.after as usize]);
            computed.push(begin + gradient);
            continue;
        }
        let ready = tasks.exchanges.get(next_exchange).filter(|task| task.after as usize <= next_gradient);
        let Some(task) = ready else { break };
        exchanged.push(last(&exchanged).max(computed[task.after as usize]) + exchanges[next_exchange]);
    }
    let at = |end: &crate::tasks::Progress| {
        computed[end.gradients as usize].max(exchanged[end.exchanges as usize])
    };
    tasks.ends.iter().map(at).collect()
}
