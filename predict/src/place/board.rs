//! Ranks stand on places of a cluster, and every round of a period has the loads that follow; two ranks swap at the cost of
//! their own messages.

use crate::links::Wiring;
use crate::traffic::Traffic;
use bfc_schedule::{Rank, RoundPlan, Schedule};

/// Counters of ports and rounds, at most.
const MOST_COUNTERS: usize = 1 << 24;
/// Messages of a period, at most.
const MOST_MESSAGES: usize = 1 << 21;

/// A round of a phase that the period uses.
struct Round {
    /// The bytes of its messages, and how many exchanges of a step have such.
    sizes: Vec<(f64, f64)>,
    /// Their product, summed.
    bytes: f64,
}

/// One end of a message.
#[derive(Clone, Copy)]
struct End {
    round: u32,
    peer: u32,
    sends: bool,
}

/// Where ranks stand, and the loads that follow.
pub(super) struct Board<'a> {
    wiring: &'a Wiring,
    rounds: Vec<Round>,
    /// For each rank both ends' worth of its messages.
    ends: Vec<Vec<End>>,
    /// The rank on each place, and the place of each rank.
    pub(super) ranks: Vec<u32>,
    places: Vec<u32>,
    nics: Counters,
    sites: Counters,
    /// For each round the messages of each class of links.
    classes: Vec<[u32; 3]>,
    seconds: Vec<f64>,
    /// Rounds that a swap has touched, and what it has added to the squares of loads.
    touched: Vec<u32>,
    squares: f64,
    /// Ends of messages that have been moved.
    pub(super) work: usize,
}

/// What is to become less.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Aim {
    /// The squares of all loads: fewer messages between machines, evenly spread.
    Squares,
    /// The seconds of exchanges; the squares where these stay.
    Seconds,
}

/// What a placement takes: seconds of the exchanges of a step, and the squares of all loads.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
pub(super) struct Price {
    pub(super) seconds: f64,
    pub(super) squares: f64,
}

impl Price {
    /// Whether it is less by more than rounding.
    pub(super) fn below(self, other: Self) -> bool {
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * a.abs().max(b.abs());
        if near(self.seconds, other.seconds) {
            return self.squares < other.squares && !near(self.squares, other.squares);
        }
        self.seconds < other.seconds
    }
}

impl<'a> Board<'a> {
    /// Every rank of `schedule` on its own place; `None` where that is too much to count.
    pub(super) fn new(schedule: &Schedule, wiring: &'a Wiring, traffic: &Traffic) -> Option<Self> {
        let size = schedule.size();
        let (mut rounds, mut messages) = (vec![], 0);
        let mut ends: Vec<Vec<End>> = vec![vec![]; size as usize];
        for (index, topology) in schedule.topologies().iter().enumerate() {
            for (number, phase) in topology.phases.iter().enumerate() {
                let sizes = traffic.sizes(index, number);
                if sizes.is_empty() {
                    continue;
                }
                for round in 0..phase.plan.rounds() {
                    messages += add_round(&phase.plan, round, rounds.len() as u32, &mut ends);
                    rounds.push(Round {
                        sizes: sizes.to_vec(),
                        bytes: sizes.iter().map(|(bytes, times)| bytes * times).sum(),
                    });
                    if messages > MOST_MESSAGES {
                        return None;
                    }
                }
            }
        }
        let ports = 2 * (wiring.all_nics() + wiring.sites());
        if rounds.len().checked_mul(ports)? > MOST_COUNTERS {
            return None;
        }
        let count = rounds.len();
        let mut board = Self {
            wiring,
            ends,
            ranks: vec![],
            places: vec![0; size as usize],
            nics: Counters::new(count, 2 * wiring.all_nics()),
            sites: Counters::new(count, 2 * wiring.sites()),
            classes: vec![],
            seconds: vec![],
            touched: vec![],
            squares: 0.0,
            work: 0,
            rounds,
        };
        board.stand((0..size).collect());
        Some(board)
    }

