use topology::one_peer_hypercube
algorithm noloco(outer: real = 0.7, mu: real = 0.5, H: int = 50) {
    requires doubly_stochastic, stable
    state x = params
    state anchor = params
    state m = 0
    step {
        let y = adapt(x)
        if every(H) {
            m <- mu * m + outer * (mix(y - anchor) + mix(anchor) - anchor)
            anchor <- anchor + m'
            x <- anchor'
        } else {
            x <- y
        }
    }
}
schedule {
    topology  one_peer_hypercube
    algorithm noloco(H = 50)
}
