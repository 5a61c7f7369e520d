use topology::exponential
algorithm atc_diffusion {
    requires doubly_stochastic, stable
    state x = params
    step { x <- mix(adapt(x)) }
}
schedule {
    topology  exponential
    algorithm atc_diffusion
}
