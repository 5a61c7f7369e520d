//! From `.bf` source to a proved schedule. A pure library: no file, clock or environment.

pub mod analysis;
mod bind;
pub mod builtin_names;
pub mod candidate;
pub mod certificate;
pub mod defined;
pub mod diagnostic;
mod estimate;
pub mod evaluate;
mod fraction;
pub mod library;
mod lints;
pub mod lower;
pub mod model;
mod optimise;
pub mod prove;
pub mod rank_names;
mod report;
pub mod request;
pub mod resolve;
mod spectrum;
mod suggest;

pub use analysis::{Analysis, Assumptions, CURVATURE, Detail};
pub use candidate::Candidate;
pub use defined::{Defined, Parameter};
pub use diagnostic::{Diagnostic, Diagnostics, Located};
pub use report::{Consensus, PhaseRounds, Report};
pub use request::{Combination, Entry, Files, NoFiles, Request};

/// The formatter, for crates that write sources and do not see the language.
pub use bfc_dsl::format;
/// A range of bytes of a source.
pub use bfc_dsl::tree::Span;

use bfc_schedule::Schedule;
use evaluate::target::Evaluated;
use evaluate::{Evaluator, Limits};
use lower::LowerError;
use model::claim::Claim;
use model::topology::Topology;
use prove::Prover;
use request::RequestError;
use resolve::Program;
use resolve::target::Target;
use std::sync::Arc;

/// A proved schedule, and what was found out on the way.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The schedule, verified.
    pub schedule: Schedule,
    /// Claims with their verdicts, and rounds.
    pub report: Report,
}

/// Compiles a request: resolve, evaluate, bind, prove, lower, verify.
///
/// # Errors
/// All errors of the first stage that has any.
pub fn compile(request: &Request, files: &dyn Files) -> Result<Compiled, Diagnostics> {
    let program = resolve(request, files)?;
    let evaluated = bound(request, &program, Limits::default())?;
    proved_and_lowered(request, &program, evaluated)
}

/// [`compile`]; a refusal has remedies, which takes longer.
///
/// # Errors
/// As there.
pub fn compile_with_remedies(request: &Request, files: &dyn Files) -> Result<Compiled, Diagnostics> {
    compile(request, files).map_err(|refused| suggest(request, files, refused))
}

/// Checks a request; an algorithm without a topology is checked as far as that goes.
///
/// # Errors
/// As [`compile`].
pub fn check(request: &Request, files: &dyn Files) -> Result<Report, Diagnostics> {
    let program = resolve(request, files)?;
    let evaluated = bound(request, &program, Limits::default())?;
    let mut report = prove(request, &program, &evaluated, &prover(&evaluated))?;
    if evaluated.missing.is_none() && evaluated.algorithm.asynchronous.is_none() {
        report.count_rounds(&lower(request, &program, evaluated, &report)?);
    }
    Ok(report)
}

/// Whether a topology may have this name: words of the language cannot be one.
pub fn is_name(name: &str) -> bool {
    let entry = Entry::Source { name: format!("{name}.bf"), text: format!("topology {name} {{ }}\n") };
    let request = Request::new(entry, 8);
    check(&request, &NoFiles).is_ok()
}

/// [`compile`] with less patience: what takes more than some tenths of a second to evaluate is refused, whether the algorithm
/// is stable is left to [`Candidate::prove`], and how the schedule converges can be asked for without evaluating it again.
///
/// # Errors
/// As [`compile`] but for `stable`, or where the source evaluates for too long.
pub fn candidate(request: &Request, files: &dyn Files) -> Result<Candidate, Diagnostics> {
    let program = resolve(request, files)?;
    let evaluated = bound(request, &program, candidate::limits(request))?;
    if evaluated.missing.is_some() {
        return Err(no_topology(&program, &evaluated));
    }
    let quick = |claim: &Claim| !candidate::is_costly(claim);
    let report = checked(quick, request, &program, &evaluated, &prover(&evaluated))?;
    let schedule = lower(request, &program, evaluated.clone(), &report)?;
    Ok(Candidate::new(program, evaluated, schedule, &report.checks))
}

