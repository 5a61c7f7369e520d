/// Pairwise gossip: at every step, one random pair of ranks averages, and all others keep their models.
///
/// Symmetric, doubly stochastic. On average, a step leaves 1 − 1/(n − 1) of the squared disagreement (Boyd, Ghosh,
/// Prabhakar, Shah, "Randomized gossip algorithms", 2006). The ranks of step t are i = random_int(n, seed, 2t) and
/// the rank 1 + random_int(n − 1, seed, 2t + 1) ahead of it; this never changes between versions. After `horizon`
/// steps, the schedule repeats. With the default, the pairs connect all ranks for about 98 of 100 seeds; the default
/// is at most 1000, so set a longer horizon from 215 ranks on.
///
///     bfc analyze topology::pairwise_gossip --size 16
///     bfc analyze topology::pairwise_gossip --size 16 --param seed=7 --param horizon=500
topology pairwise_gossip(seed: int = 1, horizon: int = min(ceil(size * (log(size) + 4) / 2), 1000)) {
    requires horizon >= 1
    for t in 0..horizon {
        let i = random_int(size, seed, 2 * t)
        phase { i -- (i + 1 + random_int(size - 1, seed, 2 * t + 1)) mod size }
    }
    weights uniform
    ensure matching
    ensure symmetric
    ensure doubly_stochastic
}
