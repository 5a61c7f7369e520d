algorithm exact_diffusion(lr: scalar = 0.1) {
    requires doubly_stochastic, stable
    state x = params
    state psi = params
    step {
        psi <- x - lr * grad(x)
        x <- mix(psi' + x - psi, lazy(W, 1/2))
    }
}
algorithm d2(lr: scalar = 0.1) {
    requires doubly_stochastic, stable
    state x = params
    state psi = params
    step {
        psi <- x - lr * grad(x)
        x <- mix(psi' + x - psi)
    }
}
algorithm nids(lr: scalar = 0.1) {
    requires doubly_stochastic, stable
    state x = params
    state psi = params
    step {
        psi <- x - lr * grad(x)
        x <- if t == 0 { psi' } else { mix(psi' + x - psi, lazy(W, 1/2)) }
    }
}
