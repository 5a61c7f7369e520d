algorithm chebyshev {
    requires symmetric, static, contracting
    state x = params
    state past = params
    state w: scalar = 1
    step {
        w <- 1 / (1 - rho(W)^2 * (if t == 0 { 2 } else { w }) / 4)
        past <- x
        x <- w * mix(x) - (w - 1) * past
    }
}
topology static_finite(base: topology) = concat([lazy(base, -l / (1 - l)) for l in eigenvalues(base), if l != 1])
