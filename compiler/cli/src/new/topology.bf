/// Where every rank sends in each step: what the graph is for, and the paper that it is from.
///
/// Here each rank exchanges with the one that follows it on a ring.
///
/// ```console
/// $ bfc analyze NAME.bf --size 16
/// ```
topology NAME(hop: int = 1) {
    // For which sizes and parameters it is made.
    requires hop >= 1

    // `i -> j`: i sends to j. `i -- j`: both ways. Ranks run from 0 to size - 1.
    for i in ranks { i -- (i + hop) mod size }

    // How much of what arrives counts: `uniform`, `metropolis`, `max_degree`, or `weight w` at each edge.
    weights metropolis

    // What is promised: proved at every size that is compiled.
    ensure doubly_stochastic
    ensure connected if gcd(hop, size) == 1
}
