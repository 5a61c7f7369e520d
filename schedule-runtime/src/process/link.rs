//! A connection between two ranks: records, each with a file or without.

use rustix::io::{Errno, retry_on_intr};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use std::io::{self, ErrorKind, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

const ROOM: usize = rustix::cmsg_space!(ScmRights(1));

/// Sends a record, without waiting for room.
pub(super) fn send(socket: impl AsFd, record: &[u8], file: Option<BorrowedFd<'_>>) -> io::Result<()> {
    let files: Vec<BorrowedFd<'_>> = file.into_iter().collect();
    let mut room = [MaybeUninit::uninit(); ROOM];
    let mut control = SendAncillaryBuffer::new(&mut room);
    if !files.is_empty() && !control.push(SendAncillaryMessage::ScmRights(&files)) {
        return Err(ErrorKind::InvalidInput.into());
    }
    let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
    retry_on_intr(|| sendmsg(&socket, &[IoSlice::new(record)], &mut control, flags))?;
    Ok(())
}

/// The next record of this length, and its file; `None` if none is there.
pub(super) fn receive<const N: usize>(socket: impl AsFd) -> io::Result<Option<([u8; N], Option<OwnedFd>)>> {
    let mut record = [0; N];
    let mut room = [MaybeUninit::uninit(); ROOM];
    let mut control = RecvAncillaryBuffer::new(&mut room);
    let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
    let received = loop {
        match recvmsg(&socket, &mut [IoSliceMut::new(&mut record)], &mut control, flags) {
            Ok(received) => break received,
            Err(Errno::AGAIN) => return Ok(None),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    };
    let mut files = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(files) => Some(files),
        _ => None,
    });
    let file = files.next().and_then(|mut files| files.next());
    match received.bytes {
        0 => Err(ErrorKind::UnexpectedEof.into()),
        bytes if bytes == N && !received.flags.contains(ReturnFlags::TRUNC) => Ok(Some((record, file))),
        _ => Err(ErrorKind::InvalidData.into()),
    }
}