    /// The number of messages of a period's rounds.
    pub(super) fn messages(&self) -> usize {
        self.ends.iter().map(Vec::len).sum::<usize>() / 2
    }

    /// Puts these ranks on the places, in order.
    pub(super) fn stand(&mut self, ranks: Vec<u32>) {
        for (&rank, place) in ranks.iter().zip(0..) {
            self.places[rank as usize] = place;
        }
        self.ranks = ranks;
        self.nics.clear();
        self.sites.clear();
        self.classes = vec![[0; 3]; self.rounds.len()];
        self.squares = 0.0;
        for rank in 0..self.places.len() as u32 {
            for at in 0..self.ends[rank as usize].len() {
                let end = self.ends[rank as usize][at];
                if end.sends {
                    self.count(rank, end, true);
                }
            }
        }
        self.touched.clear();
        self.seconds = (0..self.rounds.len()).map(|round| self.round_seconds(round)).collect();
    }

    /// What the placement takes.
    pub(super) fn price(&self) -> Price {
        Price { seconds: self.seconds.iter().sum(), squares: self.squares }
    }

    /// The machines to which messages of a rank go or from which they come, but its own, ascending.
    pub(super) fn machines_of_peers(&self, rank: u32) -> Vec<u32> {
        let own = self.machine(rank);
        let peers = self.ends[rank as usize].iter().map(|end| self.machine(end.peer));
        let mut machines: Vec<u32> = peers.filter(|machine| *machine != own).collect();
        machines.sort_unstable();
        machines.dedup();
        machines
    }

    pub(super) fn machine(&self, rank: u32) -> u32 {
        self.places[rank as usize] / self.wiring.ranks_per_machine()
    }

    /// The bytes that each rank exchanges with others in a period, peer by peer.
    pub(super) fn peers(&self, rank: u32) -> impl Iterator<Item = (u32, f64)> + '_ {
        self.ends[rank as usize].iter().map(|end| (end.peer, self.rounds[end.round as usize].bytes))
    }

    /// Swaps two ranks if that helps; whether it did.
    pub(super) fn swap_if_better(&mut self, a: u32, b: u32, aim: Aim) -> bool {
        let squares = self.squares;
        self.swap(a, b);
        self.touched.sort_unstable();
        self.touched.dedup();
        let times: Vec<f64> = self.touched.iter().map(|round| self.round_seconds(*round as usize)).collect();
        let old = |round: &u32| self.seconds[*round as usize];
        let gained: f64 = self.touched.iter().zip(&times).map(|(round, time)| old(round) - time).sum();
        let at_stake: f64 = self.touched.iter().map(old).sum();
        let fewer = self.squares < squares * (1.0 - 1e-12);
        let better = match aim {
            Aim::Squares => fewer,
            Aim::Seconds => gained > 1e-9 * at_stake || fewer && gained >= -1e-12 * at_stake,
        };
        if better {
            for (round, time) in std::mem::take(&mut self.touched).into_iter().zip(times) {
                self.seconds[round as usize] = time;
            }
        } else {
            self.swap(a, b);
            self.touched.clear();
            self.squares = squares;
        }
        better
    }

    fn swap(&mut self, a: u32, b: u32) {
        self.count_all(a, b, false);
        let (place_a, place_b) = (self.places[a as usize], self.places[b as usize]);
        self.places.swap(a as usize, b as usize);
        self.ranks.swap(place_a as usize, place_b as usize);
        self.count_all(a, b, true);
    }

    /// Counts all messages of two ranks, or takes them back; those between the two once.
    fn count_all(&mut self, a: u32, b: u32, add: bool) {
        for (rank, other) in [(a, u32::MAX), (b, a)] {
            for at in 0..self.ends[rank as usize].len() {
                let end = self.ends[rank as usize][at];
                if end.peer != other {
                    self.count(rank, end, add);
                    self.touched.push(end.round);
                    self.work += 1;
                }
            }
        }
    }

    fn count(&mut self, rank: u32, end: End, add: bool) {
        let at = |rank: u32| Rank(self.places[rank as usize]);
        let (from, to) = if end.sends { (at(rank), at(end.peer)) } else { (at(end.peer), at(rank)) };
        let (round, wiring) = (end.round as usize, self.wiring);
        let class = wiring.class(from, to);
        let number = &mut self.classes[round][class];
        *number = if add { *number + 1 } else { *number - 1 };
        if class == 0 {
            return;
        }
        for (direction, place) in [from, to].into_iter().enumerate() {
            let ports = wiring.ports(place, class);
            let mut squares = self.nics.step(round, 2 * ports.nic as usize + direction, add);
            if let Some(site) = ports.site {
                let slower = wiring.links[1].bandwidth / wiring.links[2].bandwidth;
                squares += slower * self.sites.step(round, 2 * site as usize + direction, add);
            }
            self.squares += self.rounds[round].bytes * squares;
        }
    }

    fn round_seconds(&self, round: usize) -> f64 {
        let [near, far, wide] = self.classes[round];
        let links = &self.wiring.links;
        let inside = |bytes: f64| if near > 0 { links[0].latency + bytes / links[0].bandwidth } else { 0.0 };
        let latency = if wide > 0 { links[1].latency.max(links[2].latency) } else { links[1].latency };
        let slope = (f64::from(self.nics.most[round]) / links[1].bandwidth)
            .max(f64::from(self.sites.most[round]) / links[2].bandwidth)
            .max(self.wiring.core.map_or(0.0, |core| f64::from(far + wide) / core));
        let between = |bytes: f64| if far + wide > 0 { latency + slope * bytes } else { 0.0 };
        let sizes = &self.rounds[round].sizes;
        sizes.iter().map(|(bytes, times)| times * inside(*bytes).max(between(*bytes))).sum()
    }
}

