use topology::hyper_hypercube::{turned}

/// P-peer hypercuboid: ranks are numbers with one digit for each prime factor of the size, ascending; at step l those
/// that differ in digit l alone average.
///
/// As many steps as there are prime factors average exactly, at any size; the degree is a prime factor less 1, so a
/// prime size gives the complete graph. Symmetric, doubly stochastic. `base` keeps the degree small instead.
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
