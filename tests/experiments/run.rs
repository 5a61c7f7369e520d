//! From a topology and an algorithm of the library to the models of all ranks, step by step.

use crate::problem::{Problem, Vector};
use bfc_compiler::{Compiled, Diagnostics, Entry, NoFiles, Request, compile, suggest};
use bfc_runtime::local::{LocalTransport, spmd};
use bfc_runtime::{Ask, Flat, FlatAsk, RuntimeError, Transport};
use bfc_schedule::Schedule;

/// The columns of the reference's tables: topology, ranks, and which of the two problems.
pub const COLUMNS: [(&str, usize, usize); 7] = [
    ("ring", 8, 0),
    ("ring", 8, 1),
    ("exponential", 16, 0),
    ("exponential", 16, 1),
    ("hypercube", 16, 1),
    ("one_peer_exp2", 16, 1),
    ("base", 12, 1),
];

/// Topologies that the reference uses and the library does not have under a name.
const OWN: &str = "
/// i → i + 1, and 0 → every even j ≥ 2.
fn hub_edges(n) = [[i, (i + 1) mod n] for i in 0..n] ++ [[0, j] for j in 2..n, if j mod 2 == 0]
topology hub_pull {
    for [i, j] in hub_edges(size) { i -> j }
    weights uniform
}
topology hub_push {
    for [i, j] in hub_edges(size) { i -> j }
    weights sender_uniform
}
";

/// A file that schedules `algorithm` (a name of the library, with parameters, or an algorithm of `own`) over `topology`.
pub fn source(topology: &str, algorithm: &str, own: &str) -> String {
    let library = |kind: &str, expression: &str| {
        let names = bfc_compiler::library::names().into_iter();
        let of_kind = names.filter_map(|name| name.strip_prefix(kind)?.strip_prefix("::"));
        let words: Vec<&str> =
            expression.split(|letter: char| !letter.is_alphanumeric() && letter != '_').collect();
        let uses = of_kind.filter(|name| words.contains(name)).map(|name| format!("use {kind}::{name}\n"));
        uses.collect::<String>()
    };
    let uses = library("topology", topology) + &library("algorithm", algorithm);
    format!("{uses}{OWN}{own}\nschedule {{\n    topology {topology}\n    algorithm {algorithm}\n}}\n")
}

/// Compiles a file.
pub fn compiled(text: &str, size: usize, allow: &[&str]) -> Result<Compiled, Diagnostics> {
    let entry = Entry::Source { name: "experiment.bf".into(), text: text.into() };
    let allow = allow.iter().map(|code| code.to_string()).collect();
    let request = Request { allow, ..Request::new(entry, size as u32) };
    compile(&request, &NoFiles).map_err(|refused| suggest(&request, &NoFiles, refused))
}

/// The schedule of a file that must be accepted.
pub fn schedule(topology: &str, algorithm: &str, size: usize) -> Schedule {
    match compiled(&source(topology, algorithm, ""), size, &[]) {
        Ok(compiled) => compiled.schedule,
        Err(errors) => panic!("{algorithm} over {topology} of {size}: {:?}", errors.errors()),
    }
}

/// The models of all ranks after every `every`-th step, all starting at 0. `lr` is the step size: the input `lr` where
/// there is one, and that of the trainer's own optimizer, which is gradient descent.
pub fn models(
    schedule: &Schedule,
    problem: &Problem,
    lr: f64,
    samples: usize,
    every: usize,
) -> Vec<Vec<Vector>> {
    run(schedule, problem, lr, samples, every, |_| vec![0.0; problem.dimension()])
}

/// [`models`] from anywhere.
pub fn run(
    schedule: &Schedule,
    problem: &Problem,
    lr: f64,
    samples: usize,
    every: usize,
    start: impl Fn(usize) -> Vector + Sync,
) -> Vec<Vec<Vector>> {
    let by_rank = observed(schedule, problem, lr, samples * every, start, |step, machine| {
        if step % every == 0 { machine.model().map(|model| Some(model.to_vec())) } else { Ok(None) }
    });
    let mut by_rank: Vec<_> = by_rank.into_iter().map(|models| models.into_iter().flatten()).collect();
    (0..samples).map(|_| by_rank.iter_mut().filter_map(Iterator::next).collect()).collect()
}

/// A rank's machine.
pub type Run = Flat<f64, LocalTransport>;

/// For every rank what is `seen` of its machine after each step, given its number, from 1.
pub fn observed<S: Send>(
    schedule: &Schedule,
    problem: &Problem,
    lr: f64,
    steps: usize,
    start: impl Fn(usize) -> Vector + Sync,
    seen: impl Fn(usize, &mut Run) -> Result<S, RuntimeError> + Sync,
) -> Vec<Vec<S>> {
    let by_rank = spmd(schedule.size(), |transport| {
        let rank = transport.rank();
        let mut machine = Run::new(schedule.rank(rank), transport, &start(rank.index()))?;
        if machine.inputs().any(|(name, _)| name == "lr") {
            machine.set_input("lr", lr)?;
        }
        let mut scratch = vec![0.0; problem.dimension()];
        let step = |step| {
            machine.step(&mut |ask: FlatAsk<'_, f64>| match ask {
                Ask::Gradient { point, gradient } => problem.gradient(rank.index(), point, gradient),
                Ask::Adapt { point, direction } => {
                    let direction = direction.unwrap_or_else(|| {
                        problem.gradient(rank.index(), point, &mut scratch);
                        &scratch
                    });
                    point.iter_mut().zip(direction).for_each(|(x, d)| *x -= lr * d);
                }
                Ask::Prox { point, rho, minimizer } => {
                    minimizer.copy_from_slice(&problem.minimizer(rank.index(), point, rho));
                }
            })?;
            seen(step, &mut machine)
        };
        (1..=steps).map(step).collect::<Result<Vec<S>, RuntimeError>>()
    });
    by_rank.unwrap_or_else(|error| panic!("{error}"))
}

/// The largest difference between two runs.
pub fn difference(a: &[Vec<Vector>], b: &[Vec<Vector>]) -> f64 {
    assert_eq!(a.len(), b.len());
    let pairs = a.iter().flatten().flatten().zip(b.iter().flatten().flatten());
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}
