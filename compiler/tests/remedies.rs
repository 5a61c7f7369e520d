//! What a refusal says to write instead compiles: each remedy is applied to the source that was refused.

use bfc_compiler::diagnostic::{Edit, Remedy};
use bfc_compiler::{Entry, NoFiles, Request, compile, suggest};

fn request(text: &str, parameters: &[(&str, &str)]) -> Request {
    let entry = Entry::Source { name: "refused.bf".into(), text: text.into() };
    let parameters = parameters.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    Request { parameters, ..Request::new(entry, 8) }
}

/// A changed source, and the parameters that are still given.
type Remedied<'a> = (String, Vec<(&'a str, &'a str)>);

/// The sources that a remedy leads to.
fn remedied<'a>(text: &str, parameters: &[(&'a str, &'a str)], remedy: &Remedy) -> Vec<Remedied<'a>> {
    let mut given = parameters.to_vec();
    given.retain(|(name, _)| !remedy.without.iter().any(|left_out| left_out == name));
    if remedy.choices.is_empty() {
        assert!(given.len() < parameters.len(), "nothing changes: {remedy:?}");
        return vec![(text.to_string(), given)];
    }
    remedy.choices.iter().map(|edits| (Edit::apply(edits, text), given.clone())).collect()
}

#[test]
fn remedies_can_be_written_down() {
    let schedule = |uses: &str, topology: &str, algorithm: &str| {
        format!("{uses}\nschedule {{\n    topology {topology}\n    algorithm {algorithm}\n}}\n")
    };
    let own = "use algorithm::d2\ntopology own {\n    for i in ranks { i -- (i + 1) mod size } }\n";
    let damped = "use topology::ring\nalgorithm damped(gain: scalar = 2/5) {\n    requires doubly_stochastic, stable\n    \
                  state x = params\n    step { x <- x - gain * (x - mix(x)) * 2 }\n}\n";
    let ruled = "use algorithm::d2\ntopology own {\n    for i in 1..size { 0 -- i }\n    weights uniform // by degree\n}\n";
    let weighed = "use algorithm::dgd\ntopology own {\n    for i in ranks {\n        i -> (i + 1) mod size weight 1/2\n        \
                   self i weight 1/4\n    }\n}\n";
    let bare = "topology own {\n    for i in ranks {\n        i -> (i + 1) mod size weight -3/2\n    }\n}\n";
    let none: &[(&str, &str)] = &[];
    for (text, parameters, least) in [
        (schedule("use topology::ring\nuse algorithm::d2", "ring", "d2"), none, 4),
        (schedule("use topology::ring\nuse algorithm::d2", "W = ring", "d2"), none, 4),
        (schedule("use topology::star\nuse algorithm::nids", "transpose(star) // turned", "nids"), none, 0),
        (schedule("use topology::exponential\nuse algorithm::d2", "exponential", "d2"), &[("base", "3")], 1),
        (
            schedule(
                "use topology::hypercube\nuse algorithm::d2",
                "cartesian(hypercube at 4, hypercube at 2)",
                "d2",
            ),
            none,
            2,
        ),
        (schedule("use topology::star\nuse algorithm::dgd", "lazy(star, 3/2)", "dgd"), none, 3),
        (schedule(own, "own", "d2"), none, 4),
        (
            schedule(
                "use algorithm::gradient_tracking\ntopology hub {\n    0 -> 2\n    for i in ranks { i -> (i + 1) mod size } }\n",
                "hub",
                "gradient_tracking",
            ),
            none,
            2,
        ),
        (schedule("use topology::one_peer_exp2\nuse algorithm::d_admm", "one_peer_exp2", "d_admm"), none, 2),
        (
            schedule(
                "use topology::tree_push\nuse algorithm::exact_diffusion",
                "tree_push",
                "exact_diffusion",
            ),
            none,
            1,
        ),
        (schedule(damped, "ring", "damped"), &[("gain", "3/2")], 1),
        (schedule(damped, "ring", "damped(gain = 3/2)"), none, 1),
        (schedule(ruled, "own", "d2"), none, 1),
        (schedule(weighed, "own", "dgd"), none, 1),
        (bare.to_string(), none, 1),
    ] {
        let refused_request = request(&text, parameters);
        let refused = compile(&refused_request, &NoFiles)
            .map_err(|refused| suggest(&refused_request, &NoFiles, refused));
        let Err(refused) = refused else {
            assert_eq!(least, 0, "{text} is not refused");
            continue;
        };
        let remedies = refused.errors().iter().flat_map(|error| &error.remedies);
        let mut tried = 0;
        for remedy in remedies {
            for (source, parameters) in remedied(&text, parameters, remedy) {
                compile(&request(&source, &parameters), &NoFiles)
                    .unwrap_or_else(|error| panic!("{remedy:?}\n{source}{error}"));
                tried += 1;
            }
        }
        assert!(tried >= least, "{text}{refused}");
    }
}
