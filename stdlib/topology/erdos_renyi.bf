/// The pairs drawn from position `first` of the stream on, in the order [0, 1], [0, 2], …, [n − 2, n − 1].
fn drawn_edges(n, p, seed, first) = [[i, j] for i in 0..n, row in [first + i * n - i * (i + 3) / 2 - 1], j in i + 1..n,
    if random(seed, row + j) < p]

/// The first drawing that connects all ranks, or nothing; each drawing continues where the previous one ended.
fn connected_edges(n, p, seed, first, drawings) {
    let edges = drawn_edges(n, p, seed, first)
    if connected(edges) {
        edges
    } else if drawings == 1 {
        []
    } else {
        connected_edges(n, p, seed, first + n * (n - 1) / 2, drawings - 1)
    }
}

/// The most drawings for n ranks.
fn most_drawings(n) = max(1, min(10^4, 8 * 10^6 div (n * (n - 1))))

/// Erdős–Rényi graph: each pair of ranks exchanges with probability `p`; the same seed gives the same graph on every
/// machine.
///
/// Drawn again until it is connected. The pairs [0, 1], [0, 2], …, [n − 2, n − 1] take random(seed, 0), random(seed,
/// 1), … in turn, and the next drawing continues where this one ended; this never changes between versions.
/// Metropolis weights; symmetric, doubly stochastic. With the default, twice the threshold ln n / n, the first
/// drawing is usually connected, the degree is about 2 ln n, and the spectral gap does not shrink with the size
/// (Erdős, Rényi, "On random graphs", 1959). Far below the threshold, not one of ten thousand drawings connects all
/// ranks, which is an error.
///
///     bfc analyze topology::erdos_renyi --size 64
///     bfc analyze topology::erdos_renyi --size 64 --param p=1/4 --param seed=7
topology erdos_renyi(p: real = min(1, 2 * log(size) / size), seed: int = 1) {
    requires p > 0, p <= 1
    let drawn = connected_edges(size, p, seed, 0, most_drawings(size))
    requires len(drawn) > 0 // Or no drawing connects all ranks: a larger p does.
    for [i, j] in drawn { i -- j }
    weights metropolis
    ensure symmetric
    ensure doubly_stochastic
    ensure contracting
}
