//! Rounds on a cluster become loads of shared ports, and so the seconds that a round takes for every byte of a message.
//!
//! All messages of a round start together, and a port serves its messages evenly, so a message takes the latency of its
//! link class and, for every byte, the load of its busiest port over the port's bandwidth.
//!
//! **Symmetry.** Rounds of a group repeat: adding `h` to every rank maps messages to messages. If the addition also maps
//! machines (or sites, where there are some) to machines, the loads are the same there. Adding c to one digit of stride s
//! and radix r changes a rank by cs or (c − r)s. Both are multiples of the L ranks of a machine if L divides cs and rs,
//! so c = L / gcd(L, s) is the least shift where L divides rs, and only ranks with a digit below c have to be looked at.
//! A million ranks of an aligned group cost as much as one machine.

use crate::cluster::{Cluster, Link};
use bfc_schedule::{Group, Rank, RoundPlan};
use num_integer::Integer;

/// Inside a machine, between machines, between sites.
pub const CLASSES: usize = 3;

/// What a round costs: for each class of links that it uses the seconds for every byte of a message, at its busiest port.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Load {
    seconds_per_byte: [Option<f64>; CLASSES],
}

impl Load {
    /// The seconds until the last message of this size in bytes has arrived.
    pub fn seconds(&self, wiring: &Wiring, bytes: f64) -> f64 {
        let classes = self.seconds_per_byte.iter().zip(&wiring.links);
        classes
            .filter_map(|(slope, link)| slope.map(|slope| link.latency + slope * bytes))
            .fold(0.0, f64::max)
    }

    /// How many times as long as alone its slowest message takes, latencies aside.
    pub(crate) fn share(&self, wiring: &Wiring) -> f64 {
        let classes = self.seconds_per_byte.iter().zip(&wiring.links);
        classes.filter_map(|(slope, link)| slope.map(|slope| slope * link.bandwidth)).fold(1.0, f64::max)
    }

    fn raise(&mut self, class: usize, slope: f64) {
        let old = self.seconds_per_byte[class].unwrap_or(0.0);
        self.seconds_per_byte[class] = Some(old.max(slope));
    }
}

/// The links of a cluster that a number of ranks use.
#[derive(Clone, Debug)]
pub struct Wiring {
    size: u32,
    ranks_per_machine: u32,
    nics: u32,
    /// Ranks of a site; all of them where there are no sites.
    site: u64,
    pub(crate) links: [Link; CLASSES],
    /// Bytes per second that all machines together may exchange, where that is less than their NICs offer.
    pub(crate) core: Option<f64>,
}

/// Ports that a message passes at one end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ports {
    /// The NIC, counted through all machines.
    pub(crate) nic: u32,
    /// The site, if the message leaves it.
    pub(crate) site: Option<u32>,
}

impl Wiring {
    /// The links of `cluster` among the first `size` ranks.
    ///
    /// # Errors
    /// The cluster has too few machines.
    pub fn new(cluster: &Cluster, size: u32) -> Result<Self, crate::ClusterError> {
        let machines = cluster.machines(size)?;
        let wide = cluster.wide;
        let offered = f64::from(machines) * f64::from(cluster.nics) * cluster.between.bandwidth;
        Ok(Self {
            size,
            ranks_per_machine: cluster.ranks_per_machine,
            nics: cluster.nics,
            site: wide.map_or(u64::MAX, |wide| {
                u64::from(wide.machines_per_site) * u64::from(cluster.ranks_per_machine)
            }),
            links: [cluster.inside, cluster.between, wide.map_or(cluster.between, |wide| wide.link)],
            core: (cluster.oversubscription > 1.0).then(|| offered / cluster.oversubscription),
        })
    }

    /// The number of ranks.
    pub fn size(&self) -> u32 {
        self.size
    }

    /// The number of machines.
    pub fn machines(&self) -> u32 {
        self.size.div_ceil(self.ranks_per_machine)
    }

    /// Ranks of a full machine.
    pub fn ranks_per_machine(&self) -> u32 {
        self.ranks_per_machine
    }

    /// The NICs of all machines.
    pub(crate) fn all_nics(&self) -> usize {
        self.machines() as usize * self.nics as usize
    }

    /// The number of sites.
    pub(crate) fn sites(&self) -> usize {
        u64::from(self.size).div_ceil(self.site) as usize
    }

    /// 0 within a machine, 1 between machines, 2 between sites.
    pub(crate) fn class(&self, a: Rank, b: Rank) -> usize {
        if a.0 / self.ranks_per_machine == b.0 / self.ranks_per_machine {
            0
        } else if u64::from(a.0) / self.site == u64::from(b.0) / self.site {
            1
        } else {
            2
        }
    }

