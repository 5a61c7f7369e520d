use topology::exponential
algorithm dmsgd(lr: scalar = 0.1, beta: real = 0.9, nesterov: bool = false) {
    requires doubly_stochastic, stable
    state x = params
    state m = 0
    step {
        m <- beta * m + grad(x)
        x <- mix(x - lr * if nesterov { grad(x) + beta * m' } else { m' })
    }
}
schedule {
    topology  exponential
    algorithm dmsgd(lr = 0.01, beta = 0.9)
}
