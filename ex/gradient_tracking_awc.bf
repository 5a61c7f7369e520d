use topology::ring
algorithm gradient_tracking_awc(lr: scalar = 0.1) {
    requires doubly_stochastic, stable
    state x = params
    state g = grad(x)
    state y = g
    step {
        x <- mix(x) - lr * y
        g <- grad(x')
        y <- mix(y) + g' - g
    }
}
schedule {
    topology  ring
    algorithm gradient_tracking_awc(lr = 0.05)
}
