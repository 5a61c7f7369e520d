algorithm a(lr: scalar = 0.1) {
    state x = params
    state m
    edge r
    step {
        x <- W @ x - lr * ∇f(x)
        m <- 0.5 (m + mix(m))
    }
}
algorithm b {
    state x = params
    step { x <- (x + mix(x)) (1 / 2) }
}
algorithm c {
    state x = params
    step { x <- 0.5 x }
}
algorithm d {
    state x = params
    step { x <- mix (x) }
}
