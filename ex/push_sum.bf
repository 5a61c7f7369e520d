
algorithm push_sum {
    requires nonnegative, column_stochastic, connected, self_weight > 0
    state u = params
    state w: scalar = 1
    step {
        u <- mix(u)
        w <- mix(w)
    }
    model u / w
}
topology hub {
    for i in ranks { i -> (i + 1) mod size }
    for j in 2..size, if j mod 2 == 0 { 0 -> j }
    weights sender_uniform
}
schedule {
    topology  hub
    algorithm push_sum
}
