use super::*;
use crate::prove::tests::build::Builder;
use proptest::prelude::*;

/// A random expression over the step number, as postfix codes: what is done, and with which number.
fn expression(builder: &mut Builder, codes: &[(u8, i64, i64)]) -> ValueId {
    use Operation::*;
    let mut stack = vec![builder.step()];
    for &(code, numerator, denominator) in codes {
        let b = builder.number(numerator, denominator);
        let a = stack.pop().unwrap_or(b);
        let other = stack.last().copied().unwrap_or(b);
        let value = match code % 19 {
            0 | 1 => builder.apply(Mod, &[a, b]),
            2 => builder.apply(Div, &[a, b]),
            3 => builder.apply(Multiply, &[a, b]),
            4 => builder.apply(Add, &[a, b]),
            5 => builder.apply(Divide, &[a, b]),
            6 => builder.apply(Equal, &[a, b]),
            7 => builder.apply(Less, &[b, a]),
            8 => builder.apply(GreaterEqual, &[a, other]),
            9 => builder.apply(Floor, &[a]),
            10 => builder.apply(Subtract, &[other, a]),
            11 => builder.apply(Minimum, &[a, b]),
            12 => builder.apply(Power, &[a, b]),
            13 => builder.apply(SquareRoot, &[a]),
            14 => builder.apply(Log, &[a]),
            15 => builder.apply(And, &[a, other]),
            16 => builder.apply(Random, &[b, a]),
            _ => {
                stack.push(a);
                builder.step()
            }
        };
        stack.push(value);
    }
    stack.pop().expect("never empty")
}

fn codes() -> impl Strategy<Value = Vec<(u8, i64, i64)>> {
    let denominator = prop::sample::select(vec![1, 1, 2, 3, 4, 10, 1000]);
    prop::collection::vec((any::<u8>(), -6i64..20, denominator), 1..9)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_rhythm_is_kept(codes in codes()) {
        let mut builder = Builder::new();
        let id = expression(&mut builder, &codes);
        let algorithm = builder.finish();
        let numbers = Numbers::new(&algorithm);
        if let Some(rhythm) = numbers.rhythms[id.0 as usize].clone() {
            let growth = rhythm.slope.clone() * Rational::integer(rhythm.period);
            for step in rhythm.start..rhythm.start + 20 {
                let (now, later) = (numbers.value(id, step), numbers.value(id, step + rhythm.period));
                prop_assert_eq!(now.map(|now| now + growth.clone()), later, "{:?} at {}", rhythm, step);
            }
        }
    }

    /// What is decided in the first steps is what a run does for ever, rounding included.
    #[test]
    fn what_repeats_does_so_in_a_run(codes in codes(), later in 0..1u64 << 40) {
        let mut builder = Builder::new();
        let id = expression(&mut builder, &codes);
        let algorithm = builder.finish();
        let numbers = Numbers::new(&algorithm);
        if let Some((start, period)) = numbers.decides(id) {
            for step in (start..start + 20).chain(later..later + 20) {
                let before = if step < start { step } else { start + (step - start) % period };
                let (now, before) = (numbers.computed(id, step), numbers.computed(id, before));
                let same = now == before || [now, before].iter().flatten().all(|value| value.is_nan());
                prop_assert!(same, "step {}: {:?}, and {:?} before", step, now, before);
            }
        }
    }

    /// The exact value and the computed one are as near as is claimed.
    #[test]
    fn a_number_is_as_precise_as_claimed(codes in codes(), step in 0..1u64 << 40) {
        let mut builder = Builder::new();
        let id = expression(&mut builder, &codes);
        let algorithm = builder.finish();
        let numbers = Numbers::new(&algorithm);
        let rhythm = &numbers.rhythms[id.0 as usize];
        if let (Some(rhythm), Some(exact)) = (rhythm, numbers.value(id, step)) {
            let error = rhythm.precision.error;
            let computed = numbers.computed(id, step).and_then(Rational::from_f64);
            let far = computed.map_or(f64::INFINITY, |computed| (computed - exact).abs().to_f64());
            prop_assert!(far <= error, "{} past {}", far, error);
        }
    }
}

/// The rhythm in which a condition holds.
fn decides(condition: impl Fn(&mut Builder, ValueId) -> ValueId) -> Option<(u64, u64)> {
    let mut builder = Builder::new();
    let step = builder.step();
    let id = condition(&mut builder, step);
    let algorithm = builder.finish();
    Numbers::new(&algorithm).decides(id)
}

#[test]
fn rounding_is_reckoned_with() {
    use Operation::*;
    let condition = |operation: Operation, [n, d]: [i64; 2], comparison: Operation, [p, q]: [i64; 2]| {
        decides(move |b, t| {
            let (number, other) = (b.number(n, d), b.number(p, q));
            let value = b.apply(operation.clone(), &[t, number]);
            b.apply(comparison.clone(), &[value, other])
        })
    };
    assert_eq!(condition(Mod, [3, 1], Equal, [0, 1]), Some((0, 3)));
    assert_eq!(condition(Mod, [-3, 1], Equal, [2, 1]), Some((0, 3)));
    assert_eq!(condition(Div, [3, 1], Less, [5, 1]), Some((20, 1)));
    // What the number is compared with is 0.3, and 3 · 0.1 is not: both are known to be far apart in the end.
    assert_eq!(condition(Multiply, [1, 10], Equal, [3, 10]), Some((4, 1)));
    assert_eq!(condition(Divide, [10, 1], Greater, [5, 1]), Some((51, 1)));
    // t mod 0.1 is never 0 again, since no 64-bit number is 1/10.
    assert_eq!(condition(Mod, [1, 10], Equal, [0, 1]), None);
    let floor = decides(|b, t| {
        let (ten, two, zero) = (b.number(10, 1), b.number(2, 1), b.number(0, 1));
        let tenth = b.apply(Divide, &[t, ten]);
        let whole = b.apply(Floor, &[tenth]);
        let half = b.apply(Mod, &[whole, two]);
        b.apply(Equal, &[half, zero])
    });
    assert_eq!(floor, Some((0, 20)));
    // A tenth of t is not one of 64 bits: whether it is whole is decided by the last bit.
    let floor = decides(|b, t| {
        let (tenth, two, zero) = (b.number(1, 10), b.number(2, 1), b.number(0, 1));
        let product = b.apply(Multiply, &[t, tenth]);
        let whole = b.apply(Floor, &[product]);
        let half = b.apply(Mod, &[whole, two]);
        b.apply(Equal, &[half, zero])
    });
    assert_eq!(floor, None);
}
