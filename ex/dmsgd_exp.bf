use topology::one_peer_exp2
algorithm dmsgd_exp(lr: scalar = 0.1, beta: real = 0.9) {
    requires doubly_stochastic, stable
    state x = params
    state m = 0
    step {
        m <- mix(beta * m + grad(x))
        x <- mix(x - lr * m)
    }
}
schedule {
    topology  one_peer_exp2
    algorithm dmsgd_exp(lr = 0.01, beta = 0.9)
}
