use topology::ring
algorithm decentralized_proxskip(lr: scalar = 0.1, H: int = 8) {
    requires doubly_stochastic, stable
    state x = params
    state h = 0
    step {
        let y = x - lr * (grad(x) - h)
        if every(H) {
            x <- mix(y, lazy(W, 1/2))
            h <- h + (x' - y) / (H * lr)
        } else {
            x <- y
        }
    }
}
schedule {
    topology  ring
    algorithm decentralized_proxskip(lr = 0.05, H = 4)
}
