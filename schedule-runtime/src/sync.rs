//! The synchronisation that the lock-free parts are built on: of the standard library, or of loom when it checks them.

#[cfg(feature = "loom")]
pub(crate) use loom::{
    cell::UnsafeCell,
    sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering, fence},
    sync::{Arc, Condvar, Mutex},
    thread::yield_now,
};
#[cfg(not(feature = "loom"))]
pub(crate) use std::{
    sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering, fence},
    sync::{Arc, Condvar, Mutex},
    thread::yield_now,
};

/// `std::cell::UnsafeCell` with loom's interface, which sees every access begin and end.
#[cfg(not(feature = "loom"))]
#[derive(Default)]
pub(crate) struct UnsafeCell<M>(std::cell::UnsafeCell<M>);

#[cfg(not(feature = "loom"))]
impl<M> UnsafeCell<M> {
    pub(crate) fn new(value: M) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    #[inline]
    pub(crate) fn with<R>(&self, access: impl FnOnce(*const M) -> R) -> R {
        access(self.0.get())
    }

    #[inline]
    pub(crate) fn with_mut<R>(&self, access: impl FnOnce(*mut M) -> R) -> R {
        access(self.0.get())
    }
}
