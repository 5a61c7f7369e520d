//! How the ranks of a group meet: each listens at `process-i.sock` in one directory and connects to all lower ranks.
//!
//! Who connects sends a greeting, and who accepts answers with its own, rank 0 with the file of the board:
//!
//! ```text
//! "bfcshm1 "   rank: u32   size: u32   layout: u32   0: u32   proof of the secret (32 bytes)
//! ```
//!
//! The proof covers what stands before it and the rank that is greeted. Processes of other users are turned away before
//! anything of theirs is read; who has another secret, size or layout, when it has greeted.

use super::board::{Board, LAYOUT};
use super::link;
use crate::secret::{LENGTH, Secret};
use crate::socket::path::with_short;
use crate::socket::user;
use bfc_schedule::Rank;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, accept_with, bind, connect, listen, socket_with,
};
use std::collections::BTreeMap;
use std::fs::remove_file;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The most ranks of a machine.
pub(super) const MOST: u32 = 1024;
/// How often a rank is looked for that does not listen yet.
const RETRY: Duration = Duration::from_millis(2);
const SAID: usize = 24;
const GREETING: usize = SAID + LENGTH;

/// Who joins where.
pub(super) struct Join<'a> {
    pub(super) directory: &'a Path,
    pub(super) rank: Rank,
    pub(super) size: u32,
    pub(super) secret: &'a Secret,
    pub(super) user: u32,
}

/// What the ranks are joined by.
pub(super) struct Joined {
    pub(super) board: Board,
    pub(super) links: BTreeMap<Rank, OwnedFd>,
}

struct Meeting<'a> {
    join: &'a Join<'a>,
    listener: OwnedFd,
    /// With the file of it at rank 0.
    board: Option<(Board, Option<OwnedFd>)>,
    links: BTreeMap<Rank, OwnedFd>,
    /// Whom this rank has greeted.
    greeted: BTreeMap<Rank, OwnedFd>,
    /// Who has not greeted yet.
    arriving: Vec<OwnedFd>,
    /// Why a rank is not there yet, where that is known.
    reasons: BTreeMap<Rank, String>,
}

impl Join<'_> {
    /// Returns when all ranks are there.
    pub(super) fn join(&self, deadline: Duration) -> io::Result<Joined> {
        let &Self { rank, size, .. } = self;
        if rank.0 >= size || size > MOST {
            let reason = format!("rank {rank} of {size} ranks; a machine has up to {MOST}");
            return Err(io::Error::new(ErrorKind::InvalidInput, reason));
        }
        let board = match rank.0 {
            0 => Some(Board::new(size)?).map(|(board, file)| (board, Some(file))),
            _ => None,
        };
        let address = self.address(rank);
        let meeting = Meeting {
            join: self,
            listener: listener(&address)?,
            board,
            links: BTreeMap::new(),
            greeted: BTreeMap::new(),
            arriving: vec![],
            reasons: BTreeMap::new(),
        };
        let joined = meeting.meet(deadline);
        // All are connected, or never will be.
        let _ = remove_file(address);
        joined
    }

    fn address(&self, rank: Rank) -> PathBuf {
        self.directory.join(format!("process-{rank}.sock"))
    }

    fn greeting(&self, to: Rank) -> Vec<u8> {
        let numbers = [self.rank.0, self.size, LAYOUT, 0].map(u32::to_le_bytes).concat();
        let said = [&b"bfcshm1 "[..], &numbers].concat();
        let proof = self.secret.prove(&[&said, &to.0.to_le_bytes()]);
        [&said[..], &proof].concat()
    }

    /// Who greets this rank; or who it says that it is, and why it does not belong to the group.
    fn check(&self, greeting: &[u8; GREETING]) -> Result<Rank, (Rank, String)> {
        let (said, proof) = greeting.split_at(SAID);
        let number =
            |at: usize| said[at..at + 4].iter().rev().fold(0, |number, &byte| number << 8 | u32::from(byte));
        let (peer, size, layout) = (Rank(number(8)), number(12), number(16));
        let wrong = |reason: &str| Err((peer, reason.to_owned()));
        if !said.starts_with(b"bfcshm1 ") || layout != LAYOUT {
            return wrong("it belongs to another version of this program");
        }
        if !self.secret.is_proved(&[said, &self.rank.0.to_le_bytes()], proof) {
            return wrong("it does not know the secret");
        }
        match size == self.size {
            true => Ok(peer),
            false => wrong(&format!("it belongs to {size} ranks, this one to {}", self.size)),
        }
    }

    fn check_user(&self, peer: &str, socket: impl AsFd) -> io::Result<()> {
        match user::of_peer(socket)?.user {
            theirs if theirs == self.user => Ok(()),
            theirs => {
                let reason = format!("{peer} belongs to user {theirs}, this rank to user {}", self.user);
                Err(io::Error::new(ErrorKind::PermissionDenied, reason))
            }
        }
    }
}

