//! Waiting for another process: as at the [bell of threads](crate::bell), with a futex that processes share.

use crate::bell::stay_awake;
use rustix::event::Timespec;
use rustix::thread::futex;
use std::sync::atomic::{AtomicU32, Ordering, fence};
use std::time::{Duration, Instant};

/// One thread waits at a bell; any process rings it after it has changed what the first waits for. Zeroed memory is a bell.
#[repr(C, align(128))]
pub(super) struct Bell {
    rung: AtomicU32,
    sleeping: AtomicU32,
}

impl Bell {
    /// Waits until `ready` says so; `false` where `deadline` passes first. `spins` is for the next time.
    pub(super) fn wait(&self, spins: &AtomicU32, deadline: Duration, ready: impl Fn() -> bool) -> bool {
        stay_awake(spins, &ready) || self.sleep(deadline, ready)
    }

    fn sleep(&self, deadline: Duration, ready: impl Fn() -> bool) -> bool {
        let start = Instant::now();
        let done = loop {
            let rung = self.rung.load(Ordering::SeqCst);
            self.sleeping.store(1, Ordering::SeqCst);
            // With the fence in `ring`: either this sees the change, or the ringer sees that we sleep.
            fence(Ordering::SeqCst);
            if ready() {
                break true;
            }
            let Some(left) = deadline.checked_sub(start.elapsed()).filter(|left| !left.is_zero()) else {
                break false;
            };
            let timeout = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() };
            // Rung, interrupted or late: what it was shows at the beginning.
            let _ = futex::wait(&self.rung, futex::Flags::empty(), rung, Some(&timeout));
        };
        self.sleeping.store(0, Ordering::SeqCst);
        done
    }

    /// Wakes the waiter, if it sleeps, to look again.
    pub(super) fn ring(&self) {
        fence(Ordering::SeqCst);
        if self.sleeping.load(Ordering::SeqCst) != 0 {
            self.rung.fetch_add(1, Ordering::SeqCst);
            // Waking fails at addresses that are none only.
            let _ = futex::wake(&self.rung, futex::Flags::empty(), 1);
        }
    }
}
