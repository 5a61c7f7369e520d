algorithm delays {
    state x = params
    state y = mix(params, delay = 1)
    step {
        x <- mix(x, delay = -1)
        y <- mix(y, delay = 1/2) + mix(x, W, 1)
    }
}
algorithm asynchronous_words {
    state x = params
    step { x <- pair(x) }
}
async algorithm waits {
    state x = params
    state y = params
    step {
        x <- average(x)
        y <- mix(x, delay = 1)
    }
}
algorithm shapes {
    state x = params
    state w: scalar = 1
    edge m = 0
    edge k: scalar = 0
    step {
        x <- m
        w <- norm(w) + dot(x, k) + degree + prox(x, 1)
        m <- back(x) + mix(m)
        k <- m
    }
}
algorithm places {
    state x = prox(params, 1)
    step { x <- x }
    model x * degree
}
algorithm several over R, C {
    state x = params
    state y = params
    state z = params
    state u = params
    step {
        x <- incoming(x)
        y <- y / degree
        z <- incoming(z, lazy(R, 1/2))
        u <- u + [degree, 1][0]
    }
}
