/// Gossip with periodic global averaging: y = x − lr ∇f(x), x ← J y every H-th step, else W y.
///
/// `atc_diffusion` with exact agreement every H steps, which helps most on sparse topologies: consensus errors do not
/// accumulate beyond H steps. With a constant step size it ends near the optimum. One gradient at the model and one
/// message per step, of 2(n − 1)/n models every H-th step, no extra state (Chen, Yuan, Zhang, Pan, Xu and Yin,
/// "Accelerating gossip SGD with periodic global averaging", 2021).
///
///     use topology::ring
///     use algorithm::gossip_pga
///     schedule {
///         topology  ring
///         algorithm gossip_pga(lr = 0.05, H = 16)
///     }
algorithm gossip_pga(lr: scalar = 0.1, H: int = 8) {
    requires doubly_stochastic, stable
    state x = params
    step {
        let y = x - lr * grad(x)
        x <- if every(H) { average(y) } else { mix(y) }
    }
}
