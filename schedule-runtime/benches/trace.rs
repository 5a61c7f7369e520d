//! What an event costs, in memory and in a file.

use bfc_runtime::conformance::schedules::{averaging, ring, schedule};
use bfc_runtime::{Flat, local};
use bfc_schedule::Rank;
use criterion::{Criterion, criterion_group, criterion_main};

fn events(criterion: &mut Criterion) {
    let schedule = schedule(averaging(), 1, vec![vec![ring(1)]]);
    let transport = local::group(1).remove(0);
    let mut machine = Flat::new(schedule.rank(Rank(0)), transport, &[1.0]).expect("a machine");
    criterion.bench_function("event in memory", |bencher| bencher.iter(|| machine.mark("a moment")));
    let directory = tempfile::tempdir().expect("a directory");
    machine.trace_to(directory.path()).expect("a trace");
    criterion.bench_function("event in a file", |bencher| bencher.iter(|| machine.mark("a moment")));
}

criterion_group!(benches, events);
criterion_main!(benches);
