//! Files as memory: those without a name that processes share, whose size is sealed, and those that a rank leaves its
//! [trace](crate::trace) in.

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, fstat, ftruncate, memfd_create};
use rustix::mm::{MapFlags, MremapFlags, MsyncFlags, ProtFlags, mmap, mremap_fixed, msync, munmap};
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, OwnedFd};
use std::ptr::{NonNull, null_mut};

/// Mapped bytes. Other processes may read and write them: they are reached by raw pointers, or through what is made for it.
pub(crate) struct Mapping {
    address: NonNull<u8>,
    bytes: usize,
}

// SAFETY: it is an address and a length; who follows the address answers for it.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

/// When pages get their memory.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pages {
    /// At once, so that the first use is as fast as the others.
    Now,
    /// When they are touched: most never are.
    WhenTouched,
}

/// A new file of zeros that never has another size.
pub(crate) fn file(bytes: usize) -> io::Result<OwnedFd> {
    let file = memfd_create("bfc", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    ftruncate(&file, bytes as u64)?;
    fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
    Ok(file)
}

impl Mapping {
    /// A file of this process.
    pub(crate) fn new(file: impl AsFd, bytes: usize, pages: Pages) -> io::Result<Self> {
        let flags = match pages {
            Pages::Now => MapFlags::SHARED | MapFlags::POPULATE,
            Pages::WhenTouched => MapFlags::SHARED | MapFlags::NORESERVE,
        };
        // SAFETY: a new mapping is at no address that is in use.
        let address = unsafe { mmap(null_mut(), bytes, ProtFlags::READ | ProtFlags::WRITE, flags, file, 0) }?;
        let address = NonNull::new(address.cast()).ok_or(ErrorKind::OutOfMemory)?;
        Ok(Self { address, bytes })
    }

    /// A file that a peer says is so long. One that is shorter, or could become so, would kill who reads it.
    pub(crate) fn of_peer(file: impl AsFd, bytes: usize, pages: Pages) -> io::Result<Self> {
        let sealed = fcntl_get_seals(&file).unwrap_or(SealFlags::empty()).contains(SealFlags::SHRINK);
        if !sealed || bytes == 0 || fstat(&file)?.st_size as u64 != bytes as u64 {
            return Err(io::Error::new(
                ErrorKind::InvalidData,
                format!("it shares no {bytes} bytes of memory"),
            ));
        }
        Self::new(file, bytes, pages)
    }

    pub(crate) fn address(&self) -> NonNull<u8> {
        self.address
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Writes what has changed to the disk of the file, for readers on other machines.
    pub(crate) fn sync(&self) -> io::Result<()> {
        // SAFETY: so many bytes are mapped there; none of them is changed.
        Ok(unsafe { msync(self.address.as_ptr().cast(), self.bytes, MsyncFlags::SYNC) }?)
    }

    /// Puts a copy of these bytes in their place, in another file: who has mapped the first reads and writes that from now on.
    pub(crate) fn replace(&self) -> io::Result<OwnedFd> {
        let file = file(self.bytes)?;
        let copy = Self::new(&file, self.bytes, Pages::Now)?;
        // SAFETY: both are mapped and as long. A peer may be writing; then a word is old or new.
        unsafe { std::ptr::copy_nonoverlapping(self.address.as_ptr(), copy.address.as_ptr(), self.bytes) };
        let [from, to] = [&copy, self].map(|mapping| mapping.address.as_ptr().cast());
        // SAFETY: the copy moves from an address that nobody knows over one whose bytes are the same.
        unsafe { mremap_fixed(from, self.bytes, self.bytes, MremapFlags::MAYMOVE, to) }?;
        std::mem::forget(copy);
        Ok(file)
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: nobody uses the address any more: `self` gave it.
        let result = unsafe { munmap(self.address.as_ptr().cast(), self.bytes) };
        debug_assert!(result.is_ok(), "{result:?}");
    }
}
