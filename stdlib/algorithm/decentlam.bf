/// DecentLaM: g̃ = (x − W (x − lr ∇f(x))) / lr, m' = β m + g̃, x ← x − lr m'.
///
/// Momentum on the whole step of `atc_diffusion`, mixing included: it ends where `atc_diffusion` with the same lr
/// ends, so momentum adds no bias, which matters for large batches. Changing lr during the run also rescales the
/// momentum. One gradient at the model and one message per step, one extra state (Yuan, Chen, Huang, Zhang, Pan, Xu
/// and Yin, "DecentLaM: decentralized momentum SGD for large-batch deep training", 2021).
///
///     use topology::torus2d
///     use algorithm::decentlam
///     schedule {
///         topology  torus2d
///         algorithm decentlam(lr = 0.01, beta = 0.9)
///     }
algorithm decentlam(lr: scalar = 0.1, beta: real = 0.9) {
    requires doubly_stochastic, stable
    state x = params
    state m = 0
    step {
        m <- beta * m + (x - mix(x - lr * grad(x))) / lr
        x <- x - lr * m'
    }
}
