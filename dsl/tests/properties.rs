//! Laws: a printed tree reads back as itself, and no text makes the parser panic or its errors point nowhere.

use crate::common::{self, read};

use bfc_dsl::tree::*;
use bfc_dsl::{ParseError, format, is_letter, print};
use proptest::prelude::*;

fn name() -> impl Strategy<Value = Name> {
    let words = [
        "x",
        "size",
        "t",
        "W",
        "phase",
        "weights",
        "weight",
        "state",
        "edge",
        "step",
        "model",
        "over",
        "use",
        "topology",
        "algorithm",
        "schedule",
        "async",
        "index",
        "format",
        "order",
        "note",
        "x_1",
        "_",
        "α",
        "λ_2",
        "Δx",
    ];
    proptest::sample::select(words.to_vec()).prop_map(named)
}

/// Grammar and scanner know the same letters.
#[test]
fn names_begin_with_letters_and_go_on_with_digits() {
    let characters = (0..0x600).filter_map(char::from_u32).chain(['∇', '日', '\u{1d6fc}']);
    for c in characters.filter(|c| !c.is_whitespace()) {
        let parses = |name: String| read(&format!("fn {name}(x) = {name}")).is_ok();
        assert_eq!(parses(format!("{c}")), is_letter(c) && !c.is_ascii_digit(), "{c:?}");
        assert_eq!(parses(format!("q{c}")), is_letter(c), "{c:?}");
    }
}

fn named(text: &str) -> Name {
    Name { text: text.to_string(), span: Span::default() }
}

fn whole(kind: ExpressionKind) -> Expression {
    Expression { kind: Box::new(kind), span: Span::default() }
}

fn pattern() -> impl Strategy<Value = Pattern> {
    name().prop_map(Pattern::Name).prop_recursive(2, 6, 3, |inner| {
        proptest::collection::vec(inner, 1..3).prop_map(|them| Pattern::List(them, Span::default()))
    })
}

fn binary() -> impl Strategy<Value = BinaryOperator> {
    use BinaryOperator::*;
    proptest::sample::select(vec![
        Power,
        At,
        Multiply,
        Divide,
        Mod,
        Div,
        Xor,
        Add,
        Subtract,
        Range,
        Append,
        Equal,
        NotEqual,
        Less,
        LessEqual,
        Greater,
        GreaterEqual,
        And,
        Or,
    ])
}

fn clauses(e: BoxedStrategy<Expression>) -> impl Strategy<Value = Vec<Clause>> {
    let clause = prop_oneof![
        (pattern(), e.clone()).prop_map(|(pattern, e)| Clause::In(pattern, e)),
        e.prop_map(Clause::If)
    ];
    proptest::collection::vec(clause, 1..3)
}

fn let_line(e: BoxedStrategy<Expression>) -> impl Strategy<Value = Let> {
    (pattern(), e).prop_map(|(pattern, value)| Let { pattern, value, span: Span::default() })
}

fn expression() -> BoxedStrategy<Expression> {
    let numbers = ["0", "12", "0.1", "1e-8", "2.5E3"];
    let leaf = prop_oneof![
        proptest::sample::select(numbers.to_vec()).prop_map(|text| ExpressionKind::Number(text.to_string())),
        any::<bool>().prop_map(ExpressionKind::Truth),
        name().prop_map(|name| ExpressionKind::Name(name.text)),
        Just(ExpressionKind::Name("topology::ring".into())),
        name().prop_map(|name| ExpressionKind::Primed(name.text)),
    ];
    leaf.prop_map(whole)
        .prop_recursive(5, 24, 3, |inner| {
            let e = inner.boxed();
            let maybe = proptest::option::of(e.clone());
            let negate = proptest::sample::select(vec![UnaryOperator::Negate, UnaryOperator::Not]);
            let argument =
                (proptest::option::of(name()), e.clone()).prop_map(|(name, value)| Argument { name, value });
            prop_oneof![
                2 => (negate, e.clone()).prop_map(|(o, e)| ExpressionKind::Unary(o, e)),
                6 => (binary(), e.clone(), e.clone()).prop_map(|(o, a, b)| ExpressionKind::Binary(o, a, b)),
                1 => (name(), proptest::collection::vec(argument, 0..3))
                    .prop_map(|(name, them)| ExpressionKind::Call(name, them)),
                1 => (e.clone(), e.clone()).prop_map(|(a, b)| ExpressionKind::Index(a, b)),
                1 => (e.clone(), maybe.clone(), maybe).prop_map(|(a, b, c)| ExpressionKind::Slice(a, b, c)),
                1 => proptest::collection::vec(e.clone(), 0..3).prop_map(ExpressionKind::List),
                1 => (e.clone(), clauses(e.clone())).prop_map(|(e, c)| ExpressionKind::Comprehension(e, c)),
                1 => (e.clone(), e.clone(), e.clone()).prop_map(|(c, a, b)| ExpressionKind::If(c, a, b)),
                1 => (proptest::collection::vec(let_line(e.clone()), 1..3), e)
                    .prop_map(|(lets, e)| ExpressionKind::Block(lets, e)),
            ]
            .prop_map(whole)
        })
        .boxed()
}

