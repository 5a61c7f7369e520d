//! A schedule and shards become a trained model: one thread for each rank, full-batch gradients, every model recorded.

use super::curve::{self, Point, Sampling};
use super::data::Data;
use super::logistic::Logistic;
use super::ranks::Left;
use crate::progress;
use bfc_runtime::local::{self, SpmdError};
use bfc_runtime::{Ask, Dtype, Layout, Machine, ModelAsk, RuntimeError, Tensor, Transport};
use bfc_schedule::{Rank, RankSchedule, Schedule};
use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

/// The multiple of its initial value above which a final loss counts as divergence.
const FAR: f64 = 2.0;

/// The multiple of a loss above which a later one has risen.
const RISEN: f64 = 1.01;

/// What a run left.
pub struct Outcome {
    /// The mean of the ranks' models.
    pub model: Vec<f64>,
    /// Points of the curve, ascending.
    pub curve: Vec<Point>,
    /// What the busiest rank sent, in bytes.
    pub bytes_per_rank: u64,
}

impl Outcome {
    /// The end of the curve.
    pub fn last(&self) -> &Point {
        self.curve.last().expect("every run records step 0")
    }

    /// Whether the loss ends below its start, and did not rise in the last third: what diverges slowly does.
    pub fn descended(&self) -> bool {
        let later = self.curve[self.curve.len() * 2 / 3].loss;
        self.last().loss < self.curve[0].loss && self.last().loss <= later * RISEN
    }

    /// Whether the loss ends far above its start, or is not a number.
    pub fn diverged(&self) -> bool {
        let (start, end) = (self.curve[0].loss, self.last().loss);
        end.is_nan() || end > FAR * start
    }
}

/// How to train.
#[derive(Clone, Copy)]
pub struct Plan {
    /// Steps.
    pub steps: u64,
    /// The learning rate of the trainer's own step, and of the input `lr` where there is one.
    pub lr: f64,
    /// What the model is stored in.
    pub dtype: Dtype,
}

/// All training rows as one problem.
pub fn whole(data: &Data) -> Logistic<'_> {
    Logistic::new(&data.train, data.columns, data.classes.len(), 1.0 / data.train.labels.len() as f64)
}

/// The rows of one rank, weighted so that the mean over ranks is [`whole`].
pub fn part(data: &Data, rank: usize) -> Logistic<'_> {
    let shard = &data.shards[rank];
    let factor = data.shards.len() as f64 / data.train.labels.len() as f64;
    Logistic::new(shard, data.columns, data.classes.len(), factor)
}

/// Plain gradient descent on all rows: `model ← model − lr · gradient`.
pub fn centralized(data: &Data, plan: Plan) -> Outcome {
    let problem = whole(data);
    let sampling = Sampling::new(plan.steps);
    let mut models = [vec![0.0; problem.parameters()]];
    let mut gradient = vec![0.0; problem.parameters()];
    let mut points = vec![curve::point(0, &models, &problem)];
    for step in 1..=plan.steps {
        problem.gradient(&models[0], &mut gradient);
        models[0].iter_mut().zip(&gradient).for_each(|(w, g)| *w -= plan.lr * g);
        if sampling.includes(step) {
            points.push(curve::point(step, &models, &problem));
        }
        progress::advance(step);
    }
    let [model] = models;
    Outcome { model, curve: points, bytes_per_rank: 0 }
}

/// Runs the schedule on one thread for each rank, each of which leaves its trace in the directory, where there is one.
///
/// # Errors
/// The failure of the rank that failed first.
pub fn on_ranks(
    schedule: &Schedule,
    data: &Data,
    plan: Plan,
    trace: Option<&Path>,
) -> Result<Outcome, SpmdError<RuntimeError>> {
    recorded(schedule.size(), data, |send| {
        local::spmd(schedule.size(), move |transport| {
            let rank = transport.rank();
            let record = recorder(send.clone(), rank);
            one_rank(schedule.rank(rank), transport, part(data, rank.index()), (plan, trace), record)
        })
    })
}

/// A rank's model after a step.
pub type Recorded = (usize, u64, Vec<f64>);

/// Sends the models of a rank to who collects them.
pub fn recorder(send: SyncSender<Recorded>, rank: Rank) -> impl FnMut(u64, &[f64]) {
    // The collector outlives all ranks; should it panic, that is seen when it is joined.
    move |step, model| drop(send.send((rank.index(), step, model.to_vec())))
}

