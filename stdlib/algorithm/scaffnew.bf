/// Scaffnew, local SGD without drift (ProxSkip): y = x − lr (∇f(x) − h), x ← J y every H-th step, else y.
///
/// In steps with an average, h ← h + (x' − y) / (H lr). The control variate h removes the drift of `local_sgd`: all
/// ranks reach the optimum itself, and with H about √(L/μ) they communicate that many times less often than they
/// compute. The paper tosses a coin of probability 1/H; here the ranks communicate every H-th step. Write
/// `random(seed, t) < 1 / H` in place of `every(H)` for the coin. One gradient at the model per step and 2(n − 1)/n
/// models every H-th step, on any topology; one extra state (Mishchenko, Malinovsky, Stich and Richtárik, "ProxSkip:
/// yes! Local gradient steps provably lead to communication acceleration! Finally!", 2022).
///
///     use topology::ring
///     use algorithm::scaffnew
///     schedule {
///         topology  ring
///         algorithm scaffnew(lr = 0.05, H = 8)
///     }
algorithm scaffnew(lr: scalar = 0.1, H: int = 8) {
    state x = params
    state h = 0
    step {
        let y = x - lr * (grad(x) - h)
        if every(H) {
            x <- average(y)
            h <- h + (x' - y) / (H * lr)
        } else {
            x <- y
        }
    }
}
