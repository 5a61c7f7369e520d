/// Paley graph: ranks exchange if their difference is a square modulo the size, a prime of the form 4k + 1.
///
/// Every rank has (n − 1)/2 neighbours; weights 2/(n + 1); symmetric, doubly stochastic, circulant. The spectral gap is
/// 1 − (1 + √n)/(n + 1): as even as a random graph with half of all edges (Paley, "On orthogonal matrices", 1933).
///
///     bfc analyze topology::paley --size 29
topology paley {
    requires is_prime(size), size mod 4 == 1
    for i in ranks, x in 1..size { i -- (i + x^2) mod size }
    weights uniform
    ensure symmetric
    ensure doubly_stochastic
    ensure contracting
    ensure max_in_degree == (size - 1) / 2
    ensure rho <= (1 + sqrt(size)) / (size + 1)
}
