//! Ranks as processes of one machine or of several: messages are copied through sockets.
//!
//! On one machine, all ranks name one directory. Rank i listens at `rank-i.sock` in it; the higher rank of a pair connects to
//! the lower one when the first message between them begins. A connection starts with a greeting, `bfc1`, and the rank and
//! size of who connects (`u32`). Ranks belong to one user: a rank does not speak to a socket of another user, and turns away
//! who connects as one. On several machines, ranks [meet](tcp) at rank 0 and prove to each other that they know a secret.
//!
//! Then messages follow in both directions, each after its header:
//!
//! ```text
//! tag   bytes: u64
//! ```
//!
//! A rank that fails connects to every other with the greeting `fail`, the rank that failed first, the size, and a reason in
//! UTF-8 up to the end; between machines, that connection is there from the beginning. All numbers are little-endian. A rank
//! writes whatever it can whenever it waits, so no cycle of ranks can block.

mod connect;
mod outgoing;
pub(crate) mod path;
mod tcp;
#[cfg(test)]
mod tests;
pub(crate) mod user;

use crate::secret::Secret;
use crate::transport::{Chunk, Envelope, Fault, Tag, Ticket, Transport, revoked};
use bfc_schedule::Rank;
use outgoing::{HEADER, Outgoing, envelope};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, ErrorKind};
use std::net::TcpStream;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tcp::Meeting;

/// What is delivered at a time, in bytes; a multiple of 64.
const CHUNK: usize = 256 << 10;
/// How often a connection is tried while the peer does not listen yet.
const RETRY: Duration = Duration::from_millis(2);

/// One rank of a group of processes; made by [`join`](Self::join).
pub struct SocketTransport {
    rank: Rank,
    size: u32,
    user: u32,
    way: Way,
    streams: BTreeMap<Rank, OwnedFd>,
    arriving: Vec<Arriving>,
    /// Other users who connected as a rank.
    strangers: BTreeMap<Rank, u32>,
    outgoing: BTreeMap<Rank, VecDeque<Outgoing>>,
    chunk: Vec<u64>,
    failed: Option<Fault>,
}

/// How connections are made.
enum Way {
    /// When they are needed, in a directory.
    Directory { directory: PathBuf, listener: UnixListener },
    /// Before all messages: these are left, for the notice that this rank has failed.
    Mesh { notices: BTreeMap<Rank, OwnedFd> },
}

/// A connection whose greeting is not complete.
struct Arriving {
    stream: OwnedFd,
    greeting: Vec<u8>,
    /// Who it is, where it has been proved.
    peer: Option<Rank>,
}

/// How an attempt went.
enum Attempt {
    Done,
    Progress,
    Stuck,
}

impl SocketTransport {
    /// Joins the group that meets in `directory`, which exists. Returns at once; peers may come later.
    ///
    /// # Errors
    /// Where the socket cannot be made.
    pub fn join(directory: &Path, rank: Rank, size: u32) -> io::Result<Self> {
        check(rank, size)?;
        let address = address(directory, rank);
        match std::fs::remove_file(&address) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = path::with_short(&address, |path| UnixListener::bind(path))??;
        listener.set_nonblocking(true)?;
        let way = Way::Directory { directory: directory.to_owned(), listener };
        Ok(Self::new(rank, size, way))
    }

    /// Joins the group whose rank 0 listens at this host and port, on any machines. Returns when all ranks are there; they have
    /// the same secret.
    ///
    /// # Errors
    /// [`TimedOut`](ErrorKind::TimedOut) where a rank does not come, [`PermissionDenied`](ErrorKind::PermissionDenied) where
    /// it does not know the secret, [`AddrInUse`](ErrorKind::AddrInUse) where something else listens at the port, and what
    /// the system says where there is no way to the host.
    pub fn join_at(
        (host, port): (&str, u16),
        rank: Rank,
        size: u32,
        secret: &Secret,
        deadline: Duration,
    ) -> io::Result<Self> {
        check(rank, size)?;
        let mesh = Meeting { host, port, rank, size, secret, deadline }.mesh()?;
        let ready = |streams: BTreeMap<Rank, TcpStream>| -> io::Result<BTreeMap<Rank, OwnedFd>> {
            let ready = |(peer, stream): (Rank, TcpStream)| {
                stream.set_nonblocking(true)?;
                Ok((peer, stream.into()))
            };
            streams.into_iter().map(ready).collect()
        };
        let mut transport = Self::new(rank, size, Way::Mesh { notices: ready(mesh.notices)? });
        transport.streams = ready(mesh.streams)?;
        let heard = ready(mesh.heard)?.into_iter();
        transport.arriving =
            heard.map(|(peer, stream)| Arriving { stream, greeting: vec![], peer: Some(peer) }).collect();
        Ok(transport)
    }

