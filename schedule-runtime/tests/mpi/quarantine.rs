//! The allocator of this program. While it watches, nothing that is freed is used again, so that a write to freed memory is
//! seen, and it knows how much of what was allocated meanwhile is not freed.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicUsize};

#[global_allocator]
static ALLOCATOR: Quarantine = Quarantine;

struct Quarantine;

/// Bytes from which on a block is watched: all memory that MPI is given has more.
const LEAST: usize = 512;
/// The most blocks that are freed while it watches.
const ROOM: usize = 1 << 14;
const FREED: u8 = 0xEE;

static WATCHES: AtomicBool = AtomicBool::new(false);
static LIVE: AtomicIsize = AtomicIsize::new(0);
static COUNT: AtomicUsize = AtomicUsize::new(0);
static BLOCKS: [[AtomicUsize; 2]; ROOM] = [const { [const { AtomicUsize::new(0) }; 2] }; ROOM];

// SAFETY: it is the system's, which does not get back what is freed while this watches.
unsafe impl GlobalAlloc for Quarantine {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if WATCHES.load(Relaxed) && layout.size() >= LEAST {
            LIVE.fetch_add(layout.size() as isize, Relaxed);
        }
        // SAFETY: the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, address: *mut u8, layout: Layout) {
        if !WATCHES.load(Relaxed) || layout.size() < LEAST {
            // SAFETY: the caller's.
            return unsafe { System.dealloc(address, layout) };
        }
        LIVE.fetch_sub(layout.size() as isize, Relaxed);
        let block = &BLOCKS[COUNT.fetch_add(1, Relaxed)];
        // SAFETY: the block is freed, and nobody gets it again.
        unsafe { address.write_bytes(FREED, layout.size()) };
        block[1].store(layout.size(), Relaxed);
        block[0].store(address.expose_provenance(), Relaxed);
    }
}

/// Watches from now on.
pub fn watch() {
    WATCHES.store(true, Relaxed);
}

/// The bytes that were allocated since it watches, and are not freed.
pub fn live() -> isize {
    LIVE.load(Relaxed)
}

/// Looks whether anybody has written to what was freed.
pub fn check() {
    for [address, bytes] in &BLOCKS[..COUNT.load(Relaxed)] {
        let (address, bytes) = (address.load(Relaxed), bytes.load(Relaxed));
        // SAFETY: the block is kept, and was written when it was freed.
        let block: &[u8] =
            unsafe { std::slice::from_raw_parts(std::ptr::with_exposed_provenance(address), bytes) };
        assert!(
            block.iter().all(|&byte| byte == FREED),
            "a block of {bytes} bytes is written after it was freed"
        );
    }
}