/// What a report shows of a request, from one evaluation.
#[derive(Debug)]
pub struct Overview {
    /// Its topologies.
    pub topologies: Vec<Topology>,
    /// What is known of the first, in all detail; none where the analysis itself is refused.
    pub analysis: Option<Analysis>,
    /// Its schedule, or why it is refused.
    pub compiled: Result<Compiled, Diagnostics>,
}

/// The topologies of a request, what is known of them, and its schedule.
///
/// # Errors
/// All errors of the first of the stages resolve and evaluate that has any, with remedies.
pub fn overview(
    request: &Request,
    files: &dyn Files,
    assumptions: Assumptions,
) -> Result<Overview, Diagnostics> {
    let remedied = |refused| suggest(request, files, refused);
    let program = resolve(request, files).map_err(remedied)?;
    let evaluated = bound(request, &program, Limits::default()).map_err(remedied)?;
    let topologies = evaluated.topologies.clone();
    let prover = prover(&evaluated);
    let analysis = analysis_of(request, &program, &evaluated, &prover, assumptions, Detail::Pictures).ok();
    let proved = prove(request, &program, &evaluated, &prover);
    drop(prover);
    let compiled = proved.and_then(|report| lowered(request, &program, evaluated, report)).map_err(remedied);
    Ok(Overview { topologies, analysis, compiled })
}

/// What the source of a request defines.
///
/// # Errors
/// All errors of the stage resolve.
pub fn defined(request: &Request, files: &dyn Files) -> Result<Defined, Diagnostics> {
    Ok(Defined::new(&resolve(request, files)?))
}

/// The parameters of the topologies and the algorithm that a request compiles.
///
/// # Errors
/// All errors of the stage resolve.
pub fn parameters(request: &Request, files: &dyn Files) -> Result<Vec<Parameter>, Diagnostics> {
    let program = resolve(request, files)?;
    let target = Target::new(&program, request.library_name())
        .map_err(|errors| Diagnostics::new(errors, &program.sources))?;
    Ok(defined::parameters(&program, &target, request.size))
}

/// The topologies of a request, without proof.
///
/// # Errors
/// All errors of the first of the stages resolve and evaluate that has any.
pub fn topologies(request: &Request, files: &dyn Files) -> Result<Vec<Topology>, Diagnostics> {
    let program = resolve(request, files)?;
    let evaluated = bound(request, &program, Limits::default())?;
    match evaluated.topologies.is_empty() {
        true => Err(no_topology(&program, &evaluated)),
        false => Ok(evaluated.topologies),
    }
}

/// Everything about the topology of a request, the first if there are several; claims that do not hold are among its
/// checks.
///
/// # Errors
/// All errors of the first of the stages resolve and evaluate that has any.
pub fn analyze(request: &Request, files: &dyn Files) -> Result<Analysis, Diagnostics> {
    analyze_on(request, files, Assumptions::default(), Detail::Numbers)
}

/// [`analyze`] with other assumptions, in more or less detail.
///
/// # Errors
/// As there.
pub fn analyze_on(
    request: &Request,
    files: &dyn Files,
    assumptions: Assumptions,
    detail: Detail,
) -> Result<Analysis, Diagnostics> {
    let program = resolve(request, files)?;
    let evaluated = bound(request, &program, Limits::default())?;
    analysis_of(request, &program, &evaluated, &prover(&evaluated), assumptions, detail)
}

fn prover(evaluated: &Evaluated) -> Prover<'_> {
    Prover::new(&evaluated.topologies, Some(&evaluated.algorithm))
}

