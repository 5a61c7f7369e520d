//! Waiting: a thread spins for a moment, then sleeps until its bell is rung.

use crate::sync::{AtomicBool, Condvar, Mutex, Ordering, fence};
use std::time::{Duration, Instant};

/// One thread waits at a bell; any thread rings it after it has changed what the first waits for.
#[derive(Default)]
pub struct Bell {
    sleeping: AtomicBool,
    mutex: Mutex<()>,
    condvar: Condvar,
}

/// How long a wait stays awake before it sleeps.
#[derive(Clone, Copy, Debug)]
pub struct Wakeful {
    /// Turns that only pause the core.
    pub spins: u32,
    /// Turns that then give the core to another thread.
    pub yields: u32,
}

impl Bell {
    /// Waits until `ready` says so; `false` where `deadline` passes first.
    pub fn wait(&self, wakeful: Wakeful, deadline: Duration, ready: impl Fn() -> bool) -> bool {
        for _ in 0..wakeful.spins {
            if ready() {
                return true;
            }
            std::hint::spin_loop();
        }
        for _ in 0..wakeful.yields {
            if ready() {
                return true;
            }
            crate::sync::yield_now();
        }
        self.sleep(deadline, ready)
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
