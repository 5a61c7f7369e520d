use topology::d_equistatic::{equistatic_shifts}

/// U-EquiStatic: the mean of `count` random shifts, each taken both ways; undirected.
///
/// W is the mean of I/n + (1 − 1/n) (P + Pᵀ)/2 over the shifts, repeated ones included; symmetric, doubly stochastic,
/// circulant, with at most 2·count neighbours. With a number of shifts of order log n the spectral gap does not shrink
/// with the size (Song, Li, Jin, Ying, Yan, Yuan, NeurIPS 2022). The shifts are those of `d_equistatic`, of which this is
/// the symmetric part.
///
///     bfc analyze topology::u_equistatic --size 100
///     bfc analyze topology::u_equistatic --size 12 --param shifts=[1,5]
topology u_equistatic(
    count: int = 2 * ceil_log(size, 2), seed: int = 1, shifts: list = equistatic_shifts(size, count, seed)
) {
    requires count >= 1, len(shifts) >= 1, gcd(shifts ++ [size]) == 1
    for shift in shifts, i in ranks { (i + shift) mod size -- i weight (size - 1) / (2 * size * len(shifts)) }
    ensure symmetric
    ensure doubly_stochastic
    ensure contracting
    ensure max_in_degree <= 2 * len(shifts)
}
