//! Three runs become a table, a JSON document and a picture.

use super::data::Data;
use super::logistic::{L2, Logistic};
use super::train::{Outcome, Plan};
use crate::arguments;
use crate::picture::{Curve, Panel, Picture, Scale};
use crate::table::Table;
use bfc_schedule::Schedule;
use serde_json::{Value, json};

const DECENTRALIZED: &str = "#0b6bcb";
const ALLREDUCE: &str = "#d9730d";
const CENTRALIZED: &str = "#9aa5b1";

/// The three runs and what they ran on.
pub struct Report<'a> {
    /// The schedule.
    pub schedule: &'a Schedule,
    /// The data's name.
    pub data_name: &'a str,
    /// The data.
    pub data: &'a Data,
    /// The flags.
    pub arguments: &'a arguments::Run,
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

impl Report<'_> {
    fn runs(&self) -> [(&'static str, &Outcome); 3] {
        [
            ("decentralized", &self.decentralized),
            ("allreduce", &self.allreduce),
            ("centralized", &self.centralized),
        ]
    }

    /// The runs that diverged, each with the loss that it came to.
    pub fn diverged(&self) -> Vec<String> {
        let runs = self.runs().into_iter().filter(|(_, run)| run.diverged());
        runs.map(|(name, run)| {
            let (start, end) = (run.curve[0].loss, run.last().loss);
            if end.is_finite() {
                format!("{name} (loss {} at the start, {} at the end)", readable(start), readable(end))
            } else {
                format!("{name} (the loss is not finite)")
            }
        })
        .collect()
    }

    /// The document `run.json`.
    pub fn json(&self) -> Value {
        let mut document = json!({
            "topology": self.topology(),
            "algorithm": self.schedule.program().name,
            "size": self.schedule.size(),
            "digest": self.schedule.digest().to_string(),
            "data": {
                "name": self.data_name,
                "features": self.data.columns,
                "classes": self.data.classes,
                "training_rows": self.data.train.labels.len(),
                "test_rows": self.data.test.labels.len(),
            },
            "steps": self.plan.steps,
            "lr": self.plan.lr,
            "skew": self.arguments.skew,
            "seed": self.arguments.seed,
            "l2": L2,
            "optimum": self.optimum,
        });
        for (name, run) in self.runs() {
            document[name] = json!({
                "loss": run.last().loss,
                "test_accuracy": self.accuracy(run),
                "consensus_distance": run.last().consensus_distance,
                "bytes_per_rank": run.bytes_per_rank,
            });
        }
        document["consensus_distance"] = json!(self.decentralized.last().consensus_distance);
        document["bytes_per_rank"] = json!(self.decentralized.bytes_per_rank);
        document["curve"] = self.curve();
        document
    }

    fn curve(&self) -> Value {
        let [(_, first), (_, second), (_, third)] = self.runs();
        let points = first.curve.iter().zip(&second.curve).zip(&third.curve);
        points
            .map(|((decentralized, allreduce), centralized)| {
                json!({
                    "step": decentralized.step,
                    "decentralized": decentralized.loss,
                    "allreduce": allreduce.loss,
                    "centralized": centralized.loss,
                    "consensus_distance": decentralized.consensus_distance,
                })
            })
            .collect()
    }

    /// The table for people.
    pub fn table(&self) -> String {
        let mut table = Table::new();
        table.set_header([
            "",
            "loss",
            "above optimum",
            "test accuracy",
            "consensus distance",
            "sent per rank",
        ]);
        for (name, run) in self.runs() {
            let last = run.last();
            let alone = name == "centralized";
            table.add_row([
                if name == "allreduce" { "all-reduce" } else { name }.to_string(),
                readable(last.loss),
                short(last.loss - self.optimum),
                format!("{:.2} %", 100.0 * self.accuracy(run)),
                if alone { "–".to_string() } else { short(last.consensus_distance) },
                if alone { "–".to_string() } else { bytes(run.bytes_per_rank) },
            ]);
        }
        table.align_right(1..6);
        let peers = "all-reduce and centralized are gradient descent at the same learning rate";
        format!("{}\n\n{}\n\n{peers}\n", self.title(), table.text())
    }

    /// The document `convergence.svg`.
    pub fn svg(&self) -> String {
        let gap = |run: &Outcome| run.curve.iter().map(|p| (p.step as f64, p.loss - self.optimum)).collect();
        let apart = |run: &Outcome| run.curve.iter().map(|p| (p.step as f64, p.consensus_distance)).collect();
        let curve = |label: &str, colour, width, dash, points| Curve {
            label: label.into(),
            colour,
            width,
            dash,
            points,
        };
        Picture {
            title: self.title(),
            subtitle: format!(
                "{}: {} training rows, {} features, {} classes; skew {}, learning rate {}",
                self.data_name,
                self.data.train.labels.len(),
                self.data.columns,
                self.data.classes.len(),
                self.arguments.skew,
                self.plan.lr
            ),
            x_label: "step".into(),
            x_scale: Scale::Counts,
            panels: vec![
                Panel {
                    title: "training loss above the optimum".into(),
                    scale: Scale::Decades,
                    curves: vec![
                        curve("centralized", CENTRALIZED, 5.0, "", gap(&self.centralized)),
                        curve("all-reduce", ALLREDUCE, 2.0, "7 4", gap(&self.allreduce)),
                        curve("decentralized", DECENTRALIZED, 2.0, "", gap(&self.decentralized)),
                    ],
                },
                Panel {
                    title: "consensus distance: how far ranks are from their mean".into(),
                    scale: Scale::Decades,
                    curves: vec![curve("decentralized", DECENTRALIZED, 2.0, "", apart(&self.decentralized))],
                },
            ],
        }
        .svg()
    }

    fn topology(&self) -> String {
        let names: Vec<&str> = self.schedule.topologies().iter().map(|topology| &*topology.name).collect();
        names.join(", ")
    }

    fn title(&self) -> String {
        let ranks = self.schedule.size();
        let plural = if ranks == 1 { "" } else { "s" };
        let over = match self.topology() {
            none if none.is_empty() => none,
            names => format!(" over {names}"),
        };
        let algorithm = &self.schedule.program().name;
        format!("{algorithm}{over}, {ranks} rank{plural}, {} steps", self.plan.steps)
    }

    fn accuracy(&self, run: &Outcome) -> f64 {
        Logistic::new(&self.data.test, self.data.columns, self.data.classes.len(), 1.0).accuracy(&run.model)
    }
}

/// Six decimals, or an exponent where the number is large.
fn readable(value: f64) -> String {
    if value.abs() < 1e4 { format!("{value:.6}") } else { format!("{value:.3e}") }
}

fn short(value: f64) -> String {
    if value == 0.0 { "0".to_string() } else { format!("{value:.1e}") }
}

fn bytes(count: u64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{count} B") } else { format!("{value:.2} {}", units[unit]) }
}

#[cfg(test)]
mod tests {
    #[test]
    fn large_losses_have_an_exponent() {
        assert_eq!(super::readable(0.268), "0.268000");
        assert_eq!(super::readable(1.5e105), "1.500e105");
    }

    #[test]
    fn bytes_are_readable() {
        assert_eq!(super::bytes(999), "999 B");
        assert_eq!(super::bytes(1_560_000), "1.56 MB");
    }
}
