/// Local decentralized SGD: y = x − lr ∇f(x), x ← W y every H-th step, else y.
///
/// `atc_diffusion` that communicates only every H-th step. Both drift and incomplete averaging remain: with a
/// constant step size it ends farther from the optimum than `local_sgd` and `atc_diffusion`; `k_gt` and
/// `decentralized_proxskip` correct that. One gradient at the model per step and one message every H-th step, no
/// extra state (Koloskova, Loizou, Boreiri, Jaggi and Stich, "A unified theory of decentralized SGD with changing
/// topology and local updates", 2020).
///
///     use topology::one_peer_exp2
///     use algorithm::local_dsgd
///     schedule {
///         topology  one_peer_exp2
///         algorithm local_dsgd(lr = 0.05, H = 4)
///     }
algorithm local_dsgd(lr: scalar = 0.1, H: int = 8) {
    requires doubly_stochastic, stable
    state x = params
    step {
        let y = x - lr * grad(x)
        x <- if every(H) { mix(y) } else { y }
    }
}