fn analysis_of(
    request: &Request,
    program: &Program,
    evaluated: &Evaluated,
    prover: &Prover,
    assumptions: Assumptions,
    detail: Detail,
) -> Result<Analysis, Diagnostics> {
    if evaluated.topologies.is_empty() {
        return Err(no_topology(program, evaluated));
    }
    let names = names(&evaluated.topologies);
    let analysis = analysis::analyze(evaluated, prover, assumptions, detail, &request.allow);
    let mut analysis = analysis.map_err(|errors| refused(errors, &names, program))?;
    analysis.checks.iter_mut().for_each(|check| check.verdict.name_ranks(&names));
    analysis.names = names.to_vec();
    Ok(analysis)
}

/// What ranks are called: by the first topology that names them.
fn names(topologies: &[Topology]) -> Arc<[String]> {
    topologies.iter().find_map(|topology| topology.names.clone()).unwrap_or_default()
}

/// Errors of a proof, with the names of ranks.
fn refused(mut errors: Vec<Diagnostic>, names: &[String], program: &Program) -> Diagnostics {
    errors.iter_mut().for_each(|error| error.name_ranks(names));
    Diagnostics::new(errors, &program.sources)
}

/// A refusal with what to write instead, found by trying changes of the source. This evaluates it once more, and many
/// changes of it.
pub fn suggest(request: &Request, files: &dyn Files, refused: Diagnostics) -> Diagnostics {
    if !refused.errors().iter().any(|error| suggest::CODES.contains(&error.code.as_str())) {
        return refused;
    }
    let Ok(program) = resolve(request, files) else { return refused };
    let Ok(evaluated) = bound(request, &program, Limits::default()) else { return refused };
    let evaluate = |program: &Program| bound(request, program, suggest::limits(request)).ok();
    let context = suggest::Refused { request, program: &program, evaluated: &evaluated, evaluate: &evaluate };
    suggest::explain(context, refused)
}

fn resolve(request: &Request, files: &dyn Files) -> Result<Program, Diagnostics> {
    request.check()?;
    let (name, text) = match &request.entry {
        Entry::Source { name, text } => (name.as_str(), text.as_str()),
        Entry::Library(name) => (name.as_str(), library_source(name)?),
        Entry::Expression(text) => (text.as_str(), ""),
    };
    resolve::load(name, text, &request.parameters, &request.combined(), files).into_result()
}

fn library_source(name: &str) -> Result<&'static str, RequestError> {
    library::source(name).ok_or_else(|| {
        let help =
            builtin_names::nearest(name, library::names()).map(|near| format!("did you mean `{near}`?"));
        RequestError::UnknownLibraryName { name: name.to_string(), help }
    })
}

fn evaluate(request: &Request, program: &Program, limits: Limits) -> Result<Evaluated, Diagnostics> {
    let target = Target::new(program, request.library_name())
        .map_err(|errors| Diagnostics::new(errors, &program.sources))?;
    let evaluated = evaluate::on_deep_stack(|| {
        let mut evaluator = Evaluator::new(program, request.size, request.local_size, limits);
        evaluate::target::evaluate(&mut evaluator, &target)
    });
    let evaluated = evaluated.map_err(|error| RequestError::NoThread { reason: error.to_string() })?;
    evaluated.map_err(|errors| Diagnostics::new(errors, &program.sources))
}

fn bind(program: &Program, mut evaluated: Evaluated) -> Result<Evaluated, Diagnostics> {
    bind::bind(&mut evaluated).map_err(|errors| Diagnostics::new(errors, &program.sources))?;
    Ok(evaluated)
}

/// Evaluated and bound.
fn bound(request: &Request, program: &Program, limits: Limits) -> Result<Evaluated, Diagnostics> {
    bind(program, evaluate(request, program, limits)?)
}

fn proved_and_lowered(
    request: &Request,
    program: &Program,
    evaluated: Evaluated,
) -> Result<Compiled, Diagnostics> {
    let report = prove(request, program, &evaluated, &prover(&evaluated))?;
    lowered(request, program, evaluated, report)
}

