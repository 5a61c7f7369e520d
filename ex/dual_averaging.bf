use topology::ring
algorithm dual_averaging(lr: scalar = 0.1) {
    requires doubly_stochastic, contracting
    state x = params
    state z = 0
    step {
        z <- mix(z) + grad(x)
        x <- params - lr / sqrt(t + 1) * z'
    }
}
schedule {
    topology  ring
    algorithm dual_averaging(lr = 0.1)
}
