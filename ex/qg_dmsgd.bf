use topology::ring
algorithm qg_dmsgd(lr: scalar = 0.1, beta: real = 0.9, mu: real = 0.9, nesterov: bool = false) {
    requires doubly_stochastic, stable
    state x = params
    state m = 0
    step {
        let d = beta * m + grad(x)
        x <- mix(x - lr * if nesterov { grad(x) + beta * d } else { d })
        m <- mu * m + (1 - mu) * (x - x') / lr
    }
}
schedule {
    topology  ring
    algorithm qg_dmsgd(lr = 0.01)
}
