/// Gradient tracking, the other semi form: x ← W x − lr y, y ← W (y + ∇f(x') − ∇f(x)).
///
/// As `gradient_tracking_semi` with the roles exchanged: the model travels while the gradient is computed, the
/// tracker adapts before it is mixed. All ranks reach the optimum, also on directed and time-varying topologies. One
/// gradient at the new model and two messages per step, two extra states (Alghunaim, Ryu, Yuan and Sayed,
/// "Decentralized proximal gradient algorithms with linear convergence rates", 2021).
///
///     use topology::one_peer_exp2
///     use algorithm::gradient_tracking_semi2
///     schedule {
///         topology  one_peer_exp2
///         algorithm gradient_tracking_semi2(lr = 0.05)
///     }
algorithm gradient_tracking_semi2(lr: scalar = 0.1) {
    requires doubly_stochastic, stable
    state x = params
    state g = grad(x)
    state y = g
    step {
        x <- mix(x) - lr * y
        g <- grad(x')
        y <- mix(y + g' - g)
    }
}
