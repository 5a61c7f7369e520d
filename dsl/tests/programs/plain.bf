algorithm neighbor_averaging {
    requires doubly_stochastic, stable
    state x = params
    step { x <- mix(x) }
}
algorithm parallel_sgd(lr: scalar = 0.1) {
    state x = params
    step { x <- average(x - lr * grad(x)) }
}
algorithm dgd(lr: scalar = 0.1) {
    requires doubly_stochastic, stable
    state x = params
    step { x <- mix(x) - lr * grad(x) }
}
algorithm cta(lr: scalar = 0.1) {
    requires doubly_stochastic, stable
    state x = params
    step {
        let z = mix(x)
        x <- z - lr * grad(z)
    }
}
algorithm atc_diffusion {
    requires doubly_stochastic, stable
    state x = params
    step { x <- mix(adapt(x)) }
}
