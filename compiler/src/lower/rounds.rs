//! From a mixing matrix to its rounds, as few as one port out and one port in allow: max(in-degree, out-degree).
//!
//! A round is a matching between senders and receivers, so the rounds of a phase colour the edges of a bipartite graph
//! (Kőnig 1916). Where both directions of a pair exist, they are first coloured as one undirected edge, so that the
//! pair exchanges within one round; a pair for which that finds no colour is split,
//! and so may be others that give way to it. A symbolic matrix has one round per
//! hop, which is minimal too.

use crate::spectrum::colouring::Colouring;
use bfc_schedule::{Action, MixingMatrix, Rank, RoundPlan, RoundTable, SparseMatrix};

/// The rounds of `matrix`: exactly its largest in- or out-degree many. The same matrix always gives the same rounds.
pub fn plan(matrix: &MixingMatrix) -> RoundPlan {
    match matrix {
        MixingMatrix::Cayley(matrix) => RoundPlan::Cayley {
            group: matrix.group().clone(),
            self_weight: matrix.self_weight().clone(),
            rounds: matrix.hops().to_vec(),
        },
        MixingMatrix::Sparse(matrix) => RoundPlan::Table(table(matrix)),
    }
}

/// An edge with its round.
struct Message {
    source: u32,
    target: u32,
    round: u32,
}

fn table(matrix: &SparseMatrix) -> RoundTable {
    let (rounds, messages) = messages(matrix);
    let size = matrix.size();
    let mut send: Vec<Vec<(u32, u32)>> = vec![vec![]; size as usize];
    let mut receive = send.clone();
    for Message { source, target, round } in messages {
        send[source as usize].push((round, target));
        receive[target as usize].push((round, source));
    }
    // The weights of the matrix, which are distinct, in the order in which actions name them.
    let mut weights = vec![];
    let mut ids = vec![None; matrix.weights().len()];
    let mut id = |weight: u32| {
        *ids[weight as usize].get_or_insert_with(|| {
            weights.push(matrix.weights()[weight as usize].clone());
            weights.len() as u32 - 1
        })
    };
    let mut table =
        RoundTable { rounds, weights: vec![], self_weights: vec![], offsets: vec![0], actions: vec![] };
    for rank in (0..size).map(Rank) {
        table.self_weights.push(id(matrix.self_weight(rank)));
        let (send, receive) = (&mut send[rank.index()], &mut receive[rank.index()]);
        send.sort_unstable();
        receive.sort_unstable();
        let mut weight = |source: Rank| {
            let edges = matrix.in_edges(rank);
            let edge = edges.binary_search_by_key(&source, |edge| edge.0).expect("an edge of the matrix");
            id(edges[edge].1)
        };
        table.actions.extend(merge(send, receive, &mut weight));
        table.offsets.push(table.actions.len());
    }
    table.weights = weights;
    table
}

/// One rank's actions from what it sends and receives, both in ascending order of round.
fn merge(send: &[(u32, u32)], receive: &[(u32, u32)], weight: &mut impl FnMut(Rank) -> u32) -> Vec<Action> {
    let (mut send, mut receive) = (send.iter().peekable(), receive.iter().peekable());
    let mut actions = vec![];
    loop {
        let Some(round) = send.peek().into_iter().chain(receive.peek()).map(|entry| entry.0).min() else {
            return actions;
        };
        let send_to = send.next_if(|entry| entry.0 == round).map(|entry| Rank(entry.1));
        let source = receive.next_if(|entry| entry.0 == round).map(|entry| Rank(entry.1));
        actions.push(Action { round, send_to, receive: source.map(|source| (source, weight(source))) });
    }
}

/// The number of rounds, and every edge with its round.
fn messages(matrix: &SparseMatrix) -> (u32, Vec<Message>) {
    let size = matrix.size();
    let ranks = || (0..size).map(Rank);
    let mut out_degrees = vec![0usize; size as usize];
    ranks().flat_map(|rank| matrix.in_edges(rank)).for_each(|(source, _)| out_degrees[source.index()] += 1);
    let in_degrees = || ranks().map(|rank| matrix.in_edges(rank).len());
    let rounds = in_degrees().chain(out_degrees.iter().copied()).max().unwrap_or(0) as u32;

    let is_edge =
        |source: Rank, target: Rank| matrix.in_edges(target).binary_search_by_key(&source, |e| e.0).is_ok();
    let mut pairs = Colouring::new(rounds, in_degrees());
    let mut single = vec![];
    for target in ranks() {
        for &(source, _) in matrix.in_edges(target) {
            if !is_edge(target, source) {
                single.push((source.0, target.0));
            } else if source < target && !pairs.insert(source.0, target.0) {
                single.extend([(source.0, target.0), (target.0, source.0)]);
            }
        }
    }

    if single.is_empty() {
        let both = |(a, b, round)| [(a, b), (b, a)].map(|(source, target)| Message { source, target, round });
        return (rounds, pairs.edges().flat_map(both).collect());
    }
    // Senders are vertices 0..size, receivers size..2·size.
    let mut colouring = Colouring::new(rounds, out_degrees.iter().copied().chain(in_degrees()));
    for (a, b, round) in pairs.edges() {
        colouring.insert_coloured(a, size + b, round);
        colouring.insert_coloured(b, size + a, round);
    }
    for (source, target) in single {
        let coloured = colouring.insert(source, size + target);
        debug_assert!(coloured, "an alternating path of a bipartite graph never closes");
    }
    let message = |(source, receiver, round)| Message { source, target: receiver - size, round };
    (rounds, colouring.edges().map(message).collect())
}
