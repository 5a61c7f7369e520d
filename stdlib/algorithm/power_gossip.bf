/// PowerGossip: x ← mix(x − lr ∇f(x)), where neighbours compare their models along a few directions instead of in full.
///
/// For each edge both ends know a thin matrix; they send what their models, as matrices, are along it, move towards each
/// other by the difference, and take the difference for the next direction: a power iteration. Nothing is tuned but the
/// rank. One gradient at the model and one message of `rank` columns for each neighbour a step (Vogels, Karimireddy and
/// Jaggi, "Practical low-rank communication compression in decentralized deep learning", 2020).
///
///     use topology::ring
///     use algorithm::power_gossip
///     schedule {
///         topology  ring
///         algorithm power_gossip(lr = 0.02, rank = 2)
///     }
algorithm power_gossip(lr: scalar = 0.1, rank: int = 1) {
    requires symmetric, doubly_stochastic, contracting, static
    state x = params
    step { x <- mix(x - lr * grad(x), via = low_rank(rank)) }
}
