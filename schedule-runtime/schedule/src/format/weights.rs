//! The table of distinct weights; a reader decodes only those that it needs.

use super::FormatError;
use super::bytes::{Reader, Write};
use crate::Rational;
use crate::matrix::Interner;
use crate::verify::MOST_WEIGHT_BITS;
use num_bigint::{BigInt, BigUint, Sign};
use num_traits::Zero;
use std::collections::HashMap;

/// The most bytes that the weights of a file of that length may take where they are used. They are copied there, so a
/// few long ones could ask for far more memory than the file has.
pub(super) fn limit(file: usize) -> u64 {
    (1 << 20) + 64 * file as u64
}

fn size(weight: &Rational) -> u64 {
    weight.bits() / 8
}

/// Gives weights their numbers in order of first use.
#[derive(Default)]
pub(super) struct WeightWriter {
    interner: Interner,
    /// The bytes that the weights take where they are used.
    pub used: u64,
}

impl WeightWriter {
    pub fn id(&mut self, weight: &Rational) -> u32 {
        self.used += size(weight);
        self.interner.id(weight)
    }

    /// The section.
    pub fn finish(self) -> Vec<u8> {
        let (mut section, mut values) = (vec![], vec![]);
        section.count(self.interner.values.len());
        section.u32(0);
        for weight in &self.interner.values {
            values.u8(weight.is_negative().into());
            let numerator = digits(weight.numerator().magnitude());
            values.count(numerator.len());
            values.extend(numerator);
            values.extend(digits(weight.denominator().magnitude()));
            section.u64(values.len() as u64);
        }
        section.extend(values);
        section
    }
}

fn digits(value: &BigUint) -> Vec<u8> {
    if value.is_zero() { vec![] } else { value.to_bytes_le() }
}

/// Decodes weights by number.
pub(super) struct WeightReader<'a> {
    ends: &'a [u8],
    values: &'a [u8],
    decoded: HashMap<u32, Rational>,
    used: u64,
    limit: u64,
}

const SECTION: &str = "weights";

impl<'a> WeightReader<'a> {
    /// A reader of the section in a file of that length.
    pub fn new(section: &'a [u8], file: usize) -> Result<Self, FormatError> {
        let mut reader = Reader::new(SECTION, section);
        let count = reader.u32()? as usize;
        if reader.u32()? != 0 {
            return Err(reader.malformed("reserved bytes are not 0"));
        }
        let too_long = reader.malformed("a list is longer than the section");
        let ends = reader.take(count.checked_mul(8).ok_or(too_long)?)?;
        let values = &section[8 + ends.len()..];
        Ok(Self { ends, values, decoded: HashMap::new(), used: 0, limit: limit(file) })
    }

    pub fn get(&mut self, id: u32) -> Result<Rational, FormatError> {
        if !self.decoded.contains_key(&id) {
            let weight = self.decode(id)?;
            self.decoded.insert(id, weight);
        }
        let weight = &self.decoded[&id];
        self.used += size(weight);
        if self.used > self.limit {
            return Err(FormatError::TooLarge { limit: self.limit });
        }
        Ok(weight.clone())
    }

    fn decode(&self, id: u32) -> Result<Rational, FormatError> {
        let offset = 8 + id as u64 * 8;
        let malformed = |what| FormatError::Malformed { section: SECTION, offset, what };
        let start = if id == 0 { Some(0) } else { self.end(id - 1) };
        let bytes = match (start, self.end(id)) {
            (Some(start), Some(end)) => {
                self.values.get(start..end).ok_or(malformed("a weight is out of place"))?
            }
            _ => return Err(malformed("no weight has this number")),
        };
        if bytes.len() as u64 > MOST_WEIGHT_BITS / 8 + 16 {
            return Err(malformed("a weight is too long"));
        }
        let mut reader = Reader::new(SECTION, bytes);
        let (sign, length) = (reader.u8()?, reader.u32()? as usize);
        let (numerator, denominator) = (reader.take(length)?, &bytes[5 + length..]);
        let minimal = |digits: &[u8]| digits.last() != Some(&0);
        let sign = match (sign, numerator.is_empty()) {
            (0, true) => Sign::NoSign,
            (0, false) => Sign::Plus,
            (1, false) => Sign::Minus,
            _ => return Err(malformed("a sign is neither 0 nor 1, or 0 is negative")),
        };
        if denominator.is_empty() || !minimal(numerator) || !minimal(denominator) {
            return Err(malformed("a weight has leading zeros or the denominator 0"));
        }
        let denominator = BigUint::from_bytes_le(denominator);
        let weight = Rational::new(BigInt::from_bytes_le(sign, numerator), denominator.clone());
        if weight.denominator().magnitude() != &denominator {
            return Err(malformed("a weight is not in lowest terms"));
        }
        Ok(weight)
    }

    fn end(&self, id: u32) -> Option<usize> {
        let bytes = self.ends.get(id as usize * 8..)?.get(..8)?;
        usize::try_from(u64::from_le_bytes(bytes.try_into().expect("eight bytes"))).ok()
    }
}
