use topology::ring
algorithm dgd(lr: scalar = 0.1) {
    requires doubly_stochastic, stable
    state x = params
    step { x <- mix(x) - lr * grad(x) }
}
schedule {
    topology  ring
    algorithm dgd(lr = 0.05)
}
