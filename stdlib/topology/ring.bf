/// Ring: every rank exchanges with the rank before and the rank after it.
///
/// W has 1/3 on the diagonal and towards both neighbours (1/2 and 1/2 at size 2); symmetric, doubly stochastic.
/// Eigenvalues (1 + 2 cos(2πk/n))/3, so the spectral gap is (2/3)(1 − cos(2π/n)), of order n⁻².
/// For even n the smallest eigenvalue is −1/3, where D² is marginal.
///
///     bfc analyze topology::ring --size 16
topology ring {
    for i in ranks { i -- (i + 1) mod size }
    weights metropolis
    ensure symmetric
    ensure doubly_stochastic
    ensure contracting
}
