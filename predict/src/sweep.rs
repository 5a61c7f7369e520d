//! A request becomes analyses at many sizes, or with many values of a parameter: how a topology converges as it changes,
//! and where it does worst.

use crate::error::PredictError;
use crate::progress::Progress;
use bfc_compiler::{Analysis, Assumptions, Detail, Diagnostics, Files, Request};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use std::fmt::{self, Display};

/// A size or value that is refused with one of these is skipped; anything else is refused for all.
const SKIPPED: [&str; 3] =
    ["bfc::evaluate::precondition", "bfc::request::local_size", "bfc::prove::requirement_refuted"];

/// The most sizes or values of a sweep on the command line and in Python.
pub const MOST_POINTS: usize = 10_000;

/// What a sweep varies.
#[derive(Clone, Debug)]
pub enum Axis {
    /// The number of ranks.
    Sizes(Vec<u32>),
    /// A parameter of the topology or the algorithm, by name: expressions of the language.
    Values(String, Vec<String>),
}

/// A point of an axis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum At {
    /// This number of ranks.
    Size(u32),
    /// This value of the parameter.
    Value(String),
}

/// Analyses along an axis.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// What was analyzed.
    pub file: String,
    /// The parameter that varies; the number of ranks where absent.
    pub parameter: Option<String>,
    /// Where most steps are needed.
    pub worst: Option<Worst>,
    /// What was found.
    pub points: Vec<Point>,
    /// The sizes or values for which the source is not.
    pub skipped: Vec<Skipped>,
}

/// What was found at a point.
#[derive(Clone, Debug, Serialize)]
pub struct Point {
    /// Where; an analysis says its size itself.
    #[serde(flatten, skip_serializing_if = "At::is_size")]
    pub at: At,
    /// What.
    #[serde(flatten)]
    pub analysis: Analysis,
}

/// The point that needs the most steps to agree to 10⁻³, the first of several; one that never does needs most.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Worst {
    /// Where.
    #[serde(flatten)]
    pub at: At,
    /// These steps.
    #[serde(rename = "rounds_to_1e-3")]
    pub rounds_to_1e_3: Option<u64>,
    /// What a step keeps of the disagreement.
    pub rate_per_step: Option<f64>,
}

/// A point for which the source is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// Where.
    #[serde(flatten)]
    pub at: At,
    /// Why.
    pub reason: String,
}

/// Analyzes a request along an axis; `file` is what the result calls it.
///
/// # Errors
/// The source is refused at some point for another reason than what it requires there, or `progress` is cancelled.
pub fn sweep(
    file: &str,
    request: &Request,
    files: &dyn Files,
    axis: &Axis,
    assumptions: Assumptions,
    progress: &mut dyn Progress,
) -> Result<Sweep, PredictError> {
    let parameter = axis.parameter().map(str::to_string);
    let mut sweep = Sweep { file: file.to_string(), parameter, worst: None, points: vec![], skipped: vec![] };
    let requests = axis.requests(request);
    let what = if axis.parameter().is_some() { "values" } else { "sizes" };
    progress.begin(what, requests.len() as u64, what);
    for (done, (at, request)) in (1..).zip(requests) {
        match bfc_compiler::analyze_on(&request, files, assumptions, Detail::Numbers) {
            Ok(analysis) => sweep.points.push(Point { at, analysis }),
            Err(refused) => sweep.skipped.push(skipped(at, refused)?),
        }
        progress.go_on(done)?;
    }
    progress.end();
    sweep.worst = worst(&sweep.points);
    Ok(sweep)
}

impl Axis {
    fn parameter(&self) -> Option<&str> {
        match self {
            Self::Sizes(_) => None,
            Self::Values(parameter, _) => Some(parameter),
        }
    }

    /// What is analyzed at each point.
    fn requests(&self, request: &Request) -> Vec<(At, Request)> {
        match self {
            Self::Sizes(sizes) => {
                let at = |&size: &u32| (At::Size(size), Request { size, ..request.clone() });
                sizes.iter().map(at).collect()
            }
            Self::Values(parameter, values) => {
                let at = |value: &String| {
                    let mut request = request.clone();
                    request.parameters.push((parameter.clone(), value.clone()));
                    (At::Value(value.clone()), request)
                };
                values.iter().map(at).collect()
            }
        }
    }
}

impl At {
    fn is_size(&self) -> bool {
        matches!(self, Self::Size(_))
    }
}

impl Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Size(size) => size.fmt(f),
            Self::Value(value) => value.fmt(f),
        }
    }
}

impl Serialize for Sweep {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("file", &self.file)?;
        if let Some(parameter) = &self.parameter {
            map.serialize_entry("parameter", parameter)?;
        }
        map.serialize_entry("worst", &self.worst)?;
        map.serialize_entry(if self.parameter.is_some() { "values" } else { "sizes" }, &self.points)?;
        map.serialize_entry("skipped", &self.skipped)?;
        map.end()
    }
}

/// # Errors
/// The refusal, where it is not about the point.
fn skipped(at: At, refused: Diagnostics) -> Result<Skipped, Diagnostics> {
    match refused.errors() {
        [first, ..] if SKIPPED.contains(&first.code.as_str()) => {
            Ok(Skipped { at, reason: first.message.clone() })
        }
        _ => Err(refused),
    }
}

fn worst(points: &[Point]) -> Option<Worst> {
    let steps = |point: &Point| point.analysis.rounds_to_1e_3.unwrap_or(u64::MAX);
    let slower = |worst, next| if steps(next) > steps(worst) { next } else { worst };
    let Point { at, analysis } = points.iter().reduce(slower)?;
    let Analysis { rounds_to_1e_3, rate_per_step, .. } = *analysis;
    Some(Worst { at: at.clone(), rounds_to_1e_3, rate_per_step })
}
