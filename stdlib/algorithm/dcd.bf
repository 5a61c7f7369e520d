/// DCD-PSGD: x ← x + Q(W x − lr ∇f(x) − x).
///
/// Difference compression: the change of the model is compressed, so every neighbour knows the model itself and W x
/// needs no other message. The codec must be unbiased and lose little, because what it loses is never recovered. One
/// gradient at the model and one compressed message per step, one extra state (Tang, Gan, Zhang, Zhang and Liu,
/// "Communication compression for decentralized training", 2018).
///
///     use topology::ring
///     use algorithm::dcd
///     schedule {
///         topology  ring
///         algorithm dcd(lr = 0.02, q = quantize(8, 1))
///     }
algorithm dcd(lr: scalar = 0.1, q: codec = quantize(8, 1)) {
    requires symmetric, doubly_stochastic, contracting, static, unbiased(q)
    state x = params
    // W x, accumulated from the messages.
    state s = mix(x)
    step {
        let d = compress(s - lr * grad(x) - x, q)
        x <- x + d
        s <- s + mix(d)
    }
}
