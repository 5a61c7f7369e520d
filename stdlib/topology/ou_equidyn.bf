/// The matching in which each rank i = start, start + 1, … in turn takes rank i + shift if both are free.
fn equidyn_pairs(n, shift, start) = matching([[(start + p) mod n, (start + p + shift) mod n] for p in 0..n])

/// OU-EquiDyn: at every step, ranks that are one random shift apart exchange, each with at most one partner;
/// undirected.
///
/// Step t draws the shift, from 1 to n − 1, as 1 + random_int(n − 1, seed, 2t) and the starting rank as random_int(n,
/// seed, 2t + 1); this never changes between versions. From there on, each rank in turn takes the one `shift` ahead
/// if both are free; unmatched ranks keep their models. W = (1 − η) I + η (I/n + (1 − 1/n) A) for the matching A;
/// symmetric, doubly stochastic. The mean contraction of a step does not depend on the size (Song, Li, Jin, Ying,
/// Yan, Yuan, NeurIPS 2022). After `horizon` steps, the schedule repeats.
///
///     bfc analyze topology::ou_equidyn --size 100
///     bfc analyze topology::ou_equidyn --size 12 --param eta=1/4 --param seed=7 --param horizon=500
topology ou_equidyn(eta: real = 1/2, seed: int = 1, horizon: int = 100) {
    requires eta > 0, eta < 1, horizon >= 1
    for t in 0..horizon {
        let pairs = equidyn_pairs(size, 1 + random_int(size - 1, seed, 2 * t), random_int(size, seed, 2 * t + 1))
        phase { for [i, j] in pairs { i -- j weight eta * (size - 1) / size } }
    }
    ensure matching
    ensure symmetric
    ensure doubly_stochastic
    ensure contracting
}
