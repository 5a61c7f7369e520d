use topology::one_peer_exp2
algorithm neighbor_averaging {
    requires doubly_stochastic, stable
    state x = params
    step { x <- mix(x) }
}
schedule {
    topology  one_peer_exp2
    algorithm neighbor_averaging
}