/// Adds the messages of a round to the ends of its ranks, and counts them.
fn add_round(plan: &RoundPlan, round: u32, number: u32, ends: &mut [Vec<End>]) -> usize {
    let mut messages = 0;
    for rank in 0..ends.len() as u32 {
        let (to, from) = plan.peers(Rank(rank), round);
        for (peer, sends) in [(to, true), (from, false)] {
            ends[rank as usize].extend(peer.map(|peer| End { round: number, peer: peer.0, sends }));
        }
        messages += usize::from(to.is_some());
    }
    messages
}

/// For each round the messages at each port, a histogram of them, and the most.
struct Counters {
    ports: usize,
    messages: Vec<u32>,
    ports_with: Vec<Vec<u32>>,
    most: Vec<u32>,
}

impl Counters {
    fn new(rounds: usize, ports: usize) -> Self {
        Self {
            ports,
            messages: vec![0; rounds * ports],
            ports_with: vec![vec![]; rounds],
            most: vec![0; rounds],
        }
    }

    fn clear(&mut self) {
        self.messages.fill(0);
        self.most.fill(0);
        self.ports_with.iter_mut().for_each(|numbers| numbers.fill(0));
    }

    /// A message more or less at a port; by how much the square of its load changes.
    fn step(&mut self, round: usize, port: usize, add: bool) -> f64 {
        let messages = &mut self.messages[round * self.ports + port];
        let old = *messages;
        let new = if add { old + 1 } else { old - 1 };
        *messages = new;
        let ports_with = &mut self.ports_with[round];
        if ports_with.len() <= new as usize {
            ports_with.resize(new as usize + 1, 0);
        }
        ports_with[new as usize] += 1;
        if old > 0 {
            ports_with[old as usize] -= 1;
        }
        let most = &mut self.most[round];
        *most = (*most).max(new);
        while *most > 0 && ports_with[*most as usize] == 0 {
            *most -= 1;
        }
        f64::from(new).powi(2) - f64::from(old).powi(2)
    }
}
