/// DeepSqueeze: y = x − lr ∇f(x), c = Q(y + e), e ← y + e − c, x ← y + γ (W − I) c.
///
/// The compression error is kept and added to the next vector that is compressed, and the models themselves are sent.
/// Ranks need no estimates of their neighbours, so the topology may change from step to step. The more the codec loses,
/// the smaller γ must be: the default is for the default codec, with which 0.3 diverges. One gradient at the
/// model and one compressed message per step, one extra state (Tang, Lian, Qiu, Yuan, Zhang, Zhang and Liu,
/// "DeepSqueeze: decentralization meets error-compensated compression", 2019).
///
///     use topology::ring
///     use algorithm::deep_squeeze
///     schedule {
///         topology  ring
///         algorithm deep_squeeze(lr = 0.02, q = quantize(4))
///     }
algorithm deep_squeeze(lr: scalar = 0.1, gamma: real = 0.01, q: codec = top_fraction(1/100)) {
    requires symmetric, doubly_stochastic, contracting, contraction(q) > 0
    state x = params
    state e = 0
    step {
        let y = x - lr * grad(x)
        let c = compress(y + e, q)
        e <- y + e - c
        x <- y + gamma * (mix(c) - c)
    }
}
