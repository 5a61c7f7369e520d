algorithm coded(w: topology = ring) {
    state x = params
    step { x <- mix(x) }
}
algorithm others {
    state x = params
    state u = params
    step {
        x <- x * random(1, t, 2)
        u <- u / rho(W) + mix(u, transpose(W))
    }
}
