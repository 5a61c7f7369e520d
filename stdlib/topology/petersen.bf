/// Petersen graph: ten ranks, a pentagon, a pentagram, and the five edges between them.
///
/// Weights 1/4; symmetric, doubly stochastic. Eigenvalues 1, 1/2 and −1/4: spectral gap 1/2 with three neighbours.
/// Its edges can be partitioned into four matchings but not into three (Petersen, "Sur le théorème de Tait", 1898).
///
///     bfc analyze topology::petersen --size 10
topology petersen {
    requires size == 10
    for i in 0..5 {
        i -- (i + 1) mod 5
        i -- i + 5
        i + 5 -- (i + 2) mod 5 + 5
    }
    weights uniform
    ensure symmetric
    ensure doubly_stochastic
    ensure contracting
    ensure rho <= 1/2
    ensure lambda_min >= -1/4
}
