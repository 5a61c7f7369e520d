/// Gradient tracking, semi adapt then combine: x ← W (x − lr y), y ← W y + ∇f(x') − ∇f(x).
///
/// Between `gradient_tracking` and `gradient_tracking_awc`: the model adapts before it is mixed, the tracker is mixed
/// as it is, so one message of two vectors per step travels before the gradient is computed. All ranks reach the
/// optimum, also on directed and time-varying topologies. One gradient at the new model, two extra states (Di Lorenzo
/// and Scutari, "NEXT: in-network nonconvex optimization", 2016; Scutari and Sun, "Distributed nonconvex constrained
/// optimization over time-varying digraphs", 2019).
///
///     use topology::one_peer_exp2
///     use algorithm::gradient_tracking_semi
///     schedule {
///         topology  one_peer_exp2
///         algorithm gradient_tracking_semi(lr = 0.05)
///     }
algorithm gradient_tracking_semi(lr: scalar = 0.1) {
    requires doubly_stochastic, stable
    state x = params
    state g = grad(x)
    state y = g
    step {
        x <- mix(x - lr * y)
        g <- grad(x')
        y <- mix(y) + g' - g
    }
}
