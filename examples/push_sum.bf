// A directed graph without doubly stochastic weights: every rank divides what it has among its receivers, and push-sum's
// weight w corrects for those that receive more.
//
//     bfc run examples/push_sum.bf --size 8

topology ring_with_shortcuts {
    for i in ranks { i -> (i + 1) mod size }
    for i in 2..size, if i mod 2 == 0 { 0 -> i }
    weights sender_uniform
    ensure column_stochastic
    ensure connected
}

algorithm push_sum_sgd(lr: scalar = 0.05) {
    requires column_stochastic, connected, self_weight > 0
    state u = params
    state w: scalar = 1
    let z = u / w
    step {
        u <- mix(u - lr * grad(z))
        w <- mix(w)
    }
    model z
}

schedule {
    topology  ring_with_shortcuts
    algorithm push_sum_sgd
}
