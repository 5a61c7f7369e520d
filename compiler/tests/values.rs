//! Values of expressions, as text, and laws of the built-in functions.

use bfc_compiler::evaluate::Limits;
use bfc_compiler::evaluate::{Evaluator, on_deep_stack};
use bfc_compiler::resolve::{Program, Source};
use bfc_dsl::tree::{File, FileId};
use proptest::prelude::*;

/// The value of an expression at size 12 with two ranks to a machine, without the decimal beside long numbers.
fn value(text: &str) -> String {
    let expression =
        bfc_dsl::parse_expression(FileId(0), text).unwrap_or_else(|errors| panic!("{text}: {errors:?}"));
    let program = Program::single(Source { name: "e".into(), text: text.into() }, File::default());
    let work = || {
        let mut evaluator = Evaluator::new(&program, 12, 2, Limits::default());
        let exact = |text: String| text.split(" (").next().unwrap_or_default().to_string();
        evaluator.evaluate(&expression).map(|value| exact(value.to_string()))
    };
    on_deep_stack(work).unwrap().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn check(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(value(text), *expected, "{text}");
    }
}

#[test]
fn numbers_are_exact() {
    check(&[
        ("6 / 2", "3"),
        ("1 / 3 + 1 / 6", "1/2"),
        ("0.1 + 0.2 == 0.3", "true"),
        ("1e-3 * 1e3", "1"),
        ("-7 div 2", "-4"),
        ("-7 mod 4", "1"),
        ("7 mod -4", "3"),
        ("5 xor 3", "6"),
        ("2^-3", "1/8"),
        ("-2^2", "-4"),
        ("2^64 - 2^64 + 1", "1"),
        ("9223372036854775807 + 1 - 1", "9223372036854775807"),
        ("-9223372036854775807 - 1 - 1", "-9223372036854775809"),
        ("(2^80 + 1) mod 2^79", "1"),
        ("3^(size - 2) mod 13", "3"),
        ("7^(10^40) mod 13", "9"),
    ]);
}

#[test]
fn operators_bind_as_the_language_says() {
    check(&[
        ("2 + 3 * 4 mod 5", "4"),
        ("8 / 4 / 2", "1"),
        ("2 * 3 xor 1", "7"),
        ("0..3 ++ 5..7", "[0, 1, 2, 5, 6]"),
        ("not 1 == 2 and 3 < 4", "true"),
        ("true or 1 / 0 == 0", "true"),
        ("false and 1 / 0 == 0", "false"),
        ("if size > 3 { 1 } else { 1 / 0 }", "1"),
        ("{ let a = 2\n let [b, c] = [a, a + 1]\n b * c }", "6"),
        ("machines * local_size", "12"),
    ]);
}

#[test]
fn lists_are_cut_joined_and_comprehended() {
    check(&[
        ("[1, 2, 3][1..]", "[2, 3]"),
        ("ranks[..2] ++ [true]", "[0, 1, true]"),
        ("(3..9)[2..4]", "[5, 6]"),
        ("len(5..2)", "0"),
        ("[[i, j] for i in 0..3, if i mod 2 == 0, j in 0..i]", "[[2, 0], [2, 1]]"),
        ("[a + b for [a, b] in [[1, 2], [3, 4]]]", "[3, 7]"),
        ("sum([1 / k for k in 1..4])", "11/6"),
        ("[product([]), sum([]), len([])]", "[1, 0, 0]"),
        ("sort([[2, 1], [1, 9], [1, 2]])", "[[1, 2], [1, 9], [2, 1]]"),
        ("reversed(sort([3, 1 / 2, 2]))", "[3, 2, 1/2]"),
        ("without([3, 1, 2, 1], [1, 5])", "[3, 2]"),
        ("contains([[1, 2]], [1, 2])", "true"),
        ("[min([2, 1]), max(3, 5, 4), min([1, 2], [1])]", "[1, 5, [1]]"),
        ("{ let a = [1, 2]\n let b = a ++ [3]\n let c = a ++ [4]\n b ++ c }", "[1, 2, 3, 1, 2, 4]"),
        ("[1, 2] == 1..3", "true"),
    ]);
}

