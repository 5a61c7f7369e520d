/// One-peer hypercube: at step b, every rank exchanges with the rank whose number differs in bit b.
///
/// Each step is a perfect matching with weights 1/2 and 1/2, the cheapest possible exchange; log₂ n steps average
/// exactly. The size is a power of two.
///
///     bfc analyze topology::one_peer_hypercube --size 128
topology one_peer_hypercube {
    requires is_power(size, 2)
    for b in 0..floor_log(size, 2) {
        phase { for i in ranks { i -- i xor 2^b } }
    }
    weights uniform
    ensure symmetric
    ensure matching
    ensure exact_average
}
