/// Star: rank 0 exchanges with every other rank.
///
/// Metropolis weights: 1/n on every edge and at the hub, 1 − 1/n at the leaves; symmetric, doubly stochastic.
/// Eigenvalues 1, 1 − 1/n (n − 2 times) and 0, so the spectral gap is 1/n. A step costs n − 1 rounds at the hub: the
/// gap is larger than that of a ring, but per unit of time the star is not faster.
///
///     bfc analyze topology::star --size 16
topology star {
    for i in 1..size { 0 -- i }
    weights metropolis
    ensure symmetric
    ensure doubly_stochastic
    ensure contracting
}
