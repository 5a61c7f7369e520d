use topology::exponential

/// One peer at a time: in each step every rank sends to one of its out-neighbours of `base`, the nearest ahead first.
///
/// Weights 1/2 where one message arrives. On graphs that look the same from every rank by shifts, such as the default,
/// every phase is a permutation, and doubly stochastic; elsewhere several messages may meet at a rank, and rows alone
/// sum to 1 (the dynamic topologies of BlueFog: Ying, Yuan, Hu, Chen, Yin 2021; one-peer exponential graphs: Ying, Yuan,
/// Chen, Hu, Pan, Yin, NeurIPS 2021). `one_peer_undirected` exchanges both ways.
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
