//! A computation that nobody waits for ends soon, without a result.

use crate::common::{cluster, setting};
use bfc_compiler::{Assumptions, Entry, NoFiles, Request};
use bfc_predict::{
    Axis, Experiment, Goal, PredictError, Progress, QuestionError, advise, compare, simulate_sizes, sweep,
};
use std::cell::Cell;
use std::time::{Duration, Instant};

/// Cancels after some looks.
struct Impatient {
    looks: Cell<u32>,
}

impl Progress for Impatient {
    fn begin(&mut self, _stage: &'static str, _count: u64, _unit: &'static str) {}

    fn advance(&mut self, _done: u64) {}

    fn end(&mut self) {
        panic!("it went on to its end");
    }

    fn is_cancelled(&self) -> bool {
        let left = self.looks.get().saturating_sub(1);
        self.looks.set(left);
        left == 0
    }
}

fn ring(size: u32) -> Request {
    let entry = Entry::Library("topology::ring".into());
    Request::new(entry, size)
}

fn ends<T>(compute: impl FnOnce(&mut Impatient) -> Result<T, PredictError>) {
    let (start, mut impatient) = (Instant::now(), Impatient { looks: Cell::new(2) });
    match compute(&mut impatient).map(|_| ()) {
        Err(PredictError::Question(QuestionError::Cancelled)) => {}
        other => panic!("{other:?}"),
    }
    assert!(start.elapsed() < Duration::from_secs(60));
}

#[test]
fn every_computation_with_progress_can_be_cancelled() {
    let cluster = cluster(1, "", "jitter = 0.1");
    let assumptions = Assumptions::default();
    let axis = Axis::Sizes((2..9).collect());
    ends(|progress| sweep("ring", &ring(2), &NoFiles, &axis, assumptions, progress));
    let columns: Vec<_> = ["a", "b", "c"].map(|name| (name.to_string(), ring(8))).into();
    ends(|progress| compare(8, &columns, &NoFiles, assumptions, None, progress));
    let goal = Goal {
        size: 5,
        cluster: &cluster,
        source: None,
        algorithm: None,
        model_bytes: 1e8,
        error: 1e-3,
        heterogeneity: 1.0,
        curvature: [0.1, 1.0],
    };
    ends(|progress| advise(&goal, &NoFiles, progress));
    // One size: it is cancelled among its events, of which there are more than could be simulated in minutes.
    let experiment = Experiment { setting: setting(1_000_000), place: false, batch: None };
    ends(|progress| simulate_sizes(&ring(1024), &NoFiles, &[1024], &cluster, &experiment, progress));
}
