use topology::one_peer_exp2
algorithm gradient_tracking(lr: scalar = 0.1) {
    requires doubly_stochastic, stable
    state x = params
    state g = grad(x)
    state y = g
    step {
        x <- mix(x - lr * y)
        g <- grad(x')
        y <- mix(y + g' - g)
    }
}
schedule {
    topology  one_peer_exp2
    algorithm gradient_tracking(lr = 0.05)
}
