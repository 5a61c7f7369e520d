use topology::ring
algorithm momentum_tracking(lr: scalar = 0.1, beta: real = 0.9) {
    requires doubly_stochastic, stable
    state x = params
    state u = 0
    state c = 0
    step {
        u <- beta * u + grad(x)
        x <- mix(x) - lr * (u' - c)
        c <- mix(c - u') + u'
    }
}
schedule {
    topology  ring
    algorithm momentum_tracking(lr = 0.01)
}
