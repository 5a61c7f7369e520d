use algorithm::dgd

/// In step t local rank `t mod local_size` of every machine sends to another machine, the others within theirs
/// (BlueFog, GetInnerOuterExpo2DynamicSendRecvRanks).
topology inner_outer_exp2 {
    requires machines >= 2, local_size >= 3
    let outside = floor_log(machines - 1, 2) + 1
    let inside = floor_log(local_size - 2, 2) + 1
    for t in 0..lcm(local_size, outside, inside) {
        let out = t mod local_size
        phase {
            for m in 0..machines, l in 0..local_size {
                let i = m * local_size + l
                if l == out {
                    i -> (m + 2^(t mod outside)) mod machines * local_size + l
                } else {
                    let hop = 2^(t mod inside)
                    let skip = if hop >= (out - l) mod local_size { 1 } else { 0 }
                    i -> m * local_size + (l + hop + skip) mod local_size
                }
            }
        }
    }
    weights uniform
}

schedule {
    topology  inner_outer_exp2
    algorithm dgd
}
