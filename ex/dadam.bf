use topology::exponential
algorithm dadam(lr: scalar = 0.001, beta1: real = 0.9, beta2: real = 0.999, epsilon: real = 1e-8) {
    requires doubly_stochastic, contracting
    state x = params
    state m = 0
    state v = 0
    step {
        let g = grad(x)
        m <- beta1 * m + (1 - beta1) * g
        v <- beta2 * v + (1 - beta2) * g^2
        let mean = m' / (1 - beta1^(t + 1))
        let square = v' / (1 - beta2^(t + 1))
        x <- mix(x) - lr * mean / (sqrt(square) + epsilon)
    }
}
schedule {
    topology  exponential
    algorithm dadam(lr = 0.01)
}
