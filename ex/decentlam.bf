use topology::torus2d
algorithm decentlam(lr: scalar = 0.1, beta: real = 0.9) {
    requires doubly_stochastic, stable
    state x = params
    state m = 0
    step {
        m <- beta * m + (x - mix(x - lr * grad(x))) / lr
        x <- x - lr * m'
    }
}
schedule {
    topology  torus2d
    algorithm decentlam(lr = 0.01, beta = 0.9)
}
