//! How ranks of several machines meet: all connect to rank 0, which tells everyone where the others listen; then each pair
//! has a connection for messages, and each rank one to every other for the notice that it has failed.
//!
//! Nothing is read from a connection, but for a fixed number of bytes, before its other end has proved that it knows the
//! secret. Who accepts sends 32 random bytes; who connects answers with a greeting, 32 random bytes of its own and a proof of
//! all that; who accepts, with a proof of the same in its own role:
//!
//! ```text
//! ◄── challenge (32 bytes)
//! ──► "join", "data" or "note"   rank: u32   size: u32   challenge (32 bytes)   proof (32 bytes)
//! ◄── proof (32 bytes)
//! ```
//!
//! After `join`, whoever connects sends where it listens, and rank 0 the list of all. Messages are neither encrypted nor
//! proved: the network between the machines is to be one's own.

use super::number;
use crate::secret::{LENGTH, Proof, Secret};
use bfc_schedule::{Rank, visible};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::Scope;
use std::time::{Duration, Instant};

/// How often a rank 0 is looked for that does not listen yet.
const RETRY: Duration = Duration::from_millis(20);
/// The longest that a stranger keeps a connection.
const HANDSHAKE: Duration = Duration::from_secs(5);
const GREETING: usize = 12;
/// The longest text that ranks send each other while they meet.
const TEXT: usize = 256;

/// Who meets where.
pub(super) struct Meeting<'a> {
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) rank: Rank,
    pub(super) size: u32,
    pub(super) secret: &'a Secret,
    pub(super) deadline: Duration,
}

/// The connections of a rank.
#[derive(Default)]
pub(super) struct Mesh {
    /// For messages.
    pub(super) streams: BTreeMap<Rank, TcpStream>,
    /// For the notice that this rank has failed.
    pub(super) notices: BTreeMap<Rank, TcpStream>,
    /// On which peers say that they have.
    pub(super) heard: BTreeMap<Rank, TcpStream>,
}

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Join,
    Data,
    Note,
}

struct Arrived {
    kind: Kind,
    peer: Rank,
    stream: TcpStream,
}

impl Kind {
    fn name(self) -> [u8; 4] {
        match self {
            Self::Join => *b"join",
            Self::Data => *b"data",
            Self::Note => *b"note",
        }
    }
}

