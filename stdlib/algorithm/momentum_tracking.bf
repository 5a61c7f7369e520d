/// Momentum tracking: u' = β u + ∇f(x), x ← W x − lr (u' − c), c ← W (c − u') + u'.
///
/// Gradient tracking for the momentum: c is the excess of a rank's momentum, so the step follows the mean momentum of
/// all ranks. All ranks reach the optimum, for any β and whatever data they hold. One gradient at the model and two
/// messages per step, two extra states (Takezawa, Bao, Niwa, Sato and Yamada, "Momentum tracking: momentum
/// acceleration for decentralized deep learning on heterogeneous data", 2023).
///
///     use topology::ring
///     use algorithm::momentum_tracking
///     schedule {
///         topology  ring
///         algorithm momentum_tracking(lr = 0.01)
///     }
algorithm momentum_tracking(lr: scalar = 0.1, beta: real = 0.9) {
    requires doubly_stochastic, stable
    state x = params
    state u = 0
    state c = 0
    step {
        u <- beta * u + grad(x)
        x <- mix(x) - lr * (u' - c)
        c <- mix(c - u') + u'
    }
}
