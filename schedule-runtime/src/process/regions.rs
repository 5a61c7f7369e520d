//! The memory that ranks share with each other: each region a file of its own, because a file has one size for ever, and
//! because after a fault one region leaves without the others.
//!
//! A peer gets the file of a region before the first message that names it, over their connection:
//!
//! ```text
//! number of the region: u64   bytes: u64, 0 where it is no more     and the file
//! ```

use super::board::Place;
use super::link;
use crate::mapping::{Mapping, Pages, file};
use crate::transport::{Fault, Memory};
use bfc_schedule::Rank;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Weak};

const RECORD: usize = 16;

/// The regions of this rank and of its peers.
#[derive(Default)]
pub(super) struct Regions {
    /// By address.
    own: BTreeMap<usize, Region>,
    /// The number of the last one of its own.
    last: u64,
    theirs: BTreeMap<(Rank, u64), Mapping>,
}

struct Region {
    number: u64,
    file: OwnedFd,
    mapping: Weak<Mapping>,
    bytes: usize,
    /// Who has got the file.
    shown: BTreeSet<Rank>,
}

impl Regions {
    pub(super) fn allocate(&mut self, bytes: usize, links: &BTreeMap<Rank, OwnedFd>) -> io::Result<Memory> {
        self.forget_freed(links);
        let length = bytes.max(1);
        let file = file(length)?;
        let mapping = Arc::new(Mapping::new(&file, length, Pages::Now)?);
        let address = mapping.address();
        self.last += 1;
        let region = Region {
            number: self.last,
            file,
            mapping: Arc::downgrade(&mapping),
            bytes: length,
            shown: BTreeSet::new(),
        };
        self.own.insert(address.addr().get(), region);
        // SAFETY: so many bytes are mapped as long as the owner lives. Peers reach them while they are sent or exchanged in
        // place only, when this rank does not write to them.
        Ok(unsafe { Memory::new(address, bytes, Box::new(mapping)) })
    }

    /// Lets peers free what this rank has freed.
    fn forget_freed(&mut self, links: &BTreeMap<Rank, OwnedFd>) {
        self.own.retain(|_, region| {
            let is_mapped = region.mapping.strong_count() > 0;
            if !is_mapped {
                for link in region.shown.iter().filter_map(|peer| links.get(peer)) {
                    // A peer that does not get it keeps the memory until it ends.
                    let _ = link::send(link, &record(region.number, 0), None);
                }
            }
            is_mapped
        });
    }

    /// Where `peer` finds these bytes, if they are shared: it has got the file. Also the key of the region.
    pub(super) fn place(
        &mut self,
        address: *const u8,
        bytes: usize,
        peer: Rank,
        link: &OwnedFd,
    ) -> Option<(Place, usize)> {
        let (&key, region) = self.own.range_mut(..=address.addr()).next_back()?;
        let offset = address.addr() - key;
        if offset + bytes > region.bytes || region.mapping.strong_count() == 0 {
            return None;
        }
        if !region.shown.contains(&peer) {
            let record = record(region.number, region.bytes as u64);
            link::send(link, &record, Some(region.file.as_fd())).ok()?;
            region.shown.insert(peer);
        }
        Some((Place { region: region.number, offset: offset as u64, bytes: bytes as u64 }, key))
    }

    /// Takes a region back from all peers, without waiting for them: what they do with it does not reach this rank any more.
    pub(super) fn take_back(&mut self, key: usize) {
        let Some(region) = self.own.get_mut(&key) else { return };
        let Some(mapping) = region.mapping.upgrade() else { return };
        match mapping.replace() {
            Ok(file) => {
                self.last += 1;
                (region.file, region.number) = (file, self.last);
                region.shown.clear();
            }
            // It cannot go on with memory that a peer may still change.
            Err(_) => std::alloc::handle_alloc_error(std::alloc::Layout::new::<Region>()),
        }
    }

    /// The address of a place that `peer` has named.
    pub(super) fn of_peer(&mut self, peer: Rank, place: Place, link: &OwnedFd) -> Result<*mut u8, Fault> {
        let refused = |reason: String| Fault::System { peer, reason };
        let key = (peer, place.region);
        if !self.theirs.contains_key(&key) {
            self.read(peer, link).map_err(|error| refused(error.to_string()))?;
        }
        let unknown = || refused("it names memory that it has not shared".to_owned());
        let mapping = self.theirs.get(&key).ok_or_else(unknown)?;
        let end = place.offset.checked_add(place.bytes);
        if end.is_none_or(|end| end > mapping.bytes() as u64) {
            return Err(refused(format!("it names memory outside of what it has shared: {place:?}")));
        }
        // SAFETY: it is inside of the mapping.
        Ok(unsafe { mapping.address().as_ptr().add(place.offset as usize) })
    }

    /// Maps what the peer has shared since, and frees what it has freed. It may have left.
    fn read(&mut self, peer: Rank, link: &OwnedFd) -> io::Result<()> {
        loop {
            let (record, file) = match link::receive::<RECORD>(link) {
                Ok(Some(received)) => received,
                Ok(None) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
                // Said once where it has left without reading all; what it has sent follows.
                Err(error) if error.kind() == ErrorKind::ConnectionReset => continue,
                Err(error) => return Err(error),
            };
            let number = |at: usize| u64::from_le_bytes(std::array::from_fn(|byte| record[at + byte]));
            let key = (peer, number(0));
            match file {
                Some(file) => {
                    let bytes = usize::try_from(number(8)).map_err(|_| ErrorKind::InvalidData)?;
                    self.theirs.insert(key, Mapping::of_peer(file, bytes, Pages::Now)?);
                }
                None => drop(self.theirs.remove(&key)),
            }
        }
    }
}

fn record(number: u64, bytes: u64) -> Vec<u8> {
    [number, bytes].map(u64::to_le_bytes).concat()
}
