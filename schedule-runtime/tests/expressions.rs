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

/// An operand or an operation of an expression.
fn token() -> impl Strategy<Value = Operation> {
    let constant = (-12i64..12).prop_map(|eighths| Constant(Rational::new(eighths, 8)));
    let operation =
        prop::sample::select(vec![Add, Subtract, Multiply, Add, Subtract, Multiply, Divide, Negate]);
    prop_oneof![
        2 => prop::sample::select(vec![Operation::Register(X), Operation::Register(G)]),
        1 => constant,
        4 => operation,
    ]
}

/// What is the same for all elements, in `f64`, or what one element is.
#[derive(Clone, Copy)]
enum Value<T> {
    Uniform(f64),
    Element(T),
}

impl<T: Element> Value<T> {
    fn element(self) -> T {
        match self {
            Self::Uniform(value) => T::from_f64(value),
            Self::Element(value) => value,
        }
    }
}

/// A well-formed expression: tokens that lack operands are left out, and what is left over is added up.
fn well_formed(tokens: Vec<Operation>) -> Vec<Operation> {
    let mut expression = vec![Operation::Register(X)];
    let mut depth = 1;
    for token in tokens {
        let arity = token.arity();
        if arity <= depth {
            depth = depth - arity + 1;
            expression.push(token);
        }
    }
    expression.extend(vec![Add; depth - 1]);
    expression
}

fn value<T: Element>(expression: &[Operation], x: T, y: T) -> T {
    let mut stack: Vec<Value<T>> = vec![];
    for operation in expression {
        let operands = stack.split_off(stack.len() - operation.arity());
        stack.push(match (operation, operands.as_slice()) {
            (Operation::Register(register), []) => Value::Element(if *register == X { x } else { y }),
            (Constant(number), []) => Value::Uniform(number.to_f64()),
            (_, [Value::Uniform(a)]) => Value::Uniform(scalar::unary(operation, *a)),
            (_, [Value::Uniform(a), Value::Uniform(b)]) => Value::Uniform(scalar::binary(operation, *a, *b)),
            (_, [a]) => Value::Element(scalar::unary(operation, a.element())),
            (_, [a, b]) => Value::Element(scalar::binary(operation, a.element(), b.element())),
            _ => unreachable!("{operation:?} takes at most two operands"),
        });
    }
    stack[0].element()
}

/// `r <- expression`, and the same into x.
fn assert_whole_expression<T: Element>(expression: &[Operation], x: &[T], y: &[T]) {
    let r = self::Register(2);
    let compute = |into| Instruction::Compute { into, expression: expression.to_vec() };
    let mut program = Program { registers: vec![Shape::Vector; 3], ..averaging() };
    program.states.push(("r".into(), r));
    program.initial.push(Instruction::Compute { into: r, expression: vec![Constant(Rational::zero())] });
    program.steps = vec![vec![Instruction::Gradient { at: X, into: G }, compute(r), compute(X)]];
    let schedule = schedule(program, 1, vec![vec![ring(1)]]);
    let ranks = spmd(1, |transport| {
        let mut machine = Flat::new(schedule.rank(bfc_schedule::Rank(0)), transport, x)?;
        machine.step(&mut |ask: FlatAsk<'_, T>| {
            if let Ask::Gradient { gradient, .. } = ask {
                gradient.copy_from_slice(y);
            }
        })?;
        let mut state = |name: &str| match machine.state(name) {
            Ok(State::Vector(values)) => values.to_vec(),
            other => panic!("{other:?}"),
        };
        Ok::<_, RuntimeError>([state("r"), state("x")])
    });
    let [r, new_x] = ranks.expect("a run").remove(0);
    for (place, (&x, &y)) in x.iter().zip(y).enumerate() {
        let expected = value(expression, x, y);
        assert!(same(r[place], expected), "{expression:?} of {x:?}, {y:?}: {:?}, not {expected:?}", r[place]);
        assert!(same(new_x[place], expected), "{expression:?} into x: {:?}, not {expected:?}", new_x[place]);
    }
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
    #[test]
    fn an_expression_rounds_each_operation(
        tokens in prop::collection::vec(token(), 1..20),
        pairs in prop::collection::vec((number(), number()), 1..70),
    ) {
        let expression = well_formed(tokens);
        let (x, y): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
        assert_whole_expression(&expression, &x, &y);
        let single = |values: &[f64]| values.iter().map(|value| *value as f32).collect::<Vec<f32>>();
        assert_whole_expression(&expression, &single(&x), &single(&y));
    }
}