    /// The ports of a rank for messages of a class above 0.
    pub(crate) fn ports(&self, rank: Rank, class: usize) -> Ports {
        let (machine, local) = (rank.0 / self.ranks_per_machine, rank.0 % self.ranks_per_machine);
        let own = (u64::from(local) * u64::from(self.nics) / u64::from(self.ranks_per_machine)) as u32;
        Ports {
            nic: machine * self.nics + own,
            site: (class == 2).then(|| (u64::from(rank.0) / self.site) as u32),
        }
    }

    /// The loads of the rounds of a phase.
    pub fn rounds(&self, plan: &RoundPlan) -> Vec<Load> {
        match plan {
            RoundPlan::Cayley { group, rounds, .. } => {
                rounds.iter().map(|(hop, _)| self.shift(group, *hop)).collect()
            }
            RoundPlan::Table(table) => {
                let actions = (0..self.size).map(Rank).flat_map(|rank| {
                    let own = table.actions_of(rank).iter();
                    own.map(move |action| {
                        (action.round, rank, action.send_to, action.receive.map(|receive| receive.0))
                    })
                });
                self.loads(actions, table.rounds as usize, 1.0)
            }
        }
    }

    /// The load of a round in which every rank sends to itself plus `hop`.
    pub fn shift(&self, group: &Group, hop: Rank) -> Load {
        let unit = if self.site < u64::from(self.size) { self.site as u32 } else { self.ranks_per_machine };
        let (ranks, copies) = self.representatives(group, unit);
        let act = |rank| (0, rank, Some(group.add(rank, hop)), Some(group.subtract(rank, hop)));
        self.loads(ranks.into_iter().map(act), 1, copies).remove(0)
    }

    /// Ranks of whole units (machines or sites of `unit` ranks), one unit of each orbit of the additions that map units to
    /// units, and the number of units in an orbit.
    fn representatives(&self, group: &Group, unit: u32) -> (Vec<Rank>, f64) {
        let all = || ((0..self.size).map(Rank).collect(), 1.0);
        if !self.size.is_multiple_of(unit) {
            return all();
        }
        let (mut stride, mut copies) = (1, 1u64);
        let mut chosen = vec![0];
        for &radix in group.radices().iter().rev() {
            let aligned = (u64::from(radix) * u64::from(stride)).is_multiple_of(u64::from(unit));
            let bound = if aligned { unit / unit.gcd(&stride) } else { radix };
            chosen =
                (0..bound).flat_map(|digit| chosen.iter().map(move |low| low + digit * stride)).collect();
            copies *= u64::from(radix / bound);
            stride *= radix;
        }
        let units = chosen.into_iter().filter(|first| first.is_multiple_of(&unit));
        (units.flat_map(|first| (first..first + unit).map(Rank)).collect(), copies as f64)
    }

    /// The loads of rounds from what ranks do in them: (round, rank, sends to, receives from). All ranks of a unit are
    /// among them, and every unit stands for `copies`.
    fn loads(
        &self,
        actions: impl Iterator<Item = (u32, Rank, Option<Rank>, Option<Rank>)>,
        rounds: usize,
        copies: f64,
    ) -> Vec<Load> {
        let mut loads = vec![Load::default(); rounds];
        let mut crossing = vec![0.0; rounds];
        // (round, port, class) of every message at either end; a port is (kind, number).
        let mut uses: Vec<(u32, (u8, u32), u8)> = vec![];
        for (round, rank, to, from) in actions {
            for (peer, direction) in [(to, 0u8), (from, 2)].into_iter().filter_map(|(p, d)| p.map(|p| (p, d)))
            {
                let class = self.class(rank, peer);
                if class == 0 {
                    loads[round as usize].raise(0, self.links[0].bandwidth.recip());
                    continue;
                }
                let ports = self.ports(rank, class);
                uses.push((round, (direction, ports.nic), class as u8));
                uses.extend(ports.site.map(|site| (round, (direction + 1, site), class as u8)));
                crossing[round as usize] += copies * f64::from(u8::from(direction == 0));
            }
        }
        uses.sort_unstable();
        for port in uses.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            let (round, (kind, _), class) = port[port.len() - 1];
            let link = &self.links[if kind % 2 == 0 { 1 } else { 2 }];
            loads[round as usize].raise(class as usize, port.len() as f64 / link.bandwidth);
        }
        if let Some(core) = self.core {
            for (load, messages) in loads.iter_mut().zip(crossing).filter(|(_, messages)| *messages > 0.0) {
                let class = if load.seconds_per_byte[2].is_some() { 2 } else { 1 };
                load.raise(class, messages / core);
            }
        }
        loads
    }
}
