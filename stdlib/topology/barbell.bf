/// Barbell: two complete graphs of n/2 ranks, and one edge between their first ranks; the size is even.
///
/// The bad case of decentralized averaging: many messages, and a spectral gap of order n⁻², since a single edge
/// carries all information between the halves. Metropolis weights; symmetric, doubly stochastic.
///
///     bfc analyze topology::barbell --size 16
topology barbell {
    requires size mod 2 == 0
    let half = size / 2
    for i in 0..half, j in 0..i {
        i -- j
        half + i -- half + j
    }
    0 -- half
    weights metropolis
    ensure symmetric
    ensure doubly_stochastic
    ensure contracting
}
