//! What a compilation found out: the verdict on every claim, and the rounds of every phase.

use crate::Request;
use crate::builtin_names::nearest;
use crate::certificate;
use crate::diagnostic::{Error, RequestError};
use crate::evaluate::target::Evaluated;
use crate::lints;
use crate::model::claim::{Claim, Quantity, Stated};
use crate::model::oracle::Asks;
use crate::model::topology::{Optimised, Topology};
use crate::prove::{self, Check, Prover, Verdict};
use crate::resolve::Program;
use crate::suggest;
use bfc_schedule::{MixingMatrix, Rank, Schedule};
use miette::Diagnostic;
use serde::Serialize;

/// What holds of a schedule, and what it costs.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The number of ranks.
    pub size: u32,
    /// The algorithm's name.
    pub algorithm: String,
    /// `requires` of the algorithm and `ensure` of its topologies.
    pub checks: Vec<Check>,
    /// The phases of every topology.
    pub phases: Vec<PhaseRounds>,
    /// What was optimised for the weights of the topologies.
    pub optimised: Vec<OptimisedFor>,
    /// What the algorithm asks of a trainer.
    pub asks: Asks,
    /// What a user should know though nothing is wrong.
    pub warnings: Vec<String>,
    /// Claims that do not hold or were not decided, and were allowed all the same: the claim, the code and the evidence.
    #[serde(skip)]
    pub overrides: Vec<String>,
    /// The claims and verdicts as the schedule's certificate keeps them.
    #[serde(skip)]
    pub certificate: Vec<serde_json::Value>,
}

/// What was optimised for a topology.
#[derive(Clone, Debug, Serialize)]
pub struct OptimisedFor {
    /// The topology.
    pub topology: String,
    /// What, and how near to the optimum it came.
    #[serde(flatten)]
    pub optimised: Optimised,
}

/// The rounds of one phase.
#[derive(Clone, Debug, Serialize)]
pub struct PhaseRounds {
    /// The topology.
    pub topology: String,
    /// Which of its phases.
    pub phase: usize,
    /// Rounds, in each of which a rank sends and receives at most one message.
    pub rounds: u32,
    /// No schedule has fewer: the largest in- or out-degree.
    pub lower_bound: u32,
}

/// The codes that `allow` may name: those of [`refusal`].
const ALLOWABLE: [&str; 4] = [
    "bfc::prove::requirement_not_decided",
    "bfc::prove::requirement_refuted",
    "bfc::prove::ensure_not_decided",
    "bfc::prove::ensure_refuted",
];

/// Where a claim is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Requirement,
    /// Of plain averaging, which nobody wrote down.
    Averaging,
    Ensure,
}

impl Role {
    fn word(self) -> &'static str {
        match self {
            Self::Requirement | Self::Averaging => "requires",
            Self::Ensure => "ensures",
        }
    }
}

/// Decides all claims. Those that are refuted or not decided are errors, unless `allow` names them.
pub fn prove(request: &Request, program: &Program, evaluated: &Evaluated) -> (Report, Vec<Error>) {
    let allow = &request.allow;
    let mut report = Report {
        size: request.size,
        algorithm: evaluated.algorithm.name.clone(),
        checks: vec![],
        phases: vec![],
        optimised: evaluated.topologies.iter().flat_map(OptimisedFor::of).collect(),
        asks: Asks::of(&evaluated.algorithm),
        warnings: vec![],
        overrides: vec![],
        certificate: vec![],
    };
    let mut errors = Vec::new();
    if evaluated.missing.is_some() {
        report.warnings.push("`requires` is decided on a topology, and none is given".into());
        return (report, unknown_allowances(evaluated.algorithm.requires.iter(), allow));
    }
    let prover = Prover::new(&evaluated.topologies, Some(&evaluated.algorithm));
    report.warnings.extend(lints::warnings(evaluated, &prover));
    let claims = claims(evaluated, &prover);
    let unknown = unknown_allowances(claims.iter().map(|claim| &claim.2), allow);
    if !unknown.is_empty() {
        return (report, unknown);
    }
    for (role, item, stated) in claims {
        let verdict = prover.decide(&stated);
        let check = Check::new(item, role.word(), &stated.text, &verdict);
        report.certificate.extend(certificate::entry(&check, &stated.claim));
        report.checks.push(check);
        if let (Verdict::Within { evidence, .. }, Claim::Property(..)) = (&verdict, &stated.claim) {
            report.overrides.push(format!("{}: {}: {evidence}", stated.text, verdict.word()));
        }
        if let Some(error) = refusal(role, &stated, &verdict) {
            match allowed_by(&error, &stated.text, &verdict, allow) {
                Some(code) => {
                    report.overrides.push(format!("{}: {code}: {}", stated.text, verdict.evidence()))
                }
                None => errors.push(error),
            }
        }
    }
    let errors = with_remedy(errors, suggest::Refused { request, program, evaluated });
    (report, errors.into_iter().map(Error::from).collect())
}

