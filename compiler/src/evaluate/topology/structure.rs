//! Symmetry kept: integers that depend on the rank through mixed-radix digits, and the groups that such moves span.
//!
//! A loop over `ranks` is first tried once with the rank `i` unknown. Values are then sums of constants and of atoms
//! `⌊i / stride⌋ + shift mod radix`, or `i xor c`. Where the two ends of an edge come out as moves of `i` (each digit
//! changed by adding a constant modulo its radix), the edge stands for one hop of a Cayley graph. Whatever else
//! happens to `i` is not an error: the loop is then enumerated, with the same meaning.

use crate::evaluate::value::Value;
use bfc_dsl::tree::BinaryOperator;
use bfc_schedule::{CayleyMatrix, Group, MixingMatrix, Rank};
use num_integer::Integer;
use std::collections::BTreeSet;
use std::rc::Rc;

/// An integer that depends on the rank: `constant + Σ coefficient · atom`, atoms distinct, coefficients not zero.
#[derive(Clone, Debug, PartialEq)]
pub struct Symbol {
    constant: i64,
    terms: Vec<(Atom, i64)>,
}

/// A number that depends on the rank i in a known way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Atom {
    /// `(⌊i / stride⌋ + shift) mod radix`; with `radix · stride = size` and no shift it is `⌊i / stride⌋` itself.
    Digit { stride: i64, radix: i64, shift: i64 },
    /// `i xor mask`.
    Xor(i64),
}

/// The rank as an unknown, for the symbolic evaluation of a loop over ranks.
pub(in crate::evaluate) fn symbolic_rank(size: u32) -> Value {
    Value::Symbol(Rc::new(Symbol::rank(size)))
}

/// A move of all ranks at once.
#[derive(Clone, Debug, PartialEq)]
pub enum Move {
    /// Adds `amount` to the digits of these strides and radices.
    Digits(Vec<Digit>),
    /// `i xor mask`.
    Xor(u32),
}

/// One digit of a mixed-radix number and what is added to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digit {
    stride: u32,
    radix: u32,
    amount: u32,
}

impl Symbol {
    /// The rank itself.
    pub fn rank(size: u32) -> Self {
        Self::atom(Atom::Digit { stride: 1, radix: size as i64, shift: 0 })
    }

    /// A digit of radix 1 is 0.
    fn atom(atom: Atom) -> Self {
        let nothing = matches!(atom, Atom::Digit { radix: 1, .. });
        Self { constant: 0, terms: if nothing { vec![] } else { vec![(atom, 1)] } }
    }

    /// `a op b` where one of them is a symbol; `None` where the result is not of this form.
    pub fn binary(operator: BinaryOperator, a: &Value, b: &Value, size: u32) -> Option<Value> {
        use BinaryOperator::*;
        let (a, b) = (Self::new(a)?, Self::new(b)?);
        let size = size as i64;
        let result = match operator {
            Add => a.combine(&b, 1)?,
            Subtract => a.combine(&b, -1)?,
            Multiply if b.terms.is_empty() => a.scale(b.constant)?,
            Multiply if a.terms.is_empty() => b.scale(a.constant)?,
            Mod if b.terms.is_empty() => a.modulo(b.constant, size)?,
            Div if b.terms.is_empty() => a.quotient(b.constant, size)?,
            Xor if b.terms.is_empty() => a.xor(b.constant, size)?,
            Xor if a.terms.is_empty() => b.xor(a.constant, size)?,
            _ => return None,
        };
        Some(result.value())
    }

    fn new(value: &Value) -> Option<Self> {
        match value {
            Value::Symbol(symbol) => Some((**symbol).clone()),
            Value::Integer(constant) => Some(Self { constant: *constant, terms: vec![] }),
            _ => None,
        }
    }

    fn value(self) -> Value {
        if self.terms.is_empty() { Value::Integer(self.constant) } else { Value::Symbol(Rc::new(self)) }
    }

    fn combine(&self, other: &Self, sign: i64) -> Option<Self> {
        let mut sum = self.clone();
        sum.constant = sum.constant.checked_add(other.constant.checked_mul(sign)?)?;
        for (atom, coefficient) in &other.terms {
            sum.add_term(*atom, coefficient.checked_mul(sign)?)?;
        }
        Some(sum)
    }

    fn add_term(&mut self, atom: Atom, coefficient: i64) -> Option<()> {
        match self.terms.binary_search_by_key(&atom, |term| term.0) {
            Ok(at) => {
                let total = self.terms[at].1.checked_add(coefficient)?;
                if total == 0 {
                    self.terms.remove(at);
                } else {
                    self.terms[at].1 = total;
                }
            }
            Err(at) if coefficient != 0 => self.terms.insert(at, (atom, coefficient)),
            Err(_) => {}
        }
        Some(())
    }

    fn scale(&self, factor: i64) -> Option<Self> {
        let mut product = Self { constant: self.constant.checked_mul(factor)?, terms: vec![] };
        for (atom, coefficient) in &self.terms {
            product.add_term(*atom, coefficient.checked_mul(factor)?)?;
        }
        Some(product)
    }

