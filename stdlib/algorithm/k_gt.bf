/// K-GT, gradient tracking with K local steps x ← x − lr (∇f(x) + c) between messages.
///
/// From x = a, and after K steps d = (a − x) / (K lr), c ← c − d + W d, a ← W (a − η K lr d), x = a. The correction c
/// makes each local step follow the mean gradient of all ranks: all reach the optimum although they communicate only
/// every K-th step. `warm` initialises c from the gradients, which takes a gradient and an average before the first
/// step; without it, c starts at 0, and any training loop can run the algorithm. One gradient at the model per step
/// and one message of two vectors every K-th step, two extra states (Liu, Lin, Koloskova and Stich, "Decentralized
/// gradient tracking with local steps", 2023).
///
///     use topology::ring
///     use algorithm::k_gt
///     schedule {
///         topology  ring
///         algorithm k_gt(lr = 0.05, K = 4)
///     }
algorithm k_gt(lr: scalar = 0.05, eta: real = 1, K: int = 4, warm: bool = true) {
    requires doubly_stochastic, stable
    state x = params
    state anchor = params
    state c = if warm { average(grad(x)) - grad(x) } else { 0 }
    step {
        let y = x - lr * (grad(x) + c)
        if every(K) {
            let d = (anchor - y) / (K * lr)
            c <- c - d + mix(d)
            anchor <- mix(anchor - eta * K * lr * d)
            x <- anchor'
        } else {
            x <- y
        }
    }
}