/// What is refuted makes what is open uninteresting. The remedy is the same for all requirements; the first tells it.
fn with_remedy(mut errors: Vec<prove::Error>, refused: suggest::Refused) -> Vec<prove::Error> {
    let refuted = |error: &prove::Error| {
        matches!(error, prove::Error::RequirementRefuted { .. } | prove::Error::EnsureRefuted { .. })
    };
    if errors.iter().any(refuted) {
        errors.retain(refuted);
    }
    let requirement = errors.iter_mut().find_map(|error| match error {
        prove::Error::RequirementRefuted { remedy, .. } => Some((remedy, true)),
        prove::Error::RequirementNotDecided { remedy, .. } => Some((remedy, false)),
        _ => None,
    });
    match requirement {
        Some((place, true)) => *place = suggest::of(refused),
        // What takes long to decide is not tried in many ways.
        Some((place, false)) => {
            let remedies: Vec<String> = suggest::simple(refused).into_iter().chain(place.take()).collect();
            *place = Some(remedies.join("; "));
        }
        None => {}
    }
    errors
}

/// All claims, those of topology k speaking of topology k.
fn claims<'e>(evaluated: &'e Evaluated, prover: &Prover) -> Vec<(Role, &'e str, Stated)> {
    let algorithm = &evaluated.algorithm;
    let written = algorithm.requires.iter().cloned().map(|stated| (Role::Requirement, stated));
    let unwritten = lints::requires(evaluated, prover).map(|stated| (Role::Averaging, stated));
    let requirements = written.chain(unwritten).map(|(role, stated)| (role, algorithm.name.as_str(), stated));
    let ensures = evaluated.topologies.iter().enumerate().flat_map(|(index, topology)| {
        let ensure = move |stated| (Role::Ensure, topology.name.as_str(), of_topology(stated, index));
        topology.ensures.iter().map(ensure)
    });
    requirements.chain(ensures).collect()
}

fn of_topology(stated: &Stated, index: usize) -> Stated {
    let shift = |quantity: &Quantity| match quantity {
        Quantity::Of(number, _) => Quantity::Of(*number, index),
        exact => exact.clone(),
    };
    let claim = match &stated.claim {
        Claim::Property(property, of) => Claim::Property(*property, of.iter().map(|_| index).collect()),
        Claim::Compare(left, comparison, right) => Claim::Compare(shift(left), *comparison, shift(right)),
        truth => truth.clone(),
    };
    Stated { claim, ..stated.clone() }
}

/// The code of an error that `--allow` names, in full or by its last word. What is open may also be named by its claim;
/// what is refuted may not, so that nobody allows it by accident.
fn allowed_by(error: &prove::Error, claim: &str, verdict: &Verdict, allow: &[String]) -> Option<String> {
    let code = error.code()?.to_string();
    let short = code.rsplit("::").next().unwrap_or(&code);
    let open = matches!(verdict, Verdict::NotDecided { .. });
    let names = |allowed: &String| [&code, short].contains(&allowed.as_str()) || open && allowed == claim;
    allow.iter().any(names).then_some(code)
}

fn short(code: &str) -> &str {
    code.rsplit("::").next().unwrap_or(code)
}

