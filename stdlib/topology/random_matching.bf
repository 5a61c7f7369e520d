/// Random matchings: at every step, the ranks are paired at random, and each pair averages; the size is even.
///
/// Perfect matchings with weights 1/2; symmetric, doubly stochastic. On average, a step leaves (n − 2)/(2(n − 1)) of
/// the squared disagreement: less than half, at any size. Step t takes shuffle(ranks, seed, t(n − 1)) and pairs
/// consecutive elements; this never changes between versions. After `horizon` steps, the schedule repeats.
///
///     bfc analyze topology::random_matching --size 64
///     bfc analyze topology::random_matching --size 12 --param seed=7 --param horizon=500
topology random_matching(seed: int = 1, horizon: int = 100) {
    requires size mod 2 == 0, horizon >= 1
    for t in 0..horizon {
        let order = shuffle(ranks, seed, t * (size - 1))
        phase { for k in 0..size / 2 { order[2 * k] -- order[2 * k + 1] } }
    }
    weights uniform
    ensure matching
    ensure symmetric
    ensure doubly_stochastic
    ensure contracting
}