    /// The only atom, if it stands alone with coefficient 1 beside the constant.
    fn single(&self) -> Option<(Atom, i64)> {
        match self.terms[..] {
            [(atom, 1)] => Some((atom, self.constant)),
            _ => None,
        }
    }

    /// `((⌊i/s⌋ + k) mod d + c) mod e`. With e | d the inner `mod` may go; with k = 0 and s·d = size there is none.
    fn modulo(&self, divisor: i64, size: i64) -> Option<Self> {
        let whole = self.collect(size);
        let (Atom::Digit { stride, radix, shift }, constant) = whole.single()? else { return None };
        let unreduced = shift == 0 && stride.checked_mul(radix)? == size;
        if divisor <= 0 || !(radix % divisor == 0 || unreduced) {
            return None;
        }
        let shift = shift.checked_add(constant)?.rem_euclid(divisor);
        Some(Self::atom(Atom::Digit { stride, radix: divisor, shift }))
    }

    /// `⌊(⌊i/s⌋ mod d) / e⌋ = ⌊i/(s·e)⌋ mod (d/e)` for e | d.
    fn quotient(&self, divisor: i64, size: i64) -> Option<Self> {
        let whole = self.collect(size);
        let (Atom::Digit { stride, radix, shift: 0 }, 0) = whole.single()? else { return None };
        let divides = divisor > 0 && radix % divisor == 0;
        let stride = stride.checked_mul(divisor)?;
        divides.then(|| Self::atom(Atom::Digit { stride, radix: radix / divisor, shift: 0 }))
    }

    fn xor(&self, mask: i64, size: i64) -> Option<Self> {
        match self.collect(size).single()? {
            _ if mask < 0 => None,
            (Atom::Xor(earlier), 0) => Some(Self::xor_atom(earlier ^ mask, size)),
            (Atom::Digit { stride: 1, radix, shift: 0 }, 0) if radix == size => {
                Some(Self::xor_atom(mask, size))
            }
            _ => None,
        }
    }

    fn xor_atom(mask: i64, size: i64) -> Self {
        Self::atom(if mask == 0 { Atom::Digit { stride: 1, radix: size, shift: 0 } } else { Atom::Xor(mask) })
    }

    /// Where unshifted digits put together give the rank, writes the rank for them.
    fn collect(&self, size: i64) -> Self {
        let digits: Vec<_> = self.terms.iter().filter_map(|term| unshifted(term, size)).collect();
        let complete = digits.len() > 1
            && digits.first().is_some_and(|first| first.0 == 1)
            && digits.windows(2).all(|pair| pair[0].0.checked_mul(pair[0].1) == Some(pair[1].0))
            && digits.last().is_some_and(|last| last.0.checked_mul(last.1) == Some(size));
        if !complete {
            return self.clone();
        }
        let mut rest = self.clone();
        rest.terms.retain(|term| unshifted(term, size).is_none());
        let rank = Atom::Digit { stride: 1, radix: size, shift: 0 };
        rest.add_term(rank, 1).map(|()| rest).unwrap_or_else(|| self.clone())
    }

    /// The move that this expression makes of the rank, if it is one.
    pub fn as_move(&self, size: u32) -> Option<Move> {
        let n = size as i64;
        if let Some((Atom::Xor(mask), 0)) = self.single() {
            let block = u64::try_from(mask).ok()?.checked_add(1)?.next_power_of_two();
            return (n as u64).is_multiple_of(block).then_some(Move::Xor(mask as u32));
        }
        let mut digits = Vec::new();
        let mut rest = Self { constant: self.constant, terms: vec![] };
        for &(atom, coefficient) in &self.terms {
            let Atom::Digit { stride, radix, shift } = atom else { return None };
            if shift != 0 {
                let is_digit = n % stride.checked_mul(radix)? == 0;
                if coefficient != stride || !is_digit {
                    return None;
                }
                digits.push(Digit { stride: stride as u32, radix: radix as u32, amount: shift as u32 });
            }
            rest.add_term(Atom::Digit { stride, radix, shift: 0 }, coefficient)?;
        }
        let back = rest.collect(n) == Self::rank(size);
        let disjoint = (1..digits.len()).all(|k| digits[..k].iter().all(|other| !overlap(*other, digits[k])));
        (back && disjoint).then_some(Move::Digits(digits))
    }
}

/// Stride and radix of `stride · (⌊i/stride⌋ mod radix)`.
fn unshifted((atom, coefficient): &(Atom, i64), size: i64) -> Option<(i64, i64)> {
    match *atom {
        Atom::Digit { stride, radix, shift: 0 } if stride == *coefficient && radix < size => {
            Some((stride, radix))
        }
        _ => None,
    }
}

/// Whether two digits share places, so that changing one changes the other.
fn overlap(a: Digit, b: Digit) -> bool {
    let end = |digit: Digit| digit.stride as u64 * digit.radix as u64;
    (a.stride as u64) < end(b) && (b.stride as u64) < end(a)
}

