//! Shared ports: when a message is over, given those before it.

use crate::links::Wiring;
use bfc_schedule::Rank;

/// For each port when it will have finished what it was given.
pub(crate) struct Ports {
    /// NICs, outward and inward.
    nics: [Vec<f64>; 2],
    /// Sites, outward and inward.
    sites: [Vec<f64>; 2],
    /// The network between machines.
    core: f64,
}

impl Ports {
    pub(crate) fn new(wiring: &Wiring) -> Self {
        let (nics, sites) = (vec![0.0; wiring.all_nics()], vec![0.0; wiring.sites()]);
        Self { nics: [nics.clone(), nics], sites: [sites.clone(), sites], core: 0.0 }
    }

    /// When a message that begins at `at` has left, and when it has arrived.
    pub(crate) fn transfer(
        &mut self,
        wiring: &Wiring,
        from: Rank,
        to: Rank,
        at: f64,
        bytes: f64,
    ) -> (f64, f64) {
        let class = wiring.class(from, to);
        let link = &wiring.links[class];
        if class == 0 {
            let left = at + bytes / link.bandwidth;
            return (left, left + link.latency);
        }
        let mut left = at;
        let mut pass = |port: &mut f64, bandwidth: f64| {
            *port = port.max(at) + bytes / bandwidth;
            left = left.max(*port);
        };
        for (direction, rank) in [from, to].into_iter().enumerate() {
            let ports = wiring.ports(rank, class);
            pass(&mut self.nics[direction][ports.nic as usize], wiring.links[1].bandwidth);
            if let Some(site) = ports.site {
                pass(&mut self.sites[direction][site as usize], wiring.links[2].bandwidth);
            }
        }
        if let Some(core) = wiring.core {
            pass(&mut self.core, core);
        }
        (left, left + link.latency)
    }
}
