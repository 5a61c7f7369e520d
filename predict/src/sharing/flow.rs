//! The rounds of a phase run rank by rank: no rank waits for a round of others.
//!
//! As in a [simulation](mod@crate::simulate) without jitter: a message leaves when both ends have reached its round, and ports
//! serve messages in the order in which they begin.

use crate::links::Wiring;
use crate::simulate::Ports;
use bfc_schedule::{Action, Rank, RoundTable};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Exchanges that follow each other, for a choice among many rounds: in the first alone all ranks begin at once.
pub(super) const QUICK: usize = 2;

/// Where a rank is.
#[derive(Clone, Copy, Default)]
struct State {
    /// Whether it has begun.
    present: bool,
    /// Actions that are over, through all exchanges.
    done: usize,
    /// Messages of its action that have not begun.
    waiting_for: u8,
    /// When those that have begun are over.
    over_at: f64,
}

/// The rounds that are being built.
struct Flow<'a> {
    table: &'a RoundTable,
    wiring: &'a Wiring,
    bytes: f64,
    exchanges: usize,
    ports: Ports,
    ranks: Vec<State>,
    /// When ranks are through with an action: the bits of the time, which have its order, and the rank.
    events: BinaryHeap<Reverse<(u64, u32)>>,
}

/// The seconds of an exchange of messages of this size in bytes, as a mean over a number of them.
pub(super) fn seconds(table: &RoundTable, wiring: &Wiring, bytes: f64, exchanges: usize) -> f64 {
    let size = wiring.size();
    let ranks = vec![State::default(); size as usize];
    let (ports, events) = (Ports::new(wiring), BinaryHeap::new());
    let mut flow = Flow { table, wiring, bytes, exchanges, ports, ranks, events };
    (0..size).for_each(|rank| flow.enter(Rank(rank), 0.0));
    let mut end = 0.0;
    while let Some(Reverse((bits, rank))) = flow.events.pop() {
        end = f64::from_bits(bits);
        flow.ranks[rank as usize].done += 1;
        flow.enter(Rank(rank), end);
    }
    end / exchanges as f64
}

impl Flow<'_> {
    /// The action that a rank has reached, and the exchange that it belongs to.
    fn action(&self, rank: Rank) -> Option<(usize, Action)> {
        let actions = self.table.actions_of(rank);
        let done = self.ranks[rank.index()].done;
        let exchange = done.checked_div(actions.len())?;
        (exchange < self.exchanges).then(|| (exchange, actions[done % actions.len()]))
    }

    fn enter(&mut self, rank: Rank, at: f64) {
        let Some((exchange, action)) = self.action(rank) else { return };
        let from = action.receive.map(|receive| receive.0);
        let state = &mut self.ranks[rank.index()];
        state.present = true;
        state.waiting_for = u8::from(action.send_to.is_some()) + u8::from(from.is_some());
        state.over_at = at;
        let there = |peer: &Rank| {
            let reached = self.action(*peer).map(|(exchange, action)| (exchange, action.round));
            self.ranks[peer.index()].present && reached == Some((exchange, action.round))
        };
        let (to, from) = (action.send_to.filter(there), from.filter(there));
        if let Some(to) = to {
            self.transfer(rank, to, at);
        }
        if let Some(from) = from {
            self.transfer(from, rank, at);
        }
    }

    fn transfer(&mut self, from: Rank, to: Rank, at: f64) {
        let (sent, arrived) = self.ports.transfer(self.wiring, from, to, at, self.bytes);
        for (rank, over) in [(from, sent), (to, arrived)] {
            let state = &mut self.ranks[rank.index()];
            state.over_at = state.over_at.max(over);
            state.waiting_for -= 1;
            if state.waiting_for == 0 {
                self.events.push(Reverse((state.over_at.to_bits(), rank.0)));
            }
        }
    }
}
