/// Static exponential graph: every rank sends base^k hops ahead, for every base^k below the size.
///
/// Weights 1/(number of hops + 1); doubly stochastic and circulant, directed. For base 2 and even n the spectral gap
/// is 2/(1 + ⌈log₂ n⌉), and larger for odd n (Ying, Yuan, Chen, Hu, Pan, Yin, "Exponential graph is provably
/// efficient for decentralized deep training", NeurIPS 2021). A step takes ⌈log n⌉ rounds.
///
///     bfc analyze topology::exponential --size 128
///     bfc analyze topology::exponential --size 33 --param base=3
topology exponential(base: int = 2) {
    requires base >= 2
    for i in ranks, k in 0..ceil_log(size, base) { i -> (i + base^k) mod size }
    weights uniform
    ensure doubly_stochastic
    ensure contracting
}
