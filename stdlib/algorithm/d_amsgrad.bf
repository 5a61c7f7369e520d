/// Decentralized AMSGrad: x ← W x − lr m' / √max(u', ε), u ← W u + top' − top.
///
/// m and v are the moments of Adam, AMSGrad divides by top ← max(top, v'), and u shares it. If ranks scale their
/// steps differently, adaptive methods need not converge at all; here u tracks the mean of top, as
/// `gradient_tracking` does for gradients, so all ranks end up with the same scaling. With a constant step size it
/// ends near the optimum. One gradient at the model and one message of two vectors per step, four extra states (Chen,
/// Karimi, Zhao and Li, "On the convergence of decentralized adaptive gradient methods", 2022).
///
///     use topology::exponential
///     use algorithm::d_amsgrad
///     schedule {
///         topology  exponential
///         algorithm d_amsgrad(lr = 0.01)
///     }
algorithm d_amsgrad(lr: scalar = 0.001, beta1: real = 0.9, beta2: real = 0.999, epsilon: real = 1e-8) {
    requires nonnegative, doubly_stochastic, contracting
    state x = params
    state m = 0
    state v = 0
    state top = 0
    state u = 0
    step {
        let g = grad(x)
        m <- beta1 * m + (1 - beta1) * g
        v <- beta2 * v + (1 - beta2) * g^2
        top <- max(top, v')
        u <- mix(u) + top' - top
        x <- mix(x) - lr * m' / sqrt(max(u', epsilon))
    }
}
