/// Gradient tracking, adapt while communicating (DIGing): x ← W x − lr y, y ← W y + ∇f(x') − ∇f(x).
///
/// As `gradient_tracking`, with x and y in one message that needs no gradient and travels before it is computed. In
/// return, the range of step sizes is smaller: it shrinks with 1 + lambda_min. One gradient at the new model and one
/// message of two vectors per step, two extra states (Nedić, Olshevsky and Shi, "Achieving geometric convergence for
/// distributed optimization over time-varying graphs", 2017; Qu and Li, "Harnessing smoothness to accelerate
/// distributed optimization", 2018).
///
///     use topology::ring
///     use algorithm::gradient_tracking_awc
///     schedule {
///         topology  ring
///         algorithm gradient_tracking_awc(lr = 0.05)
///     }
algorithm gradient_tracking_awc(lr: scalar = 0.1) {
    requires doubly_stochastic, stable
    state x = params
    state g = grad(x)
    state y = g
    step {
        x <- mix(x) - lr * y
        g <- grad(x')
        y <- mix(y) + g' - g
    }
}
