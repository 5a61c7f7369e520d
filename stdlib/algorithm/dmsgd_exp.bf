/// Decentralized momentum SGD with mixed momentum: x ← W (x − lr m), m ← W (β m + ∇f(x)).
///
/// The form analysed for exponential graphs: the momentum is averaged too, and the model follows the momentum of the
/// previous step, so both travel in one message of two vectors. With a constant step size it ends nearer to the
/// optimum than `dmsgd`. One gradient at the model per step, one extra state (Ying, Yuan, Chen, Hu, Pan and Yin,
/// "Exponential graph is provably efficient for decentralized deep training", 2021).
///
///     use topology::one_peer_exp2
///     use algorithm::dmsgd_exp
///     schedule {
///         topology  one_peer_exp2
///         algorithm dmsgd_exp(lr = 0.01, beta = 0.9)
///     }
algorithm dmsgd_exp(lr: scalar = 0.1, beta: real = 0.9) {
    requires doubly_stochastic, stable
    state x = params
    state m = 0
    step {
        m <- mix(beta * m + grad(x))
        x <- mix(x - lr * m)
    }
}
