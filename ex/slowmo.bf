use topology::one_peer_exp2
algorithm slowmo(lr: scalar = 0.1, beta: real = 0.5, slow: real = 1, H: int = 8) {
    requires doubly_stochastic, stable
    state x = params
    state anchor = average(params)
    state u = 0
    step {
        let y = x - lr * grad(x)
        if every(H) {
            // Columns sum to 1: the average of W y is that of y.
            u <- beta * u + (anchor - average(y)) / lr
            anchor <- anchor - slow * lr * u'
            x <- anchor'
        } else {
            x <- mix(y)
        }
    }
}
schedule {
    topology  one_peer_exp2
    algorithm slowmo(lr = 0.05, H = 16)
}
