/// DAdam, Adam on every rank: x ← W x − lr m̂ / (√v̂ + ε).
///
/// The moments are m ← β₁ m + (1 − β₁) ∇f(x) and v ← β₂ v + (1 − β₂) ∇f(x)², and m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 −
/// β₂ᵗ) after t steps. It adapts while communicating; the moments stay on the rank, so different data leave a bias
/// (`d_amsgrad` shares the preconditioner). Adapting before mixing is `atc_diffusion` with Adam as the trainer's
/// optimizer. One gradient at the model and one message per step, two extra states (after Nazari, Tarzanagh and
/// Michailidis, "DAdam: a consensus-based distributed adaptive gradient method for online optimization", 2022, who
/// use the largest value of v so far instead of correcting for the start; the corrections are those of Kingma and Ba,
/// "Adam: a method for stochastic optimization", 2015).
///
///     use topology::exponential
///     use algorithm::dadam
///     schedule {
///         topology  exponential
///         algorithm dadam(lr = 0.01)
///     }
algorithm dadam(lr: scalar = 0.001, beta1: real = 0.9, beta2: real = 0.999, epsilon: real = 1e-8) {
    requires doubly_stochastic, contracting
    state x = params
    state m = 0
    state v = 0
    step {
        let g = grad(x)
        m <- beta1 * m + (1 - beta1) * g
        v <- beta2 * v + (1 - beta2) * g^2
        let mean = m' / (1 - beta1^(t + 1))
        let square = v' / (1 - beta2^(t + 1))
        x <- mix(x) - lr * mean / (sqrt(square) + epsilon)
    }
}
