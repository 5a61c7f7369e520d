async algorithm waits_for_nobody {
    state x = params
    step { x <- mix(x) }
}
algorithm per_edge {
    state x = params
    edge m = 0
    step {
        m <- x
        x <- incoming(m) + degree(x)
    }
}
algorithm coded(q: codec = sign, w: topology = ring) {
    state x = params
    step { x <- mix(compress(x, q)) }
}
algorithm others {
    state x = params
    state y = params
    state z = params
    state u = params
    step {
        x <- mix(x, delay = 1)
        y <- mix(y, via = low_rank(2))
        z <- prox(z, 1)
        u <- u / norm(u) + mix(u, transpose(W))
    }
}
