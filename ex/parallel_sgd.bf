use topology::ring
algorithm parallel_sgd(lr: scalar = 0.1) {
    state x = params
    step { x <- average(x - lr * grad(x)) }
}
schedule {
    topology  ring
    algorithm parallel_sgd(lr = 0.05)
}
