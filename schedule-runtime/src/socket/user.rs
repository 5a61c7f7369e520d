//! Which user and which process is at the other end of a socket.

use rustix::process::{Pid, geteuid};
use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// Who connected, or began to listen.
pub(crate) struct Peer {
    /// The number of its user.
    pub(crate) user: u32,
    /// The process; `None` where it lives in another container.
    pub(crate) process: Option<Pid>,
}

/// This process's user.
pub(crate) fn own() -> u32 {
    geteuid().as_raw()
}

/// Rustix has this call, but its process number may not be 0, which it is where the peer lives in another container.
pub(crate) fn of_peer(socket: impl AsFd) -> io::Result<Peer> {
    let mut credentials = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut length = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: the descriptor is open, and the kernel writes at most `length` bytes to `credentials`, whose fields may be any
    // numbers.
    let result = unsafe {
        libc::getsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut credentials).cast(),
            &raw mut length,
        )
    };
    match result {
        0 => Ok(Peer { user: credentials.uid, process: Pid::from_raw(credentials.pid) }),
        _ => Err(io::Error::last_os_error()),
    }
}
