//! What reports and forms are made of: an overview from one evaluation, and the parameters of a request.

use bfc_compiler::defined::Bound;
use bfc_compiler::{
    Assumptions, Combination, Detail, Entry, NoFiles, Parameter, Request, analyze_on, compile, overview,
    parameters, topologies,
};

#[test]
fn an_overview_is_what_its_parts_are() {
    for (name, size) in [("topology::one_peer_exp2", 8), ("topology::star", 5), ("algorithm::push_pull", 7)] {
        let request = Request::new(Entry::Library(name.into()), size);
        let found = overview(&request, &NoFiles, Assumptions::default()).expect("accepted");
        let analysis = analyze_on(&request, &NoFiles, Assumptions::default(), Detail::Pictures);
        let json = |analysis| serde_json::to_value(analysis).expect("JSON");
        assert_eq!(json(found.analysis), json(analysis.ok()), "{name}");
        let (schedule, whole) = (found.compiled.expect("compiled").schedule, compile(&request, &NoFiles));
        assert_eq!(schedule.digest(), whole.expect("compiled").schedule.digest(), "{name}");
        let names = topologies(&request, &NoFiles).expect("evaluated").into_iter().map(|one| one.name);
        assert!(found.topologies.iter().map(|one| one.name.clone()).eq(names), "{name}");
    }
}

/// A source that is refused when it is proved still has topologies and numbers; one that has no topology, none.
#[test]
fn an_overview_of_a_refused_source_has_what_there_is() {
    let combination = Combination { topologies: vec![(None, "tree_pull".into())], ..Combination::default() };
    let request = Request { combination, ..Request::new(Entry::Library("algorithm::dgd".into()), 7) };
    let found = overview(&request, &NoFiles, Assumptions::default()).expect("evaluated");
    assert!(found.analysis.is_some() && found.topologies.len() == 1);
    let codes = found
        .compiled
        .expect_err("refused")
        .errors()
        .iter()
        .map(|error| error.code.clone())
        .collect::<Vec<_>>();
    assert!(codes.contains(&"bfc::prove::requirement_refuted".to_string()), "{codes:?}");
    let unknown = Request::new(Entry::Library("topology::rings".into()), 7);
    assert!(overview(&unknown, &NoFiles, Assumptions::default()).is_err());
}

fn of(request: &Request) -> Vec<Parameter> {
    parameters(request, &NoFiles).expect("resolved")
}

#[test]
fn parameters_have_kinds_values_and_bounds() {
    let library = |name: &str| Request::new(Entry::Library(name.into()), 12);
    let bound = |value, is_allowed| Some(Bound { value, is_allowed });
    let found = of(&library("topology::random_regular"));
    let degree = found.iter().find(|one| one.name == "degree").expect("a degree");
    assert_eq!((degree.kind.as_deref(), degree.greatest), (Some("int"), bound(12.0, false)));
    let [base] = &of(&library("topology::exponential"))[..] else { panic!("one parameter") };
    let expected = Parameter {
        name: "base".into(),
        kind: Some("int".into()),
        value: Some("2".into()),
        least: bound(2.0, true),
        greatest: None,
    };
    assert_eq!(*base, expected);
    let mut request = library("topology::exponential");
    request.parameters.push(("base".into(), "3 + 1".into()));
    assert_eq!(of(&request)[0].value.as_deref(), Some("3 + 1"));
}

#[test]
fn parameters_of_a_schedule_have_its_arguments_and_owners() {
    let text = "use topology::exponential\nuse topology::ring\nalgorithm a(lr: scalar = 0.1, base: int = 2) over R, C {\n    state x = params\n    \
                step { x <- mix(mix(x, R), C) - lr * base * grad(x) }\n}\nschedule {\n    topology R = exponential(3)\n    topology C = ring\n    \
                algorithm a(lr = 0.05)\n}\n";
    let entry = Entry::Source { name: "s.bf".into(), text: text.into() };
    let found = of(&Request::new(entry, 8));
    let short: Vec<_> = found.iter().map(|one| (one.name.as_str(), one.value.as_deref())).collect();
    assert_eq!(short, [("R.base", Some("3")), ("lr", Some("0.05")), ("algorithm.base", Some("2"))]);
}
