//! The values that arguments may have, and the words about others. The command line reads arguments from text, and Python
//! from objects; a value that could not be read at all is `None`.

/// The whole numbers between two bounds, both included.
#[derive(Clone, Copy, Debug)]
pub struct Wholes {
    least: u32,
    most: u32,
}

/// Some of the finite numbers.
#[derive(Clone, Copy, Debug)]
pub struct Numbers {
    expected: &'static str,
    contains: fn(f64) -> bool,
}

/// A number of ranks that the compiler checks itself.
pub const COUNT: Wholes = Wholes { least: 0, most: u32::MAX };
/// A number of ranks, of samples and the like.
pub const POSITIVE: Wholes = Wholes { least: 1, most: u32::MAX };
/// Steps of a simulation.
pub const STEPS: Wholes = Wholes { least: 1, most: 1_000_000 };

/// A step size and the like.
pub const ABOVE_ZERO: Numbers =
    Numbers { expected: "a finite number above 0", contains: |number| number > 0.0 };
/// The factor by which a straggler is slower.
pub const SLOWDOWN: Numbers =
    Numbers { expected: "a factor from 1 to 1000000", contains: |factor| (1.0..=1e6).contains(&factor) };
/// The standard deviation of the time of a gradient over its mean, and the heterogeneity of ranks.
pub const UP_TO_TEN: Numbers =
    Numbers { expected: "a number from 0 to 10", contains: |number| (0.0..=10.0).contains(&number) };
/// The error to reach, relative to the initial one.
pub const TARGET: Numbers =
    Numbers { expected: "a number above 0, up to 0.5", contains: |error| 0.0 < error && error <= 0.5 };
/// The part of the ranks' noise that is left a step later.
pub const NOISE_MEMORY: Numbers = Numbers {
    expected: "a number that is at least 0 and below 1",
    contains: |part| (0.0..1.0).contains(&part),
};

impl Wholes {
    /// The numbers from 1 to `most`.
    pub const fn up_to(most: u32) -> Self {
        Self { least: 1, most }
    }

    /// The number, if it is one of these.
    ///
    /// # Errors
    /// What was expected.
    pub fn check(&self, number: Option<u32>) -> Result<u32, String> {
        let Self { least, most } = *self;
        let expected = || match least {
            0 => format!("expected a whole number, at most {most}"),
            _ => format!("expected a whole number from {least} to {most}"),
        };
        number.filter(|number| (least..=most).contains(number)).ok_or_else(expected)
    }
}

impl Numbers {
    /// The number, if it is one of these.
    ///
    /// # Errors
    /// What was expected.
    pub fn check(&self, number: Option<f64>) -> Result<f64, String> {
        let fits = |number: &f64| number.is_finite() && (self.contains)(*number);
        number.filter(fits).ok_or_else(|| format!("expected {}", self.expected))
    }
}

/// The least and the largest curvature of quadratics, if they are such.
///
/// # Errors
/// What was expected.
pub fn curvature(bounds: Option<[f64; 2]>) -> Result<[f64; 2], String> {
    let fits = |[least, largest]: &[f64; 2]| 0.0 < *least && least <= largest && largest.is_finite();
    bounds.filter(fits).ok_or("expected two numbers, the first above 0 and at most the second".to_string())
}
