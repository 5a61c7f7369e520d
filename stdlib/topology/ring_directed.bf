/// Directed ring: every rank sends to the next one.
///
/// W has 1/2 on the diagonal and 1/2 from the rank before; doubly stochastic and normal, not symmetric for n > 2.
/// Eigenvalues (1 + e^(2πik/n))/2, so the spectral gap is 1 − cos(π/n), of order n⁻². The cheapest connected
/// topology: one message out and one in per step.
///
///     bfc analyze topology::ring_directed --size 16
topology ring_directed {
    for i in ranks { i -> (i + 1) mod size }
    weights uniform
    ensure doubly_stochastic
    ensure contracting
}
