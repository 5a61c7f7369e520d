//! A thread that sees at once when a peer's process ends, and rings this rank's bell.
//!
//! The descriptor of the process says so even where a child of the process has inherited its connections; the connection,
//! where the process is in another container and has no number here.

use super::board::Board;
use crate::socket::user;
use bfc_schedule::Rank;
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::io::Errno;
use rustix::process::{PidfdFlags, getpid, pidfd_open};
use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// The thread, and what it has seen.
pub(super) struct Watch {
    gone: Arc<[AtomicBool]>,
    stop: Arc<OwnedFd>,
    thread: Option<JoinHandle<()>>,
}

/// What becomes readable, or hangs up, when a peer ends.
struct Sign {
    peer: Rank,
    descriptor: OwnedFd,
    flags: PollFlags,
}

impl Watch {
    pub(super) fn new(rank: Rank, board: Arc<Board>, links: &BTreeMap<Rank, OwnedFd>) -> io::Result<Self> {
        let mut signs = vec![];
        for (&peer, link) in links {
            signs.push(Sign { peer, descriptor: link.try_clone()?, flags: PollFlags::empty() });
            let process = user::of_peer(link)?.process.filter(|process| *process != getpid());
            if let Some(process) = process {
                match pidfd_open(process, PidfdFlags::empty()) {
                    Ok(descriptor) => signs.push(Sign { peer, descriptor, flags: PollFlags::IN }),
                    // It has ended, which its connection shows.
                    Err(Errno::SRCH) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        let gone: Arc<[AtomicBool]> = (0..board.size()).map(|_| AtomicBool::new(false)).collect();
        let stop = Arc::new(eventfd(0, EventfdFlags::CLOEXEC)?);
        let (seen, end) = (gone.clone(), stop.clone());
        let watch = move || watch(rank, &board, &mut signs, &seen, &end);
        let thread = std::thread::Builder::new().name(format!("bfc-watch-{rank}")).spawn(watch)?;
        Ok(Self { gone, stop, thread: Some(thread) })
    }

    /// Whether the process of a peer has ended, or its transport has.
    pub(super) fn is_gone(&self, peer: Rank) -> bool {
        self.gone[peer.index()].load(Ordering::Acquire)
    }
}

fn watch(rank: Rank, board: &Board, signs: &mut Vec<Sign>, gone: &[AtomicBool], stop: &OwnedFd) {
    loop {
        let mut polled = vec![PollFd::from_borrowed_fd(stop.as_fd(), PollFlags::IN)];
        polled.extend(signs.iter().map(|sign| PollFd::from_borrowed_fd(sign.descriptor.as_fd(), sign.flags)));
        match poll(&mut polled, None) {
            Ok(_) => {}
            Err(Errno::INTR | Errno::AGAIN) => continue,
            // Without memory to wait, peers are seen to end at the deadline only.
            Err(_) => return,
        }
        let mut ended =
            polled.iter().map(|polled| !polled.revents().is_empty()).collect::<Vec<_>>().into_iter();
        if ended.next() == Some(true) {
            return;
        }
        signs.retain(|sign| {
            let has_ended = ended.next() == Some(true);
            if has_ended {
                gone[sign.peer.index()].store(true, Ordering::Release);
            }
            !has_ended
        });
        board.bell(rank).ring();
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = rustix::io::write(&*self.stop, &1u64.to_ne_bytes());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
