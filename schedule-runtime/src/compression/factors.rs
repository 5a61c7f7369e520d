//! What the ends of an edge compare their models along: a thin matrix for each tensor of a bucket, one after another.

use super::gossip;
use crate::bucket::Piece;
use crate::element::Element;
use crate::layout::Layout;
use crate::registers::BucketTensor;
use bfc_schedule::compression::LowRank;
use std::ops::Range;

/// The factors of one edge for the tensors of a bucket (PowerGossip: Vogels, Karimireddy and Jaggi, "Practical low-rank
/// communication compression in decentralized deep learning", 2020).
pub struct Factors(Vec<Piece>);

impl Factors {
    /// For vectors in a bucket of a layout.
    pub fn of_bucket(low_rank: LowRank, layout: &Layout, bucket: usize) -> Self {
        let tensors = layout.buckets()[bucket].tensors.iter();
        Self::new(low_rank, &tensors.map(|&index| BucketTensor::new(layout, index)).collect::<Vec<_>>())
    }

    pub(crate) fn new(low_rank: LowRank, tensors: &[BucketTensor]) -> Self {
        Self(Piece::of_edges(tensors, low_rank, 1))
    }

    /// The number of elements.
    pub fn elements(&self) -> usize {
        self.0.last().map_or(0, |piece| piece.factor.end)
    }

    /// Where those of each edge are among this number of elements.
    pub(crate) fn edges(&self, all: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let each = self.elements();
        (0..all / each.max(1)).map(move |edge| edge * each..(edge + 1) * each)
    }

    /// The first factors, drawn alike at both ends.
    pub fn start<T: Element>(&self, factor: &mut [T]) {
        self.0.iter().for_each(|piece| gossip::start(&mut factor[piece.factor.clone()]));
    }

    /// The vector's matrices times the factors.
    pub fn project<T: Element>(&self, x: &[T], factor: &[T], into: &mut [T]) {
        for Piece { elements, factor: place, sizes, .. } in &self.0 {
            let into = &mut into[place.clone()];
            gossip::project(*sizes, &x[elements.clone()], &factor[place.clone()], into);
        }
    }

    /// What the end with the higher rank has found less what the other has.
    pub fn difference<T: Element>(&self, mine_is_higher: bool, [mine, theirs]: [&[T]; 2], into: &mut [T]) {
        for Piece { factor: place, .. } in &self.0 {
            let found = [&mine[place.clone()], &theirs[place.clone()]];
            gossip::difference(mine_is_higher, found, &mut into[place.clone()]);
        }
    }

    /// `x` less the weighted differences, as far as the factors contain them.
    pub fn correct<T: Element>(&self, weight: f64, [factor, difference]: [&[T]; 2], x: &mut [T]) {
        for Piece { elements, factor: place, sizes, .. } in &self.0 {
            let along = [&factor[place.clone()], &difference[place.clone()]];
            gossip::correct(*sizes, weight, along, &mut x[elements.clone()]);
        }
    }
}
