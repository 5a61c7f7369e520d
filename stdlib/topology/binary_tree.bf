/// Binary tree: every rank but 0 exchanges with its parent, ⌊(i − 1)/2⌋.
///
/// Metropolis weights; symmetric, doubly stochastic. At most three neighbours, and a spectral gap of order 1/n, since
/// all information between the halves passes through the root.
///
///     bfc analyze topology::binary_tree --size 16
topology binary_tree {
    for i in 1..size { i -- (i - 1) div 2 }
    weights metropolis
    ensure tree
    ensure symmetric
    ensure doubly_stochastic
    ensure contracting
}
