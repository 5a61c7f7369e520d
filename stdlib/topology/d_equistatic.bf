/// `count` hops from 1 to n − 1, drawn from position `first` on; drawn again until they connect all ranks.
fn drawn_shifts(n, count, seed, first) {
    let shifts = [1 + random_int(n - 1, seed, first + m) for m in 0..count]
    if gcd(shifts ++ [n]) == 1 { shifts } else { drawn_shifts(n, count, seed, first + count) }
}

/// The default shifts of an EquiStatic graph.
fn equistatic_shifts(n, count, seed) = if n == 1 { [] } else { drawn_shifts(n, count, seed, 0) }

/// D-EquiStatic: the mean of `count` random shifts; for each shift, rank i receives from rank i + shift; directed.
///
/// W is the mean of I/n + (1 − 1/n) P over the shifts, repeated ones included; doubly stochastic, circulant. With a
/// number of shifts of order log n the spectral gap does not shrink with the size (Song, Li, Jin, Ying, Yan, Yuan,
/// "Communication-efficient topologies for decentralized learning with O(1) consensus rate", NeurIPS 2022). By
/// default 2⌈log₂ n⌉ shifts, the m-th drawn as 1 + random_int(n − 1, seed, m); if all of them share a divisor with n,
/// the next batch is drawn. These draws never change between versions. A list of `shifts` replaces them.
///
///     bfc analyze topology::d_equistatic --size 100
///     bfc analyze topology::d_equistatic --size 12 --param shifts=[1,5]
topology d_equistatic(
    count: int = 2 * ceil_log(size, 2), seed: int = 1, shifts: list = equistatic_shifts(size, count, seed)
) {
    requires count >= 1, len(shifts) >= 1, gcd(shifts ++ [size]) == 1
    for shift in shifts, i in ranks { (i + shift) mod size -> i weight (size - 1) / (size * len(shifts)) }
    ensure doubly_stochastic
    ensure contracting
    ensure max_in_degree <= len(shifts)
}
