use topology::exponential
algorithm cta_diffusion(lr: scalar = 0.1) {
    requires doubly_stochastic, stable
    state x = params
    step {
        let z = mix(x)
        x <- z - lr * grad(z)
    }
}
schedule {
    topology  exponential
    algorithm cta_diffusion(lr = 0.05)
}
