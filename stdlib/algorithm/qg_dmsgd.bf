/// Quasi-global momentum: x ← W (x − lr (β m + ∇f(x))), m ← μ m + (1 − μ) (x − x') / lr.
///
/// The momentum follows the difference of mixed models, which approximates the common direction of all ranks, instead
/// of a rank's own gradients. It is robust to different data and ends where `atc_diffusion` with the same lr ends.
/// With `nesterov`, the step goes along ∇f(x) + β (β m + ∇f(x)). It is not stable on every topology: on a directed
/// ring of 8 it is not. One gradient at the model and one message per step, one extra state (Lin, Karimireddy, Stich
/// and Jaggi, "Quasi-global momentum: accelerating decentralized deep learning on heterogeneous data", 2021).
///
///     use topology::ring
///     use algorithm::qg_dmsgd
///     schedule {
///         topology  ring
///         algorithm qg_dmsgd(lr = 0.01)
///     }
algorithm qg_dmsgd(lr: scalar = 0.1, beta: real = 0.9, mu: real = 0.9, nesterov: bool = false) {
    requires doubly_stochastic, stable
    state x = params
    state m = 0
    step {
        let d = beta * m + grad(x)
        x <- mix(x - lr * if nesterov { grad(x) + beta * d } else { d })
        m <- mu * m + (1 - mu) * (x - x') / lr
    }
}
