//! Calls that move vectors between all ranks and compute nothing.

use super::descriptor::{Descriptor, Operation};
use super::number::COPY;
use super::{Call, CommunicateError, Communicator, NumberType, Numeric, Operand, SHORT};
use crate::error::RuntimeError;
use crate::exchange::{Bounds, Cut, Members, Message, Target, gather_rounds};
use crate::kernel;
use crate::transport::Transport;
use bfc_schedule::Rank;
use bytemuck::{cast_slice, cast_slice_mut};

/// Vectors of several ranks, one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Gathered<T> {
    /// All elements.
    pub values: Vec<T>,
    /// The number of elements of each rank.
    pub lengths: Vec<usize>,
}

impl<T> Gathered<T> {
    /// The memory of all elements.
    pub fn bytes(&self) -> &[u8]
    where
        T: Numeric,
    {
        cast_slice(&self.values)
    }

    /// The vectors, in order.
    pub fn parts(&self) -> impl Iterator<Item = &[T]> {
        let mut rest = self.values.as_slice();
        self.lengths.iter().map(move |&length| rest.split_off(..length).unwrap_or_default())
    }
}

impl<X: Transport + Send + 'static> Communicator<X> {
    /// Returns when all ranks have called it.
    ///
    /// # Errors
    /// Where ranks disagree, or a peer fails.
    pub fn barrier(&mut self) -> Result<(), CommunicateError> {
        self.call(Descriptor::new(Operation::Barrier, NumberType::U8, 0), Ok(()), |_, _| Ok(()))
    }

    /// `x ←` that of rank `root`. Lengths are equal on all ranks.
    ///
    /// # Errors
    /// Where `root` is out of range, ranks disagree, or a peer fails.
    pub fn broadcast<T: Numeric>(&mut self, x: &mut [T], root: Rank) -> Result<(), CommunicateError> {
        let mine = Descriptor { root: root.0, ..Descriptor::new(Operation::Broadcast, T::TYPE, x.len()) };
        let valid = in_range("root", root.0, self.size);
        self.call(mine, valid, |call, _| {
            let everyone = call.everyone();
            Ok(call.broadcast(everyone, root.0, T::TYPE, cast_slice_mut(x))?)
        })
    }

    /// The vectors of all ranks, in order of rank. Ranks may have different numbers of rows of `row` elements: the sizes of
    /// a tensor but for its first dimension, multiplied.
    ///
    /// # Errors
    /// Where `x` is not a whole number of rows, ranks disagree, or a peer fails.
    pub fn allgather<T: Numeric>(&mut self, x: &[T], row: usize) -> Result<Gathered<T>, CommunicateError> {
        let mine = Descriptor { row: row as u64, ..Descriptor::new(Operation::Allgather, T::TYPE, x.len()) };
        self.call(mine, whole(x.len(), row, ROW), |call, said| {
            let lengths: Vec<usize> = said.iter().map(|said| said.length as usize).collect();
            let mut values = vec![T::zeroed(); lengths.iter().sum()];
            let bounds = Bounds::of_lengths(lengths.iter().map(|length| length * size_of::<T>()));
            let members = call.everyone();
            let bytes: &mut [u8] = cast_slice_mut(&mut values);
            kernel::copy(&mut bytes[bounds.block(members.index)], cast_slice(x));
            call.slices(members, &gather_rounds(members.size), Cut { bytes, bounds, combine: COPY }, None)?;
            Ok(Gathered { values, lengths })
        })
    }

    /// Sends block j of `x` to rank j, and writes what rank i sends to block i; in place where source and target are one.
    /// Blocks have equal lengths, and `x` is one for each rank.
    ///
    /// # Errors
    /// Where the length is not a multiple of the number of ranks, ranks disagree, or a peer fails.
    pub fn all_to_all<'a, T: Numeric>(
        &mut self,
        x: impl Into<Operand<'a, T>>,
    ) -> Result<(), CommunicateError> {
        let x = x.into().bytes();
        let valid = x.check().and_then(|()| whole(x.len(), self.size as usize, "the number of ranks"));
        self.call(Descriptor::new(Operation::AllToAll, x.number, x.len()), valid, |call, _| {
            let copy: Vec<u8>;
            let source = match x.source {
                Some(source) => source,
                None => {
                    copy = x.target.to_vec();
                    &copy
                }
            };
            Ok(call.all_to_all(source, x.target)?)
        })
    }
}

