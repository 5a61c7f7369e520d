algorithm relaysum_model(lr: scalar = 0.1) over W = binary_tree_relay {
    requires tree
    state x = params
    edge m = 0
    edge k: scalar = 0
    step {
        let u = x - lr * grad(x)
        m <- u + incoming(m) - back(m)
        k <- 1 + incoming(k) - back(k)
        x <- (u + incoming(m') + (size - 1 - incoming(k')) * params) / size
    }
}
algorithm relaysum_grad(lr: scalar = 0.1) over W = binary_tree_relay {
    requires tree
    state x = params
    edge m = 0
    step {
        let g = grad(x)
        m <- g + incoming(m) - back(m)
        x <- x - lr / size * (g + incoming(m'))
    }
}
algorithm dadmm(c: real = 0.5) {
    requires undirected, connected, static
    state x = params
    state a = 0
    step {
        let s = degree * x + incoming(x)
        x <- prox((c * s - a) / (2 * c * degree), 2 * c * degree)
        a <- a + c * (degree * x' - incoming(x'))
    }
}
