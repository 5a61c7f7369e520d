use topology::ring

/// MATCHA: the edges of `base` are partitioned into matchings, and each phase activates each matching at random, more
/// often if it matters more for connectivity. Half of the communication can mix as fast as all of it.
///
/// Wang, Sahu, Joshi, Kar, "Matcha: speeding up decentralized SGD via matching decomposition sampling", 2019.
/// `budget` is the fraction of matchings that is active on average. Probabilities and step size solve the paper's two
/// convex problems, approximately on large graphs: `bfc check` bounds the loss. `seed` determines the draws, which
/// are unrolled over `horizon` phases and then repeat.
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
