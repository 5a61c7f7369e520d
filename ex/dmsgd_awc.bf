use topology::exponential
algorithm dmsgd_awc(lr: scalar = 0.1, beta: real = 0.9) {
    requires doubly_stochastic, stable
    state x = params
    state m = 0
    step {
        m <- beta * m + grad(x)
        x <- mix(x) - lr * m'
    }
}
schedule {
    topology  exponential
    algorithm dmsgd_awc(lr = 0.01, beta = 0.9)
}
