
algorithm ab(lr: scalar = 0.05) over R, C {
    requires row_stochastic(R), column_stochastic(C), contracting(R), contracting(C), common_root(R, C)
    state x = params
    state g = grad(x)
    state y = g
    step {
        x <- mix(x, R) - lr * y
        g <- grad(x')
        y <- mix(y, C) + g' - g
    }
}
topology pull {
    for i in ranks { i -> (i + 1) mod size }
    for j in 2..size, if j mod 2 == 0 { 0 -> j }
    weights uniform
}
topology push {
    for i in ranks { i -> (i + 1) mod size }
    for j in 2..size, if j mod 2 == 0 { 0 -> j }
    weights sender_uniform
}
schedule {
    topology  R = pull, C = push
    algorithm ab(lr = 0.02)
}
