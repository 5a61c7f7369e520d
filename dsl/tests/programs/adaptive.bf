algorithm dadam(lr: scalar = 0.001, b1: real = 0.9, b2: real = 0.999, eps: real = 1e-8) {
    requires doubly_stochastic, contracting
    state x = params
    state m = 0
    state v = 0
    step {
        let g = grad(x)
        m <- b1 * m + (1 - b1) * g
        v <- b2 * v + (1 - b2) * g^2
        x <- mix(x) - lr * (m' / (1 - b1^(t + 1))) / (sqrt(v' / (1 - b2^(t + 1))) + eps)
    }
}
algorithm d_amsgrad(lr: scalar = 0.001, b1: real = 0.9, b2: real = 0.999, eps: real = 1e-8) {
    requires doubly_stochastic, contracting
    state x = params
    state m = 0
    state v = 0
    state top = 0
    state u = 0
    step {
        let g = grad(x)
        m <- b1 * m + (1 - b1) * g
        v <- b2 * v + (1 - b2) * g^2
        top <- max(top, v')
        u <- mix(u) + top' - top
        x <- mix(x) - lr * m' / sqrt(max(u', eps))
    }
}
algorithm dualavg(lr: scalar = 0.1) {
    requires doubly_stochastic, contracting
    state x = params
    state z = 0
    step {
        z <- mix(z) + grad(x)
        x <- -lr / sqrt(t + 1) * z'
    }
}
