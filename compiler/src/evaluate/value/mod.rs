//! Values of the language: exact numbers, truth values, codecs, topologies, and lists that are cheap to copy, cut and extend.

pub mod builtin;
pub mod call;
pub mod codec;
mod eigenvalues;
pub(crate) mod expect;
mod expression;
pub(in crate::evaluate) mod matching;
pub mod number;

pub(in crate::evaluate) use expression::written;

use super::topology::construction::Construction;
use super::topology::structure::Symbol;
use crate::builtin_names::BEST;
use bfc_schedule::{Codec, Rational};
use std::cell::{Ref, RefCell};
use std::cmp::Ordering;
use std::fmt;
use std::rc::Rc;

/// What an expression has for a value.
#[derive(Clone, Debug)]
pub enum Value {
    /// An integer that fits; the only form of such an integer.
    Integer(i64),
    /// Any other number.
    Number(Rc<Rational>),
    /// `true` or `false`.
    Truth(bool),
    /// A list.
    List(List),
    /// How vectors are compressed.
    Codec(Codec),
    /// The best value that is proved, of a parameter of an algorithm.
    Best,
    /// A topology, whose phases are computed when they are needed.
    Topology(Rc<Construction>),
    /// A number that depends on the rank in a known way (see [`super::topology::structure`]).
    Symbol(Rc<Symbol>),
}

/// A list: a range of integers, or a part of a shared buffer. Appending to a list that ends where its buffer ends
/// extends the buffer in place, which no other list can see.
#[derive(Clone)]
pub struct List(Cells);

#[derive(Clone)]
enum Cells {
    Range { start: i64, len: u32 },
    Part { buffer: Rc<Buffer>, start: u32, end: u32 },
}

/// Cells and how deep lists may nest in them. Only shallower values are pushed in place, so no buffer can come to
/// hold itself.
struct Buffer {
    cells: RefCell<Vec<Value>>,
    depth: u8,
}

/// How deep lists and topologies may nest.
pub const LIST_DEPTH: u8 = 64;

impl Value {
    /// The value of a number.
    pub fn number(value: Rational) -> Self {
        match value.to_i64() {
            Some(small) => Self::Integer(small),
            None => Self::Number(Rc::new(value)),
        }
    }

    /// The number, if it is one.
    pub fn as_number(&self) -> Option<Rational> {
        match self {
            Self::Integer(value) => Some(Rational::integer(*value)),
            Self::Number(value) => Some((**value).clone()),
            _ => None,
        }
    }

    /// The integer, if it is one and fits.
    pub fn as_integer(&self) -> Option<i64> {
        if let Self::Integer(value) = self { Some(*value) } else { None }
    }

    /// Whether it is a number.
    pub fn is_number(&self) -> bool {
        matches!(self, Self::Integer(_) | Self::Number(_))
    }

    /// A list of values, or `None` if lists would nest too deeply.
    pub fn list(values: Vec<Value>) -> Option<Self> {
        List::new(values).map(Self::List)
    }

    /// The kind of the value, with an article.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Integer(_) | Self::Number(_) | Self::Symbol(_) => "a number",
            Self::Truth(_) => "a truth value",
            Self::List(_) => "a list",
            Self::Codec(_) => "a codec",
            Self::Best => "`best`",
            Self::Topology(_) => "a topology",
        }
    }

    /// Whether two values are the same; `None` where they are of different kinds or not known.
    pub fn same(&self, other: &Self) -> Option<bool> {
        match (self, other) {
            (Self::Truth(a), Self::Truth(b)) => Some(a == b),
            (Self::Codec(a), Self::Codec(b)) => Some(a == b),
            _ => self.order(other).map(Ordering::is_eq),
        }
    }

    /// The order of numbers, and of lists as in a dictionary; `None` for anything else.
    pub fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => Some(a.cmp(b)),
            (Self::List(a), Self::List(b)) => a.order(b),
            _ => Some(self.as_number()?.cmp(&other.as_number()?)),
        }
    }

    /// Some order of all values, the same as [`order`](Self::order) where that is one.
    pub fn total_order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::List(a), Self::List(b)) => {
                let differs =
                    a.iter().zip(b.iter()).map(|(a, b)| a.total_order(&b)).find(|order| order.is_ne());
                differs.unwrap_or(a.len().cmp(&b.len()))
            }
            _ => self.same_kind_order(other).unwrap_or_else(|| self.kind().cmp(other.kind())),
        }
    }

    fn same_kind_order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Truth(a), Self::Truth(b)) => Some(a.cmp(b)),
            (Self::Symbol(_), Self::Symbol(_))
            | (Self::Topology(_), Self::Topology(_))
            | (Self::Best, Self::Best) => Some(Ordering::Equal),
            (Self::Symbol(_), other) if other.is_number() => Some(Ordering::Less),
            (_, Self::Symbol(_)) if self.is_number() => Some(Ordering::Greater),
            _ => self.order(other),
        }
    }

    /// How deep lists and topologies nest in it.
    pub(in crate::evaluate) fn depth(&self) -> u8 {
        match self {
            Self::List(list) => list.depth(),
            Self::Topology(topology) => topology.depth(),
            _ => 0,
        }
    }
}