impl Move {
    /// Where the move takes a rank.
    pub fn apply(&self, rank: u32) -> u32 {
        match self {
            Self::Xor(mask) => rank ^ mask,
            Self::Digits(digits) => digits.iter().fold(rank, |rank, digit| {
                let old = rank / digit.stride % digit.radix;
                let new = ((old as u64 + digit.amount as u64) % digit.radix as u64) as u32;
                rank - old * digit.stride + new * digit.stride
            }),
        }
    }

    /// The group element that it adds, in any group that [`common_group`] made from moves with this among them.
    pub fn element(&self) -> Rank {
        Rank(match self {
            Self::Xor(mask) => *mask,
            Self::Digits(digits) => digits.iter().map(|digit| digit.amount * digit.stride).sum(),
        })
    }

    /// Adding `element` in `group`.
    pub fn new(group: &Group, element: Rank) -> Self {
        let mut stride = 1;
        let mut digits = Vec::new();
        for (&radix, &amount) in group.radices().iter().zip(&group.digits(element)).rev() {
            if amount > 0 {
                digits.push(Digit { stride, radix, amount });
            }
            stride *= radix;
        }
        Self::Digits(digits)
    }

    fn places(&self, reduce: bool) -> Vec<(u32, u32)> {
        match self {
            Self::Xor(mask) => (0..32).filter(|bit| mask >> bit & 1 == 1).map(|bit| (1 << bit, 2)).collect(),
            Self::Digits(digits) => digits.iter().map(|digit| digit.place(reduce)).collect(),
        }
    }
}

impl Digit {
    /// Its stride and radix. Adding a multiple of g, where g divides the radix, changes only the digit above g.
    fn place(self, reduce: bool) -> (u32, u32) {
        let common = if reduce { self.amount.gcd(&self.radix) } else { 1 };
        (self.stride * common, self.radix / common)
    }
}

/// Matrices that share a symmetry, written in one group; others as they are. A matrix without edges, and one with all
/// edges and equal weights, are invariant under every group.
pub fn in_one_group(phases: Vec<MixingMatrix>) -> Vec<MixingMatrix> {
    let mut matrices = Vec::with_capacity(phases.len());
    for phase in &phases {
        let MixingMatrix::Cayley(matrix) = phase else { return phases };
        matrices.push(matrix);
    }
    if matrices.windows(2).all(|pair| pair[0].group() == pair[1].group()) {
        return phases;
    }
    let particular = matrices.iter().filter(|matrix| !is_universal(matrix));
    let moves: Vec<Move> = particular.flat_map(|matrix| moves(matrix)).collect();
    match common_group(&moves, phases[0].size()) {
        Some(group) => {
            matrices.iter().map(|matrix| MixingMatrix::Cayley(rewritten(matrix, &group))).collect()
        }
        None => phases,
    }
}

/// Whether a matrix is the same however ranks are numbered.
pub fn is_universal(matrix: &CayleyMatrix) -> bool {
    let hops = matrix.hops();
    let complete = hops.len() + 1 == matrix.group().order() as usize;
    hops.is_empty() || complete && hops.windows(2).all(|pair| pair[0].1 == pair[1].1)
}

fn moves(matrix: &CayleyMatrix) -> impl Iterator<Item = Move> + '_ {
    matrix.hops().iter().map(|(hop, _)| Move::new(matrix.group(), *hop))
}

/// A matrix in another group in which its moves are additions.
fn rewritten(matrix: &CayleyMatrix, group: &Group) -> CayleyMatrix {
    let elements = moves(matrix).map(|hop| hop.element());
    let weights = matrix.hops().iter().map(|(_, weight)| weight.clone());
    // All hops of a complete matrix are all elements but 0 in any group.
    let hops = elements.zip(weights).collect();
    CayleyMatrix::new(group.clone(), matrix.self_weight().clone(), hops).unwrap_or_else(|| matrix.clone())
}

/// A group in which all the moves are additions: their digits must be the same or lie in disjoint places of one
/// mixed-radix system; places that nothing moves become digits of their own.
pub fn common_group<'m>(moves: impl IntoIterator<Item = &'m Move> + Clone, size: u32) -> Option<Group> {
    let of = |reduce| group_of(moves.clone().into_iter().flat_map(|one| one.places(reduce)).collect(), size);
    of(false).or_else(|| of(true))
}

fn group_of(places: BTreeSet<(u32, u32)>, size: u32) -> Option<Group> {
    let mut radices = Vec::new();
    let mut covered = 1u32;
    for (stride, radix) in places {
        if stride < covered || stride % covered != 0 {
            return None;
        }
        radices.extend([stride / covered, radix]);
        covered = stride.checked_mul(radix)?;
    }
    if !size.is_multiple_of(covered) {
        return None;
    }
    radices.push(size / covered);
    radices.retain(|&radix| radix > 1);
    radices.reverse();
    Group::new(radices)
}
