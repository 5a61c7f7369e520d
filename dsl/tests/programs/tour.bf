/// One-peer exponential graph: at step t every rank sends 2^t hops ahead.
topology one_peer_exp2 {
    for t in 0..ceil_log(size, 2) {
        phase { for i in ranks { i -> (i + 2^t) mod size } }
    }
    weights uniform
    ensure exact_average if is_power(size, 2)
}

/// Gradient tracking, ATC form.
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

schedule {
    topology  one_peer_exp2
    algorithm gradient_tracking(lr = 0.05)
}
