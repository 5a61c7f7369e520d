algorithm shapes {
    state x = params
    state w: scalar = params
    state v: scalar = 1
    step {
        w <- x
        v <- mix(v)
        x <- grad(w) + adapt(w)
    }
}
algorithm model_of_one_number {
    state w: scalar = 1
    state x = params
    step { x <- w * mix(x) }
}
algorithm known_when_compiling(lr: scalar = 0.1, H: int = 0) {
    state x = params
    state y = params
    state z = params
    state u = params
    state v = params
    state w = params
    step {
        x <- mix(x, lazy(W, lr))
        y <- if every(lr) { y } else { 0 }
        z <- if every(H) { z } else { 0 }
        u <- if every(1/2) { u } else { 0 }
        v <- [v, 0][0] + sum([a for a in x])
        w <- gcd(t, 2) + t xor 1 + is_prime(t)
    }
}
algorithm zero(b: real = 0) {
    state x = params
    state y = params
    step {
        x <- mix(x) / b
        y <- x / (1 - 1) + sqrt(-1) + ranks
    }
}
algorithm adapts {
    state x = params
    state y = params
    step {
        x <- mix(adapt(x))
        y <- adapt(y)
    }
}