fn topology_statement() -> BoxedStrategy<TopologyStatement> {
    use TopologyStatement as S;
    let e = expression();
    let at = Span::default();
    let edge = (e.clone(), e.clone(), any::<bool>(), proptest::option::of(e.clone())).prop_map(
        move |(from, to, both_ways, weight)| S::Edge(Edge { from, to, both_ways, weight, span: at }),
    );
    let leaf = prop_oneof![
        let_line(e.clone()).prop_map(S::Let),
        edge,
        (e.clone(), e.clone()).prop_map(move |(a, b)| S::SelfWeight(a, b, at)),
        e.clone().prop_map(move |e| S::Weights(e, at)),
        e.clone().prop_map(move |e| S::Phases(e, at)),
        proptest::collection::vec(e.clone(), 1..3).prop_map(move |them| S::Requires(them, at)),
        (e.clone(), proptest::option::of(e.clone())).prop_map(move |(a, b)| S::Ensure(a, b, at)),
        proptest::collection::vec(any::<String>(), 0..4).prop_map(move |names| S::Names(names, at)),
        (any::<String>(), "[0-9a-f]{0,64}").prop_map(move |(file, digest)| S::EdgesFrom(EdgesFrom {
            file,
            digest,
            span: at
        })),
    ];
    leaf.prop_recursive(3, 8, 3, move |inner| {
        let body = proptest::collection::vec(inner, 0..3).boxed();
        prop_oneof![
            body.clone().prop_map(move |body| S::Phase(body, at)),
            (clauses(expression()), body.clone()).prop_map(move |(c, body)| S::For(c, body, at)),
            (expression(), body.clone(), body).prop_map(move |(c, a, b)| S::If(c, a, b, at)),
        ]
    })
    .boxed()
}

fn step_statement() -> BoxedStrategy<StepStatement> {
    let at = Span::default();
    let leaf = prop_oneof![
        (name(), expression()).prop_map(move |(name, e)| StepStatement::Assign(name, e, at)),
        let_line(expression()).prop_map(StepStatement::Let),
    ];
    leaf.prop_recursive(2, 6, 3, move |inner| {
        let body = proptest::collection::vec(inner, 0..3).boxed();
        (expression(), body.clone(), body).prop_map(move |(c, a, b)| StepStatement::If(c, a, b, at))
    })
    .boxed()
}

fn algorithm_statement() -> impl Strategy<Value = AlgorithmStatement> {
    use AlgorithmStatement as S;
    let at = Span::default();
    let state = (name(), proptest::option::of(name()), expression())
        .prop_map(move |(name, kind, value)| State { name, kind, value, span: at })
        .boxed();
    prop_oneof![
        proptest::collection::vec(expression(), 1..3).prop_map(move |them| S::Requires(them, at)),
        let_line(expression()).prop_map(S::Let),
        state.clone().prop_map(S::State),
        state.prop_map(S::EdgeState),
        proptest::collection::vec(step_statement(), 0..4).prop_map(move |body| S::Step(body, at)),
        expression().prop_map(move |e| S::Model(e, at)),
    ]
}

