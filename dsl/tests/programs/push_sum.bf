algorithm push_sum_sgd(lr: scalar = 0.1) {
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
algorithm osgp(lr: scalar = 0.1, delay: int = 1) {
    requires column_stochastic, connected, self_weight > 0
    state u = params
    state w: scalar = 1
    let z = u / w
    step {
        u <- mix(u - lr * grad(z), delay = delay)
        w <- mix(w, delay = delay)
    }
    model z
}
algorithm push_diging(lr: scalar = 0.02) {
    requires column_stochastic, connected, self_weight > 0
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
algorithm push_pull(lr: scalar = 0.05) over R = tree_pull(2), C = transpose(R) {
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
