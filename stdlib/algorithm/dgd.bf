/// Decentralized gradient descent, adapt while communicating: x ← W x − lr ∇f(x).
///
/// The message needs no gradient, so it travels while the gradient is computed. With a constant step size it ends
/// near the optimum, at a distance of order lr ζ / (1 − rho), where ζ measures how much the ranks' gradients differ;
/// steps are stable for lr < (1 + lambda_min) / L. One gradient at the model and one message per step, no extra state
/// (Nedić and Ozdaglar, "Distributed subgradient methods for multi-agent optimization", 2009; Yuan, Ling and Yin, "On
/// the convergence of decentralized gradient descent", 2016).
///
///     use topology::ring
///     use algorithm::dgd
///     schedule {
///         topology  ring
///         algorithm dgd(lr = 0.05)
///     }
algorithm dgd(lr: scalar = 0.1) {
    requires doubly_stochastic, stable
    state x = params
    step { x <- mix(x) - lr * grad(x) }
}
