/// EXTRA: x ← (I + W) x − (I + W)/2 x⁻ − lr (∇f(x) − ∇f(x⁻)), which starts as x¹ = W x⁰ − lr ∇f(x⁰).
///
/// The difference of two steps of `dgd`, which removes its bias: with a constant step size, all ranks reach the
/// optimum. The message needs no gradient, so it travels while the gradient is computed. One gradient at the model
/// and one message per step, two extra states: the previous half-mixed model and the last gradient (Shi, Ling, Wu and
/// Yin, "EXTRA: an exact first-order algorithm for decentralized consensus optimization", 2015).
///
///     use topology::ring
///     use algorithm::extra
///     schedule {
///         topology  ring
///         algorithm extra(lr = 0.05)
///     }
algorithm extra(lr: scalar = 0.1) {
    requires doubly_stochastic, stable
    state x = params
    state past = params
    state g = 0
    step {
        g <- grad(x)
        past <- (x + mix(x)) / 2
        x <- x + mix(x) - past - lr * (g' - g)
    }
}
