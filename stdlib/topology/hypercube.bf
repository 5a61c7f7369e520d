/// Hypercube: ranks exchange if their numbers differ in one bit; the size is a power of two.
///
/// Weights 1/(τ + 1) with τ = log₂ n neighbours; symmetric, doubly stochastic. Eigenvalues 1 − 2k/(τ + 1) for
/// k = 0 … τ, so the spectral gap is 2/(1 + log₂ n), and the smallest eigenvalue (1 − τ)/(1 + τ) lies below −1/3
/// from 8 ranks on.
///
///     bfc analyze topology::hypercube --size 16
topology hypercube {
    requires is_power(size, 2)
    for i in ranks, b in 0..floor_log(size, 2) { i -- i xor 2^b }
    weights uniform
    ensure symmetric
    ensure doubly_stochastic
    ensure contracting
}
