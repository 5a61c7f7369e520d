/// Push-DIGing: u ← W (u − lr y), v ← W v, y ← W y + ∇f(x') − ∇f(x), with the model x = u / v.
///
/// Gradient tracking on push-sum: all ranks reach the optimum on directed, also time-varying topologies whose ranks
/// know only whom they send to. u, v and y travel in one message per step, with one gradient at the new model and
/// three extra states; step sizes are smaller than with doubly stochastic weights (Nedić, Olshevsky and Shi,
/// "Achieving geometric convergence for distributed optimization over time-varying graphs", 2017).
///
///     use algorithm::push_diging
///     topology hub {
///         for i in ranks { i -> (i + 1) mod size }
///         for j in 2..size, if j mod 2 == 0 { 0 -> j }
///         weights sender_uniform
///     }
///     schedule {
///         topology  hub
///         algorithm push_diging(lr = 0.02)
///     }
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
