/// PowerGossip: x ← mix(x − lr ∇f(x)), where neighbours compare their models only along a few directions.
///
/// Both ends of an edge know a thin matrix. They send the projections of their models, seen as matrices, onto it,
/// move towards each other by the difference, and use the difference as the next direction: a power iteration. The
/// rank is the only parameter to tune. One gradient at the model and one message of `rank` columns per neighbour and
/// step (Vogels, Karimireddy and Jaggi, "Practical low-rank communication compression in decentralized deep
/// learning", 2020).
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
