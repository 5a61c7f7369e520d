/// Stochastic gradient push: u ← W (u − lr ∇f(z)), w ← W w, with the model z = u / w.
///
/// Push-sum with a gradient step at the corrected model: training on directed topologies whose ranks know only whom
/// they send to. With a constant step size it ends near the optimum. One gradient at the model and one message of a
/// vector and a number per step (Nedić and Olshevsky, "Stochastic gradient-push for strongly convex functions on
/// time-varying directed graphs", 2016; Assran, Loizou, Ballas and Rabbat, "Stochastic gradient push for distributed
/// deep learning", 2019).
///
///     use algorithm::push_sum_sgd
///     topology hub {
///         for i in ranks { i -> (i + 1) mod size }
///         for j in 2..size, if j mod 2 == 0 { 0 -> j }
///         weights sender_uniform
///     }
///     schedule {
///         topology  hub
///         algorithm push_sum_sgd(lr = 0.02)
///     }
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
