use topology::exponential
algorithm d_amsgrad(lr: scalar = 0.001, beta1: real = 0.9, beta2: real = 0.999, epsilon: real = 1e-8) {
    requires nonnegative, doubly_stochastic, contracting
    state x = params
    state m = 0
    state v = 0
    state top = 0
    state u = 0
    step {
        let g = grad(x)
        m <- beta1 * m + (1 - beta1) * g
        v <- beta2 * v + (1 - beta2) * g^2
        top <- max(top, v')
        u <- mix(u) + top' - top
        x <- mix(x) - lr * m' / sqrt(max(u', epsilon))
    }
}
schedule {
    topology  exponential
    algorithm d_amsgrad(lr = 0.01)
}
