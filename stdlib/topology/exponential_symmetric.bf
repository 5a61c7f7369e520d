/// Symmetric exponential graph: ranks exchange if their distance on the ring is a power of the base.
///
/// Weights 1/(number of neighbours + 1); symmetric, doubly stochastic, circulant, with at most 2⌈log n⌉ neighbours.
/// The undirected counterpart of `exponential`, for algorithms that require symmetry.
///
///     bfc analyze topology::exponential_symmetric --size 128
///     bfc analyze topology::exponential_symmetric --size 33 --param base=2
topology exponential_symmetric(base: int = 4) {
    requires base >= 2
    for i in ranks, hop in 1..size, if is_power(min(hop, size - hop), base) { i -> (i + hop) mod size }
    weights uniform
    ensure symmetric
    ensure doubly_stochastic
    ensure contracting
}
