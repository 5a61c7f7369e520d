/// Bipartite exponential graph: at step p, for p = 1, 2, …, every odd rank i exchanges with rank i + 2^p − 1.
///
/// Perfect matchings with weights 1/2; symmetric, doubly stochastic; the size is even. A period has ⌊log₂(n − 1)⌋
/// steps from 6 ranks on; smaller sizes use every hop there is. It contracts, but is not exact at any power of two
/// from 8 on: 0.707 at 8 ranks, 0.653 at 16 (the schedule of Lin, Karimireddy, Stich, Jaggi, "Quasi-global momentum",
/// ICML 2021).
///
///     bfc analyze topology::bipartite_exponential --size 16
topology bipartite_exponential {
    requires size mod 2 == 0
    for p in 1..max(floor_log(size - 1, 2), min(floor_log(size, 2), 2)) + 1 {
        phase { for i in ranks, if i mod 2 == 1 { i -- (i + 2^p - 1) mod size } }
    }
    weights uniform
    ensure matching
    ensure symmetric
    ensure doubly_stochastic
    ensure contracting
}
