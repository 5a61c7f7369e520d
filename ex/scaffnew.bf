use topology::ring
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
schedule {
    topology  ring
    algorithm scaffnew(lr = 0.05, H = 8)
}