/// Collects what ranks record while `run` runs them, which returns the bytes that each sent.
///
/// # Errors
/// Those of `run`.
pub fn recorded<E>(
    size: u32,
    data: &Data,
    run: impl FnOnce(SyncSender<Recorded>) -> Result<Vec<u64>, E>,
) -> Result<Outcome, E> {
    let (size, problem) = (size as usize, whole(data));
    thread::scope(|scope| {
        let (send, receive) = sync_channel(4 * size);
        let collected = scope.spawn(|| collect(receive, size, &problem));
        let sent = run(send)?;
        let (model, curve) = collected.join().unwrap_or_else(|panic| resume_unwind(panic));
        Ok(Outcome { model, curve, bytes_per_rank: sent.into_iter().max().unwrap_or(0) })
    })
}

/// What ranks have left; `None` where a model is missing.
pub fn collected(ranks: Vec<Left>, data: &Data) -> Option<Outcome> {
    let bytes_per_rank = ranks.iter().map(|(sent, _)| *sent).max()?;
    let (size, most) = (ranks.len(), ranks.iter().map(|(_, models)| models.len()).max()?);
    let of_rank =
        |(rank, (_, models)): (usize, Left)| models.into_iter().map(move |(step, model)| (rank, step, model));
    let (model, curve) = collect(ranks.into_iter().enumerate().flat_map(of_rank), size, &whole(data));
    (most > 0 && curve.len() == most).then_some(Outcome { model, curve, bytes_per_rank })
}

/// Trains one rank and has its models recorded at the steps that are looked at; returns the bytes sent.
///
/// # Errors
/// A peer fails.
pub fn one_rank(
    schedule: RankSchedule,
    transport: impl Transport + Send + 'static,
    problem: Logistic,
    (plan, trace): (Plan, Option<&Path>),
    mut record: impl FnMut(u64, &[f64]),
) -> Result<u64, RuntimeError> {
    let with_lr = takes_lr(&schedule);
    let layout = layout(&problem, plan);
    let mut machine = Machine::new(schedule, transport, layout, |_| ())?;
    trace.map_or(Ok(()), |directory| machine.trace_to(directory))?;
    if with_lr {
        machine.set_input("lr", plan.lr)?;
    }
    record(0, &vec![0.0; problem.parameters()]);
    let sampling = Sampling::new(plan.steps);
    let mut trainer = trainer(&problem, plan.lr);
    for step in 1..=plan.steps {
        machine.step(&mut trainer)?;
        if sampling.includes(step) {
            record(step, &machine.model()?.to_f64(0));
        }
    }
    Ok(machine.bytes_sent())
}

/// Whether the algorithm has an input for the learning rate.
pub fn takes_lr(schedule: &RankSchedule) -> bool {
    schedule.program.inputs.iter().any(|input| input.name == "lr")
}

/// The model as one tensor.
pub fn layout(problem: &Logistic, plan: Plan) -> Layout {
    let shape = vec![problem.parameters()];
    Layout::new(vec![Tensor { name: "model".into(), shape, dtype: plan.dtype }])
}

/// Answers what a machine asks of this problem; its own step is one of gradient descent.
pub fn trainer(problem: &Logistic, lr: f64) -> impl FnMut(ModelAsk<'_>) {
    let smoothness = LazyCell::new(|| problem.smoothness());
    let mut scratch = vec![0.0; problem.parameters()];
    move |ask| match ask {
        Ask::Gradient { point, gradient: mut into } => {
            problem.gradient(&point.to_f64(0), &mut scratch);
            into.write_f64(0, scratch.iter().copied());
        }
        Ask::Adapt { mut point, direction } => {
            let at = point.to_f64(0);
            let direction = direction.map(|direction| direction.to_f64(0));
            let direction = direction.unwrap_or_else(|| {
                problem.gradient(&at, &mut scratch);
                scratch.clone()
            });
            point.write_f64(0, at.iter().zip(&direction).map(|(w, d)| w - lr * d));
        }
        Ask::Prox { point, rho, mut minimizer } => {
            problem.minimizer(*smoothness, &point.to_f64(0), rho, &mut scratch);
            minimizer.write_f64(0, scratch.iter().copied());
        }
    }
}

/// Makes a point of the curve whenever the models of all ranks after a step are there; returns the mean of the last.
fn collect(
    recorded: impl IntoIterator<Item = Recorded>,
    size: usize,
    problem: &Logistic,
) -> (Vec<f64>, Vec<Point>) {
    let mut waiting: BTreeMap<u64, Vec<Option<Vec<f64>>>> = BTreeMap::new();
    let (mut last, mut points) = (vec![], vec![]);
    for (rank, step, model) in recorded {
        waiting.entry(step).or_insert_with(|| vec![None; size])[rank] = Some(model);
        while let Some(entry) = waiting.first_entry() {
            let Some(models) = entry.get().iter().cloned().collect::<Option<Vec<_>>>() else { break };
            points.push(curve::point(*entry.key(), &models, problem));
            progress::advance(*entry.key());
            last = curve::mean(&models);
            entry.remove();
        }
    }
    (last, points)
}