    fn new(rank: Rank, size: u32, way: Way) -> Self {
        Self {
            rank,
            size,
            user: user::own(),
            way,
            streams: BTreeMap::new(),
            arriving: vec![],
            strangers: BTreeMap::new(),
            outgoing: BTreeMap::new(),
            chunk: vec![0; CHUNK / 8],
            failed: None,
        }
    }

    /// Writes whatever there is room for; says whether it wrote anything.
    fn write(&mut self) -> Result<bool, Fault> {
        let mut progress = false;
        let waiting: Vec<Rank> = self.outgoing.keys().copied().collect();
        for peer in waiting {
            if !self.connected(peer)? {
                continue;
            }
            let (stream, queue) = (&self.streams[&peer], self.outgoing.entry(peer).or_default());
            while let Some(message) = queue.front_mut() {
                match message.write(stream) {
                    Ok(Attempt::Done) => drop(queue.pop_front()),
                    Ok(Attempt::Progress) => {}
                    Ok(Attempt::Stuck) => break,
                    Err(error) => return Err(self.lost(peer, error)),
                }
                progress = true;
            }
            if queue.is_empty() {
                self.outgoing.remove(&peer);
            }
        }
        Ok(progress)
    }

    /// Repeats `attempt`, writing meanwhile, until it is done; `peer` is whom it waits for.
    fn drive(
        &mut self,
        peer: impl Fn(&Self) -> Rank,
        reading: Option<Rank>,
        deadline: Duration,
        mut attempt: impl FnMut(&mut Self) -> Result<Attempt, Fault>,
    ) -> Result<(), Fault> {
        let mut since = Instant::now();
        loop {
            let wrote = self.write()?;
            match attempt(self)? {
                Attempt::Done => return Ok(()),
                Attempt::Stuck if !wrote => {
                    self.accept()?;
                    let left = deadline.saturating_sub(since.elapsed());
                    if left.is_zero() {
                        return Err(self.late(peer(self), deadline));
                    }
                    self.sleep(reading, left).map_err(|error| system(peer(self), error.into()))?;
                }
                _ => since = Instant::now(),
            }
        }
    }

    /// Sleeps until something can be accepted, read or written.
    fn sleep(&self, reading: Option<Rank>, left: Duration) -> Result<(), Errno> {
        let mut fds = vec![];
        if let Way::Directory { listener, .. } = &self.way {
            fds.push(PollFd::new(listener, PollFlags::IN));
        }
        fds.extend(self.arriving.iter().map(|arriving| PollFd::new(&arriving.stream, PollFlags::IN)));
        let mut left = left;
        for peer in self.outgoing.keys().chain(&reading) {
            let flags = if Some(*peer) == reading { PollFlags::IN } else { PollFlags::empty() };
            let flags = if self.outgoing.contains_key(peer) { flags | PollFlags::OUT } else { flags };
            match self.streams.get(peer) {
                Some(stream) => fds.push(PollFd::from_borrowed_fd(stream.as_fd(), flags)),
                None if self.rank > *peer => left = left.min(RETRY),
                None => {}
            }
        }
        let timeout = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() };
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Fills `bytes` from `peer`'s stream.
    fn read(&mut self, peer: Rank, bytes: &mut [u8], deadline: Duration) -> Result<(), Fault> {
        let mut filled = 0;
        self.drive(
            |_| peer,
            Some(peer),
            deadline,
            |transport| {
                if !transport.connected(peer)? {
                    return Ok(Attempt::Stuck);
                }
                match rustix::io::read(&transport.streams[&peer], &mut bytes[filled..]) {
                    Ok(0) if filled < bytes.len() => {
                        return Err(transport.lost(peer, ErrorKind::BrokenPipe.into()));
                    }
                    Ok(read) => filled += read,
                    Err(Errno::AGAIN) => return Ok(Attempt::Stuck),
                    Err(Errno::INTR) => {}
                    Err(error) => return Err(transport.lost(peer, error.into())),
                }
                Ok(if filled == bytes.len() { Attempt::Done } else { Attempt::Progress })
            },
        )
    }

