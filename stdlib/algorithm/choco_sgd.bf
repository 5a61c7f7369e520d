/// CHOCO-SGD: y = x − lr ∇f(x), h ← h + Q(y − h), x ← y + γ (W − I) h.
///
/// Every rank keeps an estimate h of its model that its neighbours share. It sends them the compressed difference to
/// the estimate; the next message includes the error of this one. Any codec works that contracts the error; the more
/// it loses, the smaller γ must be: the default is for the default codec, with which 0.3 diverges. `gamma = best` takes
/// the step size that is proved to contract fastest; larger ones often converge too, and `bfc analyze --simulated`
/// estimates the best from runs. One gradient at the model and one compressed message per step, two extra states
/// (Koloskova, Stich and Jaggi, "Decentralized stochastic optimization and gossip algorithms with compressed
/// communication", 2019).
///
///     use topology::ring
///     use algorithm::choco_sgd
///     schedule {
///         topology  ring
///         algorithm choco_sgd(lr = 0.02, q = top_fraction(1/10))
///     }
algorithm choco_sgd(lr: scalar = 0.1, gamma: real = 0.04, q: codec = top_fraction(1/100)) {
    requires symmetric, doubly_stochastic, contracting, static, contraction(q) > 0
    state x = params
    state h = 0
    // W h, accumulated from the messages.
    state s = 0
    step {
        let y = x - lr * grad(x)
        let d = compress(y - h, q)
        h <- h + d
        s <- s + mix(d)
        x <- y + gamma * (s' - h')
    }
}