fn parameters() -> impl Strategy<Value = Vec<Parameter>> {
    let parameter = (name(), proptest::option::of(name()), proptest::option::of(expression()))
        .prop_map(|(name, kind, default)| Parameter { name, kind, default });
    proptest::collection::vec(parameter, 0..3)
}

fn documentation() -> impl Strategy<Value = String> {
    let line = "[ /a-z`]{0,12}".prop_map(|line| line.trim_end().to_string());
    proptest::collection::vec(line, 0..3).prop_map(|lines| lines.join("\n"))
}

fn item() -> impl Strategy<Value = Item> {
    let span = Span::default();
    let names = || proptest::collection::vec(name(), 1..3);
    let some = proptest::option::of(expression());
    let body = prop_oneof![
        proptest::collection::vec(topology_statement(), 0..4).prop_map(TopologyBody::Statements),
        (expression(), some.clone()).prop_map(|(e, w)| TopologyBody::Value(e, w)),
    ];
    prop_oneof![
        (names(), proptest::option::of(names())).prop_map(move |(path, names)| Item::Use(Use {
            path,
            names,
            span
        })),
        (documentation(), name(), parameters(), expression()).prop_map(
            move |(documentation, name, parameters, body)| {
                Item::Function(Function { documentation, name, parameters, body, span })
            }
        ),
        (documentation(), name(), parameters(), body).prop_map(
            move |(documentation, name, parameters, body)| {
                Item::Topology(Topology { documentation, name, parameters, body, span })
            }
        ),
        (
            documentation(),
            any::<bool>(),
            name(),
            parameters(),
            proptest::collection::vec((name(), some), 0..3),
            proptest::collection::vec(algorithm_statement(), 0..4),
        )
            .prop_map(move |(documentation, asynchronous, name, parameters, over, body)| {
                Item::Algorithm(Algorithm { documentation, asynchronous, name, parameters, over, body, span })
            }),
        (
            documentation(),
            proptest::collection::vec((proptest::option::of(name()), expression()), 0..3),
            proptest::collection::vec(expression(), 0..2),
        )
            .prop_map(move |(documentation, topologies, algorithms)| {
                Item::Schedule(Schedule { documentation, topologies, algorithms, span })
            }),
    ]
}

fn check_errors(text: &str, errors: &[ParseError]) {
    assert!(!errors.is_empty());
    for error in errors {
        let span = error.span();
        assert!(span.start <= span.end, "{error:?}");
        assert!(text.get(span.start as usize..span.end as usize).is_some(), "{error:?}");
    }
    common::render("mutated.bf", text, errors);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn printed_trees_read_back(items in proptest::collection::vec(item(), 0..4)) {
        let tree = File { items };
        let printed = print(&tree);
        let read = read(&printed)
            .unwrap_or_else(|errors| panic!("{}", common::render("printed.bf", &printed, &errors)));
        prop_assert_eq!(common::shape(&tree), common::shape(&read), "{}", printed);
        prop_assert_eq!(print(&read), printed);
    }

    #[test]
    fn formatted_trees_read_back(items in proptest::collection::vec(item(), 0..4)) {
        let printed = print(&File { items });
        let formatted = format(&printed).expect("a program");
        let (before, after) = (read(&printed).expect("a program"), read(&formatted));
        let after = after.unwrap_or_else(|errors| panic!("{}", common::render("formatted.bf", &formatted, &errors)));
        prop_assert_eq!(common::shape(&before), common::shape(&after), "{}", formatted);
        prop_assert_eq!(format(&formatted).expect("a program"), formatted);
    }

    #[test]
    fn mutated_programs_never_panic(text in common::mutated()) {
        match read(&text) {
            Ok(tree) => {
                let printed = print(&tree);
                let again = read(&printed).expect("canonical source");
                prop_assert_eq!(common::shape(&tree), common::shape(&again), "{}", printed);
            }
            Err(errors) => check_errors(&text, &errors),
        }
    }

    #[test]
    fn arbitrary_texts_never_panic(text in "[ -~\n→'(){}\\[\\]]{0,200}") {
        if let Err(errors) = read(&text) {
            check_errors(&text, &errors);
        }
    }
}
