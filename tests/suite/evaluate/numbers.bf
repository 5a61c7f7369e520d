//// size 8
use topology::one_peer_exp2
schedule {
    topology one_peer_exp2
    algorithm accelerated
}
algorithm accelerated {
    state x = params
    state past = params
    step {
        past <- x
        x <- mix(x) + rho(W) / 4 * (x - past) + lambda_min(W) * x
    }
}
//// size 8
use topology::ring
schedule {
    topology ring
    algorithm wrong
}
algorithm wrong {
    state x = params
    state y = params
    state z = params
    state u = params
    step {
        x <- mix(x) * rho(lazy(W, 1/2))
        y <- x * symmetric(W)
        z <- rho(x, W) * x
        u <- rho(V) * x
    }
}
//// size 8
use topology::exponential
schedule {
    topology exponential
    algorithm wrong
}
algorithm wrong {
    requires rho < 1
    state x = params
    step { x <- mix(x) * lambda_min(W) / spectral_gap(W) }
}
