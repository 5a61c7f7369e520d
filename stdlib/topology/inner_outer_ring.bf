/// Inner-outer ring: at step t, local rank t mod `local_size` of every machine sends to the same local rank of the
/// next machine, and the others send to the next rank of their own machine, skipping that rank.
///
/// At each step, one message leaves and one enters each machine: made for ranks that share one network card
/// (BlueFog's inner-outer ring; Ying, Yuan, Hu, Chen, Yin, "BlueFog", 2021). Weights 1/2; doubly stochastic; a period
/// contracts to 0.70 on 4 machines of 4 ranks, 0.97 on 16 of 8. A single machine is a directed ring. With two ranks
/// per machine, the one that stays has nobody to send to, so the two exchange in an extra step after each.
/// `inner_outer_exact` uses the same ports and averages exactly.
///
///     bfc analyze topology::inner_outer_ring --size 16 --local-size 4
topology inner_outer_ring {
    let alone = machines == 1
    for t in 0..if alone { 1 } else { local_size } {
        let out = if alone { -1 } else { t }
        phase {
            for m in 0..machines, l in 0..local_size {
                if l == out {
                    m * local_size + l -> (m + 1) mod machines * local_size + l
                } else {
                    let hop = if (l + 1) mod local_size == out { 2 } else { 1 }
                    m * local_size + l -> m * local_size + (l + hop) mod local_size
                }
            }
        }
        if local_size == 2 and not alone { phase { for m in 0..machines { 2 * m -- 2 * m + 1 } } }
    }
    weights uniform
    ensure doubly_stochastic
    ensure max_in_degree <= 1
    ensure contracting
}
