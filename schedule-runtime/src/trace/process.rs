//! Whether the process that left a recording still runs, as far as this machine knows.

use std::fs::read_to_string;

/// A process: its number alone could be another's later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub number: u64,
    /// When the system started it, in ticks since the system's own start.
    pub started: u64,
    /// Which start of which system that was, and in which of its name spaces the number holds.
    pub boot: u64,
}

/// What a process is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessState {
    /// It runs, or waits for something.
    Running,
    /// A signal or a debugger has stopped it.
    Stopped,
    /// It has ended.
    Gone,
    /// It is, or was, on another machine.
    Elsewhere,
}

impl Process {
    /// This process.
    pub(super) fn own() -> Self {
        let number = std::process::id().into();
        Self { number, started: stat(number).map_or(0, |(_, started)| started), boot: boot() }
    }

    /// What it does now.
    pub fn state(self) -> ProcessState {
        if self.boot != boot() || self.boot == 0 {
            return ProcessState::Elsewhere;
        }
        match stat(self.number) {
            Some((state, started)) if started == self.started => match state {
                'T' | 't' => ProcessState::Stopped,
                'Z' | 'X' => ProcessState::Gone,
                _ => ProcessState::Running,
            },
            _ => ProcessState::Gone,
        }
    }
}

/// State and start of a process: fields 3 and 22 of its line, after a name that may have any characters.
fn stat(process: u64) -> Option<(char, u64)> {
    let line = read_to_string(format!("/proc/{process}/stat")).ok()?;
    let mut fields = line.rsplit(')').next()?.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.nth(18)?.parse().ok()?))
}

/// Of the number that the system draws when it starts, and of that of the name space of processes, which is another in each
/// container; 0 where they are not known.
fn boot() -> u64 {
    let name = |path| std::fs::read_link(path).ok().map(|link| link.to_string_lossy().into_owned());
    let (drawn, space) = (read_to_string("/proc/sys/kernel/random/boot_id").ok(), name("/proc/self/ns/pid"));
    drawn.zip(space).map_or(0, |(drawn, space)| fnv(&[drawn, space].concat()))
}

/// Fowler, Noll and Vo's hash, FNV-1a.
fn fnv(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}
