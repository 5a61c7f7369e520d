/// Inner-outer exponential graph: at step t, local rank t mod `local_size` of every machine sends to the same local
/// rank of the machine 2^(t mod outside) ahead; the others send 2^(t mod inside) ahead within their machine, skipping
/// that rank.
///
/// At each step, one message leaves and one enters each machine (BlueFog's inner-outer exp-2; Ying, Yuan, Hu, Chen,
/// Yin, "BlueFog", 2021). Weights 1/2; doubly stochastic; outside = ⌈log₂ machines⌉, inside = ⌈log₂(local_size − 1)⌉,
/// and a period, their common multiple with `local_size`, contracts to 0.64 on 4 machines of 4 ranks (4 steps), 0.45
/// on 16 of 8 (24 steps). A single machine is a one-peer exponential graph. With two ranks per machine, the one that
/// stays has nobody to send to, so the two exchange in an extra step after each. `inner_outer_exact` uses the same
/// ports and averages exactly.
///
///     bfc analyze topology::inner_outer_expo2 --size 16 --local-size 4
topology inner_outer_expo2 {
    let alone = machines == 1
    let turns = if alone { 1 } else { local_size }
    let outside = max(ceil_log(machines, 2), 1)
    let inside = max(ceil_log(max(if alone { local_size } else { local_size - 1 }, 1), 2), 1)
    for t in 0..lcm(turns, outside, inside) {
        let out = if alone { -1 } else { t mod local_size }
        phase {
            for m in 0..machines, l in 0..local_size {
                if l == out {
                    m * local_size + l -> (m + 2^(t mod outside)) mod machines * local_size + l
                } else if alone or local_size > 2 {
                    let hop = 2^(t mod inside)
                    let skip = if not alone and hop >= (out - l) mod local_size { 1 } else { 0 }
                    m * local_size + l -> m * local_size + (l + hop + skip) mod local_size
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
