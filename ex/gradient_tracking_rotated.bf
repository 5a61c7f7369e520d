use topology::ring
algorithm gradient_tracking_rotated(lr: scalar = 0.1) {
    requires doubly_stochastic, stable
    state x = params
    state g = 0
    state s = 0
    step {
        g <- grad(x)
        let y = s + g' - g
        x <- mix(x) - lr * y
        s <- mix(y)
    }
}
schedule {
    topology  ring
    algorithm gradient_tracking_rotated(lr = 0.05)
}
