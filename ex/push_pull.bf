
use topology::tree_pull
use topology::tree_push

algorithm push_pull(lr: scalar = 0.05) over R = tree_pull, C = tree_push {
    requires row_stochastic(R), column_stochastic(C), contracting(R), contracting(C), common_root(R, C)
    state x = params
    state g = grad(x)
    state y = g
    step {
        x <- mix(x - lr * y, R)
        g <- grad(x')
        y <- mix(y, C) + g' - g
    }
}
schedule {
    algorithm push_pull(lr = 0.02)
}
