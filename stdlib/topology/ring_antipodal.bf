/// Antipodal ring: a ring in which every rank also exchanges with the opposite one; the size is even.
///
/// Weights 1/4 with three neighbours; symmetric, doubly stochastic, circulant (the extended ring of Lin, Karimireddy,
/// Stich, Jaggi, "Quasi-global momentum", ICML 2021). The chords do not help: the gap stays of order n⁻².
///
///     bfc analyze topology::ring_antipodal --size 16
topology ring_antipodal {
    requires size mod 2 == 0
    for i in ranks, hop in [1, size / 2] { i -- (i + hop) mod size }
    weights uniform
    ensure symmetric
    ensure doubly_stochastic
    ensure contracting
}
