//! Values along an axis become places between 0 and 1, and an axis its ticks.

use bfc_predict::units::shown_seconds;

/// How an axis is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Whole numbers from 0 on.
    Counts,
    /// Powers of two.
    Doublings,
    /// Powers of ten.
    Decades,
    /// From 0 to 100 %.
    Shares,
    /// Seconds from 0 on.
    Seconds,
}

/// An axis that holds given values.
pub struct Axis {
    scale: Scale,
    low: f64,
    high: f64,
}

impl Scale {
    /// Whether an axis has a place for this value.
    fn shows(self, value: f64) -> bool {
        value.is_finite() && (value > 0.0 || matches!(self, Self::Counts | Self::Shares | Self::Seconds))
    }

    /// The value along the axis.
    fn along(self, value: f64) -> f64 {
        match self {
            Self::Counts | Self::Shares | Self::Seconds => value,
            Self::Doublings => value.log2(),
            Self::Decades => value.log10(),
        }
    }
}

impl Axis {
    /// The shortest axis for these values that ends at ticks; a step or a count starts at 0.
    pub fn new(scale: Scale, values: impl Iterator<Item = f64>) -> Self {
        let shown = values.filter(|&value| scale.shows(value)).map(|value| scale.along(value));
        let (low, high) = shown
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        let (low, high) = match scale {
            Scale::Counts => (0.0, high.max(1.0)),
            Scale::Seconds => (0.0, high.max(1e-9)),
            Scale::Shares => (0.0, 1.0),
            Scale::Doublings if low > high => (0.0, 1.0),
            Scale::Doublings => (low, high.max(low + 1.0)),
            Scale::Decades if low > high => (-1.0, 0.0),
            Scale::Decades => (low.floor(), high.ceil().max(low.floor() + 1.0)),
        };
        Self { scale, low, high }
    }

    /// Whether it has a place for this value.
    pub fn shows(&self, value: f64) -> bool {
        self.scale.shows(value)
    }

    /// Where a value lies, from 0 to 1.
    pub fn place(&self, value: f64) -> f64 {
        (self.scale.along(value) - self.low) / (self.high - self.low)
    }

    /// The attributes by which the script of a page draws other ticks, for an axis that begins at `left` and is `width` long.
    pub fn attributes(&self, left: f64, width: f64) -> String {
        let name = match self.scale {
            Scale::Counts => "counts",
            Scale::Doublings => "doublings",
            Scale::Decades => "decades",
            Scale::Shares => "shares",
            Scale::Seconds => "seconds",
        };
        let Self { low, high, .. } = self;
        format!(
            "data-scale=\"{name}\" data-low=\"{low}\" data-high=\"{high}\" data-left=\"{left}\" data-width=\"{width}\""
        )
    }

    /// The places and names of the ticks.
    pub fn ticks(&self) -> Vec<(f64, String)> {
        let step = match self.scale {
            Scale::Counts => nice_step(self.high).max(1.0),
            Scale::Seconds => nice_step(self.high),
            Scale::Shares => 0.2,
            Scale::Doublings | Scale::Decades => ((self.high - self.low + 7.0) / 8.0).floor().max(1.0),
        };
        let count = ((self.high - self.low) / step * (1.0 + 1e-9)).floor() as u32;
        let at = |k: u32| match self.scale {
            Scale::Decades => self.high - f64::from(k) * step,
            Scale::Doublings => self.low.ceil() + f64::from(k) * step,
            _ => f64::from(k) * step,
        };
        let inside = (0..=count).map(at).filter(|at| *at <= self.high + 1e-9);
        inside.map(|at| ((at - self.low) / (self.high - self.low), self.name(at))).collect()
    }

    fn name(&self, at: f64) -> String {
        match self.scale {
            Scale::Counts => format!("{at}"),
            Scale::Seconds if at == 0.0 => "0".to_string(),
            Scale::Seconds => shown_seconds(at),
            Scale::Doublings => format!("{}", at.exp2()),
            Scale::Decades => power_of_ten(at as i32),
            Scale::Shares => format!("{:.0} %", 100.0 * at),
        }
    }
}

/// 1, 2 or 5 times a power of ten, so that an axis up to `last` gets four to ten ticks.
fn nice_step(last: f64) -> f64 {
    let rough = last / 6.0;
    let power = 10f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().find(|step| step * power >= rough).unwrap_or(10.0) * power
}

/// Such as 10⁻³.
fn power_of_ten(exponent: i32) -> String {
    let raised = |letter| match letter {
        '-' => '⁻',
        digit => ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'][digit as usize - '0' as usize],
    };
    format!("10{}", exponent.to_string().chars().map(raised).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(scale: Scale, values: &[f64]) -> String {
        let axis = Axis::new(scale, values.iter().copied());
        axis.ticks().into_iter().map(|(_, name)| name).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(nice_step(300.0), 50.0);
        assert_eq!(nice_step(1000.0), 200.0);
        assert_eq!(nice_step(1.0), 0.2);
        assert_eq!(names(Scale::Seconds, &[0.0024]), "0 500 µs 1 ms 1.5 ms 2 ms");
        assert_eq!(power_of_ten(-13), "10⁻¹³");
        assert_eq!(names(Scale::Doublings, &[12.0, 64.0]), "16 32 64");
        assert_eq!(names(Scale::Shares, &[0.3]), "0 % 20 % 40 % 60 % 80 % 100 %");
        assert_eq!(names(Scale::Decades, &[0.02, 3.0]), "10¹ 10⁰ 10⁻¹ 10⁻²");
        assert_eq!(names(Scale::Counts, &[3.0]), "0 1 2 3");
    }

    #[test]
    fn values_lie_between_the_ends() {
        let axis = Axis::new(Scale::Doublings, [8.0, 128.0].into_iter());
        assert_eq!((axis.place(8.0), axis.place(32.0), axis.place(128.0)), (0.0, 0.5, 1.0));
        assert!(!Scale::Decades.shows(0.0) && Scale::Counts.shows(0.0) && !Scale::Counts.shows(f64::NAN));
    }
}
