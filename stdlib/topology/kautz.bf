/// Kautz graph: rank i sends to −degree·i − 1, …, −degree·i − degree, modulo the size.
///
/// Weights 1/degree, with multiplicity; doubly stochastic, directed. For n = degree^k + degree^(k − 1) it has the
/// smallest known diameter for this degree, and ρ = 1/degree; for n = degree^k k steps average exactly (Imase, Itoh,
/// "A design for directed graphs with minimum diameter", IEEE Transactions on Computers 1983).
///
///     bfc analyze topology::kautz --size 12
///     bfc analyze topology::kautz --size 36 --param degree=3
topology kautz(degree: int = 2) {
    requires degree >= 2
    for i in ranks, a in 1..degree + 1 { i -> (-degree * i - a) mod size weight 1 / degree }
    ensure doubly_stochastic
    ensure contracting
    ensure rho == 0 if is_power(size, degree) and size <= 256
}
