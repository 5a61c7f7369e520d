/// Southern women: 18 women, ranks 0 to 17, and the 14 social events that they attended, bipartite.
///
/// Metropolis weights; symmetric, doubly stochastic, ρ = 0.917902. A small test network with uneven degrees (Davis,
/// Gardner and Gardner, "Deep South", 1941).
///
///     bfc analyze topology::davis_southern_women --size 32
topology davis_southern_women {
    requires size == 32
    let later = [
        [18, 19, 20, 21, 22, 23, 25, 26], [18, 19, 20, 22, 23, 24, 25], [19, 20, 21, 22, 23, 24, 25, 26],
        [18, 20, 21, 22, 23, 24, 25], [20, 21, 22, 24], [20, 22, 23, 25], [22, 23, 24, 25], [23, 25, 26],
        [22, 24, 25, 26], [24, 25, 26, 29], [25, 26, 27, 29], [25, 26, 27, 29, 30, 31],
        [24, 25, 26, 27, 29, 30, 31], [23, 24, 26, 27, 28, 29, 30, 31], [24, 25, 27, 28, 29], [25, 26],
        [26, 28], [26, 28]
    ]
    for i in 0..len(later), j in later[i] { i -- j }
    weights metropolis
    ensure symmetric
    ensure doubly_stochastic
    ensure contracting
}
