use topology::ring
algorithm chebyshev_averaging {
    requires symmetric, doubly_stochastic, static, contracting
    state x = params
    state past = params
    state omega: scalar = 1
    step {
        omega <- 1 / (1 - rho(W)^2 / 4 * if t == 0 { 2 } else { omega })
        past <- x
        x <- omega * mix(x) - (omega - 1) * past
    }
}
schedule {
    topology  ring
    algorithm chebyshev_averaging
}
