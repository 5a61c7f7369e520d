/// Gradient tracking for any training loop: y = s + ∇f(x) − ∇f(x⁻), x ← W x − lr y, s ← W y.
///
/// The iterates of `gradient_tracking_awc`, with the step starting at the gradient instead of after it: one gradient
/// per step, at the current model, and none before the first, so a plain loop of backward and update can run it. All
/// ranks reach the optimum, also on directed and time-varying topologies. Two messages per step, the first of which
/// travels while the gradient is computed; two extra states.
///
///     use topology::ring
///     use algorithm::gradient_tracking_rotated
///     schedule {
///         topology  ring
///         algorithm gradient_tracking_rotated(lr = 0.05)
///     }
algorithm gradient_tracking_rotated(lr: scalar = 0.1) {
    requires doubly_stochastic, stable
    state x = params
    state g = 0
    state s = 0
    step {
        g <- grad(x)
        let y = s + g' - g
        x <- mix(x) - lr * y
        s <- mix(y)
    }
}
