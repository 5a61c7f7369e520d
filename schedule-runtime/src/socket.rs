//! Ranks as processes on one machine: messages are copied through Unix sockets.
//!
//! All ranks name one directory. Rank i listens at `rank-i.sock` in it; the higher rank of a pair connects to the lower
//! one when the first message between them begins. A connection starts with a greeting, `bfc1`, and the rank and size
//! of who connects (`u32`); then messages follow in both directions, each after its header:
//!
//! ```text
//! round: u64   exchange: u64   bytes: u64
//! ```
//!
//! A rank that fails connects to every other with the greeting `fail`, the rank that failed first, the size, and a
//! reason in UTF-8 up to the end. All numbers are little-endian. A rank writes whatever it can whenever it waits, so no
//! cycle of ranks can block.

use crate::transport::{Chunk, Envelope, Fault, Tag, Ticket, Transport};
use bfc_schedule::{Rank, visible};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType, connect, send, socket_with,
};
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, ErrorKind, Read};
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const GREETING: usize = 12;
const HEADER: usize = 24;
/// What is delivered at a time, in bytes; a multiple of 64.
const CHUNK: usize = 256 << 10;
/// The longest reason of a failure, in bytes.
const REASON: usize = 1024;
/// How often a connection is tried while the peer does not listen yet.
const RETRY: Duration = Duration::from_millis(2);

/// One rank of a group of processes; made by [`join`](Self::join).
pub struct SocketTransport {
    rank: Rank,
    size: u32,
    directory: PathBuf,
    listener: UnixListener,
    streams: BTreeMap<Rank, UnixStream>,
    /// Connections whose greeting is not complete.
    arriving: Vec<(UnixStream, Vec<u8>)>,
    outgoing: BTreeMap<Rank, VecDeque<Outgoing>>,
    chunk: Vec<u64>,
    failed: Option<Fault>,
}

/// A message and how much of it has been written.
struct Outgoing {
    header: [u8; HEADER],
    parts: Vec<Part>,
    /// The piece being written (0 is the header), and the bytes of it that have been.
    piece: usize,
    written: usize,
}

struct Part {
    address: *const u8,
    bytes: usize,
}

