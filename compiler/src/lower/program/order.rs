//! The sequence in which a block makes its values.
//!
//! Mixes of one topology that do not depend on each other travel in one exchange, so that a block has no more
//! exchanges than its longest chain of mixes. An exchange that waits for no gradient goes before the gradient, where a
//! runtime can overlap the two. An expression is computed at once if that frees a buffer, else when it is needed.

use super::fuse::Flow;
use crate::model::algorithm::{ValueId, ValueKind};
use bfc_schedule::program::{Operator, Shape};

/// One thing to do; values name their results.
#[derive(Clone, Debug)]
pub(super) enum Task {
    /// Fetch the initial parameters.
    Parameters(ValueId),
    /// Compute something that concerns the rank alone.
    Compute(ValueId),
    /// Send the operands of these mixes or averages in one message.
    Exchange(Operator, Vec<ValueId>),
    /// Ask the trainer.
    Ask(ValueId),
}

/// All that the flow makes, in order.
pub(super) fn tasks(flow: &Flow) -> Vec<Task> {
    let mut order = Order::new(flow);
    loop {
        order.compute_what_frees();
        let Some(event) = order.next_event() else { break };
        order.run(event);
    }
    for &id in &flow.made {
        order.require(id);
    }
    order.tasks
}

/// Something that is not an expression.
enum Event {
    Exchange(Operator, Vec<ValueId>),
    Ask(ValueId),
}

struct Order<'a> {
    flow: &'a Flow<'a>,
    /// What each made value reads.
    reads: Vec<Vec<ValueId>>,
    /// How many values still to be made read a value; a root has one reader more.
    readers: Vec<u32>,
    done: Vec<bool>,
    tasks: Vec<Task>,
}

impl<'a> Order<'a> {
    fn new(flow: &'a Flow<'a>) -> Self {
        let mut reads = vec![vec![]; flow.len()];
        let mut readers = vec![0; flow.len()];
        for &id in &flow.made {
            reads[id.0 as usize] = flow.reads(id);
            reads[id.0 as usize].iter().for_each(|read| readers[read.0 as usize] += 1);
        }
        flow.roots.iter().for_each(|root| readers[root.0 as usize] += 1);
        Order { flow, reads, readers, done: flow.held.clone(), tasks: vec![] }
    }

    fn is_done(&self, id: ValueId) -> bool {
        self.done[id.0 as usize]
    }

    fn finish(&mut self, id: ValueId, task: Option<Task>) {
        self.done[id.0 as usize] = true;
        self.tasks.extend(task);
        for read in &self.reads[id.0 as usize] {
            self.readers[read.0 as usize] -= 1;
        }
    }

    /// Computes `id` and what it reads; all events among them are done.
    fn require(&mut self, id: ValueId) {
        let mut open = vec![id];
        while let Some(&id) = open.last() {
            let missing = self.reads[id.0 as usize].iter().find(|read| !self.is_done(**read));
            if let Some(&missing) = missing {
                open.push(missing);
                continue;
            }
            open.pop();
            if !self.is_done(id) {
                let parameters = matches!(self.flow.value(id).kind, ValueKind::Parameters);
                self.finish(id, Some(if parameters { Task::Parameters(id) } else { Task::Compute(id) }));
            }
        }
    }

    fn compute_what_frees(&mut self) {
        let flow = self.flow;
        loop {
            let before = self.tasks.len();
            for &id in &flow.made {
                let value = flow.value(id);
                let ready = !self.is_done(id)
                    && matches!(value.kind, ValueKind::Apply(..))
                    && self.reads[id.0 as usize].iter().all(|read| self.is_done(*read));
                let frees = |read: &ValueId| {
                    self.readers[read.0 as usize] == 1 && flow.value(*read).shape == Shape::Vector
                };
                if ready && self.reads[id.0 as usize].iter().any(frees) {
                    self.finish(id, Some(Task::Compute(id)));
                }
            }
            if self.tasks.len() == before {
                return;
            }
        }
    }

    fn run(&mut self, event: Event) {
        let made = match &event {
            Event::Exchange(_, made) => made.clone(),
            Event::Ask(made) => vec![*made],
        };
        for id in &made {
            for read in self.reads[id.0 as usize].clone() {
                self.require(read);
            }
        }
        let task = match event {
            Event::Exchange(operator, made) => Task::Exchange(operator, made),
            Event::Ask(id) => Task::Ask(id),
        };
        self.tasks.push(task);
        made.into_iter().for_each(|id| self.finish(id, None));
    }

    /// What to do next that is not an expression.
    ///
    /// An operator goes first if no mix could still join its message: each one that is not ready waits for a mix of
    /// the same operator. Then questions to the trainer. Else the operator whose message misses the fewest.
    fn next_event(&self) -> Option<Event> {
        let candidates = self.candidates();
        let exchange = candidates
            .exchanges
            .into_iter()
            .filter(|exchange| !exchange.ready.is_empty())
            .min_by_key(|exchange| exchange.late);
        match (exchange, candidates.ask) {
            (Some(exchange), ask) if exchange.late == 0 || ask.is_none() => {
                Some(Event::Exchange(exchange.operator, exchange.ready))
            }
            (_, ask) => ask.map(Event::Ask),
        }
    }

    fn candidates(&self) -> Candidates {
        const ASK: u128 = 1;
        let mut candidates = Candidates { exchanges: vec![], ask: None };
        // For each value the operators (bits from 1) and questions (bit 0) that have to come before it is there.
        let mut before = vec![0u128; self.flow.len()];
        for &id in &self.flow.made {
            if self.is_done(id) {
                continue;
            }
            let awaited =
                self.reads[id.0 as usize].iter().fold(0, |bits, read| bits | before[read.0 as usize]);
            let own = match self.flow.exchange(id) {
                Some(operator) => candidates.note(operator, id, awaited),
                None if self.flow.value(id).kind.is_oracle() => {
                    if awaited == 0 {
                        candidates.ask.get_or_insert(id);
                    }
                    ASK
                }
                _ => 0,
            };
            before[id.0 as usize] = awaited | own;
        }
        candidates
    }
}

struct Candidates {
    exchanges: Vec<Candidate>,
    /// The first question that can be asked.
    ask: Option<ValueId>,
}

struct Candidate {
    operator: Operator,
    /// Mixes whose operands are there, or can be computed.
    ready: Vec<ValueId>,
    /// How many are not ready and wait for no mix of the same operator.
    late: usize,
}

impl Candidates {
    /// Files a mix under its operator and returns the operator's bit.
    fn note(&mut self, operator: Operator, id: ValueId, awaited: u128) -> u128 {
        let index = self.exchanges.iter().position(|exchange| exchange.operator == operator);
        let index = index.unwrap_or_else(|| {
            self.exchanges.push(Candidate { operator, ready: vec![], late: 0 });
            self.exchanges.len() - 1
        });
        // Operators past the last bit share it, which costs at most a message.
        let bit = 1 << (index + 1).min(127);
        if awaited == 0 {
            self.exchanges[index].ready.push(id);
        } else if awaited & bit == 0 {
            self.exchanges[index].late += 1;
        }
        bit
    }
}
