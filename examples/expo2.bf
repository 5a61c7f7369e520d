// The one-peer exponential graph, written out: after ceil(log2 n) steps of averaging every rank holds the exact mean, where
// the number of ranks is a power of two. `bfc analyze examples/expo2.bf --size 128` proves it.

topology expo2 {
    for t in 0..ceil_log(size, 2) {
        phase { for i in ranks { i -> (i + 2^t) mod size } }
    }
    weights uniform
    ensure doubly_stochastic
    ensure exact_average if is_power(size, 2)
}
