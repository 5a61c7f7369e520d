/// Complete bipartite graph: every rank of the first half exchanges with every rank of the second.
///
/// Weights 1/(m + 1) for m = n/2; symmetric, doubly stochastic. Eigenvalues 1, 1/(m + 1) and −(m − 1)/(m + 1), so the
/// spectral gap is 2/(m + 1), and the smallest eigenvalue lies below −1/3 from 6 ranks on. A step takes m rounds.
///
///     bfc analyze topology::complete_bipartite --size 16
topology complete_bipartite {
    requires size mod 2 == 0
    for i in 0..size / 2, j in size / 2..size { i -- j }
    weights metropolis
    ensure symmetric
    ensure doubly_stochastic
    ensure contracting
}
