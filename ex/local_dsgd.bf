use topology::one_peer_exp2
algorithm local_dsgd(lr: scalar = 0.1, H: int = 8) {
    requires doubly_stochastic, stable
    state x = params
    step {
        let y = x - lr * grad(x)
        x <- if every(H) { mix(y) } else { y }
    }
}
schedule {
    topology  one_peer_exp2
    algorithm local_dsgd(lr = 0.05, H = 4)
}