#[test]
fn logarithms_and_roots_round_as_they_say() {
    check(&[
        ("[floor_log(243, 3), ceil_log(243, 3), ceil_log(244, 3)]", "[5, 5, 6]"),
        ("[floor_log(999, 10), floor_log(1000, 10), ceil_log(1, 2), floor_log(3 / 2, 2)]", "[2, 3, 0, 0]"),
        (
            "[is_power(1, 2), is_power(1594323, 3), is_power(0, 2), is_power(12, 2)]",
            "[true, true, false, false]",
        ),
        ("[floor_sqrt(15), floor_sqrt(16), sqrt(9 / 4)]", "[3, 4, 3/2]"),
        ("[floor(-1 / 2), ceil(-1 / 2), ceil(7 / 2), abs(-3 / 4)]", "[-1, 0, 4, 3/4]"),
        ("log(1)", "0"),
        ("log(8, 2)", "3"),
        ("[gcd(12, 18), gcd([8, 12]), lcm(4, 6), lcm([])]", "[6, 4, 12, 1]"),
        ("[is_prime(1), is_prime(2), is_prime(91), is_prime(997)]", "[false, true, false, true]"),
        ("prime_factors(360)", "[2, 2, 2, 3, 3, 5]"),
    ]);
}

#[test]
fn random_streams_are_those_of_splitmix64() {
    let first = 0xe220_a839_7b1d_cdafu64;
    let third = 0x06c4_5d18_8009_454fu64;
    check(&[
        ("random(0, 0) * 2^53", &(first >> 11).to_string()),
        ("random(0, 2) * 2^53", &(third >> 11).to_string()),
        ("random_int(1000, 0, 0)", &(first % 1000).to_string()),
        ("random(0, 0, 5) == random(16294208416658607535, 5)", "true"),
        ("random(-1, 3) == random(2^64 - 1, 3)", "true"),
        ("sort(shuffle(0..9, 7, 3)) == 0..9", "true"),
        ("shuffle(0..6, 0, 0)", "[4, 2, 5, 3, 0, 1]"),
    ]);
}

proptest! {
    #[test]
    fn division_with_remainder_gives_back_what_was_divided(a in any::<i64>(), b in 1i64..i64::MAX) {
        prop_assert_eq!(value(&format!("({a}) div {b} * {b} + ({a}) mod {b} == {a}")), "true");
        prop_assert_eq!(value(&format!("0 <= ({a}) mod {b} and ({a}) mod {b} < {b}")), "true");
    }

    #[test]
    fn machine_integers_and_large_ones_agree(a in any::<i32>(), b in any::<i32>(), k in 0u32..5) {
        let far = "2^100";
        for operator in ["+", "-", "*", "mod", "div"] {
            prop_assume!(b != 0 || !["mod", "div"].contains(&operator));
            let small = value(&format!("({a}) {operator} ({b})"));
            let large = value(&format!("(({a}) + {far} - {far}) {operator} (({b}) + {far} - {far})"));
            prop_assert_eq!(small, large);
        }
        prop_assert_eq!(value(&format!("({a})^{k} * 1")), value(&format!("product([{a} for i in 0..{k}])")));
    }

    #[test]
    fn powers_modulo_are_powers_then_modulo(a in -50i64..50, b in 0u32..20, c in 1i64..1000) {
        prop_assert_eq!(value(&format!("({a})^{b} mod {c}")), value(&format!("{{ let p = ({a})^{b}\n p mod {c} }}")));
    }

    #[test]
    fn roots_and_logarithms_are_those_of_the_machine(p in 1u32..1_000_000, q in 1u32..1000) {
        let number = f64::from(p) / f64::from(q);
        let exact = format!("sqrt({p} / {q})");
        let root: f64 = (f64::from(p) / f64::from(q)).sqrt();
        prop_assert_eq!(value(&format!("abs({exact} - {root:e}) <= {root:e} / 2^51")), "true");
        let log = number.ln();
        prop_assert_eq!(value(&format!("abs(log({p} / {q}) - ({log:e})) <= abs({log:e}) / 2^50 + 1 / 2^50")), "true");
    }

    #[test]
    fn lists_that_share_a_buffer_do_not_see_each_other(xs in prop::collection::vec(0i64..100, 0..6), a in 0i64..9, b in 0i64..9) {
        let list = format!("[{}]", xs.iter().map(i64::to_string).collect::<Vec<_>>().join(", "));
        let text = format!("{{ let x = {list}\n let y = x ++ [{a}]\n let z = x ++ [{b}]\n let w = y ++ z\n [x, y, z, w] == [{list}, {list} ++ [{a}], {list} ++ [{b}], {list} ++ [{a}] ++ {list} ++ [{b}]] }}");
        prop_assert_eq!(value(&text), "true");
    }
}
