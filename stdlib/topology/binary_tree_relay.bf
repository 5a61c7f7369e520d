/// Binary tree for relays: ranks 0 and 1 exchange, and every rank from 2 on with its parent, ⌊i/2⌋.
///
/// The tree along which RelaySGD relays sums (Vogels, He, Koloskova, Lin, Karimireddy, Stich, Jaggi, "RelaySum for
/// decentralized deep learning on heterogeneous data", NeurIPS 2021). Metropolis weights; symmetric, doubly
/// stochastic; at most three neighbours, gap of order 1/n.
///
///     bfc analyze topology::binary_tree_relay --size 16
topology binary_tree_relay {
    for i in 1..size { i -- i div 2 }
    weights metropolis
    ensure tree
    ensure symmetric
    ensure doubly_stochastic
    ensure contracting
}
