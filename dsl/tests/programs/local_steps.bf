algorithm localsgd(lr: scalar = 0.1, H: int = 8) {
    state x = params
    step {
        let y = x - lr * grad(x)
        x <- if every(H) { average(y) } else { y }
    }
}
algorithm localdsgd(lr: scalar = 0.1, H: int = 8) {
    requires doubly_stochastic, stable
    state x = params
    step {
        let y = x - lr * grad(x)
        x <- if every(H) { mix(y) } else { y }
    }
}
algorithm pga(lr: scalar = 0.1, H: int = 8) {
    requires doubly_stochastic, stable
    state x = params
    step {
        let y = x - lr * grad(x)
        x <- if every(H) { average(y) } else { mix(y) }
    }
}
algorithm slowmo(lr: scalar = 0.1, beta: real = 0.5, slow: real = 1, H: int = 8) {
    requires doubly_stochastic, stable
    state x = params
    state anchor = average(params)
    state u = 0
    step {
        let y = mix(x - lr * grad(x))
        if every(H) {
            u <- beta * u + (anchor - average(y)) / lr
            anchor <- anchor - slow * lr * u'
            x <- anchor'
        } else {
            x <- y
        }
    }
}
algorithm kgt(lr: scalar = 0.05, eta: real = 1, K: int = 4) {
    requires doubly_stochastic, stable
    state x = params
    state y = params
    state c = average(grad(x)) - grad(x)
    step {
        let z = y - lr * (grad(y) + c)
        if every(K) {
            let d = (x - z) / (K * lr)
            c <- c - d + mix(d)
            x <- mix(x - K * lr * eta * d)
            y <- x'
        } else {
            y <- z
        }
    }
}
algorithm scaffnew(lr: scalar = 0.1, H: int = 8) {
    state x = params
    state h = 0
    step {
        let y = x - lr * (grad(x) - h)
        if every(H) {
            x <- average(y)
            h <- h + (x' - y) / (H * lr)
        } else {
            x <- y
        }
    }
}
algorithm decproxskip(lr: scalar = 0.1, H: int = 8) {
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
algorithm diloco(outer: real = 0.7, mu: real = 0.9, H: int = 500) {
    state x = params
    state y = params
    state b = 0
    step {
        let z = adapt(y)
        if every(H) {
            let d = x - average(z)
            b <- mu * b + d
            x <- x - outer * (d + mu * b')
            y <- x'
        } else {
            y <- z
        }
    }
    model x
}
algorithm noloco(outer: real = 0.7, mu: real = 0.5, H: int = 50) over W = one_peer_hypercube {
    requires symmetric, contracting
    state x = params
    state y = params
    state m = 0
    step {
        let z = adapt(y)
        if every(H) {
            m <- mu * m + outer * mix(z - x) + outer * (mix(x) - x)
            x <- x + m'
            y <- x'
        } else {
            y <- z
        }
    }
    model x
}
