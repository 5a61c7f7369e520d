//! Sockets in directories whose paths are longer than the 107 bytes that an address has room for.

use rustix::io::Errno;
use rustix::net::SocketAddrUnix;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;

/// Calls `body` with a path of the socket that is short enough: one that is not goes by way of a descriptor of its
/// directory, which is open meanwhile.
pub(crate) fn with_short<R>(path: &Path, body: impl FnOnce(&Path) -> R) -> io::Result<R> {
    match (SocketAddrUnix::new(path), path.parent(), path.file_name()) {
        (Err(Errno::NAMETOOLONG), Some(parent), Some(name)) => {
            let directory = File::open(parent)?;
            let link = Path::new("/proc/self/fd").join(directory.as_raw_fd().to_string());
            Ok(body(&link.join(name)))
        }
        _ => Ok(body(path)),
    }
}
