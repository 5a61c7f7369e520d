use topology::ring

/// One partner at a time: the edges of `base`, partitioned into matchings that take turns.
///
/// Weights 1/2 and 1/2; symmetric, doubly stochastic, the cheapest possible exchange. A bipartite graph takes as many
/// phases as its largest degree (Kőnig 1916), any other graph at most one more (Vizing 1964; Misra and Gries 1992).
/// On the hypercube this is `one_peer_hypercube`, on an even ring `ring_matching`.
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
