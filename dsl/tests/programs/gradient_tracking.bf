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
