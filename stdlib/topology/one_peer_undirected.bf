use topology::ring

/// One partner at a time: the edges of `base` in matchings, one after the other, each an exchange of pairs.
///
/// Weights 1/2 and 1/2; symmetric, doubly stochastic, the cheapest exchange there is. As many phases as the largest
/// degree where the graph is bipartite (Kőnig 1916), and else at most one more (Vizing 1964; Misra and Gries 1992). On
/// the hypercube this is `one_peer_hypercube`, on an even ring `ring_matching`.
///
///     bfc analyze topology::one_peer_undirected --size 16
///     bfc analyze topology::one_peer_undirected --size 16 --param base=topology::hypercube
topology one_peer_undirected(base: topology = ring) {
    phases matchings(base)
    weights metropolis
    ensure symmetric
    ensure doubly_stochastic
    ensure matching
    ensure contracting
}
