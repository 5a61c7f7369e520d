/// Complete graph: every rank exchanges with every other one.
///
/// W = J, every entry 1/n: one step averages exactly. It takes n − 1 rounds and n − 1 messages of the whole model per
/// rank; `average` in an algorithm gives the same result with 2(n − 1)/n models per rank.
///
///     bfc analyze topology::complete --size 16
topology complete {
    for i in ranks, h in 1..size { i -> (i + h) mod size }
    weights uniform
    ensure symmetric
    ensure exact_average
}
