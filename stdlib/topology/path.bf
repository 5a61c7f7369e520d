/// Path: every rank exchanges with the next one; the two ends have one neighbour.
///
/// Metropolis weights: 1/3 on every edge, 2/3 at the ends; symmetric, doubly stochastic. Eigenvalues
/// (1 + 2 cos(πk/n))/3, so the spectral gap is (2/3)(1 − cos(π/n)) for n ≥ 3, of order n⁻².
///
///     bfc analyze topology::path --size 16
topology path {
    for i in 0..size - 1 { i -- i + 1 }
    weights metropolis
    ensure tree
    ensure symmetric
    ensure doubly_stochastic
    ensure contracting
}
