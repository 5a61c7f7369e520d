/// SlowMo: H steps x ← W (x − lr ∇f(x)) from x = a, then momentum on their combined effect.
///
/// u ← β u + (a − J x) / lr, a ← a − slow lr u', x = a: J x is the exact average of all ranks, and a the model at
/// that point. Without momentum (β = 0, slow = 1) it is `gossip_pga`, and it ends where `gossip_pga` ends: near the
/// optimum, and nearer if all ranks average more often. One gradient at the model and one message per step, of 2(n −
/// 1)/n models every H-th step, two extra states (Wang, Tantia, Ballas and Rabbat, "SlowMo: improving
/// communication-efficient distributed SGD with slow momentum", 2020).
///
///     use topology::one_peer_exp2
///     use algorithm::slowmo
///     schedule {
///         topology  one_peer_exp2
///         algorithm slowmo(lr = 0.05, H = 16)
///     }
algorithm slowmo(lr: scalar = 0.1, beta: real = 0.5, slow: real = 1, H: int = 8) {
    requires doubly_stochastic, stable
    state x = params
    state anchor = average(params)
    state u = 0
    step {
        let y = x - lr * grad(x)
        if every(H) {
            // Columns sum to 1: the average of W y is that of y.
            u <- beta * u + (anchor - average(y)) / lr
            anchor <- anchor - slow * lr * u'
            x <- anchor'
        } else {
            x <- mix(y)
        }
    }
}
