//! Loops over vectors do what one operation on one number does, bit for bit.

use bfc_runtime::conformance::schedules::*;
use bfc_runtime::local::spmd;
use bfc_runtime::{Ask, Element, Flat, FlatAsk, RuntimeError, State};
use bfc_schedule::program::{Instruction, Operation, Program, Register, Shape, scalar};
use bfc_schedule::{Rational, Schedule};
use proptest::prelude::*;

use Operation::*;

const UNARY: [Operation; 6] = [Negate, Not, SquareRoot, Log, Absolute, Floor];
const BINARY: [Operation; 18] = [
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
    Minimum,
    Maximum,
    Mod,
    Div,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    And,
    Or,
    Random,
];

/// The operands of an operation: both vectors, or one of them a constant.
#[derive(Clone, Copy, Debug)]
enum Form {
    Alone,
    Vectors,
    ConstantRight,
    ConstantLeft,
}

fn cases() -> Vec<(Operation, Form)> {
    let unary = UNARY.into_iter().map(|operation| (operation, Form::Alone));
    let forms = [Form::Vectors, Form::ConstantRight, Form::ConstantLeft];
    let binary = BINARY.into_iter().flat_map(|operation| forms.map(|form| (operation.clone(), form)));
    unary.chain(binary).collect()
}

/// For each case a state that its result goes to; x is what the rank starts with, y what the trainer answers.
fn schedule_of(constant: f64) -> Schedule {
    let (x, y) = (Operation::Register(X), Operation::Register(G));
    let number = || Constant(Rational::from_f64(constant).expect("a finite number"));
    let mut program = Program { registers: vec![Shape::Vector; 2], ..averaging() };
    let mut step = vec![Instruction::Gradient { at: X, into: G }];
    for (index, (operation, form)) in (2..).zip(cases()) {
        let operands = match form {
            Form::Alone => vec![x.clone()],
            Form::Vectors => vec![x.clone(), y.clone()],
            Form::ConstantRight => vec![x.clone(), number()],
            Form::ConstantLeft => vec![number(), x.clone()],
        };
        let into = self::Register(index);
        program.registers.push(Shape::Vector);
        program.states.push((format!("r{index}"), into));
        step.push(Instruction::Compute { into, expression: [operands, vec![operation]].concat() });
        program.initial.push(Instruction::Compute { into, expression: vec![Constant(Rational::zero())] });
    }
    program.steps = vec![step];
    schedule(program, 1, vec![vec![ring(1)]])
}

fn results<T: Element>(constant: f64, x: &[T], y: &[T]) -> Vec<Vec<T>> {
    let schedule = schedule_of(constant);
    let ranks = spmd(1, |transport| {
        let mut machine = Flat::new(schedule.rank(bfc_schedule::Rank(0)), transport, x)?;
        machine.step(&mut |ask: FlatAsk<'_, T>| {
            if let Ask::Gradient { gradient, .. } = ask {
                gradient.copy_from_slice(y);
            }
        })?;
        let state = |index: usize| match machine.state(&format!("r{}", index + 2)) {
            Ok(State::Vector(values)) => values.to_vec(),
            other => panic!("{other:?}"),
        };
        Ok::<_, RuntimeError>((0..cases().len()).map(state).collect())
    });
    ranks.expect("a run").remove(0)
}

/// Equal bits; one NaN is as good as another.
fn same<T: Element>(a: T, b: T) -> bool {
    let bits = |value: T| value.to_f64().to_bits();
    bits(a) == bits(b) || (a.to_f64().is_nan() && b.to_f64().is_nan())
}

fn assert_same<T: Element>(constant: f64, x: &[T], y: &[T]) {
    // A constant of a program is a fraction, which has one zero.
    let c = T::from_f64(if constant == 0.0 { 0.0 } else { constant });
    for ((operation, form), found) in cases().into_iter().zip(results(constant, x, y)) {
        for ((&x, &y), &found) in x.iter().zip(y).zip(&found) {
            let expected = match form {
                Form::Alone => scalar::unary(&operation, x),
                Form::Vectors => scalar::binary(&operation, x, y),
                Form::ConstantRight => scalar::binary(&operation, x, c),
                Form::ConstantLeft => scalar::binary(&operation, c, x),
            };
            assert!(
                same(found, expected),
                "{operation:?}, {form:?} of {x:?}, {y:?}, {c:?}: {found:?} instead of {expected:?}"
            );
        }
    }
}

/// Numbers of all kinds: any bits, small integers and halves of both signs, and those where things end.
fn number() -> impl Strategy<Value = f64> {
    let special =
        [0.0, -0.0, 1.0, -1.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, f64::MAX, f64::MIN_POSITIVE];
    prop_oneof![
        any::<u64>().prop_map(f64::from_bits),
        any::<u32>().prop_map(|bits| f32::from_bits(bits).into()),
        (-20i32..20).prop_map(|halves| f64::from(halves) / 2.0),
        prop::sample::select(special.to_vec()),
    ]
}

fn constant() -> impl Strategy<Value = f64> {
    prop_oneof![
        prop::sample::select(vec![2.0, -3.0, 0.5, 0.0]),
        number().prop_filter("finite", |x| x.is_finite())
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn loops_do_what_the_scalar_operation_does(
        pairs in prop::collection::vec((number(), number()), 1..70),
        constant in constant(),
    ) {
        let (x, y): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
        assert_same(constant, &x, &y);
        let single = |values: &[f64]| values.iter().map(|value| *value as f32).collect::<Vec<f32>>();
        assert_same(constant, &single(&x), &single(&y));
    }
}
