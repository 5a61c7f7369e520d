//! From `.bf` source to a proved schedule. A pure library: no file, clock or environment.

pub mod analysis;
pub mod bind;
pub mod builtin_names;
pub mod candidate;
pub mod certificate;
pub mod diagnostic;
pub(crate) mod estimate;
pub mod evaluate;
mod fraction;
pub mod library;
mod lints;
pub mod lower;
pub mod model;
pub(crate) mod optimise;
pub mod prove;
mod report;
pub mod resolve;
pub(crate) mod spectrum;
mod suggest;

pub use candidate::Candidate;
pub use diagnostic::Diagnostics;
pub use report::{Detail, PhaseRounds, Report};

use bfc_schedule::Schedule;
use diagnostic::{Error, RequestError};
use evaluate::Evaluator;
use evaluate::Limits;
use evaluate::target::Evaluated;
use lower::LowerError;
use resolve::Program;
use resolve::target::Target;

/// What to compile, and for how many ranks.
#[derive(Clone, Debug)]
pub struct Request {
    /// The source.
    pub entry: Entry,
    /// The number of ranks, at least 1.
    pub size: u32,
    /// How many ranks share a machine, at least 1.
    pub local_size: u32,
    /// Values of parameters as `(name, expression)`; a name may say whose parameter it is, as in `topology.base`.
    pub parameters: Vec<(String, String)>,
    /// Codes under which claims are accepted that are not decided, such as `requirement_not_decided`, or do not hold,
    /// such as `requirement_refuted`; the schedule records them.
    pub allow: Vec<String>,
}

/// Where the source comes from.
#[derive(Clone, Debug)]
pub enum Entry {
    /// A name of the library, such as `topology::ring`.
    Library(String),
    /// A text, and its name for messages.
    Source {
        /// The name, by which [`Files`] finds what lies beside it.
        name: String,
        /// The text.
        text: String,
    },
}

/// Access to the files beside a source.
pub trait Files {
    /// The name and the text of the file that `use name::…` asks for in the file `from`.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn read(&self, from: &str, name: &str) -> Result<(String, String), String>;
}

/// No files beside the source.
pub struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _from: &str, _name: &str) -> Result<(String, String), String> {
        Err("there are no files beside this source".to_string())
    }
}

/// A proved schedule, and what was found out on the way.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The schedule, verified.
    pub schedule: Schedule,
    /// Claims with their verdicts, and rounds.
    pub report: Report,
}

/// Compiles a request: resolve, evaluate, prove, lower, verify.
///
/// # Errors
/// All errors of the first stage that has any.
pub fn compile(request: &Request, files: &dyn Files) -> Result<Compiled, Diagnostics> {
    let program = resolve(request, files)?;
    let evaluated = evaluate(request, &program)?;
    let mut report = prove(request, &program, &evaluated)?;
    let schedule = lower(request, &program, evaluated, &report)?;
    report.count_rounds(&schedule);
    Ok(Compiled { schedule, report })
}

/// Checks a request; an algorithm without a topology is checked as far as that goes.
///
/// # Errors
/// As [`compile`].
pub fn check(request: &Request, files: &dyn Files) -> Result<Report, Diagnostics> {
    let program = resolve(request, files)?;
    let evaluated = evaluate(request, &program)?;
    let mut report = prove(request, &program, &evaluated)?;
    if evaluated.missing.is_none() && evaluated.algorithm.asynchronous.is_none() {
        report.count_rounds(&lower(request, &program, evaluated, &report)?);
    }
    Ok(report)
}

/// [`compile`] with less patience: what takes more than some tenths of a second to evaluate is refused, and how the schedule
/// converges can be asked for without evaluating it again.
///
/// # Errors
/// As [`compile`], or where the source evaluates for too long.
pub fn candidate(request: &Request, files: &dyn Files) -> Result<Candidate, Diagnostics> {
    let program = resolve(request, files)?;
    let evaluated = evaluate_within(request, &program, candidate::limits(request))?;
    let report = prove(request, &program, &evaluated)?;
    let schedule = lower(request, &program, evaluated.clone(), &report)?;
    let first = evaluated.topologies.first().map(|topology| &topology.name);
    let is_exact = |check: &prove::Check| {
        Some(&check.item) == first && check.claim == "exact_average" && check.verdict == "proved"
    };
    let exact = report.checks.iter().any(is_exact);
    Ok(Candidate { evaluated, schedule, exact })
}

/// The curvatures [μ, L] for which algorithms are analyzed unless told otherwise.
pub const CURVATURE: [f64; 2] = [0.1, 1.0];

/// Everything about the topology of a request, the first if there are several; claims that do not hold are among its
/// checks. An algorithm is analyzed on quadratics with curvatures in [`CURVATURE`].
///
/// # Errors
/// All errors of the first of the stages resolve and evaluate that has any.
pub fn analyze(request: &Request, files: &dyn Files) -> Result<prove::Analysis, Diagnostics> {
    analyze_on(request, files, CURVATURE, Detail::Numbers)
}

