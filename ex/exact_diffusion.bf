use topology::ring
algorithm exact_diffusion(lr: scalar = 0.1) {
    requires doubly_stochastic, stable
    state x = params
    state psi = params
    step {
        psi <- x - lr * grad(x)
        x <- mix(psi' + x - psi, lazy(W, 1/2))
    }
}
schedule {
    topology  ring
    algorithm exact_diffusion(lr = 0.05)
}