impl Meeting<'_> {
    fn meet(mut self, deadline: Duration) -> io::Result<Joined> {
        let start = Instant::now();
        loop {
            self.dial()?;
            self.hear_answers()?;
            self.accept()?;
            self.hear_greetings();
            let missing = self.missing();
            match (missing, self.board.take()) {
                (None, Some((board, _))) => return Ok(Joined { board, links: self.links }),
                (_, board) => self.board = board,
            }
            let left = deadline.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(self.late(missing.unwrap_or(Rank(0)), deadline));
            }
            self.sleep(left)?;
        }
    }

    fn missing(&self) -> Option<Rank> {
        let others = (0..self.join.size).map(Rank).filter(|rank| *rank != self.join.rank);
        others.into_iter().find(|rank| !self.links.contains_key(rank))
    }

    fn late(&self, missing: Rank, deadline: Duration) -> io::Error {
        let reason = match self.reasons.get(&missing) {
            Some(reason) => format!("rank {missing} did not join within {deadline:?}: {reason}"),
            None => format!("rank {missing} did not come within {deadline:?}"),
        };
        io::Error::new(ErrorKind::TimedOut, reason)
    }

    /// Greets the lower ranks that listen by now.
    fn dial(&mut self) -> io::Result<()> {
        let join = self.join;
        for peer in (0..join.rank.0).map(Rank) {
            if self.links.contains_key(&peer) || self.greeted.contains_key(&peer) {
                continue;
            }
            let socket = socket()?;
            match with_short(&join.address(peer), |path| connect(&socket, &SocketAddrUnix::new(path)?))? {
                Ok(()) => {}
                Err(Errno::NOENT | Errno::CONNREFUSED | Errno::AGAIN) => continue,
                Err(error) => return Err(error.into()),
            }
            join.check_user(&format!("rank {peer}"), &socket)?;
            if link::send(&socket, &join.greeting(peer), None).is_ok() {
                self.greeted.insert(peer, socket);
            }
        }
        Ok(())
    }

    fn hear_answers(&mut self) -> io::Result<()> {
        for (peer, socket) in std::mem::take(&mut self.greeted) {
            match link::receive::<GREETING>(&socket) {
                Ok(None) => drop(self.greeted.insert(peer, socket)),
                Ok(Some((greeting, file))) => match self.join.check(&greeting) {
                    Ok(rank) if rank == peer => {
                        if let (Rank(0), Some(file)) = (peer, file) {
                            self.board = Some((Board::of_peer(file, self.join.size)?, None));
                        }
                        self.links.insert(peer, socket);
                    }
                    Ok(rank) => drop(self.reasons.insert(peer, format!("rank {rank} is in its place"))),
                    Err((_, reason)) => drop(self.reasons.insert(peer, reason)),
                },
                Err(_) => {
                    let reason =
                        "it turned this rank away, which has another secret, number of ranks or version";
                    self.reasons.insert(peer, reason.to_owned());
                }
            }
        }
        Ok(())
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            match accept_with(&self.listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
                // Another user can neither join nor keep others from joining.
                Ok(socket) if self.join.check_user("who connects", &socket).is_err() => {}
                Ok(socket) => self.arriving.push(socket),
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR | Errno::CONNABORTED) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn hear_greetings(&mut self) {
        for socket in std::mem::take(&mut self.arriving) {
            match link::receive::<GREETING>(&socket) {
                Ok(None) => self.arriving.push(socket),
                Ok(Some((greeting, _))) => match self.join.check(&greeting) {
                    Ok(peer) if peer > self.join.rank && peer.0 < self.join.size => self.answer(peer, socket),
                    Ok(_) => {}
                    Err((peer, reason)) => drop(self.reasons.insert(peer, reason)),
                },
                // Whoever it was, it does not belong to the group.
                Err(_) => {}
            }
        }
    }

    fn answer(&mut self, peer: Rank, socket: OwnedFd) {
        let file = self.board.as_ref().and_then(|(_, file)| file.as_ref()).map(AsFd::as_fd);
        let answered = link::send(&socket, &self.join.greeting(peer), file);
        // Who does not get it comes again.
        if answered.is_ok() {
            self.links.insert(peer, socket);
        }
    }

    /// Until something arrives, or it is time to look for ranks that did not listen.
    fn sleep(&self, left: Duration) -> io::Result<()> {
        let sockets = self.arriving.iter().chain(self.greeted.values()).chain([&self.listener]);
        let mut polled: Vec<PollFd<'_>> =
            sockets.map(|socket| PollFd::from_borrowed_fd(socket.as_fd(), PollFlags::IN)).collect();
        let is_sought = |peer: Rank| !self.links.contains_key(&peer) && !self.greeted.contains_key(&peer);
        let seeks = (0..self.join.rank.0).map(Rank).any(is_sought);
        let left = if seeks { left.min(RETRY) } else { left };
        let timeout = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() };
        match poll(&mut polled, Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

fn socket() -> io::Result<OwnedFd> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    Ok(socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?)
}

fn listener(address: &Path) -> io::Result<OwnedFd> {
    match remove_file(address) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let socket = socket()?;
    with_short(address, |path| bind(&socket, &SocketAddrUnix::new(path)?))??;
    listen(&socket, MOST as i32)?;
    Ok(socket)
}
