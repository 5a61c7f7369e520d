//! What messages share: ports of ranks, of NICs, of sites, and the network between machines, each with a number.

use crate::links::Wiring;
use bfc_schedule::Rank;

/// Numbers for all ports: of ranks, NICs and sites, out and in, and of the network between machines.
pub(super) struct Ports {
    ranks: usize,
    nics: usize,
    sites: usize,
}

impl Ports {
    pub(super) fn new(wiring: &Wiring) -> Self {
        Self { ranks: 2 * wiring.size() as usize, nics: 2 * wiring.all_nics(), sites: 2 * wiring.sites() }
    }

    pub(super) fn count(&self) -> usize {
        self.ranks + self.nics + self.sites + 1
    }

    /// The ports that a message passes.
    pub(super) fn passed(
        &self,
        wiring: &Wiring,
        from: Rank,
        to: Rank,
    ) -> impl Iterator<Item = usize> + use<> {
        let class = wiring.class(from, to);
        let end = |direction: usize, rank: Rank| {
            let ports = (class > 0).then(|| wiring.ports(rank, class));
            let nic = ports.map(|ports| self.ranks + 2 * ports.nic as usize + direction);
            let sites = self.ranks + self.nics;
            let site = ports.and_then(|ports| Some(sites + 2 * ports.site? as usize + direction));
            [Some(2 * rank.index() + direction), nic, site]
        };
        let core = wiring.core.filter(|_| class > 0).map(|_| self.count() - 1);
        [end(0, from), end(1, to)].into_iter().flatten().chain([core]).flatten()
    }

    /// The bandwidth of a port, unless it is a rank's own.
    pub(super) fn shared_bandwidth(&self, port: usize, wiring: &Wiring) -> Option<f64> {
        let (nics, sites, core) = (self.ranks, self.ranks + self.nics, self.count() - 1);
        match port {
            _ if port < nics => None,
            _ if port < sites => Some(wiring.links[1].bandwidth),
            _ if port < core => Some(wiring.links[2].bandwidth),
            _ => Some(wiring.core.unwrap_or(f64::INFINITY)),
        }
    }

    /// The messages that each port carries in a round of `slope` seconds for a byte; a rank's port carries one, and every
    /// other at least one.
    pub(super) fn capacities(&self, wiring: &Wiring, slope: f64) -> Vec<u32> {
        let capacity = |port| match self.shared_bandwidth(port, wiring) {
            // A rate that divides another one must not lose a message to rounding.
            Some(bandwidth) => {
                (slope * bandwidth * (1.0 + 1e-9)).floor().clamp(1.0, f64::from(u32::MAX)) as u32
            }
            None => 1,
        };
        (0..self.count()).map(capacity).collect()
    }
}
