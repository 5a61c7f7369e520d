/// BEER: x ← x + γ (W − I) h − lr v and v ← v + γ (W − I) c + ∇f(x') − ∇f(x), where h ← h + Q(x' − h) and c ← c +
/// Q(v' − c) are the copies of x and v that neighbours hold.
///
/// Gradient tracking with compressed differences: it removes the bias of different data, and what compression loses
/// is sent later, so all ranks reach the optimum itself. The more the codec loses, the smaller γ must be: the default is
/// for the default codec, with which 0.3 diverges. `gamma = best` takes the step size that is proved to contract both
/// fastest. One gradient at the next model and one message of two compressed vectors per step, six extra states (Zhao,
/// Li, Li, Richtárik and Chi, "BEER: fast O(1/T) rate for decentralized nonconvex optimization with communication
/// compression", 2022).
///
///     use topology::ring
///     use algorithm::beer
///     schedule {
///         topology  ring
///         algorithm beer(lr = 0.02, q = top_fraction(1/10))
///     }
algorithm beer(lr: scalar = 0.1, gamma: real = 0.03, q: codec = top_fraction(1/100)) {
    requires symmetric, doubly_stochastic, contracting, static, contraction(q) > 0
    state x = params
    state g = grad(x)
    state v = g
    state h = compress(x, q)
    state c = compress(v, q)
    // W h and W c, accumulated from the messages.
    state hw = mix(h)
    state cw = mix(c)
    step {
        x <- x + gamma * (hw - h) - lr * v
        g <- grad(x')
        v <- v + gamma * (cw - c) + g' - g
        let dh = compress(x' - h, q)
        let dc = compress(v' - c, q)
        h <- h + dh
        c <- c + dc
        hw <- hw + mix(dh)
        cw <- cw + mix(dc)
    }
}
