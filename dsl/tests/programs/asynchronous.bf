async algorithm push_sum_async(lr: scalar = 0.1) {
    requires column_stochastic, connected, self_weight > 0
    state u = params
    state w: scalar = 1
    step {
        let s = mix(u)
        let v = mix(w)
        u <- s - lr * grad(s / v)
        w <- v
    }
    model u / w
}
async algorithm ad_psgd(lr: scalar = 0.1) {
    requires symmetric, doubly_stochastic, contracting
    state x = params
    step { x <- pair(x) - lr * grad(x) }
}
