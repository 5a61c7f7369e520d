use topology::hyper_hypercube::{turned}

/// P-peer hypercuboid: ranks are numbers with one digit per prime factor of the size, ascending; at step l, ranks
/// that differ only in digit l average.
///
/// One step per prime factor averages exactly, at any size. The degree is a prime factor minus 1, so a prime size
/// gives the complete graph. Symmetric, doubly stochastic. `base` keeps the degree small instead.
///
///     bfc analyze topology::p_peer_hypercuboid --size 30
topology p_peer_hypercuboid {
    let radices = prime_factors(size)
    for l in 0..len(radices) {
        phase { for i in ranks, step in 1..radices[l] { i -> turned(i, product(radices[..l]), radices[l], step) } }
    }
    weights uniform
    ensure symmetric
    ensure exact_average
}
