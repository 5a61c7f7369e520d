algorithm choco(lr: scalar = 0.1, gamma: real = 0.3, q: codec = top_fraction(1/100)) {
    requires symmetric, doubly_stochastic, contracting, static, contraction(q) > 0
    state x = params
    state h = 0
    state s = 0
    step {
        let y = x - lr * grad(x)
        let d = compress(y - h, q)
        h <- h + d
        s <- s + mix(d)
        x <- y + gamma * (s' - h')
    }
}
algorithm deepsqueeze(lr: scalar = 0.1, gamma: real = 0.3, q: codec = top_fraction(1/100)) {
    requires symmetric, doubly_stochastic, contracting, contraction(q) > 0
    state x = params
    state e = 0
    step {
        let y = x - lr * grad(x)
        let c = compress(y + e, q)
        e <- y + e - c
        x <- y + gamma * (mix(c) - c)
    }
}
algorithm beer(lr: scalar = 0.1, gamma: real = 0.3, q: codec = top_fraction(1/100)) {
    requires symmetric, doubly_stochastic, contracting, static, contraction(q) > 0
    state x = params
    state g = grad(x)
    state v = g
    state h = compress(x, q)
    state c = compress(v, q)
    state hw = mix(h)
    state cw = mix(c)
    step {
        x <- x + gamma * (hw - h) - lr * v
        g <- grad(x')
        v <- v + gamma * (cw - c) + g' - g
        let dh = compress(x' - h, q)
        let dc = compress(v' - c, q)
        h <- h + dh
        c <- c + dc
        hw <- hw + mix(dh)
        cw <- cw + mix(dc)
    }
}
algorithm power_gossip(lr: scalar = 0.1, rank: int = 1) {
    requires symmetric, doubly_stochastic, contracting, static
    state x = params
    step { x <- mix(x - lr * grad(x), via = low_rank(rank)) }
}
