/// Gradient tracking, adapt then combine: x ← W (x − lr y), y ← W (y + ∇f(x') − ∇f(x)).
///
/// y starts as the gradient, and its mean over the ranks stays the mean of the gradients, so all ranks reach the
/// optimum itself, also on directed and time-varying topologies. One gradient at the new model and two messages per
/// step, two extra states (Xu, Zhu, Soh and Xie, "Augmented distributed gradient methods for multi-agent optimization
/// under uncoordinated constant stepsizes", 2015; Di Lorenzo and Scutari, "NEXT", 2016).
///
///     use topology::one_peer_exp2
///     use algorithm::gradient_tracking
///     schedule {
///         topology  one_peer_exp2
///         algorithm gradient_tracking(lr = 0.05)
///     }
algorithm gradient_tracking(lr: scalar = 0.1) {
    requires doubly_stochastic, stable
    state x = params
    state g = grad(x)
    state y = g
    step {
        x <- mix(x - lr * y)
        g <- grad(x')
        y <- mix(y + g' - g)
    }
}
