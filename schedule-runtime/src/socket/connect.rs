//! How ranks find each other: who dials, how connections are greeted, and which are turned away.

use super::path::with_short;
use super::{Arriving, SocketTransport, Way, address, number, system, user};
use crate::transport::Fault;
use bfc_schedule::{Rank, visible};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, ioctl_fionbio, read};
use rustix::net::{
    AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType, connect, send, socket_with,
};
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant};

const GREETING: usize = 12;
/// The longest reason of a failure, in bytes.
const REASON: usize = 1024;
/// How long the reason of a failure may come after the end of a connection, where they come on two.
const NOTICE: Duration = Duration::from_secs(1);

impl SocketTransport {
    /// Whether there is a connection to `peer`; makes it if that is this rank's part and possible now.
    pub(super) fn connected(&mut self, peer: Rank) -> Result<bool, Fault> {
        if !self.streams.contains_key(&peer) {
            match &self.way {
                Way::Directory { directory, .. } if self.rank > peer => {
                    let greeting = [*b"bfc1", self.rank.0.to_le_bytes(), self.size.to_le_bytes()].concat();
                    let stream = self.dial(directory, peer, &greeting)?;
                    self.streams.extend(stream.map(|stream| (peer, stream)));
                }
                _ => self.accept()?,
            }
        }
        Ok(self.streams.contains_key(&peer))
    }

    /// Connects to a rank with a greeting, if it listens and has room.
    fn dial(&self, directory: &Path, peer: Rank, greeting: &[u8]) -> Result<Option<OwnedFd>, Fault> {
        let Some(stream) = reach(&address(directory, peer)).map_err(|error| system(peer, error))? else {
            return Ok(None);
        };
        let theirs = user::of_peer(&stream).map_err(|error| system(peer, error))?.user;
        if theirs != self.user {
            return Err(Fault::OtherUser { peer, theirs, mine: self.user });
        }
        // A new connection has room for so few bytes.
        match send(&stream, greeting, SendFlags::NOSIGNAL) {
            Ok(sent) if sent == greeting.len() => Ok(Some(stream)),
            Ok(_) => Err(system(peer, ErrorKind::WriteZero.into())),
            Err(error) => Err(system(peer, error.into())),
        }
    }

    /// Takes what connections there are; one that greets like no rank of this group is dropped.
    pub(super) fn accept(&mut self) -> Result<(), Fault> {
        while let Way::Directory { listener, .. } = &self.way {
            match listener.accept() {
                Ok((stream, _)) => {
                    self.arriving.push(Arriving { stream: stream.into(), greeting: vec![], peer: None });
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(system(self.rank, error)),
            }
        }
        for mut arriving in std::mem::take(&mut self.arriving) {
            match read_greeting(&arriving.stream, &mut arriving.greeting) {
                Ok(false) => self.arriving.push(arriving),
                Ok(true) => self.greeted(arriving)?,
                // Whoever it was, it does not belong to the group, or it has left.
                Err(_) => {}
            }
        }
        Ok(())
    }

    fn greeted(&mut self, Arriving { stream, greeting, peer: proved }: Arriving) -> Result<(), Fault> {
        let (peer, size) = (Rank(number(&greeting[4..8]) as u32), number(&greeting[8..GREETING]) as u32);
        if size != self.size || peer.0 >= size {
            return Ok(());
        }
        // Whoever is another user can neither join nor end a run; if the rank that it says it is never comes, it is named.
        if proved.is_none() {
            match user::of_peer(&stream).map(|peer| peer.user) {
                Ok(theirs) if theirs == self.user => {}
                Ok(theirs) => {
                    self.strangers.insert(peer, theirs);
                    return Ok(());
                }
                Err(_) => return Ok(()),
            }
        }
        match &greeting[..4] {
            b"fail" => {
                let reason = visible::line(&String::from_utf8_lossy(&greeting[GREETING..])).into_owned();
                return Err(Fault::Failed { peer, reason });
            }
            b"bfc1" if peer > self.rank && proved.is_none() => {
                self.streams.entry(peer).or_insert(stream);
            }
            _ => {}
        }
        Ok(())
    }

    /// `peer` did not come in time, or somebody else in its place.
    pub(super) fn late(&self, peer: Rank, waited: Duration) -> Fault {
        match self.strangers.get(&peer) {
            Some(&theirs) => Fault::OtherUser { peer, theirs, mine: self.user },
            None => Fault::Deadline { peer, waited },
        }
    }

    /// A connection has ended: the peer has left, or some rank has said why.
    pub(super) fn lost(&mut self, peer: Rank, error: io::Error) -> Fault {
        match self.hear_why(peer) {
            Err(fault) => fault,
            Ok(()) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {
                Fault::Left { peer }
            }
            Ok(()) => system(peer, error),
        }
    }

    /// The failure of a rank, if one has said so; `peer`, whose connection has ended, may be about to.
    fn hear_why(&mut self, peer: Rank) -> Result<(), Fault> {
        let start = Instant::now();
        loop {
            self.accept()?;
            let left = NOTICE.saturating_sub(start.elapsed());
            let Some(notice) = self.arriving.iter().find(|arriving| arriving.peer == Some(peer)) else {
                return Ok(());
            };
            if left.is_zero() {
                return Ok(());
            }
            let timeout = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() };
            // Interrupted or not, `accept` looks again.
            let _ = poll(&mut [PollFd::new(&notice.stream, PollFlags::IN)], Some(&timeout));
        }
    }

    /// Tells every rank that listens, and ends all connections.
    pub(super) fn die(&mut self, rank: Rank, reason: &str) {
        self.failed.get_or_insert(Fault::Failed { peer: rank, reason: reason.to_owned() });
        let reason = &reason.as_bytes()[..reason.len().min(REASON)];
        let notice = [&b"fail"[..], &rank.0.to_le_bytes(), &self.size.to_le_bytes(), reason].concat();
        // The best that can be done; a peer that does not get it sees its connection end, or its deadline.
        match &mut self.way {
            Way::Mesh { notices } => std::mem::take(notices).values().for_each(|stream| {
                let _ = send(stream, &notice, SendFlags::NOSIGNAL);
            }),
            Way::Directory { directory, .. } => {
                let directory = directory.clone();
                for peer in (0..self.size).map(Rank).filter(|peer| *peer != self.rank) {
                    let _ = self.dial(&directory, peer, &notice);
                }
            }
        }
        self.outgoing.clear();
        self.streams.clear();
    }
}

/// Connects, if somebody listens and has room.
fn reach(address: &Path) -> io::Result<Option<OwnedFd>> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    match with_short(address, |path| connect(&socket, &SocketAddrUnix::new(path)?))? {
        Ok(()) => Ok(Some(socket)),
        Err(Errno::NOENT | Errno::CONNREFUSED | Errno::AGAIN) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Reads on; whether the greeting is complete.
fn read_greeting(stream: &OwnedFd, greeting: &mut Vec<u8>) -> io::Result<bool> {
    ioctl_fionbio(stream, true)?;
    loop {
        // After `bfc1` messages follow, after `fail` there is nothing but the reason.
        let most = if greeting.starts_with(b"fail") { GREETING + REASON } else { GREETING };
        let mut bytes = [0; GREETING + REASON];
        match read(stream, &mut bytes[..most - greeting.len()]) {
            Ok(0) if greeting.len() < GREETING => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(0) => return Ok(true),
            Ok(read) => greeting.extend(&bytes[..read]),
            Err(Errno::AGAIN) => return Ok(false),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        if greeting.len() == GREETING && !greeting.starts_with(b"fail") {
            return Ok(true);
        }
    }
}
