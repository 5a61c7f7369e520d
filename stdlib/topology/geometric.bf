/// The positions of n ranks in a square of 2^26 by 2^26, drawn from position `first` of the stream on: x and y of
/// rank 0, then of rank 1, and so on.
fn places(n, seed, first) = [[floor(random(seed, first + 2 * i) * 2^26), floor(random(seed, first + 2 * i + 1) * 2^26)]
    for i in 0..n]

/// The pairs of positions whose squared distance is at most the given limit.
fn near(places, most) = [[i, j] for i in 0..len(places), j in i + 1..len(places),
    if (places[i][0] - places[j][0])^2 + (places[i][1] - places[j][1])^2 <= most]

/// The first drawing that connects all ranks, or nothing; each drawing continues where the previous one ended.
fn connected_edges(n, most, seed, first, drawings) {
    let edges = near(places(n, seed, first), most)
    if connected(edges) {
        edges
    } else if drawings == 1 {
        []
    } else {
        connected_edges(n, most, seed, first + 2 * n, drawings - 1)
    }
}

/// The most drawings for n ranks.
fn most_drawings(n) = max(1, min(10^4, 2 * 10^6 div (n * (n - 1))))

/// Random geometric graph: ranks have random positions in the unit square and exchange with all ranks within
/// `radius`.
///
/// Drawn again until it is connected. Rank i lies at random(seed, 2i), random(seed, 2i + 1), both cut to 26 bits, and
/// the next drawing continues where this one ended; this never changes between versions. Metropolis weights;
/// symmetric, doubly stochastic. A model of sensor networks; with the default radius, √(2 ln n / n), the spectral gap
/// is of order log n / n (Gupta, Kumar, "Critical power for asymptotic connectivity in wireless networks", 1998;
/// Boyd, Ghosh, Prabhakar, Shah, "Mixing times for random walks on geometric random graphs", 2005).
///
///     bfc analyze topology::geometric --size 64
///     bfc analyze topology::geometric --size 64 --param radius=1/2 --param seed=7
topology geometric(radius: real = sqrt(2 * log(size) / size), seed: int = 1) {
    requires radius > 0
    let drawn = connected_edges(size, floor(radius^2 * 2^52), seed, 0, most_drawings(size))
    requires len(drawn) > 0 // Or no drawing connects all ranks: a larger radius does.
    for [i, j] in drawn { i -- j }
    weights metropolis
    ensure symmetric
    ensure doubly_stochastic
    ensure contracting
}
