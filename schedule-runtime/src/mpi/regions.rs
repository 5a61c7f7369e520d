//! Memory that MPI may read where it lies: while a message is on its way, the message keeps it.

use crate::transport::Memory;
use std::collections::BTreeMap;
use std::ptr::NonNull;
use std::sync::{Arc, Weak};

/// The memory that this rank has allocated, by address.
#[derive(Default)]
pub(super) struct Regions(BTreeMap<usize, Region>);

struct Region {
    memory: Weak<Memory>,
    bytes: usize,
}

/// A part of a message.
pub(super) struct Place {
    pub(super) address: *const u8,
    pub(super) bytes: usize,
    /// The memory in which it lies, where MPI may read it.
    pub(super) memory: Option<Arc<Memory>>,
}

// SAFETY: the address is followed while the caller keeps what is sent, on whichever thread that is.
unsafe impl Send for Place {}

impl Regions {
    pub(super) fn allocate(&mut self, bytes: usize) -> Memory {
        self.0.retain(|_, region| region.memory.strong_count() > 0);
        let mut memory = Memory::ordinary(bytes);
        let address = NonNull::from(&mut *memory).cast::<u8>();
        let memory = Arc::new(memory);
        if bytes > 0 {
            self.0.insert(address.addr().get(), Region { memory: Arc::downgrade(&memory), bytes });
        }
        // SAFETY: so many bytes are valid as long as the owner lives, which nobody else reaches through Rust.
        unsafe { Memory::new(address, bytes, Box::new(memory)) }
    }

    pub(super) fn place(&self, part: &[u8]) -> Place {
        let (address, bytes) = (part.as_ptr(), part.len());
        let found = self.0.range(..=address.addr()).next_back();
        let memory = found
            .filter(|(start, region)| address.addr() + bytes <= *start + region.bytes)
            .and_then(|(_, region)| region.memory.upgrade());
        Place { address, bytes, memory }
    }
}
