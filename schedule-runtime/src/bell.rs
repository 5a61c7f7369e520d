//! Waiting: a thread stays awake for a moment, then sleeps until its bell is rung.
//!
//! How long it spins follows from how it went before: where the other side runs on another core, spinning is fastest;
//! where it waits for this core, every turn is lost.

use crate::sync::{AtomicBool, AtomicU32, Condvar, Mutex, Ordering, fence, yield_now};
use std::time::{Duration, Instant};

/// The bounds of the turns that only pause the core, and how long the core is then offered to other threads: about what it
/// takes to be woken.
#[cfg(not(feature = "loom"))]
const AWAKE: (u32, u32, Duration) = (1, 64, Duration::from_micros(50));
#[cfg(feature = "loom")]
const AWAKE: (u32, u32, Duration) = (0, 0, Duration::ZERO);

/// Whether `ready` says so soon; `spins` are the turns that were worth it the last time.
pub(crate) fn stay_awake(spins: &AtomicU32, ready: impl Fn() -> bool) -> bool {
    let (least, most, offered) = AWAKE;
    let turns = spins.load(Ordering::Relaxed).clamp(least, most);
    for _ in 0..turns {
        if ready() {
            spins.store(2 * turns, Ordering::Relaxed);
            return true;
        }
        std::hint::spin_loop();
    }
    spins.store(turns / 2, Ordering::Relaxed);
    let start = Instant::now();
    while start.elapsed() < offered {
        yield_now();
        if ready() {
            return true;
        }
    }
    false
}

/// One thread waits at a bell; any thread rings it after it has changed what the first waits for.
#[derive(Default)]
pub struct Bell {
    sleeping: AtomicBool,
    /// Turns to spin the next time.
    spins: AtomicU32,
    mutex: Mutex<()>,
    condvar: Condvar,
}

impl Bell {
    /// Waits until `ready` says so; `false` where `deadline` passes first.
    pub fn wait(&self, deadline: Duration, ready: impl Fn() -> bool) -> bool {
        stay_awake(&self.spins, &ready) || self.sleep(deadline, ready)
    }

    fn sleep(&self, deadline: Duration, ready: impl Fn() -> bool) -> bool {
        let start = Instant::now();
        let mut guard = self.mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let done = loop {
            self.sleeping.store(true, Ordering::SeqCst);
            // With the fence in `ring`: either this sees the change, or the ringer sees that we sleep.
            fence(Ordering::SeqCst);
            if ready() {
                break true;
            }
            let Some(left) = deadline.checked_sub(start.elapsed()).filter(|left| !left.is_zero()) else {
                break false;
            };
            guard = match self.condvar.wait_timeout(guard, left) {
                Ok((guard, _)) => guard,
                Err(poisoned) => poisoned.into_inner().0,
            };
        };
        self.sleeping.store(false, Ordering::SeqCst);
        done
    }

    /// Wakes the waiter, if it sleeps, to look again.
    pub fn ring(&self) {
        fence(Ordering::SeqCst);
        if self.sleeping.load(Ordering::SeqCst) {
            drop(self.mutex.lock());
            self.condvar.notify_one();
        }
    }
}
