/// Decentralized momentum SGD, adapt then combine: m' = β m + ∇f(x), x ← W (x − lr m').
///
/// Each rank keeps its own momentum, which accelerates agreement and disagreement alike: with a constant step size it
/// ends where `atc_diffusion` with lr/(1 − β) ends, and the more the ranks' data differ, the farther that is from the
/// optimum. `decentlam`, `qg_dmsgd` and `momentum_tracking` fix this. With `nesterov`, the step goes along ∇f(x) + β
/// m'. One gradient at the model and one message per step, one extra state (Yu, Jin and Yang, "On the linear speedup
/// analysis of communication efficient momentum SGD", 2019; Yuan, Chen, Huang, Zhang, Pan, Xu and Yin, "DecentLaM",
/// 2021).
///
///     use topology::exponential
///     use algorithm::dmsgd
///     schedule {
///         topology  exponential
///         algorithm dmsgd(lr = 0.01, beta = 0.9)
///     }
algorithm dmsgd(lr: scalar = 0.1, beta: real = 0.9, nesterov: bool = false) {
    requires doubly_stochastic, stable
    state x = params
    state m = 0
    step {
        m <- beta * m + grad(x)
        x <- mix(x - lr * if nesterov { grad(x) + beta * m' } else { m' })
    }
}
