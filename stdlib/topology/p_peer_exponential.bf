/// P-peer exponential graph: at step t, every rank sends j(peers + 1)^t hops ahead, for j = 1 … peers.
///
/// Weights 1/(peers + 1), with multiplicity; doubly stochastic. The product of a period of T = ⌈log n⌉ steps, to base
/// peers + 1, is the mean of N = (peers + 1)^T successive shifts: exactly J if n divides N; otherwise it contracts by
/// max |sin(πNm/n) / (N sin(πm/n))| over 1 ≤ m < n (Assran, Loizou, Ballas, Rabbat, "Stochastic gradient push for
/// distributed deep learning", ICML 2019). With one peer it is `one_peer_exp2`.
///
///     bfc analyze topology::p_peer_exponential --size 27
///     bfc analyze topology::p_peer_exponential --size 64 --param peers=3
topology p_peer_exponential(peers: int = 2) {
    requires peers >= 1
    let period = ceil_log(size, peers + 1)
    for t in 0..period {
        phase { for i in ranks, j in 1..peers + 1 { i -> (i + j * (peers + 1)^t) mod size weight 1 / (peers + 1) } }
    }
    ensure doubly_stochastic
    ensure contracting
    ensure exact_average if (peers + 1)^period mod size == 0
}
