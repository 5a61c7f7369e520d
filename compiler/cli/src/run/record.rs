//! Three runs and what they ran on become the typed result of a training.

use super::arguments::Run;
use super::data::Data;
use super::logistic::{L2, Logistic};
use super::train::{Outcome, Plan};
use bfc_report::training::{self, DataSet, Distances, Point, Training, loss};
use bfc_schedule::Schedule;

/// The three runs and what they ran on.
pub struct Record<'a> {
    /// The schedule.
    pub schedule: &'a Schedule,
    /// The data's name.
    pub data_name: &'a str,
    /// The data.
    pub data: &'a Data,
    /// The flags.
    pub arguments: &'a Run,
    /// Steps and learning rate.
    pub plan: Plan,
    /// The least loss.
    pub optimum: f64,
    /// The schedule's run.
    pub decentralized: Outcome,
    /// All-reduce on the same shards.
    pub allreduce: Outcome,
    /// Gradient descent on all rows.
    pub centralized: Outcome,
}

impl Record<'_> {
    /// The runs that diverged, each with the loss that it came to.
    pub fn diverged(&self) -> Vec<String> {
        let runs = [
            ("decentralized", &self.decentralized),
            ("allreduce", &self.allreduce),
            ("centralized", &self.centralized),
        ];
        let diverged = runs.into_iter().filter(|(_, run)| run.diverged());
        let words = |(name, run): (&str, &Outcome)| {
            let (start, end) = (run.curve[0].loss, run.last().loss);
            if end.is_finite() {
                format!("{name} (loss {} at the start, {} at the end)", loss(start), loss(end))
            } else {
                format!("{name} (the loss is not finite)")
            }
        };
        diverged.map(words).collect()
    }

    /// The result.
    pub fn training(&self) -> Training {
        let names: Vec<&str> = self.schedule.topologies().iter().map(|topology| &*topology.name).collect();
        let decentralized = self.outcome(&self.decentralized);
        Training {
            topology: names.join(", "),
            algorithm: self.schedule.program().name.clone(),
            size: self.schedule.size(),
            digest: self.schedule.digest().to_string(),
            data: self.data_set(),
            steps: self.plan.steps,
            lr: self.plan.lr,
            skew: self.arguments.training.skew,
            seed: self.arguments.training.seed,
            l2: L2,
            optimum: self.optimum,
            decentralized,
            allreduce: self.outcome(&self.allreduce),
            centralized: self.outcome(&self.centralized),
            consensus_distance: decentralized.consensus_distance,
            bytes_per_rank: decentralized.bytes_per_rank,
            curve: self.curve(),
            distances: self.distances(),
        }
    }

    fn data_set(&self) -> DataSet {
        DataSet {
            name: self.data_name.to_string(),
            features: self.data.columns,
            classes: self.data.classes.clone(),
            training_rows: self.data.train.labels.len(),
            test_rows: self.data.test.labels.len(),
        }
    }

    fn outcome(&self, run: &Outcome) -> training::Outcome {
        let test = Logistic::new(&self.data.test, self.data.columns, self.data.classes.len(), 1.0);
        training::Outcome {
            loss: run.last().loss,
            test_accuracy: test.accuracy(&run.model),
            consensus_distance: run.last().consensus_distance(),
            bytes_per_rank: run.bytes_per_rank,
        }
    }

    fn distances(&self) -> Distances {
        let curve = &self.decentralized.curve;
        Distances::new(curve.iter().map(|point| (point.step, &point.distances[..])))
    }

    fn curve(&self) -> Vec<Point> {
        let runs = self.decentralized.curve.iter().zip(&self.allreduce.curve).zip(&self.centralized.curve);
        runs.map(|((decentralized, allreduce), centralized)| Point {
            step: decentralized.step,
            decentralized: decentralized.loss,
            allreduce: allreduce.loss,
            centralized: centralized.loss,
            consensus_distance: decentralized.consensus_distance(),
        })
        .collect()
    }
}
