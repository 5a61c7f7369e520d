//! The processes of this machine's ranks: each in a process group of its own, so that what it starts ends with it, and
//! killed by the kernel when the launcher is.

use super::error::LaunchError;
use super::{Group, output, signals};
use crate::output::path;
use bfc_schedule::visible;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, getpid, getppid, kill_process_group, set_parent_process_death_signal,
    waitid,
};
use std::io::{self, ErrorKind};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The ranks that run.
pub struct Ranks {
    /// The number of the first.
    first: u32,
    running: Vec<Option<Child>>,
    sender: Sender<Event>,
    events: Receiver<Event>,
    /// They copy what ranks print.
    copying: Vec<JoinHandle<()>>,
}

enum Event {
    /// A rank of this machine has ended and is to be reaped.
    Ended(usize),
    /// The launcher got a signal.
    Signal(i32),
}

/// How the ranks ended.
pub enum Ended {
    /// All of them well.
    Well,
    /// By the signal that the launcher got.
    Interrupted {
        /// The exit code.
        exit: u8,
    },
    /// One of them failed first.
    Failed {
        /// The rank.
        rank: u32,
        /// How.
        end: String,
        /// The exit code, where there is one.
        exit: Option<u8>,
    },
}

impl Ranks {
    /// Starts all ranks of this machine, or none.
    pub fn start(group: &Group<'_>) -> Result<Self, LaunchError> {
        let local_size = group.arguments.local_size;
        let (sender, events) = channel();
        let program = || group.arguments.command[0].to_string_lossy();
        let failed = |error: io::Error| {
            let help = remedy(&error, &program());
            LaunchError::Program { program: visible::line(&program()).into_owned(), error, help }
        };
        let mut signals = signals::passed_on().map_err(failed)?;
        let to_main = sender.clone();
        std::thread::spawn(move || {
            signals.forever().map(Event::Signal).try_for_each(|event| to_main.send(event))
        });
        let first = group.arguments.node_rank * local_size;
        let mut ranks = Self { first, running: vec![], sender, events, copying: vec![] };
        for local_rank in 0..local_size {
            let child = command(group, first + local_rank, local_rank).spawn().map_err(failed)?;
            ranks.add(child, group.quiet).map_err(failed)?;
        }
        Ok(ranks)
    }

    fn add(&mut self, mut child: Child, quiet: bool) -> io::Result<()> {
        let (index, rank) = (self.running.len(), self.first + self.running.len() as u32);
        let pid = Pid::from_child(&child);
        if let Some(stdout) = child.stdout.take() {
            self.copying.push(std::thread::spawn(move || match quiet {
                true => output::tag(rank, stdout, io::stderr()),
                false => output::tag(rank, stdout, io::stdout()),
            }));
        }
        if let Some(stderr) = child.stderr.take() {
            self.copying.push(std::thread::spawn(move || output::tag(rank, stderr, io::stderr())));
        }
        self.running.push(Some(child));
        let to_main = self.sender.clone();
        std::thread::Builder::new().spawn(move || {
            // The process stays a zombie until it is reaped, so that its number is not another's yet.
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while waitid(WaitId::Pid(pid), options).is_err_and(|error| error == rustix::io::Errno::INTR) {}
            let _ = to_main.send(Event::Ended(index));
        })?;
        Ok(())
    }

    /// Waits until all have ended. Where one fails or the launcher gets a signal, the others have `grace` to end.
    pub fn wait(mut self, grace: Duration) -> Ended {
        let mut failed: Option<(u32, ExitStatus)> = None;
        let mut signal = None;
        let mut kill_at: Option<Instant> = None;
        while self.running.iter().any(Option::is_some) {
            match self.next(kill_at) {
                Ok(Event::Ended(index)) => {
                    let Some(status) = self.reap(index) else { continue };
                    if failed.is_none() && !status.success() {
                        let (index, status) = self.cause(index, status);
                        failed = Some((self.first + index as u32, status));
                        self.signal(Signal::TERM);
                        kill_at.get_or_insert(Instant::now() + grace);
                    }
                }
                // Who asks twice does not want to wait.
                Ok(Event::Signal(_)) if signal.is_some() => self.signal(Signal::KILL),
                Ok(Event::Signal(number)) => {
                    signal = Some(number);
                    self.signal(Signal::from_named_raw(number).unwrap_or(Signal::TERM));
                    kill_at.get_or_insert(Instant::now() + grace);
                }
                Err(_) => {
                    self.signal(Signal::KILL);
                    kill_at = None;
                }
            }
        }
        self.copying.drain(..).for_each(|thread| drop(thread.join()));
        match failed {
            None => Ended::Well,
            Some((_, status)) if signal.is_some() && status.signal() == signal => {
                Ended::Interrupted { exit: 128 + status.signal().unwrap_or_default() as u8 }
            }
            Some((rank, status)) => failure(rank, status),
        }
    }