/// [`analyze`] on quadratics with curvatures in [μ, L], 0 < μ ≤ L, in more or less detail.
///
/// # Errors
/// As there.
pub fn analyze_on(
    request: &Request,
    files: &dyn Files,
    curvature: [f64; 2],
    detail: Detail,
) -> Result<prove::Analysis, Diagnostics> {
    let program = resolve(request, files)?;
    let evaluated = evaluate(request, &program)?;
    if evaluated.topologies.is_empty() {
        return Err(no_topology(&program, &evaluated));
    }
    report::analyze(&evaluated, curvature, detail, &request.allow)
        .map_err(|errors| Diagnostics::new(errors, program.sources))
}

fn resolve(request: &Request, files: &dyn Files) -> Result<Program, Diagnostics> {
    let (size, local_size) = (request.size, request.local_size);
    if size == 0 {
        return Err(RequestError::SizeZero.into());
    }
    if local_size == 0 || !size.is_multiple_of(local_size) {
        return Err(RequestError::LocalSize { size, local_size }.into());
    }
    let (name, text) = match &request.entry {
        Entry::Source { name, text } => (name.as_str(), text.as_str()),
        Entry::Library(name) => (name.as_str(), library_source(name)?),
    };
    resolve::load(name, text, &request.parameters, files)
}

fn library_source(name: &str) -> Result<&'static str, Diagnostics> {
    library::source(name).ok_or_else(|| {
        let help =
            builtin_names::nearest(name, library::names()).map(|near| format!("did you mean `{near}`?"));
        RequestError::UnknownLibraryName { name: name.to_string(), help }.into()
    })
}

fn evaluate(request: &Request, program: &Program) -> Result<Evaluated, Diagnostics> {
    evaluate_within(request, program, Limits::default())
}

fn evaluate_within(request: &Request, program: &Program, limits: Limits) -> Result<Evaluated, Diagnostics> {
    let library_name = if let Entry::Library(name) = &request.entry { Some(name.as_str()) } else { None };
    let evaluated = evaluate::on_deep_stack(|| {
        let mut target = Target::of(program, library_name)?;
        let mut evaluator = Evaluator::new(program, request.size, request.local_size, limits);
        let wrap = |errors: Vec<_>| errors.into_iter().map(Error::from).collect::<Vec<_>>();
        target.distribute(&mut evaluator).map_err(wrap)?;
        let mut evaluated = evaluate::target::evaluate(&mut evaluator, &target).map_err(wrap)?;
        bind::bind(&mut evaluated).map_err(wrap)?;
        Ok(evaluated)
    });
    let evaluated = evaluated.map_err(|error| RequestError::NoThread { reason: error.to_string() })?;
    evaluated.map_err(|errors| Diagnostics::new(errors, program.sources.clone()))
}

fn prove(request: &Request, program: &Program, evaluated: &Evaluated) -> Result<Report, Diagnostics> {
    let (report, errors) = report::prove(request, program, evaluated);
    if errors.is_empty() { Ok(report) } else { Err(Diagnostics::new(errors, program.sources.clone())) }
}

fn lower(
    request: &Request,
    program: &Program,
    evaluated: Evaluated,
    report: &Report,
) -> Result<Schedule, Diagnostics> {
    if evaluated.missing.is_some() {
        return Err(no_topology(program, &evaluated));
    }
    let Evaluated { topologies, algorithm, .. } = evaluated;
    if let Some(span) = algorithm.asynchronous {
        let error = LowerError::NoWindows { algorithm: algorithm.name, span };
        return Err(Diagnostics::new(vec![error.into()], program.sources.clone()));
    }
    let mut draft = lower::schedule::draft(request.size, request.local_size, &algorithm, topologies);
    draft.overrides = report.overrides.clone();
    draft.metadata = metadata(request, program);
    draft.certificate = certificate::certificate(&report.certificate);
    Schedule::new(draft).map_err(|errors| {
        Diagnostics::new(errors.into_iter().map(Error::Verify).collect(), program.sources.clone())
    })
}

/// What a schedule says about its origin.
fn metadata(request: &Request, program: &Program) -> serde_json::Value {
    let parameters: serde_json::Map<_, _> =
        request.parameters.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
    serde_json::json!({
        "compiler": env!("CARGO_PKG_VERSION"),
        "entry": program.sources.first().map(|source| source.name.as_str()),
        "parameters": parameters,
    })
}

fn no_topology(program: &Program, evaluated: &Evaluated) -> Diagnostics {
    let algorithm = evaluated.algorithm.name.clone();
    let error = match &evaluated.missing {
        Some(missing) => Error::Evaluate(missing.clone()),
        None => Error::Request(RequestError::NothingToAnalyze { algorithm }),
    };
    Diagnostics::new(vec![error], program.sources.clone())
}
