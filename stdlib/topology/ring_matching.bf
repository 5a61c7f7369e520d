/// Ring by matchings: first every even rank exchanges with the next one, then every odd rank; the size is even.
///
/// Perfect matchings with weights 1/2; symmetric, doubly stochastic. A period of two steps contracts by cos(2π/n),
/// and averages exactly at 4 ranks: the ring at one message per step.
///
///     bfc analyze topology::ring_matching --size 16
topology ring_matching {
    requires size mod 2 == 0
    for parity in 0..2 {
        phase { for i in ranks, if i mod 2 == parity { i -- (i + 1) mod size } }
    }
    weights uniform
    ensure matching
    ensure symmetric
    ensure doubly_stochastic
    ensure contracting
    ensure exact_average if size <= 4
}
