/// Where every rank sends in each step.
topology NAME_graph {
    // `i -> j`: i sends to j. `i -- j`: both ways. Ranks run from 0 to size - 1.
    for i in ranks { i -- (i + 1) mod size }

    // How much of what arrives counts: `uniform`, `metropolis`, `max_degree`, or `weight w` at each edge.
    weights metropolis

    // What is promised: proved at every size that is compiled.
    ensure doubly_stochastic
}

/// What a rank does in a step.
///
/// ```console
/// $ bfc check NAME.bf --size 16
/// $ bfc run NAME.bf --size 4 --steps 20
/// ```
algorithm NAME(lr: scalar = 0.1) {
    // What its convergence needs of the mixing matrix; `stable` is derived from the equations below.
    requires doubly_stochastic, stable

    // What each rank keeps from step to step, with its value at the start.
    state x = params

    // `x` is the value before the step, `x'` after it. `mix(v)` averages v with the neighbours.
    step { x <- mix(x) - lr * grad(x) }
}

schedule {
    topology  NAME_graph
    algorithm NAME(lr = 0.05)
}
