/// Chordal ring: every rank exchanges with its neighbours on the ring and with the ranks `chord` ahead and behind.
///
/// Weights 1/5 where all four neighbours differ; symmetric, doubly stochastic, circulant (Arden, Lee, "Analysis of
/// chordal ring network", IEEE Transactions on Computers 1981). With the default ⌊√n⌋ the spectral gap is of order
/// 1/n, as on a square torus.
///
///     bfc analyze topology::chordal_ring --size 16
///     bfc analyze topology::chordal_ring --size 100 --param chord=30
topology chordal_ring(chord: int = floor_sqrt(size)) {
    requires chord >= 1
    for i in ranks, hop in [1, chord] { i -- (i + hop) mod size }
    weights uniform
    ensure symmetric
    ensure doubly_stochastic
    ensure contracting
}
