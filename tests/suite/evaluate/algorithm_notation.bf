algorithm products {
    state x = params
    state y = params
    state z = params
    step {
        x <- W * x
        y <- (I + W) * y / 2
        z <- W(z)
    }
}
algorithm named over R {
    state x = params
    step { x <- R * x }
}
algorithm matrices {
    state x = params
    state y = params
    state z = params
    state u = params
    state v = params
    state w = params
    step {
        x <- mix(x, (I + W) / 2)
        y <- mix(y, 0.25 * I + 0.75 * W)
        z <- mix(z, W^2)
        u <- mix(u, 0.5)
        v <- mix(v, transpose(W))
        w <- mix(w, 2 * I - W)
    }
}
algorithm functions(lr: scalar = 0.1) {
    state x = params
    state y = params
    step {
        x <- mix(x) - lr * gradient(x)
        y <- exp(-y) + allreduce(y)
    }
}
