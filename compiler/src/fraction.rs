//! From computed numbers to the simple fractions that they are near to, by continued fractions.

use bfc_schedule::Rational;

/// The first convergent of the continued fraction of x that is as near as `error`, if its denominator is at most `most`.
pub(crate) fn simple(x: f64, error: f64, most: i64) -> Option<Rational> {
    let (mut p, mut q) = ((1i64, 0i64), (0i64, 1i64));
    let mut rest = x;
    while rest.abs() < 1e9 {
        let whole = rest.floor();
        p = ((whole as i64).checked_mul(p.0)?.checked_add(p.1)?, p.0);
        q = ((whole as i64).checked_mul(q.0)?.checked_add(q.1)?, q.0);
        if q.0 > most {
            return None;
        }
        if (x - p.0 as f64 / q.0 as f64).abs() <= error {
            return Some(Rational::new(p.0, q.0));
        }
        rest = 1.0 / (rest - whole);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_simplest_fraction_near_by_is_found() {
        for (p, q) in [(1, 3), (2, 7), (0, 1), (1, 1), (999, 1000), (-2, 3), (37, 11)] {
            assert_eq!(simple(p as f64 / q as f64 + 1e-14, 1e-12, 1000), Some(Rational::new(p, q)));
        }
        assert_eq!(simple(0.25 + 2e-8, 1e-6, 100), Some(Rational::new(1, 4)));
        for none in [1.0 / 101.0, f64::NAN, f64::INFINITY, 1e300, 2f64.sqrt()] {
            assert_eq!(simple(none, 1e-9, 100), None, "{none}");
        }
    }
}
