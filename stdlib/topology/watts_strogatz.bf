/// The first position from k on that draws a free rank.
fn free(n, taken, seed, k) = if contains(taken, random_int(n, seed, k)) { free(n, taken, seed, k + 1) } else { k }

/// Rewires the edges from e on, drawing from position k on; returns the edges and the position after the last draw.
fn rewired(edges, e, n, p, seed, k) = if e == len(edges) { [edges, k] } else if random(seed, k) >= p {
    rewired(edges, e + 1, n, p, seed, k + 1)
} else {
    let i = edges[e][0]
    let taken = [i] ++ [u + v - i for [u, v] in edges, if u == i or v == i]
    if len(taken) == n { rewired(edges, e + 1, n, p, seed, k + 1) } else {
        let found = free(n, taken, seed, k + 1)
        rewired(edges[..e] ++ [[i, random_int(n, seed, found)]] ++ edges[e + 1..], e + 1, n, p, seed, found + 1)
    }
}

/// The first drawing that connects all ranks; each drawing continues where the previous one ended.
fn connected_edges(lattice, n, p, seed, first) {
    let [edges, next] = rewired(lattice, 0, n, p, seed, first)
    if connected(edges) { edges } else { connected_edges(lattice, n, p, seed, next) }
}

/// Watts–Strogatz graph: a ring in which every rank exchanges with its `neighbors` nearest ranks, and each edge is
/// rewired with probability `p`; drawn again until it is connected.
///
/// Between the ring (p = 0) and a random graph (p = 1): few rewired edges make all distances short (Watts, Strogatz,
/// "Collective dynamics of 'small-world' networks", Nature 1998). All draws are from random(seed, 0), random(seed,
/// 1), … in turn: edges are visited by distance on the ring and then by rank. One draw decides whether an edge is
/// rewired; then random_int(n, …) is drawn until it gives a rank that is not yet a neighbour of the edge's first end,
/// which becomes the other end. This never changes between versions. Metropolis weights; symmetric, doubly
/// stochastic.
///
///     bfc analyze topology::watts_strogatz --size 64
///     bfc analyze topology::watts_strogatz --size 64 --param neighbors=6 --param p=1/10 --param seed=7
topology watts_strogatz(neighbors: int = 4, p: real = 3/10, seed: int = 1) {
    requires neighbors >= 2, neighbors mod 2 == 0, neighbors < size, p >= 0, p <= 1
    let lattice = [[i, (i + hop) mod size] for hop in 1..neighbors / 2 + 1, i in ranks]
    for [i, j] in connected_edges(lattice, size, p, seed, 0) { i -- j }
    weights metropolis
    ensure symmetric
    ensure doubly_stochastic
    ensure contracting
}
