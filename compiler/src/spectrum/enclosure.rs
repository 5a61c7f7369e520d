//! A number with what is known about its error.

/// How a number was obtained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Decided in exact arithmetic.
    Exact,
    /// Computed with a proved bound on the error.
    Enclosed,
    /// Proved to be no more than the true value, which is not known from above.
    AtLeast,
    /// Proved to be no less than the true value, which is not known from below.
    AtMost,
    /// Computed without one; never used to decide a claim.
    Estimate,
}

impl Method {
    /// What is known of −x where this is known of x.
    fn turned(self) -> Self {
        match self {
            Self::AtLeast => Self::AtMost,
            Self::AtMost => Self::AtLeast,
            other => other,
        }
    }

    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Enclosed => "enclosed",
            Self::AtLeast => "at least",
            Self::AtMost => "at most",
            Self::Estimate => "estimate",
        }
    }
}

/// A number that lies in `low..=high`, unless it is an estimate: then the bounds say nothing but what is trivial.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Enclosure {
    /// The best value.
    pub value: f64,
    /// Not above the true value.
    pub low: f64,
    /// Not below the true value.
    pub high: f64,
    /// How it was obtained.
    pub method: Method,
}

impl Enclosure {
    /// A number that an `f64` holds exactly.
    pub fn exact(value: f64) -> Self {
        Self { value, low: value, high: value, method: Method::Exact }
    }

    /// A number known up to `error`.
    pub fn around(value: f64, error: f64) -> Self {
        Self {
            value,
            low: (value - error).next_down(),
            high: (value + error).next_up(),
            method: Method::Enclosed,
        }
    }

    /// A number that is not below `low`, nor above `high`, which says little.
    pub fn at_least(low: f64, high: f64) -> Self {
        Self { value: low, low, high: high.max(low), method: Method::AtLeast }
    }

    /// −x.
    pub fn negated(self) -> Self {
        Self { value: -self.value, low: -self.high, high: -self.low, method: self.method.turned() }
    }

    /// A number of unknown error.
    pub fn estimate(value: f64) -> Self {
        Self { value, low: f64::NEG_INFINITY, high: f64::INFINITY, method: Method::Estimate }
    }

    /// Its value without the digits that only rounding has made: twelve of them, or as many as it takes to stay between
    /// the bounds.
    pub fn readable(self) -> Self {
        if !matches!(self.method, Method::Enclosed | Method::Estimate) {
            return self;
        }
        let rounded = |digits: usize| format!("{:.*e}", digits - 1, self.value).parse::<f64>().ok();
        let is_between = |value: &f64| (self.low..=self.high).contains(value);
        let value = (12..17).find_map(|digits| rounded(digits).filter(is_between)).unwrap_or(self.value);
        Self { value, ..self }
    }

    /// The same, known to lie in `low..=high` as well.
    pub fn within(mut self, low: f64, high: f64) -> Self {
        self.low = self.low.max(low).min(high);
        self.high = self.high.min(high).max(low);
        self.value = self.value.clamp(self.low, self.high);
        self
    }

    /// 1 − x.
    pub fn complement(self) -> Self {
        let mut result = self.negated();
        (result.value, result.low, result.high) = (1.0 - self.value, 1.0 - self.high, 1.0 - self.low);
        if self.method != Method::Exact {
            (result.low, result.high) = (result.low.next_down(), result.high.next_up());
        }
        result
    }

    /// The n-th root of a number that is not negative.
    pub fn root(self, n: usize) -> Self {
        if n == 1 || self.method == Method::Exact && (self.value == 0.0 || self.value == 1.0) {
            return self;
        }
        let root = |x: f64| x.max(0.0).powf(1.0 / n as f64);
        // The exponent and powf are off by a few units in the last place; the exponent's error is scaled by ln x.
        let slack = |x: f64| 1e-15 * (2.0 + if x > 0.0 { x.ln().abs() / n as f64 } else { 0.0 });
        Self {
            value: root(self.value),
            low: root(self.low) * (1.0 - slack(self.low)),
            high: root(self.high) * (1.0 + slack(self.high)),
            method: if self.method == Method::Exact { Method::Enclosed } else { self.method },
        }
    }

    /// The larger of two numbers.
    pub fn max(self, other: Self) -> Self {
        let either = |method| self.method == method || other.method == method;
        let method = if either(Method::Estimate) {
            Method::Estimate
        } else if either(Method::AtLeast) && self.method != other.method {
            Method::AtLeast
        } else if self.low >= other.high {
            self.method
        } else if other.low >= self.high {
            other.method
        } else {
            Method::Enclosed
        };
        Self {
            value: self.value.max(other.value),
            low: self.low.max(other.low),
            high: self.high.max(other.high),
            method,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Enclosure;

    #[test]
    fn only_digits_that_are_known_are_read() {
        let noisy = 1.0 + 3.0 * f64::EPSILON;
        let read = |number: Enclosure| number.readable().value;
        assert_eq!(read(Enclosure::around(noisy, 1e-15)), 1.0);
        assert_eq!(read(Enclosure::estimate(noisy)), 1.0);
        assert_eq!(read(Enclosure::estimate(2.0 / 3.0)), 0.666_666_666_667);
        // It is known not to be 1, or nothing is known above it.
        assert_eq!(read(Enclosure::exact(noisy)), noisy);
        assert_eq!(read(Enclosure::around(noisy, 0.0)), noisy);
        assert_eq!(read(Enclosure::at_least(noisy, 2.0)), noisy);
        let near = read(Enclosure::around(1.0 - 1e-14, 1e-15));
        assert!(near < 1.0 && (near - (1.0 - 1e-14)).abs() < 2e-15, "{near}");
    }
}
