use topology::ring

/// What a rank does in a step: the equations of the paper.
///
/// Here it averages with its neighbours, then follows its own gradient.
///
/// ```console
/// $ bfc check NAME.bf --size 16
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
    topology  ring
    algorithm NAME(lr = 0.05)
}