// SAFETY: the memory is read while the message is in `outgoing` only, and stays valid so long (the contract of
// `Transport::begin`), whichever thread that is on.
unsafe impl Send for Part {}

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
        if rank.0 >= size {
            return Err(io::Error::new(ErrorKind::InvalidInput, format!("rank {rank} of {size} ranks")));
        }
        let address = address(directory, rank);
        match std::fs::remove_file(&address) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&address)?;
        listener.set_nonblocking(true)?;
        Ok(Self {
            rank,
            size,
            directory: directory.to_owned(),
            listener,
            streams: BTreeMap::new(),
            arriving: vec![],
            outgoing: BTreeMap::new(),
            chunk: vec![0; CHUNK / 8],
            failed: None,
        })
    }

    /// Whether there is a connection to `peer`; makes it if that is this rank's part and possible now.
    fn connected(&mut self, peer: Rank) -> Result<bool, Fault> {
        if !self.streams.contains_key(&peer) {
            if self.rank > peer {
                let greeting = [*b"bfc1", self.rank.0.to_le_bytes(), self.size.to_le_bytes()].concat();
                let stream = self.dial(peer, &greeting).map_err(|error| system(peer, error))?;
                self.streams.extend(stream.map(|stream| (peer, stream)));
            } else {
                self.accept()?;
            }
        }
        Ok(self.streams.contains_key(&peer))
    }

    /// Connects to a rank with a greeting, if it listens and has room.
    fn dial(&self, peer: Rank, greeting: &[u8]) -> io::Result<Option<UnixStream>> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        match connect(&socket, &SocketAddrUnix::new(address(&self.directory, peer))?) {
            Ok(()) => {}
            Err(Errno::NOENT | Errno::CONNREFUSED | Errno::AGAIN) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        // A new connection has room for so few bytes.
        match send(&socket, greeting, SendFlags::NOSIGNAL)? == greeting.len() {
            true => Ok(Some(UnixStream::from(socket))),
            false => Err(ErrorKind::WriteZero.into()),
        }
    }

    /// Takes what connections there are; one that greets like no rank of this group is dropped.
    fn accept(&mut self) -> Result<(), Fault> {
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => self.arriving.push((stream, vec![])),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(system(self.rank, error)),
            }
        }
        for (stream, mut greeting) in std::mem::take(&mut self.arriving) {
            match read_greeting(&stream, &mut greeting) {
                Ok(false) => self.arriving.push((stream, greeting)),
                Ok(true) => self.greeted(stream, &greeting)?,
                // Whoever it was, it does not belong to the group.
                Err(_) => {}
            }
        }
        Ok(())
    }

    fn greeted(&mut self, stream: UnixStream, greeting: &[u8]) -> Result<(), Fault> {
        let (peer, size) = (Rank(number(&greeting[4..8]) as u32), number(&greeting[8..GREETING]) as u32);
        match &greeting[..4] {
            b"fail" if size == self.size => {
                let reason = visible::line(&String::from_utf8_lossy(&greeting[GREETING..])).into_owned();
                return Err(Fault::Failed { peer, reason });
            }
            b"bfc1" if size == self.size && peer > self.rank && peer.0 < size => {
                self.streams.entry(peer).or_insert(stream);
            }
            _ => {}
        }
        Ok(())
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
                        return Err(Fault::Deadline { peer: peer(self), waited: deadline });
                    }
                    self.sleep(reading, left).map_err(|error| system(peer(self), error.into()))?;
                }
                _ => since = Instant::now(),
            }
        }
    }

    /// Sleeps until something can be accepted, read or written.
    fn sleep(&self, reading: Option<Rank>, left: Duration) -> Result<(), Errno> {
        let mut fds = vec![PollFd::new(&self.listener, PollFlags::IN)];
        fds.extend(self.arriving.iter().map(|(stream, _)| PollFd::new(stream, PollFlags::IN)));
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
                let mut stream = &transport.streams[&peer];
                match stream.read(&mut bytes[filled..]) {
                    Ok(0) if filled < bytes.len() => {
                        return Err(transport.lost(peer, ErrorKind::BrokenPipe.into()));
                    }
                    Ok(read) => filled += read,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Attempt::Stuck),
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => return Err(transport.lost(peer, error)),
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
        let [round, exchange, bytes] = [0, 8, 16].map(|at| number(&header[at..at + 8]));
        let found = Envelope { tag: Tag { exchange, round: round as u32 }, bytes };
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

    /// A connection has ended: the peer has left, or some rank has said why.
    fn lost(&mut self, peer: Rank, error: io::Error) -> Fault {
        match self.accept() {
            Err(fault) => fault,
            Ok(()) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {
                Fault::Left { peer }
            }
            Ok(()) => system(peer, error),
        }
    }

    fn fail(&mut self, fault: Fault) -> Fault {
        let (rank, reason) = match &fault {
            Fault::Failed { peer, reason } => (*peer, reason.clone()),
            Fault::Left { peer } => (*peer, "it ended before its peers".to_owned()),
            fault => (self.rank, fault.to_string()),
        };
        let fault = self.failed.get_or_insert(fault).clone();
        self.die(rank, &reason);
        fault
    }

    /// Tells every rank that listens, and ends all connections.
    fn die(&mut self, rank: Rank, reason: &str) {
        self.failed.get_or_insert(Fault::Failed { peer: rank, reason: reason.to_owned() });
        let reason = &reason.as_bytes()[..reason.len().min(REASON)];
        let notice = [&b"fail"[..], &rank.0.to_le_bytes(), &self.size.to_le_bytes(), reason].concat();
        for peer in (0..self.size).map(Rank).filter(|peer| *peer != self.rank) {
            // The best that can be done; a peer that does not get it sees its connection end, or its deadline.
            let _ = self.dial(peer, &notice);
        }
        self.outgoing.clear();
        self.streams.clear();
    }

    fn alive(&self) -> Result<(), Fault> {
        self.failed.clone().map_or(Ok(()), Err)
    }
}

