use topology::ring
algorithm extra(lr: scalar = 0.1) {
    requires doubly_stochastic, stable
    state x = params
    state past = params
    state g = 0
    step {
        g <- grad(x)
        past <- (x + mix(x)) / 2
        x <- x + mix(x) - past - lr * (g' - g)
    }
}
schedule {
    topology  ring
    algorithm extra(lr = 0.05)
}
