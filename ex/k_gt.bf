use topology::ring
algorithm k_gt(lr: scalar = 0.05, eta: real = 1, K: int = 4, warm: bool = true) {
    requires doubly_stochastic, stable
    state x = params
    state anchor = params
    state c = if warm { average(grad(x)) - grad(x) } else { 0 }
    step {
        let y = x - lr * (grad(x) + c)
        if every(K) {
            let d = (anchor - y) / (K * lr)
            c <- c - d + mix(d)
            anchor <- mix(anchor - eta * K * lr * d)
            x <- anchor'
        } else {
            x <- y
        }
    }
}
schedule {
    topology  ring
    algorithm k_gt(lr = 0.05, K = 4)
}
