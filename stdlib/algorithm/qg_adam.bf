/// QG-Adam: x ← W (x − lr m̂ / (√v̂ + ε)) with m̂ = β₁ m + (1 − β₁) ∇f(x) and v̂ = β₂ v + (1 − β₂) ∇f(x)²; the moments m
/// and v follow d = (x − x') / ‖x − x'‖ instead of gradients.
///
/// Quasi-global momentum for Adam: differences of mixed models approximate the common direction of all ranks, so the
/// moments do not drift apart when data differ. The direction has length 1 whatever the size of the model: small
/// models need a small β₁, as the default is; the paper takes 0.9 for large ones. One gradient at the model and one
/// message per step, two extra states (Lin, Karimireddy, Stich and Jaggi, "Quasi-global momentum: accelerating
/// decentralized deep learning on heterogeneous data", 2021).
///
///     use topology::ring
///     use algorithm::qg_adam
///     schedule {
///         topology  ring
///         algorithm qg_adam(lr = 0.01, beta1 = 1/2)
///     }
algorithm qg_adam(lr: scalar = 0.001, beta1: real = 0.1, beta2: real = 0.99, epsilon: real = 1e-8) {
    requires doubly_stochastic, contracting
    state x = params
    state m = 0
    state v = 0
    step {
        let g = grad(x)
        let mean = beta1 * m + (1 - beta1) * g
        let square = beta2 * v + (1 - beta2) * g^2
        x <- mix(x - lr * mean / (sqrt(square) + epsilon))
        let d = (x - x') / max(norm(x - x'), epsilon^2)
        m <- beta1 * m + (1 - beta1) * d
        v <- beta2 * v + (1 - beta2) * d^2
    }
}
