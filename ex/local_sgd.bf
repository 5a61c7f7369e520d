use topology::ring
algorithm local_sgd(lr: scalar = 0.1, H: int = 8) {
    state x = params
    step {
        let y = x - lr * grad(x)
        x <- if every(H) { average(y) } else { y }
    }
}
schedule {
    topology  ring
    algorithm local_sgd(lr = 0.05, H = 16)
}