/// What `allow` names and is neither a code nor one of the claims.
fn unknown_allowances<'c>(claims: impl Iterator<Item = &'c Stated>, allow: &[String]) -> Vec<Error> {
    let known: Vec<&str> = ALLOWABLE.map(short).into_iter().chain(claims.map(|claim| &*claim.text)).collect();
    let is_known = |name: &str| known.contains(&name) || ALLOWABLE.contains(&name);
    let error = |name: &String| {
        let codes = format!("codes that can be allowed: {}", ALLOWABLE.map(short).join(", "));
        let help = match nearest(short(name), known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`? {codes}"),
            None => codes,
        };
        Error::Request(RequestError::UnknownAllowance { name: name.clone(), help })
    };
    allow.iter().filter(|name| !is_known(name)).map(error).collect()
}

fn refusal(role: Role, stated: &Stated, verdict: &Verdict) -> Option<prove::Error> {
    let (claim, span) = (stated.text.clone(), stated.span);
    let place = match role {
        Role::Averaging => "without an algorithm this is plain averaging, which requires it",
        _ => "required here",
    };
    match (verdict, role) {
        (Verdict::Proved { .. } | Verdict::Within { .. }, _) => None,
        (Verdict::Refuted { evidence }, Role::Requirement | Role::Averaging) => {
            let (evidence, remedy) = (evidence.clone(), None);
            Some(prove::Error::RequirementRefuted { claim, evidence, remedy, span, place })
        }
        (Verdict::NotDecided { reason }, Role::Requirement | Role::Averaging) => {
            let (reason, remedy) = (reason.clone(), Some(accept("requirement_not_decided")));
            Some(prove::Error::RequirementNotDecided { claim, reason, remedy, span, place })
        }
        (Verdict::Refuted { evidence }, Role::Ensure) => {
            let remedy =
                Some("say for which sizes it holds, `ensure … if …`, or correct the topology".to_string());
            Some(prove::Error::EnsureRefuted { claim, evidence: evidence.clone(), remedy, span })
        }
        (Verdict::NotDecided { reason }, Role::Ensure) => {
            let remedy = Some(accept("ensure_not_decided"));
            Some(prove::Error::EnsureNotDecided { claim, reason: reason.clone(), remedy, span })
        }
    }
}

fn accept(code: &str) -> String {
    format!("`--allow {code}` accepts it unproved, and the schedule says so")
}

impl OptimisedFor {
    fn of(topology: &Topology) -> impl Iterator<Item = Self> {
        let of =
            |optimised: &Optimised| Self { topology: topology.name.clone(), optimised: optimised.clone() };
        topology.optimised.iter().map(of)
    }
}

impl Report {
    /// Notes the rounds of a schedule.
    pub fn count_rounds(&mut self, schedule: &Schedule) {
        self.size = schedule.size();
        self.phases.clear();
        for topology in schedule.topologies() {
            for (phase, lowered) in topology.phases.iter().enumerate() {
                self.phases.push(PhaseRounds {
                    topology: topology.name.clone(),
                    phase,
                    rounds: lowered.plan.rounds(),
                    lower_bound: largest_degree(&lowered.matrix),
                });
            }
        }
    }
}

fn largest_degree(matrix: &MixingMatrix) -> u32 {
    if let MixingMatrix::Cayley(matrix) = matrix {
        return matrix.hops().len() as u32;
    }
    let mut sends = vec![0u32; matrix.size() as usize];
    let mut largest = 0;
    for rank in 0..matrix.size() {
        let row = matrix.row(Rank(rank));
        largest = largest.max(row.in_weights.len() as u32);
        row.in_weights.iter().for_each(|(source, _)| sends[source.index()] += 1);
    }
    largest.max(sends.into_iter().max().unwrap_or(0))
}

/// How much an analysis tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Numbers.
    Numbers,
    /// Also the curve of the consensus error, the weights of a limit and what random phases do in the mean.
    Curves,
}

/// Everything about the first topology of a request, with the verdicts on all claims, and how the algorithm converges on
/// quadratics with curvatures in [μ, L].
///
/// # Errors
/// `allow` names what there is not.
pub fn analyze(
    evaluated: &Evaluated,
    curvature: [f64; 2],
    detail: Detail,
    allow: &[String],
) -> Result<prove::Analysis, Vec<Error>> {
    let prover = Prover::new(&evaluated.topologies, Some(&evaluated.algorithm));
    let claims = claims(evaluated, &prover);
    let unknown = unknown_allowances(claims.iter().map(|claim| &claim.2), allow);
    if !unknown.is_empty() {
        return Err(unknown);
    }
    let mut analysis = match detail {
        Detail::Numbers => prover.analyze(0),
        Detail::Curves => prover.analyze_with_curves(0),
    };
    analysis.checks = claims
        .iter()
        .map(|(role, item, stated)| Check::new(*item, role.word(), &stated.text, &prover.decide(stated)))
        .collect();
    analysis.quadratic = prover.quadratic(curvature);
    analysis.optimised.clone_from(&evaluated.topologies[0].optimised);
    Ok(analysis)
}
