/// DCD-PSGD: x ← x + Q(W x − lr ∇f(x) − x).
///
/// Difference compression: what is compressed is the change of the model, so that every neighbour knows the model itself
/// and W x needs no other message. The codec must be unbiased and not lose much, for what it loses is never made up for.
/// One gradient at the model and one compressed message a step, one extra state (Tang, Gan, Zhang, Zhang and Liu,
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
    // W x, from what has been sent.
    state s = mix(x)
    step {
        let d = compress(s - lr * grad(x) - x, q)
        x <- x + d
        s <- s + mix(d)
    }
}
