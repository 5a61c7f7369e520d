/// Chung's cycle with inverses: rank x exchanges with x + 1, x − 1 and 1/x modulo the size, a prime.
///
/// An expander of degree 3 (Chung, "Diameters and eigenvalues", Journal of the AMS 1989; the gap follows from
/// Selberg's theorem). Each of the three has weight 1/3, even where it leads back to the rank itself (at 0, 1 and n −
/// 1); symmetric, doubly stochastic.
///
///     bfc analyze topology::chung_inverse --size 31
topology chung_inverse {
    requires is_prime(size)
    for x in ranks {
        x -> (x + 1) mod size weight 1/3
        x -> (x - 1) mod size weight 1/3
        x -> x^max(size - 2, 1) mod size weight 1/3
    }
    ensure symmetric
    ensure doubly_stochastic
    ensure contracting
}