impl Outgoing {
    /// Writes once.
    fn write(&mut self, stream: &UnixStream) -> io::Result<Attempt> {
        let bytes = match self.piece.checked_sub(1).map(|part| &self.parts[part]) {
            None => &self.header[..],
            // SAFETY: the memory is valid while the message is in `outgoing`, see `Part`.
            Some(part) => unsafe { std::slice::from_raw_parts(part.address, part.bytes) },
        };
        if self.written < bytes.len() {
            match send(stream, &bytes[self.written..], SendFlags::NOSIGNAL) {
                Ok(written) => self.written += written,
                Err(Errno::AGAIN) => return Ok(Attempt::Stuck),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if self.written == bytes.len() {
            (self.piece, self.written) = (self.piece + 1, 0);
        }
        Ok(if self.piece > self.parts.len() { Attempt::Done } else { Attempt::Progress })
    }
}

// SAFETY: only `write` reads the memory of what is sent, as long as the message is in `outgoing`; `settle` returns when
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
            let bytes = parts.iter().map(|part| part.len() as u64).sum();
            let header = header(tag, bytes);
            let parts = parts.iter().map(|part| Part { address: part.as_ptr(), bytes: part.len() }).collect();
            let message = Outgoing { header, parts, piece: 0, written: 0 };
            self.outgoing.entry(to).or_default().push_back(message);
            self.write().map_err(|fault| self.fail(fault))?;
        }
        let lengths = receive.map_or(vec![], |(_, lengths)| lengths.to_vec());
        Ok(Ticket { tag, from: receive.map(|(from, _)| from), lengths })
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

    fn settle(&mut self, deadline: Duration) -> Result<(), Fault> {
        self.alive()?;
        let peer = |transport: &Self| transport.outgoing.keys().next().map_or(transport.rank, |peer| *peer);
        self.drive(peer, None, deadline, |transport| {
            Ok(if transport.outgoing.is_empty() { Attempt::Done } else { Attempt::Stuck })
        })
        .map_err(|fault| self.fail(fault))
    }

    fn revoke(&mut self) {
        if !self.outgoing.is_empty() {
            self.die(self.rank, "it abandoned an exchange");
        }
    }

    fn abandon(&mut self, reason: &str) {
        self.die(self.rank, reason);
    }
}

impl Drop for SocketTransport {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.die(self.rank, "it panicked");
        }
        // It may be gone with its directory.
        let _ = std::fs::remove_file(address(&self.directory, self.rank));
    }
}

fn address(directory: &Path, rank: Rank) -> PathBuf {
    directory.join(format!("rank-{rank}.sock"))
}

fn header(tag: Tag, bytes: u64) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    for (at, number) in [(0, tag.round as u64), (8, tag.exchange), (16, bytes)] {
        header[at..at + 8].copy_from_slice(&number.to_le_bytes());
    }
    header
}

/// Reads on; whether the greeting is complete.
fn read_greeting(mut stream: &UnixStream, greeting: &mut Vec<u8>) -> io::Result<bool> {
    stream.set_nonblocking(true)?;
    loop {
        // After `bfc1` messages follow, after `fail` there is nothing but the reason.
        let most = if greeting.starts_with(b"fail") { GREETING + REASON } else { GREETING };
        let mut bytes = [0; GREETING + REASON];
        match stream.read(&mut bytes[..most - greeting.len()]) {
            Ok(0) if greeting.len() < GREETING => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(0) => return Ok(true),
            Ok(read) => greeting.extend(&bytes[..read]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if greeting.len() == GREETING && !greeting.starts_with(b"fail") {
            return Ok(true);
        }
    }
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, &byte| number << 8 | byte as u64)
}

fn system(peer: Rank, error: io::Error) -> Fault {
    Fault::System { peer, reason: error.to_string() }
}
