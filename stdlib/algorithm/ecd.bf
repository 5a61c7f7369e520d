/// ECD-PSGD: x' = W h − lr ∇f(x), c = Q((1 − k/2) x + k/2 x'), h ← (1 − 2/k) h + 2/k c in step k = 1, 2, ….
///
/// Extrapolation compression: neighbours build the estimate h of the model from compressed extrapolations, whose
/// errors average out during training. The codec must be unbiased. One gradient at the model and one compressed
/// message per step, one extra state (Tang, Gan, Zhang, Zhang and Liu, "Communication compression for decentralized
/// training", 2018).
///
///     use topology::ring
///     use algorithm::ecd
///     schedule {
///         topology  ring
///         algorithm ecd(lr = 0.02, q = quantize(8, 1))
///     }
algorithm ecd(lr: scalar = 0.1, q: codec = quantize(8, 1)) {
    requires symmetric, doubly_stochastic, contracting, static, unbiased(q)
    state x = params
    // W h, accumulated from the messages.
    state s = mix(x)
    step {
        let k = t + 1
        x <- s - lr * grad(x)
        let c = compress((1 - k / 2) * x + k / 2 * x', q)
        s <- (1 - 2 / k) * s + 2 / k * mix(c)
    }
}
