//! Every claim of a schedule with its verdict; those that do not hold or are open refuse it, unless they are allowed.

use super::timeline::{self, Sends};
use super::{Error, Prover, Verdict};
use crate::builtin_names::nearest;
use crate::diagnostic::Diagnostic;
use crate::evaluate::target::Evaluated;
use crate::model::algorithm::Algorithm;
use crate::model::claim::{Claim, Property, Quantity, Statement};
use crate::request::RequestError;
use bfc_dsl::tree::Span;
use miette::Diagnostic as _;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

/// A claim and the verdict on it.
#[derive(Clone, Debug)]
pub struct Check {
    /// The algorithm or topology that makes it.
    pub item: String,
    /// Where it is made.
    pub role: Role,
    /// The claim.
    pub claim: Claim,
    /// Whether it holds.
    pub verdict: Verdict,
}

/// Where a claim is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// By an algorithm.
    Requirement,
    /// Of plain averaging, which nobody wrote down.
    Averaging,
    /// By a topology.
    Ensure,
}

/// All verdicts on the claims of a schedule, none of which refuses it.
#[derive(Clone, Debug, Default)]
pub struct Proof {
    /// `requires` of the algorithm and `ensure` of its topologies.
    pub checks: Vec<Check>,
    /// Claims that do not hold or were not decided, and were allowed all the same: the claim, the code and the evidence.
    pub overrides: Vec<String>,
}

/// The codes that `allow` may name: those of [`refusal`].
const ALLOWABLE: [&str; 4] = [
    "bfc::prove::requirement_not_decided",
    "bfc::prove::requirement_refuted",
    "bfc::prove::ensure_not_decided",
    "bfc::prove::ensure_refuted",
];

impl Role {
    /// `requires` or `ensures`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Requirement | Self::Averaging => "requires",
            Self::Ensure => "ensures",
        }
    }
}

impl Check {
    /// The text of the claim.
    pub fn text(&self) -> &str {
        &self.claim.text
    }

    /// Whether a program may rely on the claim.
    pub fn holds(&self) -> bool {
        self.verdict.holds()
    }
}

/// `{item, role, claim, verdict, holds, evidence}`, in words.
impl Serialize for Check {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut check = serializer.serialize_struct("Check", 6)?;
        check.serialize_field("item", &self.item)?;
        check.serialize_field("role", self.role.word())?;
        check.serialize_field("claim", self.text())?;
        check.serialize_field("verdict", &self.verdict.word())?;
        check.serialize_field("holds", &self.holds())?;
        check.serialize_field("evidence", self.verdict.evidence())?;
        check.end()
    }
}

/// Decides the claims that are `wanted`.
///
/// # Errors
/// Each claim that is refuted or not decided, unless `allow` names it; what `allow` names and is not there.
pub fn prove(
    wanted: impl Fn(&Claim) -> bool,
    evaluated: &Evaluated,
    prover: &Prover,
    allow: &[String],
) -> Result<Proof, Vec<Diagnostic>> {
    let mut proof = Proof::default();
    let mut errors = Vec::new();
    for check in checks(wanted, evaluated, prover, allow)? {
        let Check { claim, verdict, .. } = &check;
        if let (Verdict::Within { evidence, .. }, Statement::Property(..)) = (verdict, &claim.statement) {
            proof.overrides.push(format!("{}: {}: {evidence}", claim.text, verdict.word()));
        }
        if let Some(error) = refusal(&check) {
            match allowed_by(&error, &check, allow) {
                Some(code) => proof.overrides.push(format!("{}: {code}: {}", claim.text, verdict.evidence())),
                None => errors.push(error),
            }
        }
        proof.checks.push(check);
    }
    // What is refuted makes what is open uninteresting.
    let refuted =
        |error: &Error| matches!(error, Error::RequirementRefuted { .. } | Error::EnsureRefuted { .. });
    if errors.iter().any(refuted) {
        errors.retain(refuted);
    }
    if errors.is_empty() { Ok(proof) } else { Err(errors.into_iter().map(Diagnostic::from).collect()) }
}

/// The verdicts on the claims that are `wanted`, whatever they are.
///
/// # Errors
/// What `allow` names and is not there; what is required of topologies though nothing is sent.
pub fn checks(
    wanted: impl Fn(&Claim) -> bool,
    evaluated: &Evaluated,
    prover: &Prover,
    allow: &[String],
) -> Result<Vec<Check>, Vec<Diagnostic>> {
    check_mixing(&evaluated.algorithm)?;
    let claims = claims(evaluated, prover);
    check_allowances(claims.iter().map(|(.., claim)| claim), allow)?;
    let check = |(role, item, claim): (Role, &str, Claim)| {
        let verdict = prover.decide(&claim);
        Check { item: item.to_string(), role, claim, verdict }
    };
    Ok(claims.into_iter().filter(|(.., claim)| wanted(claim)).map(check).collect())
}

/// # Errors
/// What an algorithm requires of a topology though its ranks never send anything: to prove it would say too much.
pub fn check_mixing(algorithm: &Algorithm) -> Result<(), Vec<Diagnostic>> {
    let required = algorithm.requires.iter().find(|claim| claim.statement.is_about_topologies());
    match required {
        Some(claim) if timeline::sends(algorithm) == Sends::Never => {
            let (algorithm, text) = (algorithm.name.clone(), claim.text.clone());
            Err(vec![Error::NeverMixes { algorithm, claim: text, span: claim.span }.into()])
        }
        _ => Ok(()),
    }
}

