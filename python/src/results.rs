//! Sources, sizes and clusters → analyses, predictions and advice: the results of the command line, as it prints them.

use crate::arguments::{Argument, Arguments};
use crate::compile::{Beside, bytes, entry, refuse, request};
use crate::interrupt::interruptible;
use crate::schedule::from_json;
use crate::words::in_python;
use bfc_cli::{Analyzed, STEP_SIZE};
use bfc_compiler::{Assumptions, Request};
use bfc_predict::cluster::{Cluster, LONGEST};
use bfc_predict::values::{COUNT, NOISE_MEMORY, POSITIVE, SLOWDOWN, STEPS, TARGET, UP_TO_TEN};
use bfc_predict::{Axis, Experiment, Goal, Location, PredictError, Setting, units};
use bfc_report::{advice, analysis, comparison, simulations, sweep as sweeps};
use bfc_schedule::{Rank, visible};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde::Serialize;
use std::path::Path;

/// A result: its data, its text and its picture.
type Output<'py> = (Bound<'py, PyAny>, String, Option<String>);

/// What is known of a topology at one size.
#[pyfunction]
pub fn analyze<'py>(py: Python<'py>, name: String, arguments: Bound<'py, PyDict>) -> PyResult<Output<'py>> {
    let arguments = Arguments::new("analyze", arguments);
    let size = arguments.get("size")?.whole(COUNT)?;
    let assumptions = assumptions(&arguments)?;
    let request = request(entry(py, name.clone())?, size, &arguments)?;
    let simulated = arguments
        .given("simulated", |parameter| parameter.switch(STEP_SIZE, "a truth value or a name"))?
        .flatten();
    let found = interruptible(py, move |watch| {
        Analyzed::new(&request, &Beside, assumptions, simulated.as_deref(), watch)
    })?;
    let found = found.map_err(|failure| refuse(py, &failure.into_reports()))?;
    output(py, &found, &found.text(), Some(analysis::svg(&name, &found.analysis)))
}

/// What is known of a topology at several sizes, or with several values of a parameter.
#[pyfunction]
pub fn sweep<'py>(py: Python<'py>, name: String, arguments: Bound<'py, PyDict>) -> PyResult<Output<'py>> {
    let arguments = Arguments::new("sweep", arguments);
    let sizes = arguments.get("sizes")?.sizes()?;
    let assumptions = assumptions(&arguments)?;
    let request = request(entry(py, name.clone())?, sizes[0], &arguments)?;
    let values = arguments.given("values", |values| values.of_type("a name with values"))?;
    let axis = match values {
        None => Axis::Sizes(sizes),
        Some((name, values)) => Axis::Values(name, values),
    };
    let found =
        compute(py, move |watch| bfc_predict::sweep(&name, &request, &Beside, &axis, assumptions, watch))?;
    output(py, &found, &sweeps::text(&found), Some(sweeps::svg(&found)))
}

/// Analyses of several sources side by side.
#[pyfunction]
pub fn compare<'py>(
    py: Python<'py>,
    names: Vec<String>,
    arguments: Bound<'py, PyDict>,
) -> PyResult<Output<'py>> {
    let arguments = Arguments::new("compare", arguments);
    let size = arguments.get("size")?.whole(COUNT)?;
    let curvature = arguments.get("curvature")?.curvature()?;
    let assumptions = Assumptions { curvature, ..Assumptions::default() };
    let cluster = arguments.given("cluster", |name| cluster(py, &name, &arguments))?;
    let model_bytes = model_bytes(&arguments)?;
    let request = |name: String| Ok((name.clone(), request(entry(py, name)?, size, &arguments)?));
    let requests: Vec<(String, Request)> = names.into_iter().map(request).collect::<PyResult<_>>()?;
    let found = compute(py, move |watch| {
        let location = cluster.as_ref().map(|cluster| Location { cluster, model_bytes, place: false });
        bfc_predict::compare(size, &requests, &Beside, assumptions, location, watch)
    })?;
    output(py, &found, &comparison::text(&found), None)
}

/// Training on a cluster by discrete events, at several sizes.
#[pyfunction]
pub fn simulate<'py>(py: Python<'py>, name: String, arguments: Bound<'py, PyDict>) -> PyResult<Output<'py>> {
    let arguments = Arguments::new("simulate", arguments);
    let sizes = arguments.get("sizes")?.sizes()?;
    let cluster = cluster(py, &arguments.get("cluster")?, &arguments)?;
    let experiment = experiment(&arguments)?;
    let request = request(entry(py, name)?, sizes[0], &arguments)?;
    let found = compute(py, move |watch| {
        bfc_predict::simulate_sizes(&request, &Beside, &sizes, &cluster, &experiment, watch)
    })?;
    output(py, &found, &simulations::text(&found), Some(simulations::svg(&found)))
}

