//! Which user a process at the other end of a socket belongs to.

use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

/// This process's.
pub(super) fn own() -> u32 {
    // SAFETY: it has no preconditions and does not fail.
    unsafe { libc::geteuid() }
}

/// The user that connected, or began to listen. Rustix has this call, but its process number may not be 0, which it is
/// where the peer lives in another container.
pub(super) fn of_peer(stream: &UnixStream) -> io::Result<u32> {
    let mut credentials = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut length = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: the descriptor is open, and the kernel writes at most `length` bytes to `credentials`, whose fields may be any
    // numbers.
    let result = unsafe {
        libc::getsockopt(
            stream.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut credentials).cast(),
            &raw mut length,
        )
    };
    match result {
        0 => Ok(credentials.uid),
        _ => Err(io::Error::last_os_error()),
    }
}
