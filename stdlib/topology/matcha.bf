use topology::ring

/// MATCHA: the edges of `base` are cut into matchings, and in every phase each is active by chance, more often where
/// connectivity hangs on it. Half of the communication can mix as fast as all of it.
///
/// Wang, Sahu, Joshi, Kar, "Matcha: speeding up decentralized SGD via matching decomposition sampling", 2019. `budget` is
/// the part of all matchings that is active on average; probabilities and step are the optimum of the paper's two convex
/// problems, on large graphs nearly: `bfc check` bounds what is lost. The draws are those of `seed`, unrolled over
/// `horizon` phases and then repeated.
///
///     bfc analyze topology::matcha --size 8 --param horizon=100
topology matcha(base: topology = ring, budget: real = 1/2, seed: int = 0, horizon: int = 1000) {
    requires budget > 0, horizon > 0
    let m = matchings(edges(base))
    let p = matcha_probabilities(m, budget)
    let a = matcha_step(m, p)
    for t in 0..horizon {
        phase {
            for j in 0..len(m), if random(seed, t * len(m) + j) < p[j], [u, v] in m[j] { u -- v weight a }
        }
    }
    ensure symmetric
    ensure doubly_stochastic
}
