/// Florentine families: marriages among fifteen families of Renaissance Florence; rank 1 is the Medici.
///
/// Metropolis weights; symmetric, doubly stochastic, ρ = 0.942559. A small test network with uneven degrees (Padgett
/// and Ansell, "Robust action and the rise of the Medici", 1993).
///
///     bfc analyze topology::florentine_families --size 15
topology florentine_families {
    requires size == 15
    let later = [
        [1], [5, 6, 7, 8, 9], [3, 4, 5], [4, 11], [6, 11], [], [7], [12], [12, 13], [10], [], [12], [14]
    ]
    for i in 0..len(later), j in later[i] { i -- j }
    weights metropolis
    ensure symmetric
    ensure doubly_stochastic
    ensure contracting
}
