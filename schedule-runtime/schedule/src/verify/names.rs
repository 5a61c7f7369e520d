//! Names are what a source may give: they are printed beside verdicts, and a line end in one could forge another verdict.

use super::{Report, VerifyError};
use crate::Program;
use crate::visible::is_hidden;

/// Names of topologies, the algorithm and inputs are words of the language; the state of a message on its way is named by
/// the expression that it is sent in.
pub(super) fn check<'a>(
    topologies: impl Iterator<Item = &'a str>,
    program: &'a Program,
    report: &mut Report,
) {
    let topologies = topologies.map(|name| ("a topology", name));
    let inputs = program.inputs.iter().map(|input| ("an input", &*input.name));
    let words = topologies.chain([("the algorithm", &*program.name)]).chain(inputs);
    let wrong_words = words.filter(|(_, name)| !is_word(name));
    let states = program.states.iter().map(|(name, _)| ("a state", &**name));
    let wrong_states = states.filter(|(_, name)| name.is_empty() || name.contains(is_hidden));
    for (what, name) in wrong_words.chain(wrong_states) {
        report.push(VerifyError::Name { what, name: name.to_owned() });
    }
}

fn is_word(name: &str) -> bool {
    name.chars().all(|letter| letter == '_' || letter.is_ascii_alphanumeric() || is_greek(letter))
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.is_empty()
}

fn is_greek(letter: char) -> bool {
    ('\u{370}'..='\u{3ff}').contains(&letter) && letter.is_alphabetic()
}