/// The schedules of the library, and of a source, that reach a target error on a cluster, the fastest first.
#[pyfunction]
pub fn advise<'py>(
    py: Python<'py>,
    name: Option<String>,
    arguments: Bound<'py, PyDict>,
) -> PyResult<Output<'py>> {
    let arguments = Arguments::new("advise", arguments);
    let source = name.map(|name| entry(py, name)).transpose()?;
    let size = arguments.get("size")?.whole(POSITIVE)?;
    let cluster = cluster(py, &arguments.get("cluster")?, &arguments)?;
    let algorithm = arguments.given("algorithm", |name| name.of_type::<String>("a name"))?;
    let model_bytes = model_bytes(&arguments)?;
    let error = arguments.get("error")?.number(TARGET)?;
    let heterogeneity = arguments.get("heterogeneity")?.number(UP_TO_TEN)?;
    let curvature = arguments.get("curvature")?.curvature()?;
    let found = compute(py, move |watch| {
        let (cluster, source, algorithm) = (&cluster, source.as_ref(), algorithm.as_deref());
        let goal = Goal { size, cluster, source, algorithm, model_bytes, error, heterogeneity, curvature };
        bfc_predict::advise(&goal, &Beside, watch)
    })?;
    output(py, &found, &advice::text(&found), None)
}

fn compute<T: Send + 'static>(
    py: Python<'_>,
    result: impl FnOnce(&mut dyn bfc_predict::Progress) -> Result<T, PredictError> + Send + 'static,
) -> PyResult<T> {
    interruptible(py, move |watch| result(watch))?.map_err(|refused| refuse(py, &refused.into_reports()))
}

fn output<'py>(
    py: Python<'py>,
    document: &impl Serialize,
    text: &str,
    svg: Option<String>,
) -> PyResult<Output<'py>> {
    let text = in_python(&visible::lines(text)).trim_end().to_string();
    Ok((from_json(py, document)?, text, svg))
}

fn assumptions(arguments: &Arguments<'_>) -> PyResult<Assumptions> {
    Ok(Assumptions {
        curvature: arguments.get("curvature")?.curvature()?,
        noise_memory: arguments.get("noise_memory")?.number(NOISE_MEMORY)?,
    })
}

fn model_bytes(arguments: &Arguments<'_>) -> PyResult<f64> {
    arguments.get("model_bytes")?.quantity("", units::bytes)
}

/// The cluster of a name or a file, with the time of a gradient that the arguments give.
fn cluster(py: Python<'_>, name: &Argument<'_>, arguments: &Arguments<'_>) -> PyResult<Cluster> {
    let name: String = name.of_type("a name or a path")?;
    let compute = arguments.given("compute", |time| time.quantity("s", units::seconds))?;
    let jitter = arguments.given("jitter", |jitter| jitter.number(UP_TO_TEN))?;
    let read = || bytes(py, Path::new(&name), LONGEST as u64 + 1);
    let found = Cluster::find(&name, Path::new(&name).exists(), read)?;
    let cluster = found.map_err(|refused| refuse(py, &PredictError::from(refused).into_reports()))?;
    Ok(cluster.with_compute(compute, jitter))
}

fn experiment(arguments: &Arguments<'_>) -> PyResult<Experiment> {
    let stragglers = arguments.given("stragglers", |pair| {
        let [count, factor] = pair.pair("a number of ranks and a factor")?;
        Ok((count.whole(COUNT)?, factor.number(SLOWDOWN)?))
    })?;
    let losses = arguments.get("lost")?.items("pairs of a rank and a step", usize::MAX)?;
    let lost = losses.iter().map(|pair| {
        let [rank, step] = pair.pair("pairs of a rank and a step")?;
        Ok((Rank(rank.whole(COUNT)?), step.whole(COUNT)?))
    });
    let setting = Setting {
        model_bytes: model_bytes(arguments)?,
        steps: arguments.get("steps")?.whole(STEPS)?,
        seed: arguments.get("seed")?.seed()?,
        stragglers,
        lost: lost.collect::<PyResult<_>>()?,
    };
    let place = arguments.get("place")?.of_type("a truth value")?;
    let batch = arguments.given("batch", |batch| batch.whole(POSITIVE))?;
    Ok(Experiment { setting, place, batch })
}