    fn receive(
        &mut self,
        ticket: &Ticket,
        from: Rank,
        deadline: Duration,
        sink: &mut dyn FnMut(Chunk<'_>),
    ) -> Result<(), Fault> {
        let mut header = [0; HEADER];
        self.read(from, &mut header, deadline)?;
        let found = envelope(&header);
        let bytes = ticket.lengths.iter().map(|&bytes| bytes as u64).sum();
        let expected = Envelope { tag: ticket.tag, bytes };
        if found != expected {
            return Err(Fault::Mismatch { peer: from, expected, found });
        }
        let mut chunk = std::mem::take(&mut self.chunk);
        for (part, &bytes) in ticket.lengths.iter().enumerate() {
            for offset in (0..bytes).step_by(CHUNK) {
                let bytes = &mut bytemuck::cast_slice_mut(&mut chunk)[..CHUNK.min(bytes - offset)];
                self.read(from, bytes, deadline)?;
                sink(Chunk { part, offset, bytes });
            }
        }
        self.chunk = chunk;
        Ok(())
    }

    fn fail(&mut self, fault: Fault) -> Fault {
        let (rank, reason) = fault.origin(self.rank);
        let fault = self.failed.get_or_insert(fault).clone();
        self.die(rank, &reason);
        fault
    }

    fn alive(&self) -> Result<(), Fault> {
        self.failed.clone().map_or(Ok(()), Err)
    }
}

// SAFETY: only `write` reads the memory of what is sent, as long as the message is in `outgoing`; `wait_sent` returns when
// that is empty, `revoke` empties it.
unsafe impl Transport for SocketTransport {
    fn rank(&self) -> Rank {
        self.rank
    }

    fn size(&self) -> u32 {
        self.size
    }

    unsafe fn begin(
        &mut self,
        tag: Tag,
        send: Option<(Rank, &[&[u8]])>,
        receive: Option<(Rank, &[usize])>,
        _deadline: Duration,
    ) -> Result<Ticket, Fault> {
        self.alive()?;
        if let Some((to, parts)) = send {
            self.outgoing.entry(to).or_default().push_back(Outgoing::new(tag, parts));
            self.write().map_err(|fault| self.fail(fault))?;
        }
        Ok(Ticket::new(tag, receive))
    }

    fn finish(
        &mut self,
        ticket: Ticket,
        deadline: Duration,
        sink: &mut dyn FnMut(Chunk<'_>),
    ) -> Result<(), Fault> {
        self.alive()?;
        match ticket.from {
            Some(from) => self.receive(&ticket, from, deadline, sink).map_err(|fault| self.fail(fault)),
            None => Ok(()),
        }
    }

    fn wait_sent(&mut self, deadline: Duration) -> Result<(), Fault> {
        self.alive()?;
        let peer = |transport: &Self| transport.outgoing.keys().next().map_or(transport.rank, |peer| *peer);
        self.drive(peer, None, deadline, |transport| {
            Ok(if transport.outgoing.is_empty() { Attempt::Done } else { Attempt::Stuck })
        })
        .map_err(|fault| self.fail(fault))
    }

    fn revoke(&mut self) {
        if !self.outgoing.is_empty() {
            self.die(self.rank, revoked());
        }
    }

    fn abandon(&mut self, reason: &str) {
        self.die(self.rank, reason);
    }

    fn listen(&mut self) -> Result<(), Fault> {
        self.alive()?;
        self.accept().map_err(|fault| self.fail(fault))
    }
}

impl Drop for SocketTransport {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.die(self.rank, "it panicked");
        }
        if let Way::Directory { directory, .. } = &self.way {
            // It may be gone with its directory.
            let _ = std::fs::remove_file(address(directory, self.rank));
        }
    }
}

fn check(rank: Rank, size: u32) -> io::Result<()> {
    match rank.0 < size {
        true => Ok(()),
        false => Err(io::Error::new(ErrorKind::InvalidInput, format!("rank {rank} of {size} ranks"))),
    }
}

fn address(directory: &Path, rank: Rank) -> PathBuf {
    directory.join(format!("rank-{rank}.sock"))
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, &byte| number << 8 | byte as u64)
}

fn system(peer: Rank, error: io::Error) -> Fault {
    Fault::System { peer, reason: error.to_string() }
}