fn lowered(
    request: &Request,
    program: &Program,
    evaluated: Evaluated,
    mut report: Report,
) -> Result<Compiled, Diagnostics> {
    let schedule = lower(request, program, evaluated, &report)?;
    report.count_rounds(&schedule);
    Ok(Compiled { schedule, report })
}

fn prove(
    request: &Request,
    program: &Program,
    evaluated: &Evaluated,
    prover: &Prover,
) -> Result<Report, Diagnostics> {
    if evaluated.missing.is_some() {
        let mut report = Report::new(request.size, evaluated);
        let refuse = |errors: Vec<Diagnostic>| refused(errors, &names(&evaluated.topologies), program);
        prove::claims::check_mixing(&evaluated.algorithm).map_err(refuse)?;
        prove::claims::check_allowances(evaluated.algorithm.requires.iter(), &request.allow)
            .map_err(refuse)?;
        report.warnings.push("`requires` is decided on a topology, and none is given".into());
        return Ok(report);
    }
    let mut report = checked(|_| true, request, program, evaluated, prover)?;
    report.warnings = lints::warnings(evaluated, prover);
    report.note_consensus(evaluated, prover);
    let names = names(&evaluated.topologies);
    report.warnings.iter_mut().for_each(|warning| *warning = rank_names::named(warning, &names));
    Ok(report)
}

/// The verdicts on the claims that are `wanted`, none of which refuses the schedule.
fn checked(
    wanted: impl Fn(&Claim) -> bool,
    request: &Request,
    program: &Program,
    evaluated: &Evaluated,
    prover: &Prover,
) -> Result<Report, Diagnostics> {
    let names = names(&evaluated.topologies);
    let proof = prove::claims::prove(wanted, evaluated, prover, &request.allow);
    let proof = proof.map_err(|errors| refused(errors, &names, program))?;
    let mut report = Report::new(request.size, evaluated);
    (report.checks, report.overrides) = (proof.checks, proof.overrides);
    report.checks.iter_mut().for_each(|check| check.verdict.name_ranks(&names));
    Ok(report)
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
    let names = names(&topologies);
    if let Some(span) = algorithm.asynchronous {
        let error = LowerError::NoWindows { algorithm: algorithm.name, span };
        return Err(Diagnostics::new([error], &program.sources));
    }
    let mut draft = lower::schedule::draft(request.size, request.local_size, &algorithm, topologies);
    draft.overrides = report.overrides.clone();
    draft.metadata = metadata(request, program);
    if !names.is_empty() {
        draft.metadata[bfc_schedule::inspect::NAMES] = names.to_vec().into();
    }
    draft.certificate = certificate::certificate(&report.checks);
    Schedule::new(draft).map_err(|errors| Diagnostics::new(errors, &program.sources))
}

/// What a schedule says about its origin.
fn metadata(request: &Request, program: &Program) -> serde_json::Value {
    let parameters: serde_json::Map<_, _> =
        request.parameters.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
    let mut metadata = serde_json::json!({
        "compiler": env!("CARGO_PKG_VERSION"),
        "entry": program.sources.first().map(|source| source.name.as_str()),
        "parameters": parameters,
    });
    let Combination { topologies, algorithm, weights } = &request.combination;
    let topologies = topologies.iter().map(|(name, topology)| match name {
        Some(name) => format!("{name} = {topology}"),
        None => topology.clone(),
    });
    for (key, value) in [
        ("topology", topologies.reduce(|all, next| format!("{all}, {next}"))),
        ("algorithm", algorithm.clone()),
        ("weights", weights.clone()),
    ] {
        value.into_iter().for_each(|value| metadata[key] = value.into());
    }
    metadata
}

fn no_topology(program: &Program, evaluated: &Evaluated) -> Diagnostics {
    let algorithm = evaluated.algorithm.name.clone();
    match &evaluated.missing {
        Some(missing) => Diagnostics::new([missing.clone()], &program.sources),
        None => RequestError::NothingToAnalyze { algorithm }.into(),
    }
}
