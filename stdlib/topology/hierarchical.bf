use topology::complete
use topology::one_peer_exp2

/// Hierarchical averaging: one topology inside each machine and another across machines, both in every step.
///
/// W = A ⊗ B with A on the machines and B on the `local_size` ranks of each. With the complete graph inside, a step
/// averages each machine's ranks exactly, and the contraction is that of `across`: BlueFog's hierarchical neighbour
/// averaging (Ying, Yuan, Hu, Chen, Yin, "BlueFog: make decentralized algorithms practical for optimization and deep
/// learning", 2021). Phases of both advance together.
///
///     bfc analyze topology::hierarchical --size 32 --local-size 8
///     bfc analyze topology::hierarchical --size 32 --local-size 8 --param across=topology::ring
topology hierarchical(within: topology = complete, across: topology = one_peer_exp2) {
    phases kronecker(across at machines, within at local_size)
    ensure contracting
}
