use topology::ring
algorithm nids(lr: scalar = 0.1) {
    requires doubly_stochastic, stable
    state x = params
    state psi = params
    step {
        psi <- x - lr * grad(x)
        x <- if t == 0 { psi' } else { mix(psi' + x - psi, lazy(W, 1/2)) }
    }
}
schedule {
    topology  ring
    algorithm nids(lr = 0.05)
}