    fn next(&self, until: Option<Instant>) -> Result<Event, RecvTimeoutError> {
        match until {
            Some(until) => self.events.recv_timeout(until.saturating_duration_since(Instant::now())),
            None => Ok(self.events.recv()?),
        }
    }

    /// A rank that was killed says nothing, its peers notice and exit, and their ends may be reported first: of the
    /// ranks that have ended by now, the one that was killed.
    fn cause(&mut self, index: usize, status: ExitStatus) -> (usize, ExitStatus) {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        let has_ended =
            |child: &Child| matches!(waitid(WaitId::Pid(Pid::from_child(child)), options), Ok(Some(_)));
        let ended: Vec<usize> = (0..self.running.len())
            .filter(|&other| self.running[other].as_ref().is_some_and(has_ended))
            .collect();
        let others = ended.into_iter().filter_map(|other| Some((other, self.reap(other)?)));
        let all: Vec<_> = std::iter::once((index, status)).chain(others).collect();
        all.iter().copied().find(|(_, status)| status.signal().is_some()).unwrap_or(all[0])
    }

    /// Ends what a rank has started and left behind, and gives its number back: how the rank ended, the first time.
    fn reap(&mut self, index: usize) -> Option<ExitStatus> {
        let mut child = self.running[index].take()?;
        let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
        Some(child.wait().expect("a process that has ended can be reaped"))
    }

    fn signal(&self, signal: Signal) {
        for child in self.running.iter().flatten() {
            // It may have ended.
            let _ = kill_process_group(Pid::from_child(child), signal);
        }
    }
}

impl Drop for Ranks {
    fn drop(&mut self) {
        (0..self.running.len()).for_each(|index| {
            if let Some(child) = &self.running[index] {
                let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
                self.reap(index);
            }
        });
    }
}

fn command(group: &Group<'_>, rank: u32, local_rank: u32) -> Command {
    let arguments = group.arguments;
    let (program, rest) = arguments.command.split_first().expect("the command line has a program");
    let mut command = Command::new(program);
    command
        .args(rest)
        .env("BFC_RANK", rank.to_string())
        .env("BFC_SIZE", (arguments.nodes * arguments.local_size).to_string())
        .env("BFC_LOCAL_RANK", local_rank.to_string())
        .env("BFC_LOCAL_SIZE", arguments.local_size.to_string())
        .env("BFC_RENDEZVOUS", &group.rendezvous)
        .env("BFC_SECRET", group.secret.reveal())
        .stdin(Stdio::null())
        .process_group(0);
    if arguments.tag_output || group.quiet {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
    }
    let launcher = getpid();
    // SAFETY: between fork and exec it makes two system calls and allocates nothing.
    unsafe {
        command.pre_exec(move || {
            set_parent_process_death_signal(Some(Signal::KILL))?;
            // The launcher may have been killed before.
            if getppid() == Some(launcher) { Ok(()) } else { Err(ErrorKind::Interrupted.into()) }
        });
    }
    command
}

fn failure(rank: u32, status: ExitStatus) -> Ended {
    let (end, exit) = match (status.code(), status.signal()) {
        (Some(code), _) => (format!("exited with {code}"), u8::try_from(code).ok()),
        (None, Some(signal)) => {
            let name = signal_hook::low_level::signal_name(signal);
            let name = name.map_or_else(|| format!("signal {signal}"), str::to_string);
            (format!("was killed by {name}"), u8::try_from(128 + signal).ok())
        }
        (None, None) => (status.to_string(), None),
    };
    Ended::Failed { rank, end, exit }
}

fn remedy(error: &io::Error, program: &str) -> String {
    let here = Path::new(program);
    match error.kind() {
        ErrorKind::NotFound if !program.contains('/') && here.exists() => {
            format!("it is a file of this directory, and not a command: write `./{}`", path(here))
        }
        ErrorKind::NotFound => "name a command, or the path of a program, after `--`".to_string(),
        ErrorKind::PermissionDenied => {
            format!(
                "make the file executable, `chmod +x {0}`, or name its interpreter: `python {0}`",
                path(here)
            )
        }
        _ => "start fewer ranks, or raise the limits of processes and open files (`ulimit -a`)".to_string(),
    }
}