impl Meeting<'_> {
    /// Returns when every rank has its connections.
    pub(super) fn mesh(&self) -> io::Result<Mesh> {
        let until = Instant::now() + self.deadline;
        let zero = if self.rank == Rank(0) { None } else { Some(self.find_first(until)?) };
        let listener = match &zero {
            None => TcpListener::bind((self.host, self.port))?,
            Some(stream) => TcpListener::bind((stream.local_addr()?.ip(), 0))?,
        };
        listener.set_nonblocking(true)?;
        let (done, refused) = (AtomicBool::new(false), Mutex::new(None));
        let (sender, arrived) = channel();
        std::thread::scope(|scope| {
            let (done, refused) = (&done, &refused);
            scope.spawn({
                let listener = &listener;
                move || self.accept(scope, listener, &sender, done, refused)
            });
            let mesh = self.connect(zero, &listener, &arrived, until);
            done.store(true, Ordering::Release);
            mesh.map_err(|error| match refused.lock().ok().and_then(|mut reason| reason.take()) {
                Some(reason) => io::Error::new(error.kind(), format!("{error}: {reason}")),
                None => error,
            })
        })
    }

    /// The connection to rank 0, which may begin to listen later than this rank looks for it.
    fn find_first(&self, until: Instant) -> io::Result<TcpStream> {
        loop {
            let mut last = io::Error::from(ErrorKind::AddrNotAvailable);
            for address in (self.host, self.port).to_socket_addrs()? {
                match TcpStream::connect_timeout(&address, left(until).max(RETRY)) {
                    Ok(stream) => return self.greet(stream, Kind::Join, Rank(0), until),
                    Err(error) => last = error,
                }
            }
            if left(until).is_zero() {
                let reason = format!("rank 0 did not come within {:?}: {last}", self.deadline);
                return Err(io::Error::new(ErrorKind::TimedOut, reason));
            }
            std::thread::sleep(RETRY);
        }
    }

    fn connect(
        &self,
        zero: Option<TcpStream>,
        listener: &TcpListener,
        arrived: &Receiver<Arrived>,
        until: Instant,
    ) -> io::Result<Mesh> {
        let mut mesh = Mesh::default();
        let addresses = match zero {
            None => self.gather(&mut mesh, arrived, listener, until)?,
            Some(mut stream) => {
                write_text(&mut stream, &listener.local_addr()?.to_string())?;
                let mut addresses = self.read_addresses(&mut stream, until)?;
                // Where this rank has found it.
                addresses[0] = stream.peer_addr()?;
                mesh.streams.insert(Rank(0), stream);
                addresses
            }
        };
        for (peer, &address) in
            addresses.iter().enumerate().map(|(peer, address)| (Rank(peer as u32), address))
        {
            if peer == self.rank {
                continue;
            }
            let dial = |kind| {
                let stream = TcpStream::connect_timeout(&address, left(until).max(RETRY))
                    .map_err(|error| self.cannot_reach(peer, address, error))?;
                self.greet(stream, kind, peer, until)
            };
            mesh.notices.insert(peer, dial(Kind::Note)?);
            if peer < self.rank && peer != Rank(0) {
                mesh.streams.insert(peer, dial(Kind::Data)?);
            }
        }
        while let Some(missing) =
            self.others().find(|peer| !mesh.heard.contains_key(peer) || !mesh.streams.contains_key(peer))
        {
            mesh.add(self.next(arrived, missing, until)?);
        }
        Ok(mesh)
    }

    fn others(&self) -> impl Iterator<Item = Rank> {
        let rank = self.rank;
        (0..self.size).map(Rank).filter(move |peer| *peer != rank)
    }

    fn next(&self, arrived: &Receiver<Arrived>, missing: Rank, until: Instant) -> io::Result<Arrived> {
        let late = || {
            io::Error::new(
                ErrorKind::TimedOut,
                format!("rank {missing} did not come within {:?}", self.deadline),
            )
        };
        arrived.recv_timeout(left(until)).map_err(|_| late())
    }

    fn cannot_reach(&self, peer: Rank, address: SocketAddr, error: io::Error) -> io::Error {
        io::Error::new(error.kind(), format!("rank {peer} cannot be reached at {address}: {error}"))
    }

    /// At rank 0: waits for all, and tells all where the others listen, or why they wait in vain.
    fn gather(
        &self,
        mesh: &mut Mesh,
        arrived: &Receiver<Arrived>,
        listener: &TcpListener,
        until: Instant,
    ) -> io::Result<Vec<SocketAddr>> {
        let mut addresses = BTreeMap::from([(Rank(0), listener.local_addr()?)]);
        while let Some(missing) = self.others().find(|peer| !addresses.contains_key(peer)) {
            let Arrived { kind, peer, mut stream } =
                self.next(arrived, missing, until).inspect_err(|error| {
                    for stream in mesh.streams.values_mut() {
                        // They see the connection end, where they do not get it.
                        let _ = write_text(stream, &format!("!{error}"));
                    }
                })?;
            if kind == Kind::Join {
                set_timeout(&stream, until)?;
                addresses.insert(peer, parse(&read_text(&mut stream)?)?);
                mesh.streams.insert(peer, stream);
            }
        }
        for stream in mesh.streams.values_mut() {
            addresses.values().try_for_each(|address| write_text(stream, &address.to_string()))?;
        }
        Ok(addresses.into_values().collect())
    }

    fn read_addresses(&self, stream: &mut TcpStream, until: Instant) -> io::Result<Vec<SocketAddr>> {
        set_timeout(stream, until)?;
        let read = |_| {
            let text = read_text(stream).map_err(|error| match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut => io::Error::new(
                    ErrorKind::TimedOut,
                    format!("not all ranks came within {:?}", self.deadline),
                ),
                _ => {
                    io::Error::new(error.kind(), format!("rank 0 ended before all ranks were there: {error}"))
                }
            })?;
            match text.strip_prefix('!') {
                Some(reason) => Err(io::Error::new(ErrorKind::TimedOut, visible::line(reason).into_owned())),
                None => parse(&text),
            }
        };
        (0..self.size).map(read).collect()
    }

    /// Proves that this rank knows the secret, and has the other end prove it.
    fn greet(&self, mut stream: TcpStream, kind: Kind, peer: Rank, until: Instant) -> io::Result<TcpStream> {
        set_timeout(&stream, until.min(Instant::now() + HANDSHAKE))?;
        let turned_away = |error: io::Error| {
            let reason = format!(
                "rank {peer} turned this rank away, which has another secret or number of ranks ({error})"
            );
            io::Error::new(ErrorKind::PermissionDenied, reason)
        };
        let mut theirs = [0; LENGTH];
        stream.read_exact(&mut theirs).map_err(turned_away)?;
        let greeting = [kind.name(), self.rank.0.to_le_bytes(), self.size.to_le_bytes()].concat();
        let mine = challenge()?;
        let proof = self.secret.prove(&[b"connects", &theirs, &mine, &greeting]);
        stream.write_all(&[&greeting[..], &mine, &proof].concat())?;
        let mut answer: Proof = [0; LENGTH];
        stream.read_exact(&mut answer).map_err(turned_away)?;
        if !self.secret.is_proved(&[b"accepts", &theirs, &mine, &greeting], &answer) {
            let reason = format!("what listens in the place of rank {peer} does not know the secret");
            return Err(io::Error::new(ErrorKind::PermissionDenied, reason));
        }
        Ok(stream)
    }

    /// Lets in who knows the secret, until `done`. A stranger that is slow does not keep others waiting.
    fn accept<'s>(
        &'s self,
        scope: &'s Scope<'s, '_>,
        listener: &TcpListener,
        sender: &Sender<Arrived>,
        done: &AtomicBool,
        refused: &'s Mutex<Option<String>>,
    ) {
        while !done.load(Ordering::Acquire) {
            let mut polled = [PollFd::new(listener, PollFlags::IN)];
            let soon = Timespec { tv_sec: 0, tv_nsec: RETRY.subsec_nanos().into() };
            // Interrupted or not, the listener says what there is.
            let _ = poll(&mut polled, Some(&soon));
            let Ok((stream, address)) = listener.accept() else { continue };
            let sender = sender.clone();
            scope.spawn(move || match self.let_in(stream) {
                // Nobody waits for it where the rank has given up.
                Ok(arrived) => drop(sender.send(arrived)),
                Err(error) => {
                    if let Ok(mut reason) = refused.lock() {
                        *reason = Some(format!("who connected from {address} was turned away, {error}"));
                    }
                }
            });
        }
    }

    fn let_in(&self, mut stream: TcpStream) -> io::Result<Arrived> {
        stream.set_nonblocking(false)?;
        set_timeout(&stream, Instant::now() + HANDSHAKE)?;
        let mine = challenge()?;
        stream.write_all(&mine)?;
        let mut answer = [0; GREETING + 2 * LENGTH];
        stream.read_exact(&mut answer)?;
        let (greeting, rest) = answer.split_at(GREETING);
        let (theirs, proof) = rest.split_at(LENGTH);
        let wrong = |reason: &str| Err(io::Error::new(ErrorKind::PermissionDenied, reason.to_owned()));
        if !self.secret.is_proved(&[b"connects", &mine, theirs, greeting], proof) {
            return wrong("it does not know the secret");
        }
        let (peer, size) = (Rank(number(&greeting[4..8]) as u32), number(&greeting[8..]) as u32);
        if size != self.size || peer == self.rank || peer.0 >= size {
            return wrong(&format!(
                "it is rank {peer} of {size}, this is rank {} of {}",
                self.rank, self.size
            ));
        }
        let kinds = [Kind::Join, Kind::Data, Kind::Note];
        let Some(kind) = kinds.into_iter().find(|kind| greeting.starts_with(&kind.name())) else {
            return wrong("it belongs to another version of this program");
        };
        stream.write_all(&self.secret.prove(&[b"accepts", &mine, theirs, greeting]))?;
        Ok(Arrived { kind, peer, stream })
    }
}

impl Mesh {
    fn add(&mut self, Arrived { kind, peer, stream }: Arrived) {
        match kind {
            Kind::Note => drop(self.heard.entry(peer).or_insert(stream)),
            Kind::Data | Kind::Join => drop(self.streams.entry(peer).or_insert(stream)),
        }
    }
}

fn challenge() -> io::Result<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

fn left(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now())
}

fn set_timeout(stream: &TcpStream, until: Instant) -> io::Result<()> {
    let left = left(until).max(Duration::from_millis(1));
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(left))?;
    stream.set_write_timeout(Some(left))
}

fn write_text(stream: &mut TcpStream, text: &str) -> io::Result<()> {
    let bytes = &text.as_bytes()[..text.len().min(TEXT)];
    stream.write_all(&[&(bytes.len() as u16).to_le_bytes(), bytes].concat())
}

fn read_text(stream: &mut TcpStream) -> io::Result<String> {
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut bytes = vec![0; TEXT.min(u16::from_le_bytes(length).into())];
    stream.read_exact(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn parse(address: &str) -> io::Result<SocketAddr> {
    address.parse().map_err(|error: std::net::AddrParseError| io::Error::new(ErrorKind::InvalidData, error))
}
