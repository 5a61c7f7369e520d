topology ring {
    for i of ranks { i -- (i + 1) mod size }
    let = 3
    weights
}

fn half(x) = x /

algorithm dgd(lr: scalar = 0.1) {
    requires doubly_stochastic
    state x params
    step {
        x = mix(x) - lr * grad(x)
        y <- y +
    }
    model
}

schedule {
    topology ring,
    algorithm
}
