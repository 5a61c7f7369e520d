/// Decentralized momentum SGD, adapt while communicating: m' = β m + ∇f(x), x ← W x − lr m'.
///
/// As `dmsgd`, with a message that needs no gradient and travels while it is computed. With a constant step size it
/// ends where `dgd` with lr/(1 − β) ends. One gradient at the model and one message per step, one extra state (Yuan,
/// Chen, Huang, Zhang, Pan, Xu and Yin, "DecentLaM: decentralized momentum SGD for large-batch deep training", 2021).
///
///     use topology::exponential
///     use algorithm::dmsgd_awc
///     schedule {
///         topology  exponential
///         algorithm dmsgd_awc(lr = 0.01, beta = 0.9)
///     }
algorithm dmsgd_awc(lr: scalar = 0.1, beta: real = 0.9) {
    requires doubly_stochastic, stable
    state x = params
    state m = 0
    step {
        m <- beta * m + grad(x)
        x <- mix(x) - lr * m'
    }
}
