//! Rational arithmetic modulo word-sized primes: an exact way to compare products of many rational matrices.
//!
//! Two rationals that differ modulo a prime differ. Two integers below B that agree modulo primes whose product
//! exceeds 2B are equal.

use bfc_schedule::Rational;
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::ToPrimitive;

/// The integers modulo a prime below 2⁶¹.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Field {
    prime: u64,
}

const MERSENNE: u64 = (1 << 61) - 1;

impl Field {
    /// Fields of distinct primes, from 2⁶¹ − 1 downwards; each has at least 60 bits.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0u64..)
            .map(|k| MERSENNE - 2 * k)
            .filter(|&candidate| is_prime(candidate))
            .map(|prime| Self { prime })
    }

    /// a + b.
    pub(crate) fn add(self, a: u64, b: u64) -> u64 {
        let sum = a + b;
        if sum >= self.prime { sum - self.prime } else { sum }
    }

    /// a b.
    pub(crate) fn multiply(self, a: u64, b: u64) -> u64 {
        let product = a as u128 * b as u128;
        if self.prime == MERSENNE {
            return self.add((product >> 61) as u64, product as u64 & MERSENNE);
        }
        (product % self.prime as u128) as u64
    }

    /// The residue of a rational; `None` where the prime divides its denominator.
    pub(crate) fn residue(self, value: &Rational) -> Option<u64> {
        let reduce = |n: &BigInt| n.mod_floor(&BigInt::from(self.prime)).to_u64();
        let denominator = reduce(&value.denominator()).filter(|&d| d != 0)?;
        Some(self.multiply(reduce(&value.numerator())?, self.power(denominator, self.prime - 2)))
    }

    fn power(self, base: u64, mut exponent: u64) -> u64 {
        let (mut square, mut result) = (base, 1);
        while exponent > 0 {
            if exponent & 1 == 1 {
                result = self.multiply(result, square);
            }
            square = self.multiply(square, square);
            exponent >>= 1;
        }
        result
    }
}

/// Miller–Rabin with bases that decide every 64-bit number (Sorenson and Webster, 2017).
fn is_prime(candidate: u64) -> bool {
    let field = Field { prime: candidate };
    let twos = (candidate - 1).trailing_zeros();
    [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37].into_iter().all(|base| {
        let mut power = field.power(base, (candidate - 1) >> twos);
        if power == 1 || power == candidate - 1 {
            return true;
        }
        (1..twos).any(|_| {
            power = field.multiply(power, power);
            power == candidate - 1
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primes_and_inverses() {
        let fields: Vec<Field> = Field::all().take(4).collect();
        // The largest primes below 2^61 are 2^61 - {1, 31, 45, 229}.
        let below: Vec<u64> = fields.iter().map(|field| (1 << 61) - field.prime).collect();
        assert_eq!(below, [1, 31, 45, 229]);
        for field in fields {
            let third = field.residue(&Rational::new(-7, 3)).expect("3 is invertible");
            assert_eq!(field.add(field.multiply(third, 3), 7), 0);
        }
    }
}
