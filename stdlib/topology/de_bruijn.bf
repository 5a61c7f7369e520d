/// De Bruijn graph: rank i sends to degree·i, degree·i + 1, …, degree·i + degree − 1, modulo the size.
///
/// Weights 1/degree, with multiplicity and no added self loop; doubly stochastic, directed and far from normal. At
/// size degree^k, k steps average exactly, although a single step need not contract: σ₂ = 1 (Imase, Itoh, "Design to
/// minimize diameter on building-block network", IEEE Transactions on Computers 1981).
///
///     bfc analyze topology::de_bruijn --size 16
///     bfc analyze topology::de_bruijn --size 27 --param degree=3
topology de_bruijn(degree: int = 2) {
    requires degree >= 2
    for i in ranks, a in 0..degree { i -> (degree * i + a) mod size weight 1 / degree }
    ensure doubly_stochastic
    ensure contracting
    ensure rho == 0 if is_power(size, degree) and size <= 256
}
