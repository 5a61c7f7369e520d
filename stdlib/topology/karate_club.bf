/// Karate club: the 34 members of a university club, which later split in two, and their 78 friendships.
///
/// Metropolis weights; symmetric, doubly stochastic, ρ = 0.968764. A small test network with uneven degrees (Zachary,
/// "An information flow model for conflict and fission in small groups", 1977).
///
///     bfc analyze topology::karate_club --size 34
topology karate_club {
    requires size == 34
    let later = [
        [1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 17, 19, 21, 31], [2, 3, 7, 13, 17, 19, 21, 30],
        [3, 7, 8, 9, 13, 27, 28, 32], [7, 12, 13], [6, 10], [6, 10, 16], [16], [], [30, 32, 33], [33], [],
        [], [], [33], [32, 33], [32, 33], [], [], [32, 33], [33], [32, 33], [], [32, 33],
        [25, 27, 29, 32, 33], [25, 27, 31], [31], [29, 33], [33], [31, 33], [32, 33], [32, 33], [32, 33],
        [33]
    ]
    for i in 0..len(later), j in later[i] { i -- j }
    weights metropolis
    ensure symmetric
    ensure doubly_stochastic
    ensure contracting
}
