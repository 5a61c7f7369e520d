/// Distributed dual averaging: z ← W z + ∇f(x), x ← x⁰ − lr z' / √t after t steps.
///
/// Ranks send the sum of the gradients, not the model. The step size decreases by itself, so all ranks reach the
/// optimum, slowly: the time average of the loss falls like 1/√t, for convex losses that need not be smooth. One
/// gradient at the model and one message per step, one extra state and the initial model (Duchi, Agarwal and
/// Wainwright, "Dual averaging for distributed optimization: convergence analysis and network scaling", 2012).
///
///     use topology::ring
///     use algorithm::dual_averaging
///     schedule {
///         topology  ring
///         algorithm dual_averaging(lr = 0.1)
///     }
algorithm dual_averaging(lr: scalar = 0.1) {
    requires doubly_stochastic, contracting
    state x = params
    state z = 0
    step {
        z <- mix(z) + grad(x)
        x <- params - lr / sqrt(t + 1) * z'
    }
}
