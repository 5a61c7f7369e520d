
algorithm push_sum_sgd(lr: scalar = 0.1) {
    requires nonnegative, column_stochastic, connected, self_weight > 0
    state u = params
    state w: scalar = 1
    let z = u / w
    step {
        u <- mix(u - lr * grad(z))
        w <- mix(w)
    }
    model z
}
topology hub {
    for i in ranks { i -> (i + 1) mod size }
    for j in 2..size, if j mod 2 == 0 { 0 -> j }
    weights sender_uniform
}
schedule {
    topology  hub
    algorithm push_sum_sgd(lr = 0.02)
}
