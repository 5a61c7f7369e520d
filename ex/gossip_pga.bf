use topology::ring
algorithm gossip_pga(lr: scalar = 0.1, H: int = 8) {
    requires doubly_stochastic, stable
    state x = params
    step {
        let y = x - lr * grad(x)
        x <- if every(H) { average(y) } else { mix(y) }
    }
}
schedule {
    topology  ring
    algorithm gossip_pga(lr = 0.05, H = 16)
}