/// # Errors
/// What `allow` names and is neither a code nor one of the claims.
pub fn check_allowances<'c>(
    claims: impl Iterator<Item = &'c Claim>,
    allow: &[String],
) -> Result<(), Vec<Diagnostic>> {
    let known: Vec<&str> = ALLOWABLE.map(short).into_iter().chain(claims.map(|claim| &*claim.text)).collect();
    let is_known = |name: &str| known.contains(&name) || ALLOWABLE.contains(&name);
    let error = |name: &String| {
        let codes = format!("codes that can be allowed: {}", ALLOWABLE.map(short).join(", "));
        let help = match nearest(short(name), known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`? {codes}"),
            None => codes,
        };
        RequestError::UnknownAllowance { name: name.clone(), help }.into()
    };
    let errors: Vec<Diagnostic> = allow.iter().filter(|name| !is_known(name)).map(error).collect();
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// Signed weights must contract, or averaging over them may grow without bound; where that is open, a warning says so.
pub fn of_averaging(evaluated: &Evaluated, prover: &Prover) -> Option<Claim> {
    let contracting = Claim::unwritten(Property::Contracting, evaluated.bare?);
    let signed = prover.refutes(Property::Nonnegative, contracting.span).is_some();
    let open = || matches!(prover.decide(&contracting), Verdict::NotDecided { .. });
    (signed && !open()).then_some(contracting)
}

impl Prover<'_> {
    /// What speaks against a property of the only topology, or of the algorithm, if anything does.
    pub fn refutes(&self, property: Property, span: Span) -> Option<String> {
        match self.decide(&Claim::unwritten(property, span)) {
            Verdict::Refuted { evidence } => Some(evidence),
            _ => None,
        }
    }
}

/// All claims, those of topology k speaking of topology k.
fn claims<'e>(evaluated: &'e Evaluated, prover: &Prover) -> Vec<(Role, &'e str, Claim)> {
    let algorithm = &evaluated.algorithm;
    let written = algorithm.requires.iter().cloned().map(|claim| (Role::Requirement, claim));
    let unwritten = of_averaging(evaluated, prover).map(|claim| (Role::Averaging, claim));
    let requirements = written.chain(unwritten).map(|(role, claim)| (role, algorithm.name.as_str(), claim));
    let ensures = evaluated.topologies.iter().enumerate().flat_map(|(index, topology)| {
        let ensure = move |claim| (Role::Ensure, topology.name.as_str(), about(claim, index));
        topology.ensures.iter().map(ensure)
    });
    requirements.chain(ensures).collect()
}

/// A topology's claim about itself, said of the topology of this index.
fn about(claim: &Claim, index: usize) -> Claim {
    let shift = |quantity: &Quantity| match quantity {
        Quantity::Of(number, _) => Quantity::Of(*number, index),
        exact => exact.clone(),
    };
    let statement = match &claim.statement {
        Statement::Property(property, of) => {
            Statement::Property(*property, of.iter().map(|_| index).collect())
        }
        Statement::Compare(left, comparison, right) => {
            Statement::Compare(shift(left), *comparison, shift(right))
        }
        truth => truth.clone(),
    };
    Claim { statement, ..claim.clone() }
}

/// The code of an error that `--allow` names, in full or by its last word. What is open may also be named by its claim;
/// what is refuted may not, so that nobody allows it by accident.
fn allowed_by(error: &Error, check: &Check, allow: &[String]) -> Option<String> {
    let code = error.code()?.to_string();
    let open = matches!(check.verdict, Verdict::NotDecided { .. });
    let names = |allowed: &String| {
        [&*code, short(&code)].contains(&allowed.as_str()) || open && allowed == check.text()
    };
    allow.iter().any(names).then_some(code)
}

fn short(code: &str) -> &str {
    code.rsplit("::").next().unwrap_or(code)
}

fn refusal(check: &Check) -> Option<Error> {
    let Check { role, claim, verdict, .. } = check;
    let (claim, span) = (claim.text.clone(), claim.span);
    let place = match role {
        Role::Averaging => "without an algorithm this is plain averaging, which requires it",
        _ => "required here",
    };
    match (verdict, role) {
        (Verdict::Proved { .. } | Verdict::Within { .. }, _) => None,
        (Verdict::Refuted { evidence }, Role::Requirement | Role::Averaging) => {
            Some(Error::RequirementRefuted { claim, evidence: evidence.clone(), span, place })
        }
        (Verdict::NotDecided { reason }, Role::Requirement | Role::Averaging) => {
            let (reason, help) = (reason.clone(), accept("requirement_not_decided"));
            Some(Error::RequirementNotDecided { claim, reason, help, span, place })
        }
        (Verdict::Refuted { evidence }, Role::Ensure) => {
            Some(Error::EnsureRefuted { claim, evidence: evidence.clone(), span })
        }
        (Verdict::NotDecided { reason }, Role::Ensure) => {
            let (reason, help) = (reason.clone(), accept("ensure_not_decided"));
            Some(Error::EnsureNotDecided { claim, reason, help, span })
        }
    }
}

fn accept(code: &str) -> String {
    format!("`--allow {code}` accepts it unproved, and the schedule says so")
}
