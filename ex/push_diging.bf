
algorithm push_diging(lr: scalar = 0.02) {
    requires nonnegative, column_stochastic, connected, self_weight > 0
    state u = params
    state v: scalar = 1
    let x = u / v
    state g = grad(x)
    state y = g
    step {
        u <- mix(u - lr * y)
        v <- mix(v)
        g <- grad(x')
        y <- mix(y) + g' - g
    }
    model x
}
topology hub {
    for i in ranks { i -> (i + 1) mod size }
    for j in 2..size, if j mod 2 == 0 { 0 -> j }
    weights sender_uniform
}
schedule {
    topology  hub
    algorithm push_diging(lr = 0.02)
}
