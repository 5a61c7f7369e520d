algorithm dmsgd(lr: scalar = 0.1, beta: real = 0.9) {
    requires doubly_stochastic, stable
    state x = params
    state m = 0
    step {
        m <- beta * m + grad(x)
        x <- mix(x - lr * m')
    }
}
algorithm dmsgd_awc(lr: scalar = 0.1, beta: real = 0.9) {
    requires doubly_stochastic, stable
    state x = params
    state m = 0
    step {
        m <- beta * m + grad(x)
        x <- mix(x) - lr * m'
    }
}
algorithm dmsgd_exp(lr: scalar = 0.1, beta: real = 0.9) {
    requires doubly_stochastic, stable
    state x = params
    state m = 0
    step {
        m <- mix(beta * m + grad(x))
        x <- mix(x - lr * m)
    }
}
algorithm decentlam(lr: scalar = 0.1, beta: real = 0.9) {
    requires doubly_stochastic, stable
    state x = params
    state m = 0
    step {
        m <- beta * m + (x - mix(x - lr * grad(x))) / lr
        x <- x - lr * m'
    }
}
algorithm qg(lr: scalar = 0.1, beta: real = 0.9, mu: real = 0.9) {
    requires doubly_stochastic, stable
    state x = params
    state m = 0
    step {
        x <- mix(x - lr * (beta * m + grad(x)))
        m <- mu * m + (1 - mu) * (x - x') / lr
    }
}
algorithm mt(lr: scalar = 0.1, beta: real = 0.9) {
    requires doubly_stochastic, stable
    state x = params
    state u = 0
    state c = 0
    step {
        u <- beta * u + grad(x)
        x <- mix(x) - lr * (u' - c)
        c <- mix(c - u') + u'
    }
}