/// What divides the lengths of vectors of rows.
pub(super) const ROW: &str = "the elements of a row";

/// A rank or a machine that there is.
pub(super) fn in_range(role: &'static str, found: u32, size: u32) -> Result<(), CommunicateError> {
    match found < size {
        true => Ok(()),
        false => Err(CommunicateError::OutOfRange { role, found, size }),
    }
}

/// A length that `divisor` divides.
pub(super) fn whole(length: usize, divisor: usize, what: &'static str) -> Result<(), CommunicateError> {
    match length.is_multiple_of(divisor) {
        true => Ok(()),
        false => Err(CommunicateError::Uneven { length, divisor, what }),
    }
}

/// The children of a node in the tree that a short broadcast goes down.
const CHILDREN: u32 = 8;

impl<X: Transport> Call<'_, X> {
    /// Short bytes go down a tree. Of long ones each member gets a block, and the blocks are gathered, so that the root
    /// sends little more than the vector, whatever the number of members.
    pub(super) fn broadcast(
        &mut self,
        members: Members<'_>,
        root: u32,
        number: NumberType,
        bytes: &mut [u8],
    ) -> Result<(), RuntimeError> {
        if bytes.len() <= SHORT {
            return self.broadcast_down(members, root, bytes);
        }
        let bounds = Bounds::even(bytes.len(), number.bytes(), members.size);
        self.scatter(members, root, &bounds, bytes)?;
        let cut = Cut { bytes, bounds, combine: COPY };
        self.slices(members, &gather_rounds(members.size), cut, Some(root))
    }

    fn broadcast_down(
        &mut self,
        members: Members<'_>,
        root: u32,
        bytes: &mut [u8],
    ) -> Result<(), RuntimeError> {
        let exchange = self.wire.start();
        let position = members.behind(root);
        let rank = |position: u32| members.rank(members.seen_from(root).ahead(position));
        if position > 0 {
            let receive = Some((rank((position - 1) / CHILDREN), vec![0]));
            let message = Message { round: position, receive, send: None };
            self.wire.messages((exchange, &self.place), &[message], &mut [Target::copy(bytes)])?;
        }
        let bytes = &*bytes;
        let children =
            (1..=CHILDREN).map(|child| u64::from(position) * u64::from(CHILDREN) + u64::from(child));
        let children = children.take_while(|child| *child < u64::from(members.size));
        let send = |child: u64| {
            let send = Some((rank(child as u32), vec![bytes]));
            Message { round: child as u32, send, receive: None }
        };
        let messages: Vec<_> = children.map(send).collect();
        self.wire.messages((exchange, &self.place), &messages, &mut [])
    }

    /// To each member its block.
    fn scatter(
        &mut self,
        members: Members<'_>,
        root: u32,
        bounds: &Bounds<'_>,
        bytes: &mut [u8],
    ) -> Result<(), RuntimeError> {
        if members.index != root {
            let receive = Some((members.rank(root), vec![0]));
            let message = Message { round: members.behind(root), receive, send: None };
            let own = &mut bytes[bounds.block(members.index)];
            return self.messages(&[message], &mut [Target::copy(own)]);
        }
        let bytes = &*bytes;
        let send = |round: u32| {
            let to = members.ahead(round);
            let send = Some((members.rank(to), vec![&bytes[bounds.block(to)]]));
            Message { round, send, receive: None }
        };
        let messages: Vec<_> = (1..members.size).map(send).collect();
        self.messages(&messages, &mut [])
    }

    fn all_to_all(&mut self, source: &[u8], target: &mut [u8]) -> Result<(), RuntimeError> {
        let members = self.everyone();
        let bounds = Bounds::even(source.len(), 1, members.size);
        let own = bounds.block(members.index);
        target[own.clone()].copy_from_slice(&source[own]);
        let block = source.len() / members.size as usize;
        if block == 0 {
            return Ok(());
        }
        let mut targets: Vec<_> = target.chunks_exact_mut(block).map(Target::copy).collect();
        let message = |round: u32| {
            let (to, from) = (members.ahead(round), members.behind(round));
            let send = Some((members.rank(to), vec![&source[bounds.block(to)]]));
            Message { round, send, receive: Some((members.rank(from), vec![from as usize])) }
        };
        let messages: Vec<_> = (1..members.size).map(message).collect();
        self.messages(&messages, &mut targets)
    }
}
