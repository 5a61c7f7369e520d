/// One-peer exponential graph: at step t, every rank sends 2^t hops ahead, for t = 0 … ⌈log₂ n⌉ − 1, repeatedly.
///
/// Each step averages two models, with weights 1/2 and 1/2: one message out and one in. The product of a period is
/// exactly J if the size is a power of two; otherwise it contracts by max |sin(πNm/n) / (N sin(πm/n))| over 1 ≤ m <
/// n, with N = 2^⌈log₂ n⌉ (Ying, Yuan, Chen, Hu, Pan, Yin, NeurIPS 2021).
///
///     bfc analyze topology::one_peer_exp2 --size 128
topology one_peer_exp2 {
    for t in 0..ceil_log(size, 2) {
        phase { for i in ranks { i -> (i + 2^t) mod size } }
    }
    weights uniform
    ensure doubly_stochastic
    ensure contracting
    ensure exact_average if is_power(size, 2)
}
