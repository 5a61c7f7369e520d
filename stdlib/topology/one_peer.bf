use topology::exponential

/// One peer at a time: in each step, every rank sends to one of its out-neighbours in `base`, the nearest ahead
/// first.
///
/// Weights 1/2 if one message arrives. On circulant graphs such as the default, every phase is a permutation and
/// doubly stochastic; on other graphs, several messages may arrive at a rank, and only rows sum to 1 (the dynamic
/// topologies of BlueFog: Ying, Yuan, Hu, Chen, Yin 2021; one-peer exponential graphs: Ying, Yuan, Chen, Hu, Pan,
/// Yin, NeurIPS 2021). `one_peer_undirected` exchanges both ways.
///
///     bfc analyze topology::one_peer --size 16
///     bfc analyze topology::one_peer --size 16 --param base=topology::complete
topology one_peer(base: topology = exponential) {
    phases cycle(base)
    weights uniform
    ensure row_stochastic
    ensure contracting
    ensure max_out_degree <= 1
}
