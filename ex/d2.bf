
algorithm d2(lr: scalar = 0.1) {
    requires doubly_stochastic, stable
    state x = params
    state psi = params
    step {
        psi <- x - lr * grad(x)
        x <- mix(psi' + x - psi)
    }
}
topology ring {
    for i in ranks { i -- (i + 1) mod size }
    weights constant(1/4)
}
schedule {
    topology  ring
    algorithm d2(lr = 0.05)
}
