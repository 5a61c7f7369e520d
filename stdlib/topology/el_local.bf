/// `count` distinct numbers below n, in no meaningful order: for each of the last `count` places j, a number up to j
/// is drawn; if it is taken already, j itself is used (Floyd's method).
fn sample(n, count, seed, step, rank, chosen) = if len(chosen) == count { chosen } else {
    let j = n - count + len(chosen)
    let drawn = random_int(j + 1, seed, step, rank, len(chosen))
    sample(n, count, seed, step, rank, chosen ++ [if contains(chosen, drawn) { j } else { drawn }])
}

/// EL-Local: at every step, each rank sends to `peers` random others and averages what it receives.
///
/// Weights 1/(in-degree + 1): row-stochastic only, since a rank may receive more or less than it sends. Agreement is
/// preserved and the average is not, as in the paper (de Vos, Farhadkhani, Guerraoui, Kermarrec, Pires, Sharma,
/// "Epidemic learning", NeurIPS 2023); `el_oracle` preserves both. Rank i of step t draws the c-th of its peers from
/// random_int(…, seed, t, i, c) by Floyd's method, where a number d stands for the rank d + 1 ahead; these draws
/// never change between versions. The default is ⌈log₂ n⌉ peers. After `horizon` steps, the schedule repeats.
///
///     bfc analyze topology::el_local --size 16
///     bfc analyze topology::el_local --size 16 --param peers=2 --param seed=7 --param horizon=50
topology el_local(peers: int = ceil_log(size, 2), seed: int = 1, horizon: int = 10) {
    requires peers >= 1, peers < size, horizon >= 1
    for t in 0..horizon {
        phase { for i in ranks, d in sample(size - 1, peers, seed, t, i, []) { i -> (i + d + 1) mod size } }
    }
    weights uniform
    ensure row_stochastic
    ensure nonnegative
    ensure contracting
    ensure max_out_degree == peers
}
