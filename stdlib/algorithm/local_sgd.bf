/// Local SGD: x ← x − lr ∇f(x), and every H-th step the average of all ranks.
///
/// Federated averaging with all ranks participating. Between averages, ranks do not communicate and drift towards
/// their own optima, so with a constant step size and different data it ends near the optimum, and farther from it
/// for larger H. One gradient at the model per step and 2(n − 1)/n models every H-th step, on any topology; no extra
/// state (McMahan, Moore, Ramage, Hampson and Agüera y Arcas, "Communication-efficient learning of deep networks from
/// decentralized data", 2017; Stich, "Local SGD converges fast and communicates little", 2019).
///
///     use topology::ring
///     use algorithm::local_sgd
///     schedule {
///         topology  ring
///         algorithm local_sgd(lr = 0.05, H = 16)
///     }
algorithm local_sgd(lr: scalar = 0.1, H: int = 8) {
    state x = params
    step {
        let y = x - lr * grad(x)
        x <- if every(H) { average(y) } else { y }
    }
}
