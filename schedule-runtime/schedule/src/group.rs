//! Finite abelian groups given by mixed radices: the symmetry of shifts mod n, xors and moves on a grid.
//!
//! A rank written in mixed radix is a group element; adding two adds digit by digit, each modulo its radix.
//! `[n]` is the shifts modulo n, `[2, 2, 2]` is xor on eight ranks, `[rows, columns]` is a torus.

use crate::Rank;

/// The group `Z_{r_0} × … × Z_{r_k}`; the last digit varies fastest.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Group {
    radices: Vec<u32>,
}

impl Group {
    /// The group with these radices, each at least 2, or `None` if one is smaller or their product exceeds `u32`.
    /// The empty list is the group of one element.
    pub fn new(radices: Vec<u32>) -> Option<Self> {
        let mut order: u32 = 1;
        for &radix in &radices {
            if radix < 2 {
                return None;
            }
            order = order.checked_mul(radix)?;
        }
        Some(Self { radices })
    }

    /// Shifts modulo `size` (at least 1).
    pub fn cyclic(size: u32) -> Self {
        Self { radices: if size > 1 { vec![size] } else { vec![] } }
    }

    /// The radices, most significant first.
    pub fn radices(&self) -> &[u32] {
        &self.radices
    }

    /// The number of elements.
    pub fn order(&self) -> u32 {
        self.radices.iter().product()
    }

    /// The least number of times that every element, added up, is 0: the least common multiple of the radices.
    pub fn exponent(&self) -> u64 {
        self.radices.iter().fold(1, |all, &radix| num_integer::lcm(all, u64::from(radix)))
    }

    /// `a + b`, digit by digit; an element is encoded as the rank with its digits.
    pub fn add(&self, a: Rank, b: Rank) -> Rank {
        self.combine(a, b, |x, y, radix| (x as u64 + y as u64) % radix as u64)
    }

    /// `a - b`, digit by digit.
    pub fn subtract(&self, a: Rank, b: Rank) -> Rank {
        self.combine(a, b, |x, y, radix| (x as u64 + radix as u64 - y as u64) % radix as u64)
    }

    /// `-a`.
    pub fn negate(&self, a: Rank) -> Rank {
        self.subtract(Rank(0), a)
    }

    /// The digits of an element, most significant first.
    pub fn digits(&self, element: Rank) -> Vec<u32> {
        let mut rest = element.0;
        let mut digits: Vec<u32> = self
            .radices
            .iter()
            .rev()
            .map(|&radix| {
                let digit = rest % radix;
                rest /= radix;
                digit
            })
            .collect();
        digits.reverse();
        digits
    }

    fn combine(&self, a: Rank, b: Rank, digit: impl Fn(u32, u32, u32) -> u64) -> Rank {
        let (mut a, mut b, mut stride, mut sum) = (a.0, b.0, 1u64, 0u64);
        for &radix in self.radices.iter().rev() {
            sum += digit(a % radix, b % radix, radix) * stride;
            a /= radix;
            b /= radix;
            stride *= radix as u64;
        }
        Rank(sum as u32)
    }
}
