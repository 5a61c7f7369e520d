//! What is suggested in place of a mistyped name can stand there.

use bfc_compiler::{Entry, NoFiles, Request, check};

/// Functions of an equation, of topologies, and of numbers and lists, as docs/language.md lists them.
const EQUATIONS: [&str; 20] = [
    "mix", "average", "grad", "adapt", "every", "prox", "norm", "dot", "degree", "compress", "incoming",
    "back", "abs", "sqrt", "log", "floor", "ceil", "min", "max", "random",
];
const TOPOLOGIES: [&str; 9] =
    ["concat", "transpose", "lazy", "permute", "kronecker", "cartesian", "union", "symmetrize", "cycle"];
const CLAIMS: [&str; 8] = [
    "row_stochastic",
    "symmetric",
    "static",
    "matching",
    "tree",
    "connected",
    "contracting",
    "exact_average",
];

/// The codes and helps of the errors of a source.
fn errors(text: &str) -> Vec<(String, String)> {
    let entry = Entry::Source { name: "mistyped.bf".into(), text: text.into() };
    let request = Request::new(entry, 8);
    match check(&request, &NoFiles) {
        Ok(_) => vec![],
        Err(diagnostics) => {
            let errors = diagnostics.errors().iter();
            errors.map(|error| (error.code.clone(), error.help.clone().unwrap_or_default())).collect()
        }
    }
}

fn in_equation(call: &str) -> String {
    format!("algorithm a {{\nstate x = params\nstep {{ x <- mix(x) + {call}(x) * x }}\n}}")
}

fn in_topology(call: &str) -> String {
    format!(
        "topology ring {{ for i in ranks {{ i -> (i + 1) mod size }} }}\nschedule {{ topology {call}(ring, ring) }}"
    )
}

fn in_claim(word: &str) -> String {
    format!("topology ring {{\nfor i in ranks {{ i -> (i + 1) mod size }}\nensure {word}\n}}")
}

/// A word with a letter left out, and with two exchanged.
fn mistyped(word: &str) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    let without = |at: usize| letters[..at].iter().chain(&letters[at + 1..]).collect();
    let exchanged = |at: usize| {
        let mut letters = letters.clone();
        letters.swap(at - 1, at);
        letters.into_iter().collect()
    };
    (0..letters.len()).map(without).chain((1..letters.len()).map(exchanged)).collect()
}

/// For each mistyped word what is suggested at a place, which must be one of `known`.
fn suggestions(words: &[&str], known: &[&str], place: fn(&str) -> String) -> usize {
    let mut found = 0;
    for word in words {
        for wrong in mistyped(word).iter().filter(|wrong| wrong.len() > 1) {
            for (code, help) in errors(&place(wrong)) {
                let quoted = help.strip_prefix("did you mean `").and_then(|rest| rest.split('`').next());
                let Some(suggestion) = quoted.filter(|_| code.ends_with("::unknown_name")) else { continue };
                assert!(known.contains(&suggestion), "`{wrong}` for `{word}` suggests `{suggestion}`");
                found += 1;
            }
        }
    }
    found
}

#[test]
fn suggestions_fit_the_place() {
    assert!(suggestions(&EQUATIONS, &EQUATIONS, in_equation) > 150);
    assert!(suggestions(&TOPOLOGIES, &[&TOPOLOGIES[..], &["ring"]].concat(), in_topology) > 100);
    assert!(suggestions(&CLAIMS, &CLAIMS, in_claim) > 100);
}

#[test]
fn the_nearest_that_fits_is_suggested() {
    let suggested = |text: &str| errors(text).into_iter().next().map(|(_, help)| help).unwrap_or_default();
    for (wrong, right) in [("grd", "grad"), ("mx", "mix"), ("nrm", "norm"), ("flor", "floor"), ("gdc", "gcd")]
    {
        assert_eq!(suggested(&in_equation(wrong)), format!("did you mean `{right}`?"));
    }
    assert_eq!(suggested(&in_topology("unin")), "did you mean `union`?");
    let list = "topology t(n: int = lne([1])) { for i in ranks { i -> (i + n) mod size } }";
    assert_eq!(suggested(list), "did you mean `len`?");
    let own = "fn smooth(x) = x / 2\nalgorithm a {\nstate x = params\nstep { x <- mix(x) + smoth(x) }\n}";
    assert_eq!(suggested(own), "did you mean `smooth`?");
    let after =
        "algorithm a(rate: scalar = 1) {\nstate ratio = params\nstep { ratio <- mix(ratio) + rati' }\n}";
    assert_eq!(suggested(after), "did you mean `ratio'`?");
}

/// Words that only algorithms or claims have say where they stand.
#[test]
fn a_word_out_of_its_place_says_where_it_belongs() {
    let names = ["t", "params", "stable", "rho(n)"];
    let calls = EQUATIONS[..12].iter().map(|word| format!("{word}(n)"));
    for word in calls.chain(names.map(str::to_string)) {
        for text in [
            format!("fn f(n) = {word}\ntopology h {{ for i in ranks {{ i -> f(i) }} }}"),
            format!("topology g(n: int = 1) {{ for i in ranks {{ i -> (i + {word}) mod size }} }}"),
        ] {
            let errors = errors(&text);
            let (code, help) = &errors[0];
            assert!(
                code.ends_with("::unknown_name") && !help.starts_with("did you mean"),
                "{text}: {errors:?}"
            );
            assert!(help.contains("algorithm"), "{text}: {help}");
        }
    }
}