impl List {
    /// The list of these values, or `None` if lists would nest too deeply.
    pub fn new(values: Vec<Value>) -> Option<Self> {
        let depth = 1 + values.iter().map(Value::depth).max().unwrap_or(0);
        let end = u32::try_from(values.len()).ok()?;
        let buffer = Rc::new(Buffer { cells: RefCell::new(values), depth });
        (depth <= LIST_DEPTH).then_some(Self(Cells::Part { buffer, start: 0, end }))
    }

    /// `start..end`; empty where `end` is not above `start`, `None` where it is too long.
    pub fn range(start: i64, end: i64) -> Option<Self> {
        let len = u32::try_from(end.checked_sub(start)?.max(0)).ok()?;
        Some(Self(Cells::Range { start, len }))
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        match &self.0 {
            Cells::Range { len, .. } => *len as usize,
            Cells::Part { start, end, .. } => (end - start) as usize,
        }
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The element at an index below [`len`](Self::len).
    pub fn get(&self, index: usize) -> Value {
        match &self.0 {
            Cells::Range { start, .. } => Value::Integer(start + index as i64),
            Cells::Part { buffer, start, .. } => buffer.cells.borrow()[*start as usize + index].clone(),
        }
    }

    /// The elements in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Value> + ExactSizeIterator + '_ {
        (0..self.len()).map(|index| self.get(index))
    }

    /// The elements from `from` up to `to`, which is at most [`len`](Self::len).
    pub fn slice(&self, from: usize, to: usize) -> Self {
        let (from, to) = (from.min(to) as u32, to as u32);
        Self(match &self.0 {
            Cells::Range { start, .. } => Cells::Range { start: start + from as i64, len: to - from },
            Cells::Part { buffer, start, .. } => {
                Cells::Part { buffer: buffer.clone(), start: start + from, end: start + to }
            }
        })
    }

    /// This list followed by another, with the number of cells written; `None` if the result is too long.
    pub fn append(&self, other: &List) -> Option<(List, usize)> {
        let total = u32::try_from(self.len() + other.len()).ok()?;
        if other.is_empty() {
            return Some((self.clone(), 0));
        }
        if let Cells::Part { buffer, start, end } = &self.0 {
            let last = buffer.cells.borrow().len() == *end as usize;
            if last && other.depth() <= buffer.depth && start.checked_add(total).is_some() {
                let added: Vec<Value> = other.iter().collect();
                buffer.cells.borrow_mut().extend(added);
                let end = start + total;
                return Some((Self(Cells::Part { buffer: buffer.clone(), start: *start, end }), other.len()));
            }
        }
        let cells = self.iter().chain(other.iter()).collect();
        Some((List::new(cells)?, total as usize))
    }

    /// Whether it is known to hold no symbols: a range of integers.
    pub fn is_range(&self) -> bool {
        matches!(self.0, Cells::Range { .. })
    }

    /// Whether it is `0..len`, kept as a range.
    pub fn is_ranks(&self, size: u32) -> bool {
        matches!(self.0, Cells::Range { start: 0, len } if len == size)
    }

    fn depth(&self) -> u8 {
        match &self.0 {
            Cells::Range { .. } => 1,
            Cells::Part { buffer, .. } => buffer.depth,
        }
    }

    /// The elements where they lie, unless they are a range.
    fn cells(&self) -> Option<Ref<'_, [Value]>> {
        match &self.0 {
            Cells::Range { .. } => None,
            Cells::Part { buffer, start, end } => {
                Some(Ref::map(buffer.cells.borrow(), |cells| &cells[*start as usize..*end as usize]))
            }
        }
    }

    fn order(&self, other: &List) -> Option<Ordering> {
        if let (Some(a), Some(b)) = (self.cells(), other.cells()) {
            for (a, b) in a.iter().zip(b.iter()) {
                match a.order(b)? {
                    Ordering::Equal => {}
                    different => return Some(different),
                }
            }
            return Some(a.len().cmp(&b.len()));
        }
        for (a, b) in self.iter().zip(other.iter()) {
            match a.order(&b)? {
                Ordering::Equal => {}
                different => return Some(different),
            }
        }
        Some(self.len().cmp(&other.len()))
    }
}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 8;
        f.write_str("[")?;
        for (index, value) in self.iter().take(SHOWN).enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            write!(f, "{comma}{value}")?;
        }
        if self.len() > SHOWN {
            write!(f, ", … {} more", self.len() - SHOWN)?;
        }
        f.write_str("]")
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => value.fmt(f),
            Self::Number(value) if value.bits() > 256 => {
                let integer = if value.is_integer() { "an integer" } else { "a fraction" };
                write!(f, "{integer} of {} bits", value.bits())
            }
            Self::Number(value) => f.write_str(&value.readable()),
            Self::Truth(value) => value.fmt(f),
            Self::List(list) => list.fmt(f),
            Self::Codec(codec) => codec.fmt(f),
            Self::Best => f.write_str(BEST),
            Self::Topology(topology) => write!(f, "the topology `{}`", topology.name()),
            Self::Symbol(_) => f.write_str("a number that depends on the rank"),
        }
    }
}
