/// Whether all prime factors of n are at most k + 1.
fn smooth(n, k) = max([1] ++ prime_factors(n)) <= k + 1

/// n as a product of factors of at most `most`, ascending; repeatedly takes the largest.
fn factors(n, most) = if n == 1 {
    []
} else if n mod most == 0 {
    factors(n div most, most) ++ [most]
} else {
    factors(n, most - 1)
}

/// The rank that i becomes when its digit of this stride and radix increases by `step`, cyclically.
fn turned(i, stride, radix, step) = i + ((i div stride + step) mod radix - i div stride mod radix) * stride

/// All pairs of a group, with the weights that average the group.
fn clique(group) = [[group[a], group[b], 1 / len(group)] for a in 0..len(group), b in 0..a]

/// The rounds of the hyper-hypercube on a list of ranks, as lists of [rank, rank, weight].
fn hyper_rounds(v, k) = digit_rounds(v, factors(len(v), k + 1), 1)
fn digit_rounds(v, radices, stride) = if len(radices) == 0 { [] } else {
    let f = radices[0]
    let groups = [[v[a + stride * b] for b in 0..f] for a in 0..len(v), if a div stride mod f == 0]
    [[e for group in groups, e in clique(group)]] ++ digit_rounds(v, radices[1..], stride * f)
}

/// Hyper-hypercube: ranks are numbers with one digit per factor of the size, all factors at most k + 1; at step l,
/// ranks that differ only in digit l average.
///
/// Degree at most k, weights 1/factor; symmetric, doubly stochastic. One step per factor averages exactly (Takezawa,
/// Sato, Bao, Niwa, Yamada, "Beyond exponential graph", NeurIPS 2023). All prime factors of the size must be at most
/// k + 1; `base` has no such condition.
///
///     bfc analyze topology::hyper_hypercube --size 64
///     bfc analyze topology::hyper_hypercube --size 36 --param k=2
topology hyper_hypercube(k: int = 1) {
    requires k >= 1, smooth(size, k)
    let radices = factors(size, k + 1)
    for l in 0..len(radices) {
        phase { for i in ranks, step in 1..radices[l] { i -> turned(i, product(radices[..l]), radices[l], step) } }
    }
    weights uniform
    ensure symmetric
    ensure exact_average
    ensure max_in_degree <= k
}
